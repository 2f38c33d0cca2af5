"""Pick any node of the taxonomy: by typing, or by clicking the tree."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.answer import tree_slices
from pages.ui import access, look, state
from pages.ui.resources import Model

HITS = 8


def draw_picker(model: Model, probs: NDArray[np.float64]) -> None:
    """Search box and tree, folded."""
    with st.expander(
        "Pick any node of the taxonomy", icon=":material/account_tree:", key="picker", on_change="rerun"
    ) as fold:
        if not fold.open:
            return
        _search(model)
        _tree(model, probs)


@access.fragment
def _search(model: Model) -> None:
    """Search while typing; only this fragment reruns until something is picked."""
    text = st.text_input(
        f"Search {words.count(len(model.taxonomy.nodes))} diagnoses and groups by name or synonym",
        placeholder="For example: basal cell, Bowen, mole",
        key=state.SEARCH,
        type="search",
        live="250ms",
    )
    if not text:
        return
    hits = model.taxonomy.search(text, limit=HITS)
    if not hits:
        st.caption("Nothing like it in the taxonomy. Try another spelling or a broader name.")
    else:
        st.caption("Press a name to pick it.")
    for node in hits:
        path = model.taxonomy.path(node)
        group = f" · {look.plain(path[-2])}" if len(path) > 1 else ""
        label = f"{look.plain(path[-1])}{group}"
        icon = ":material/arrow_right:"
        if st.button(label, key=f"hit_{node}", type="tertiary", icon=icon, on_click=state.pick, args=(node,)):
            st.rerun()  # the whole page: rows, map and tree follow


def _tree(model: Model, probs: NDArray[np.float64]) -> None:
    from derm_model.figures.tree import plot_icicle  # plotly: not before there is something to draw

    slices = tree_slices(model.taxonomy, model.aggregator, model.card.classes, probs)
    resolved = [s.answer for s in slices if s.answer.probability is not None and s.parent is None]
    alt = "Tree of diagnoses: " + ", ".join(f"{a.name} {words.percent(a.probability or 0)}" for a in resolved)
    st.plotly_chart(
        plot_icicle(slices, state.picked(), look.palette()),
        theme=None,
        key=state.TREE,
        on_select=_pick_from_tree,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=alt,
    )
    st.caption(
        "Click a box to pick it. Width is probability; gray boxes were not learnt. Rows and search pick as well."
    )


def _pick_from_tree() -> None:
    points = st.session_state[state.TREE]["selection"]["points"]
    if points and (node := points[0].get("id")) not in (None, "", "all"):
        state.pick(node)
