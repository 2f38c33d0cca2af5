"""A node in the address of Classify (``/?node=ID``): it is picked, so that its probability and its map are shown."""

from __future__ import annotations

import streamlit as st

from pages.ui import look, state
from pages.ui.address_bar import AddressBar
from pages.ui.resources import Model

NODE = "node"
BAR = AddressBar("classify", (NODE,))


def follow_address(model: Model) -> None:
    """Pick the node that a new address names, and let the address name the one that is picked."""
    query = BAR.news()
    if query:
        BAR.take(query)
        _pick(model, query[NODE])
    BAR.draw_complaints()
    node = state.picked()
    BAR.put({} if node is None else {NODE: node})
    if node is not None and not state.case().images:
        st.caption(f"Picked: **{look.plain(model.taxonomy.node(node).name)}**. Load an image to see its probability.")


def _pick(model: Model, text: str) -> None:
    node = model.taxonomy.find(text)
    if node is None:
        BAR.complain(
            f"**The address names no node of this taxonomy** ({look.plain(text)}). Load an image and search below it."
        )
    else:
        state.pick(node)
