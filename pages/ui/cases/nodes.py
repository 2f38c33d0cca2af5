"""Choose a diagnosis: type a name or synonym, then take one of those that fit."""

from __future__ import annotations

import streamlit as st

from derm_model.taxonomy import Taxonomy
from pages.ui import look, state

HITS = 6


def choose_node(taxonomy: Taxonomy, label: str, search_key: str, node_key: str) -> str | None:
    """Id of the chosen node; None while nothing fits or nothing is typed."""
    text = st.text_input(
        label, key=search_key, type="search", live="250ms", placeholder="For example: basal cell, Bowen, mole"
    )
    if not text:
        return None
    hits = taxonomy.search(text, limit=HITS)
    if not hits:
        st.caption("Nothing like it in the taxonomy. Try another spelling or a broader name.")
        return None
    state.drop_unless(node_key, hits)
    chosen: str = st.radio("Which of them", hits, format_func=lambda node: node_in_words(taxonomy, node), key=node_key)
    return chosen


def chosen_node(taxonomy: Taxonomy, search_key: str, node_key: str) -> str | None:
    """What the two widgets of `choose_node` say now: a press may come together with another word."""
    text, chosen = st.session_state.get(search_key), st.session_state.get(node_key)
    return chosen if text and chosen in taxonomy.search(text, limit=HITS) else None


def node_in_words(taxonomy: Taxonomy, node: str) -> str:
    """Name with the group above it; the id of a node that this taxonomy does not know."""
    if node not in taxonomy:
        return look.plain(node)
    path = taxonomy.path(node)
    return look.plain(path[-1]) + (f" · {look.plain(path[-2])}" if len(path) > 1 else "")
