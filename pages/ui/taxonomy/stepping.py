"""Algorithm 1 line by line on the real tree."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from derm_model.errors import DermTreeError
from derm_model.taxonomy import Taxonomy
from derm_model.taxonomy.partition import MODES
from derm_model.taxonomy.recursion import LISTINGS, Trace
from pages.ui import look, resources
from pages.ui.components import trees
from pages.ui.resources import Model
from pages.ui.taxonomy import address, kept, keys
from pages.ui.taxonomy.counting import choose_counts
from pages.ui.taxonomy.lab import positions

HEIGHT_PX = 440
SECOND_LIMIT = 200  # of a second partition: another one than the first, so that there is something to see


def draw(model: Model | None) -> None:
    """Counts and limit, then the run."""
    counted = choose_counts(model)
    if counted is None:
        return
    choose_cut()
    tree = resources.taxonomy()
    try:
        run = kept.run_of(tree, counted.by_node, counted.digest, address.limit(), address.rule())
    except DermTreeError as error:
        st.error(f"**The tree cannot be cut.** {look.plain(str(error))}", icon=":material/error:")
        return
    trees.steps(
        kept.tree_payload(tree),
        listing=[asdict(line) for line in LISTINGS[run.partition.mode]],
        trace=payload(tree, run, counted.digest),
        counts=positions(tree, counted),
        limit=address.limit(),
        height_px=HEIGHT_PX,
        key="taxonomy_steps",
    )
    st.caption(
        "The pseudocode of the paper's Extended Data Table 1 in our words; lines marked “added” make the "
        "practical rule. Every step is worked out by `derm_model.taxonomy.recursion`; it ends in the same classes as a "
        "training with this limit."
    )


def choose_cut(suffix: str = "") -> None:
    """The maxClassSize and the rule as widgets."""
    key, rule = keys.TAXONOMY_LIMIT + suffix, keys.TAXONOMY_RULE + suffix
    # kept under the lab's own keys, which are no widgets there: the widgets are filled from them and write them
    st.session_state.setdefault(key, SECOND_LIMIT if suffix else address.PAPERS_LIMIT)
    st.session_state.setdefault(rule, MODES[0])
    st.session_state[f"{key}_box"], st.session_state[f"{rule}_box"] = st.session_state[key], st.session_state[rule]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "maxClassSize",
            min_value=1,
            max_value=address.HIGHEST_LIMIT,
            step=50,
            key=f"{key}_box",
            on_change=_take,
            args=(key,),
            width=160,
        )
        st.segmented_control(
            "Rule", list(MODES), key=f"{rule}_box", required=True, on_change=_take, args=(rule,), wrap=True
        )


def _take(key: str) -> None:
    st.session_state[key] = st.session_state[f"{key}_box"]


def payload(tree: Taxonomy, run: Trace, digest: str) -> dict[str, Any]:
    """The run as the component wants it: numbers instead of names."""
    found = run.partition
    line_at = {line.number: k for k, line in enumerate(LISTINGS[found.mode])}
    return {
        "id": f"{digest}-{found.max_class_size}-{found.mode}",
        "steps": [
            (line_at[s.line], -1 if s.node is None else tree.index[s.node], s.n_classes, s.n_lost) for s in run.steps
        ],
        "classes": [(tree.index[c.node], c.residual, c.n_images) for c in found.classes],
    }
