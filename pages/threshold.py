"""Move a threshold, see what it costs, keep the one to use. Works alone: Streamlit may open it without app.py."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import begin, frame
from pages.ui.dataset.current import draw_messages
from pages.ui.threshold import address, choosing, drawing

choices = frame.open_page(
    "Threshold desk",
    "Move the threshold and see what it costs in missed disease and in needless alarms.",
    Right.CLASSIFY,
    first=address.take_model,
)
if choices.model is None:
    begin.explain_no_model()
    st.stop()
link = address.take(choices.model)
draw_messages()
desk = choosing.choose(choices.model, link)
if desk is not None:
    drawing.draw_desk(desk)
