"""The taxonomy: a forest of diseases, validated once and never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.node import Node
from derm_model.taxonomy.problems import check_problems, find_problems
from derm_model.taxonomy.search import NameIndex

__all__ = ["Node", "Taxonomy"]


class Taxonomy:
    """A forest of nodes in depth-first order, children in the order they were given.

    Parameters
    ----------
    nodes : iterable of Node
        In any order; a parent may come after its children.
    rows : sequence of int, optional
        The row of each node for error messages; 1, 2, 3, ... by default.
    source : str
        How error messages call the tree.

    Attributes
    ----------
    nodes : tuple of Node
        Depth-first; so the descendants of a node follow it without a gap.
    index : mapping of str to int
        Position of each id in `nodes`.
    digest : str
        SHA-256 over id, parent, name and status of all nodes in order, in hex: what a model bundle is bound to.

    Raises
    ------
    TaxonomyError
        Listing every broken rule: ids and names unique, parents known, no circle, statuses known, no empty name.
    """

    nodes: tuple[Node, ...]
    index: Mapping[str, int]
    digest: str

    def __init__(
        self, nodes: Iterable[Node], *, rows: Sequence[int] | None = None, source: str = "the taxonomy"
    ) -> None:
        given = tuple(nodes)
        check_problems(find_problems(given, rows or range(1, len(given) + 1)), source)
        if not given:
            raise TaxonomyError(f"{source} has no nodes; it needs at least one")
        self._children = _children(given)
        self.nodes = _depth_first(given, self._children)
        self.index = MappingProxyType({node.id: position for position, node in enumerate(self.nodes)})
        self._levels = self._count_levels()
        self._ends = self._find_ends()
        self.digest = _digest(self.nodes)

    def __reduce__(self) -> tuple[type[Taxonomy], tuple[tuple[Node, ...]]]:
        return Taxonomy, (self.nodes,)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self.index

    def __repr__(self) -> str:
        return f"<Taxonomy of {len(self.nodes)} nodes, {self.digest[:12]}>"

    def node(self, node_id: str) -> Node:
        """Return the node with this id."""
        return self.nodes[self.position(node_id)]

    def position(self, node_id: str) -> int:
        """Return the place of a node in `nodes`; TaxonomyError for an unknown id."""
        try:
            return self.index[node_id]
        except KeyError:
            raise TaxonomyError(f"the taxonomy has no node {node_id!r}; use an id of the taxonomy file") from None

    def children(self, node_id: str | None) -> tuple[str, ...]:
        """Return the ids of the children in stored order; the roots for None."""
        if node_id is not None:
            self.position(node_id)
        return self._children.get(node_id, ())

    def ancestors(self, node_id: str) -> tuple[str, ...]:
        """Return the ids above a node, nearest first, without the node itself."""
        found = []
        parent = self.node(node_id).parent
        while parent is not None:
            found.append(parent)
            parent = self.node(parent).parent
        return tuple(found)

    def descendants(self, node_id: str) -> tuple[str, ...]:
        """Return the node itself and all nodes below it, depth-first (the paper's DESCENDANTS)."""
        return tuple(node.id for node in self.nodes[self.position(node_id) : self.end(node_id)])

    def end(self, node_id: str) -> int:
        """Return the position just after the last descendant of a node."""
        return self._ends[self.position(node_id)]

    def is_within(self, node_id: str, top: str) -> bool:
        """Whether a node lies at or below `top`."""
        return self.position(top) <= self.position(node_id) < self.end(top)

    def is_leaf(self, node_id: str) -> bool:
        """Whether a node has no children, i.e. is a single disease."""
        return not self.children(node_id)

    def leaves(self, node_id: str | None = None) -> tuple[str, ...]:
        """Return the ids of the leaves at or below a node, or of all, depth-first."""
        within = tuple(self.index) if node_id is None else self.descendants(node_id)
        return tuple(identifier for identifier in within if identifier not in self._children)

    def level(self, node_id: str) -> int:
        """Return the depth of a node: 1 for a root, 2 for its children."""
        return self._levels[self.position(node_id)]

    def at_level(self, node_id: str, level: int) -> str:
        """Return the node's ancestor at a level (1: its root), or the node itself where it is no deeper."""
        if level < 1:
            raise TaxonomyError(f"levels start at 1 (the roots), got {level}")
        line = (node_id, *self.ancestors(node_id))  # the last one is the root
        return line[max(0, len(line) - level)]

    def cut(self, level: int) -> tuple[str, ...]:
        """Return the nodes of one level and the leaves above it: together they cover every leaf exactly once."""
        if level < 1:
            raise TaxonomyError(f"levels start at 1 (the roots), got {level}")
        return tuple(
            node.id
            for node, depth in zip(self.nodes, self._levels, strict=True)
            if depth == level or (depth < level and node.id not in self._children)
        )

    def path(self, node_id: str) -> tuple[str, ...]:
        """Return the names from the root down to the node."""
        return tuple(self.node(step).name for step in (*reversed(self.ancestors(node_id)), node_id))

    def find(self, text: str) -> str | None:
        """Return the id of the node with this id, name or synonym; None when there is none.

        Case, punctuation and spacing do not count.
        """
        return text if text in self.index else self.names.find(text)

    def search(self, text: str, limit: int = 20) -> list[str]:
        """Return ids of nodes with a name or synonym like `text`, best first; small typing errors are forgiven."""
        return self.names.search(text, limit)

    @cached_property
    def names(self) -> NameIndex:
        """All names, synonyms and ids, for `derm_model.taxonomy.search`; made when first asked for."""
        return NameIndex(self.nodes)

    def _count_levels(self) -> tuple[int, ...]:
        levels: list[int] = []
        for node in self.nodes:
            levels.append(1 if node.parent is None else levels[self.index[node.parent]] + 1)
        return tuple(levels)

    def _find_ends(self) -> tuple[int, ...]:
        ends = list(range(1, len(self.nodes) + 1))
        for position in range(len(self.nodes) - 1, -1, -1):
            parent = self.nodes[position].parent
            if parent is not None:
                above = self.index[parent]
                ends[above] = max(ends[above], ends[position])
        return tuple(ends)


def _children(nodes: Iterable[Node]) -> dict[str | None, tuple[str, ...]]:
    gathered: dict[str | None, list[str]] = {}
    for node in nodes:
        gathered.setdefault(node.parent, []).append(node.id)
    return {parent: tuple(ids) for parent, ids in gathered.items()}


def _depth_first(nodes: Iterable[Node], children: Mapping[str | None, Sequence[str]]) -> tuple[Node, ...]:
    by_id = {node.id: node for node in nodes}
    ordered: list[Node] = []
    waiting = list(reversed(children.get(None, ())))
    while waiting:
        current = waiting.pop()
        ordered.append(by_id[current])
        waiting.extend(reversed(children.get(current, ())))
    return tuple(ordered)


def _digest(nodes: Iterable[Node]) -> str:
    digest = hashlib.sha256()
    for node in nodes:
        for field in (node.id, node.parent or "", node.name, node.malignancy_status or ""):
            digest.update(field.encode() + b"\x1f")
        digest.update(b"\x1e")
    return digest.hexdigest()
