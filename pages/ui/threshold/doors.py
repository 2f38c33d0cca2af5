"""The way from Classify to the desk, with the threshold in force."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.ui.question import Question
from pages.ui.threshold.sources import VALIDATION

LABEL = "Weigh this threshold on the threshold desk"


def draw_desk_link(question: Question) -> None:
    """Link to the desk as it looks at this threshold; works where a page was opened without app.py, too."""
    query = {
        "model": question.model.card.bundle_id,
        "question": question.classes.task.id,
        "threshold": repr(question.threshold),
    }
    if question.presets_in_force and question.saved_in_force is None:
        query["chosen"] = VALIDATION
    try:
        st.page_link("pages/threshold.py", label=LABEL, icon=":material/tune:", query_params=query)
    except (StreamlitAPIException, KeyError):  # without app.py there is no table of pages
        st.markdown(f"[{LABEL}](/threshold?{urlencode(query)})")
