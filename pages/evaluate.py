"""How the chosen model does on labelled images: kept evaluations, new ones, every figure. Works alone."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import begin, frame
from pages.ui.dataset.current import draw_messages
from pages.ui.evaluate import address, choosing, deleting, jobs, sections, starting

choices = frame.open_page(
    "Evaluate",
    "How the model does on labelled images: every figure with its 95% interval and the images it rests on.",
    Right.RESEARCH,
    first=address.take_model,
)
if choices.model is None:
    begin.explain_no_model()
    st.stop()
draw_messages()
address.take(choices.model)
kept = choosing.kept_of(choices.model)
folder = choosing.choose(choices.model, kept)
starting.draw_new(choices.model, is_first=not kept)
jobs.draw_jobs(choices.model)
if folder is not None:
    sections.draw_evaluation(choices.model, folder)
deleting.draw_question()
