"""The way from Classify to the lab, with the image and what its map explains."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

from derm_model.taxonomy import TaskClasses
from pages.ui.reading import Explain, Gradient
from pages.ui.resources import Model
from pages.ui.saliency.address import IMAGE, MODEL, query_of
from pages.ui.saliency.wish import Kind, Wish

LABEL = "Open in the saliency lab"


def draw_lab_link(
    model: Model, shown: int, explain: Explain, gradient: Gradient, task: TaskClasses | None, node: str | None
) -> None:
    """Link to the lab as it looks at this image; works where a page was opened without app.py, too."""
    wish = Wish(Kind.PREDICTED, of=gradient.value)
    if explain is Explain.QUESTION and task is not None:
        wish = Wish(Kind.QUESTION, task_id=task.task.id, of=gradient.value)
    elif explain is Explain.PICKED and node is not None:
        wish = Wish(Kind.NODE, node, of=gradient.value)
    query = {MODEL: model.card.bundle_id, **query_of(wish), IMAGE: str(shown + 1)}
    try:
        st.page_link("pages/saliency.py", label=LABEL, icon=":material/flare:", query_params=query)
    except (StreamlitAPIException, KeyError):  # without app.py there is no table of pages
        st.markdown(f"[{LABEL}](/saliency?{urlencode(query)})")
