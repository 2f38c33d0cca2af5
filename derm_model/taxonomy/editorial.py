"""Editorial care of a taxonomy: what a dermatologist should look at, found by rule. A finding is no error.

The rules look for what makes a tree of diseases untidy without making it invalid: two entries that may be one disease,
branches of very uneven grain, and names that say what is seen instead of what it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from statistics import median

from derm_model.taxonomy.abbreviations import plain, singular
from derm_model.taxonomy.reading import ASSETS
from derm_model.taxonomy.tree import Taxonomy

MANY_CHILDREN = 40  # more than a page of a list; whoever looks for one of them looks twice
UNEVEN = 10  # times the median number of diseases of the groups beside it
FEWEST_SIBLINGS = 3  # fewer have no median worth the name

# kind -> what it means; the table of docs/taxonomy.md is this one
KINDS: Mapping[str, str] = {
    "same disease": "two nodes that textbooks use as names of one disease (assets/taxonomy/same_disease.csv)",
    "duplicate": "two nodes with the same words, in another order, number, spelling or with an eponym's ending",
    "variant words": "two nodes whose names differ only by words such as skin, cutaneous, disease",
    "only child": "a group with a single entry",
    "many children": f"more than {MANY_CHILDREN} entries in one group",
    "mixed children": "a group that holds diseases beside groups (other than those not otherwise specified)",
    "shallow disease": "a disease directly below a root",
    "uneven groups": f"a group with {UNEVEN} times as many diseases as is usual among its siblings, or more",
    "finding": "a name that says what is seen, not what it is",
}

_FILLER_WORDS = "a an and the of on in with to or by from type cutaneous skin disease disorder dermatosis cutis common"
# what an examiner sees or a patient feels; a disease may be called so only with its cause
_FINDING_WORDS = (
    "sign phenomenon deformity petechia blister ulcer desquamation pruritus edema erosion excoriation crust scale "
    "fissure papule nodule macule plaque pustule vesicle bulla itch pain finding dimple pit ridging discoloration "
    "pigmentation hyperkeratosis granulation scaling xerosis flushing telangiectasia scar"
)
_QUALIFIER_WORDS = "other unspecified specified otherwise not nos acquired generalized localized physiologic"
_FILLERS, _FINDINGS = frozenset(_FILLER_WORDS.split()), frozenset(_FINDING_WORDS.split())
_QUALIFIERS = frozenset(_QUALIFIER_WORDS.split())


@dataclass(frozen=True)
class Finding:
    """Something to look at.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    nodes : tuple of str
        Ids of the nodes concerned, the first in the tree first.
    message : str
        What was found.
    """

    kind: str
    nodes: tuple[str, ...]
    message: str

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What a judgement refers to."""
        return self.kind, self.nodes

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def find_editorial(taxonomy: Taxonomy) -> tuple[Finding, ...]:
    """Return what the rules find, by kind as in `KINDS`, then in the order of the tree."""
    found = [*_same_disease(taxonomy), *_duplicates(taxonomy), *_grain(taxonomy), *_findings(taxonomy)]
    place = list(KINDS).index
    return tuple(sorted(found, key=lambda f: (place(f.kind), taxonomy.position(f.nodes[0]))))


def judgements(path: Path | None = None) -> dict[tuple[str, tuple[str, ...]], str]:
    """Findings of the shipped tree that were looked at and left as they are, with the reason (editorial.csv)."""
    with (path or ASSETS / "editorial.csv").open(encoding="utf-8", newline="") as file:
        return {(row["kind"], tuple(row["nodes"].split("|"))): row["reason"] for row in csv.DictReader(file)}


def _same_disease(taxonomy: Taxonomy) -> Iterator[Finding]:
    for names in _known_names():
        owners: dict[str, str] = {}
        for name in names:
            node = taxonomy.find(name)
            if node is not None:
                owners.setdefault(node, name)
        if len(owners) > 1:
            nodes = tuple(sorted(owners, key=taxonomy.position))
            message = " and ".join(f"{owners[node]!r} ({node})" for node in nodes) + " are one disease"
            yield Finding("same disease", nodes, message)


@lru_cache(maxsize=1)
def _known_names() -> tuple[tuple[str, ...], ...]:
    with (ASSETS / "same_disease.csv").open(encoding="utf-8", newline="") as file:
        return tuple(tuple(row["names"].split("|")) for row in csv.DictReader(file))


def _duplicates(taxonomy: Taxonomy) -> Iterator[Finding]:
    """Pairs of nodes, neither below the other, that share a name or synonym once words are brought to one form."""
    exact: dict[tuple[str, ...], dict[str, str]] = {}
    loose: dict[tuple[str, ...], dict[str, str]] = {}
    for node in taxonomy.nodes:
        for text in (node.name, *node.synonyms):
            words = _word_set(text)
            exact.setdefault(words, {}).setdefault(node.id, text)
            loose.setdefault(tuple(word for word in words if word not in _FILLERS), {}).setdefault(node.id, text)
    reported: set[tuple[str, str]] = set()
    for kind, owners in (("duplicate", exact), ("variant words", loose)):
        for words, texts in owners.items():
            if not words:
                continue
            for first, second in combinations(sorted(texts, key=taxonomy.position), 2):
                if (first, second) in reported or taxonomy.is_within(second, first):
                    continue
                reported.add((first, second))
                message = f"{texts[first]!r} of {first} and {texts[second]!r} of {second}"
                yield Finding(kind, (first, second), message)


def _grain(taxonomy: Taxonomy) -> Iterator[Finding]:
    for node in taxonomy.nodes:
        children = taxonomy.children(node.id)
        if not children:
            if taxonomy.level(node.id) == 2:
                yield Finding("shallow disease", (node.id,), f"{node.name} is a disease directly below a root")
            continue
        if len(children) == 1:
            yield Finding("only child", (node.id, *children), f"{node.name} holds {children[0]} alone")
        if len(children) > MANY_CHILDREN:
            yield Finding("many children", (node.id,), f"{node.name} has {len(children)} entries")
        groups = [child for child in children if not taxonomy.is_leaf(child)]
        beside = [c for c in children if taxonomy.is_leaf(c) and not _is_unspecified(taxonomy.node(c).name)]
        if groups and beside:
            message = f"{node.name} holds {len(groups)} groups and beside them {', '.join(beside)}"
            yield Finding("mixed children", (node.id, *beside), message)
        if len(groups) >= FEWEST_SIBLINGS:
            sizes = {group: len(taxonomy.leaves(group)) for group in groups}
            usual = median(sizes.values())
            for group, size in sizes.items():
                if size >= UNEVEN * usual:
                    message = f"{taxonomy.node(group).name} has {size} diseases, {usual:g} are usual beside it"
                    yield Finding("uneven groups", (group,), message)


def _findings(taxonomy: Taxonomy) -> Iterator[Finding]:
    for node_id in taxonomy.leaves():
        name = taxonomy.node(node_id).name
        words = [word for word in _word_set(name) if word not in _QUALIFIERS | _FILLERS]
        if words and (set(words) & {"sign", "phenomenon", "deformity"} or all(word in _FINDINGS for word in words)):
            yield Finding("finding", (node_id,), f"{name} says what is seen")


def _word_set(text: str) -> tuple[str, ...]:
    """Words in one form, in alphabetical order, each once: plural, spelling and the possessive of eponyms are gone."""
    folded = singular(plain(text))
    return tuple(sorted(set(folded.split())))


def _is_unspecified(name: str) -> bool:
    words = plain(name)
    return words.endswith("not otherwise specified") or words.endswith("other") or words.startswith("other ")
