"""Trainings: a form with its preview, the list of runs with live curves, and several runs compared. Works alone."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import frame
from pages.ui.dataset import current
from pages.ui.train import actions, compare, deleting, form, jobs

frame.open_page(
    "Train",
    "Fine-tune the network on your images. Jobs run on their own: closing this page does not stop them.",
    Right.RESEARCH,
)
current.draw_messages()
runs = actions.store().list()
left, right = st.columns([3, 2], gap="large")  # the more urgent column first: they stack on a phone
with left:
    jobs.draw_jobs(runs)
    compare.draw_compare(runs)
with right:
    form.draw_form()
deleting.draw_question()
