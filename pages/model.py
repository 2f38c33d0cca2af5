"""The card of the chosen model, two models side by side, and models that come and go. Works alone."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import begin, frame
from pages.ui.dataset.current import draw_messages
from pages.ui.model import card, comparing, head, importing, managing

choices = frame.open_page(
    "Model",
    "What the chosen model is for, what it learnt from, how good it was and where it ends.",
    Right.CLASSIFY,
    first=importing.take_imported,
)
draw_messages()
if choices.model is None:
    begin.explain_no_model()
    importing.draw_import()
    st.stop()
head.draw_head(choices.model)
view = head.choose_view()
if view == "card":
    card.draw_card(choices.model)
elif view == "compare":
    comparing.draw_compare(choices.model)
else:
    managing.draw_manage(choices.model)
managing.draw_question()
