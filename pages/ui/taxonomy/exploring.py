"""The whole tree, a search with typing tolerance, and the page of a node."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.taxonomy import Resolution
from derm_model.taxonomy.search import search
from pages.ui import access, look, resources
from pages.ui.components import trees
from pages.ui.resources import Model
from pages.ui.taxonomy import address, kept, keys, node_page
from pages.ui.taxonomy.counting import choose_counts

HEIGHT_PX = 620
HITS = 10
LETTERS = {Resolution.RESOLVED: "r", Resolution.FINER_THAN_MODEL: "f", Resolution.NO_CLASS: "n"}


def draw(model: Model | None) -> None:
    """Search, tree, node."""
    _search()
    node = st.session_state.get(keys.TAXONOMY_NODE)
    tree = resources.taxonomy()
    trees.explorer(
        kept.tree_payload(tree),
        leaves=kept.n_leaves(tree),
        images=None,
        resolution=None if model is None else "".join(LETTERS[model.aggregator.resolution(n.id)] for n in tree.nodes),
        picked=-1 if node is None else tree.position(node),
        height_px=HEIGHT_PX,
        label="Tree of diseases. Arrow keys move, Enter opens a node, Escape zooms out.",
        key=keys.TAXONOMY_TREE,
        on_pick=_pick,
    )
    if node is None:
        st.caption(
            f"{words.count(len(tree.nodes))} nodes: each box is a node, as high as it has diseases. Press a box to "
            "zoom in and read about it, a name above the tree to zoom out. No dermatologist has reviewed the tree."
        )
        return
    with st.container(key="taxonomy_page"):
        node_page.draw(node, model)
    with st.expander(
        "Images of this node", icon=":material/photo_library:", key="taxonomy_images", on_change="rerun"
    ) as fold:
        if fold.open:
            counted = choose_counts(model)
            if counted is not None:
                node_page.draw_counts(node, counted)


def _pick() -> None:
    position = st.session_state[keys.TAXONOMY_TREE].get("picked")
    nodes = resources.taxonomy().nodes
    if isinstance(position, int) and 0 <= position < len(nodes):
        address.show_node(nodes[position].id)


@access.fragment
def _search() -> None:
    """Search while typing; only this fragment runs until something is chosen."""
    tree = resources.taxonomy()
    text = st.text_input(
        f"Search {words.count(len(tree.nodes))} diseases and groups by name or synonym",
        placeholder="For example: basal cell, Bowen, mole; small typing errors are forgiven",
        key=keys.TAXONOMY_SEARCH,
        type="search",
        live="250ms",
    )
    if not text:
        return
    hits = search(tree, text, HITS)
    if not hits:
        st.caption("Nothing like it in the taxonomy. Try another spelling or a broader name.")
        return
    with st.container(key="taxonomy_hits", gap="xxsmall"):
        for hit in hits:
            path = tree.path(hit.node)
            by = f" ({look.plain(hit.text)})" if hit.source == "synonym" else ""
            group = f" · {look.plain(path[-2])}" if len(path) > 1 else ""
            label = f"{look.plain(path[-1])}{by}{group}"
            if st.button(label, key=f"taxonomy_hit_{hit.node}", type="tertiary", icon=":material/arrow_right:"):
                address.show_node(hit.node)
                st.rerun()
