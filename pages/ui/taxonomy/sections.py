"""The sections of the page, one at a time."""

from __future__ import annotations

import streamlit as st

from pages.ui import state
from pages.ui.resources import Model
from pages.ui.taxonomy import address, comparing, exploring, inferring, keys, lab, own, stepping

SECTIONS = {
    "explore": ("Explore", exploring.draw),
    "lab": ("Partition lab", lab.draw),
    "steps": ("Step through", stepping.draw),
    "compare": ("Compare partitions", comparing.draw),
    "inference": ("Inference", inferring.draw),
    "own": ("Own taxonomies", own.draw),
}


def draw(model: Model | None) -> None:
    """The choice of a section, and the section."""
    address.take(tuple(SECTIONS))
    st.session_state.setdefault(keys.TAXONOMY_SECTION, "explore")
    state.drop_unless(keys.TAXONOMY_SECTION, SECTIONS)
    with st.container():
        section = st.segmented_control(
            "Section",
            list(SECTIONS),
            format_func=lambda name: SECTIONS[name][0],
            key=keys.TAXONOMY_SECTION,
            required=True,
            wrap=True,
            label_visibility="collapsed",
            persist_state="session",
        )
    section = section or "explore"
    with st.container(key=f"section_{section}"):
        SECTIONS[section][1](model)
    address.put(section)
