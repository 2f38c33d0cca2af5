"""Import, problems, duplicates, quality and splits of a collection, as one flow whose state is on disk. Works alone."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import frame, job_panel
from pages.ui.dataset import current, duplicates, importing, problems, quality, splits

choices = frame.open_page(
    "Data",
    "Import images with their labels, find duplicates, check quality, and make splits that no group straddles.",
    Right.RESEARCH,
)
current.draw_messages()
workspace = current.choose_workspace()
if workspace is None:
    st.stop()
job_panel.draw_jobs(workspace)
curation = current.load(workspace)
if curation is None:
    st.stop()

step = current.choose_step(curation)
if step == "import":
    importing.draw_import(curation)
elif step == "problems":
    problems.draw_problems(curation)
elif step == "duplicates":
    duplicates.draw_duplicates(curation, choices.model)
elif step == "quality":
    quality.draw_quality(curation)
else:
    splits.draw_splits(curation)
