"""What differs between two taxonomies, node by node: what an editor changed, and what a model bundle has to survive."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from derm_model.taxonomy.node import Node
from derm_model.taxonomy.tree import Taxonomy

# kind of change -> how a text says it; in the order in which changes are listed
KINDS: Mapping[str, str] = {
    "added": "added",
    "removed": "removed",
    "renamed": "renamed",
    "moved": "moved to another parent",
    "status": "malignancy status changed",
    "synonyms": "synonyms changed",
    "details": "ICD-10 hint or evidence tier changed",
    "reordered": "children in another order",
}
COLUMNS = ("kind", "node", "name", "before", "after")


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    node : str
        Its id; of "reordered" the parent's, "" for the roots.
    name : str
        Its name in the new tree, of a removed node in the old one.
    before, after : str
        What changed: names, ids of parents ("" for a root), statuses, synonyms or children separated by ``|``. Of a
        node that was added or removed its parent; "" where there is nothing.
    """

    kind: str
    node: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        before, after = self.before or "nothing", self.after or "nothing"
        name = f"{self.name} ({self.node})" if self.node else "the roots"
        if self.kind == "added":
            return f"{name}: added below {self.after or 'no parent'}"
        if self.kind == "removed":
            return f"{name}: removed from below {self.before or 'no parent'}"
        return f"{name}: {KINDS[self.kind]}, {before} -> {after}"


@dataclass(frozen=True)
class Difference:
    """All changes from one tree to another.

    Attributes
    ----------
    old_digest, new_digest : str
        May be equal although there are changes: synonyms, ICD-10 hints and tiers are no part of a digest.
    changes : tuple of Change
        By kind as in `KINDS`, then in the order of the tree.
    """

    old_digest: str
    new_digest: str
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Changes of each kind that occurs, in the order of `KINDS`."""
        counted = Counter(change.kind for change in self.changes)
        return {kind: counted[kind] for kind in KINDS if counted[kind]}

    def to_text(self) -> str:
        """Return lines for people: a summary, then the changes."""
        trees = f"{self.old_digest[:12]} -> {self.new_digest[:12]}"
        if not self.changes:
            return f"{trees}: no difference\n"
        summary = ", ".join(f"{count} {KINDS[kind]}" for kind, count in self.counts.items())
        return "\n".join([f"{trees}: {summary}", *map(str, self.changes)]) + "\n"

    def to_csv(self) -> str:
        """Return a table with the columns kind, node, name, before, after."""
        file = io.StringIO()
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(asdict(change) for change in self.changes)
        return file.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return the difference as JSON-ready data."""
        return {"old": self.old_digest, "new": self.new_digest, "changes": [asdict(change) for change in self.changes]}


def compare_taxonomies(old: Taxonomy, new: Taxonomy) -> Difference:
    """Compare two trees; a node is the same node where its id is.

    Notes
    -----
    The order of children is compared among those that stand below the same parent in both trees: it is the order of a
    partition's classes, and so of a network's outputs.
    """
    both = [node.id for node in new.nodes if node.id in old]
    found = [
        *(Change("added", node.id, node.name, "", node.parent or "") for node in new.nodes if node.id not in old),
        *(Change("removed", node.id, node.name, node.parent or "", "") for node in old.nodes if node.id not in new),
        *(change for node_id in both for change in _field_changes(old.node(node_id), new.node(node_id))),
        *_reordered(old, new),
    ]
    place = list(KINDS).index
    return Difference(old.digest, new.digest, tuple(sorted(found, key=lambda change: place(change.kind))))


def _field_changes(old: Node, new: Node) -> Iterator[Change]:
    fields = {
        "renamed": (old.name, new.name),
        "moved": (old.parent or "", new.parent or ""),
        "status": (old.malignancy_status or "", new.malignancy_status or ""),
        "synonyms": ("|".join(old.synonyms), "|".join(new.synonyms)),
        "details": (_details(old), _details(new)),
    }
    for kind, (before, after) in fields.items():
        if before != after:
            yield Change(kind, new.id, new.name, before, after)


def _details(node: Node) -> str:
    named = (("ICD-10", node.icd10), ("tier", node.tier))
    return ", ".join(f"{label} {value}" for label, value in named if value)


def _reordered(old: Taxonomy, new: Taxonomy) -> Iterator[Change]:
    for parent in (None, *(node.id for node in new.nodes if node.id in old)):
        before, after = old.children(parent), new.children(parent)
        common = set(before) & set(after)
        kept = [child for child in before if child in common]
        now = [child for child in after if child in common]
        if kept != now:
            name = "" if parent is None else new.node(parent).name
            yield Change("reordered", parent or "", name, "|".join(kept), "|".join(now))
