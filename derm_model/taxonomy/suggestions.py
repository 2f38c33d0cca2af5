"""What a label of a data set may mean in the taxonomy: ranked suggestions for whoever writes a crosswalk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from derm_model.taxonomy.abbreviations import ABBREVIATIONS, plain, singular
from derm_model.taxonomy.crosswalk import Crosswalk
from derm_model.taxonomy.node import fold
from derm_model.taxonomy.tree import Taxonomy

MIN_SCORE = 0.55  # below it the SD-198 and SCIN labels were suggested diseases that share an everyday word only
_SEPARATORS = re.compile(r"[:>;|]+")  # of the levels of a path; a comma belongs to a name
_CODES = re.compile(r"\b[a-z]\d{2}(?:\.\d+)?\b", re.IGNORECASE)  # ICD-10
# words that say how sure or how many, not what
_FILLER_WORDS = (
    "a an and the of on in with to or by type types other others disease diagnosis dx lesion lesions skin cutaneous "
    "probable possible suspected unspecified nos specified single multiple group class category "
    "left right"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
_UNSPECIFIED = "not otherwise specified"
_EVERYDAY = frozenset(("an", "en", "ten"))  # abbreviations only where they are the whole label


@dataclass(frozen=True)
class Suggestion:
    """A node a label may stand for.

    Attributes
    ----------
    node : str
    score : float
        0 to 1; 1 where the label is its name, a synonym or an abbreviation.
    why : str
        In words.
    """

    node: str
    score: float
    why: str


def suggest(
    taxonomy: Taxonomy, label: str, limit: int = 5, crosswalk: Crosswalk | None = None
) -> tuple[Suggestion, ...]:
    """Nodes a label may stand for, best first; () where nothing resembles it.

    Parameters
    ----------
    taxonomy : Taxonomy
    label : str
        As the data set writes it; of a path its finest level counts.
    limit : int
        Most suggestions.
    crosswalk : Crosswalk, optional
        What other data sets mean by the same label is suggested, too.
    """
    best: dict[str, Suggestion] = {}
    for found in (*_named(taxonomy, label), *_elsewhere(label, crosswalk), *_similar(taxonomy, label)):
        if found.node not in best or found.score > best[found.node].score:
            best[found.node] = found
    ordered = sorted(best.values(), key=lambda s: (-s.score, taxonomy.position(s.node)))
    return tuple(ordered[: max(0, limit)])


def _named(taxonomy: Taxonomy, label: str) -> list[Suggestion]:
    finest = _finest(label)
    short = ABBREVIATIONS.get(plain(finest))
    tries = (
        (label, "its name or synonym"),
        (finest, "its name or synonym"),
        (short, f"abbreviation of {short}"),
    )
    found = [(taxonomy.find(text), why) for text, why in tries if text]
    return [Suggestion(node, 1.0, why) for node, why in found if node is not None]


def _elsewhere(label: str, crosswalk: Crosswalk | None) -> list[Suggestion]:
    if crosswalk is None:
        return []
    meanings = {**crosswalk.meanings.get(fold(_finest(label)), {}), **crosswalk.meanings.get(fold(label), {})}
    return [
        Suggestion(node, 0.95, f"the same label of {', '.join(data_sets[:3])}") for node, data_sets in meanings.items()
    ]


def _similar(taxonomy: Taxonomy, label: str) -> list[Suggestion]:
    from rapidfuzz import fuzz, process

    query = _words(_finest(label))
    if not query:
        return []
    names = _names(taxonomy)
    texts = [text for text, _, _ in names]
    # words in any order, and at a discount words that are only part of a longer name
    whole = process.cdist([query], texts, scorer=fuzz.token_sort_ratio)[0]
    part = process.cdist([query], texts, scorer=fuzz.token_set_ratio)[0]
    scores = (0.75 * whole + 0.25 * part) / 100
    found: dict[str, Suggestion] = {}
    for score, (_, node, written) in zip(scores.tolist(), names, strict=True):
        score = min(round(score, 3), 0.99)
        if score >= MIN_SCORE and (node not in found or score > found[node].score):
            found[node] = Suggestion(node, score, f"like {written!r}")
    return list(found.values())


def _finest(label: str) -> str:
    parts = [part.strip() for part in _SEPARATORS.split(_CODES.sub(" ", label)) if part.strip()]
    return parts[-1] if parts else label


def _words(text: str) -> str:
    words = [word if word in _EVERYDAY else ABBREVIATIONS.get(word, word) for word in plain(text).split()]
    whole = " ".join(map(plain, words)).replace(_UNSPECIFIED, "")  # a "not" by itself changes what is meant
    kept = [word for word in singular(whole).split() if word not in _FILLERS]
    return " ".join(dict.fromkeys(kept))


@lru_cache(maxsize=4)
def _names(taxonomy: Taxonomy) -> Sequence[tuple[str, str, str]]:
    """(words compared, node, name as written) of every name and synonym."""
    found = [
        (_words(text), node.id, text) for node in taxonomy.nodes for text in dict.fromkeys((node.name, *node.synonyms))
    ]
    return tuple(entry for entry in found if entry[0])
