"""Small trees for tests: by hand, from nested dicts, and random ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from derm_model.taxonomy import Node, Taxonomy

SKIN: dict[str, Any] = {
    "benign": {"melanocytic": {"blue nevus": {}, "halo nevus": {}}, "epidermal": {"keratosis": {}, "milia": {}}},
    "malignant": {"melanoma": {"nodular": {}, "lentigo": {}}, "carcinoma": {}},
}


def tree(nested: Mapping[str, Any] = SKIN) -> Taxonomy:
    """A taxonomy from nested dicts; id and name are the key."""
    nodes: list[Node] = []

    def add(children: Mapping[str, Any], parent: str | None) -> None:
        for name, below in children.items():
            nodes.append(Node(name, name, parent))
            add(below, name)

    add(nested, None)
    return Taxonomy(nodes)


@st.composite
def taxonomies(draw: st.DrawFn, max_nodes: int = 30) -> Taxonomy:
    """Random forests: every node but the first hangs on an earlier one or is a root."""
    n_nodes = draw(st.integers(1, max_nodes))
    nodes = [Node("n0", "node 0")]
    for number in range(1, n_nodes):
        parent = draw(st.integers(-1, number - 1))
        nodes.append(Node(f"n{number}", f"node {number}", None if parent < 0 else f"n{parent}"))
    return Taxonomy(nodes)


@st.composite
def counted_taxonomies(draw: st.DrawFn) -> tuple[Taxonomy, dict[str, int]]:
    """A random forest and image counts for its nodes, at least one image in all."""
    taxonomy = draw(taxonomies())
    counts = {node.id: draw(st.integers(0, 20)) for node in taxonomy.nodes}
    counts[draw(st.sampled_from(sorted(counts)))] += 1
    return taxonomy, counts
