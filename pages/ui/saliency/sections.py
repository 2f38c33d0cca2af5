"""Below the maps: whether one can be believed, asking the image, and many images; one section at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import state
from pages.ui.case import CaseImage
from pages.ui.resources import Model
from pages.ui.saliency import asking, believing, keys, many
from pages.ui.saliency.grid import Panel
from pages.ui.saliency.wish import Wish

if TYPE_CHECKING:
    from derm_model.net.engine import Engine
    from derm_model.net.saliency.method import Pace, Settings

BELIEVE, ASK, MANY = "believe", "ask", "many"
SECTIONS = {BELIEVE: "Can it be believed", ASK: "Ask the image", MANY: "Many images"}


def draw_sections(
    model: Model,
    engine: Engine,
    image: CaseImage,
    wish: Wish,
    panels: Sequence[Panel],
    settings: Settings,
    pace: Pace | None,
) -> None:
    """The chosen one."""
    state.drop_unless(keys.SALIENCY_SECTION, SECTIONS)
    st.session_state.setdefault(keys.SALIENCY_SECTION, BELIEVE)
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        format_func=SECTIONS.__getitem__,
        key=keys.SALIENCY_SECTION,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    with st.container(key=f"saliency_section_{section}"):
        if section == ASK:
            asking.draw_asking(model, engine, image)
        elif section == MANY:
            many.draw_many(model, engine, wish, settings)
        else:
            believing.draw_belief(engine, image, panels, pace)
