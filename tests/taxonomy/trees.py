"""Small trees for tests: by hand, from nested dicts, and random ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from derm_model.taxonomy import Node, Taxonomy
from derm_model.taxonomy.node import MALIGNANCY_STATUSES

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


ODD_LETTERS = st.characters(
    exclude_categories=("Cs", "Cn", "Cc"), exclude_characters="|", include_characters="\t\r\n\"',;\\&<>#%"
)


@st.composite
def file_taxonomies(draw: st.DrawFn, max_nodes: int = 20) -> Taxonomy:
    """Random trees that a file may hold, with whatever characters: quotes, line breaks, all scripts."""
    n_nodes = draw(st.integers(2, max_nodes))
    ids = draw(st.lists(st.from_regex(r"i[A-Ya-y0-9._-]{0,6}", fullmatch=True), min_size=n_nodes, max_size=n_nodes))
    parents = [None if number == 0 else draw(st.integers(0, number - 1)) for number in range(n_nodes)]
    nodes: list[Node] = []
    for number, (node_id, parent) in enumerate(zip(ids, parents, strict=True)):
        texts = draw(st.lists(st.text(ODD_LETTERS, max_size=8), min_size=1, max_size=4))
        # what two nodes must not share ends in a word of its own; no id holds a z
        name, *synonyms = (f"{text} z{number}z{place}".strip() for place, text in enumerate(texts))
        status = draw(st.sampled_from([None, *MALIGNANCY_STATUSES]))
        code, tier = draw(st.sampled_from([None, "C44.3"])), draw(st.sampled_from([None, "A", "B"]))
        above = None if parent is None else nodes[parent].id
        nodes.append(Node(f"{node_id}.z{number}", name, above, tuple(synonyms), status, code, tier))
    return Taxonomy(nodes)
