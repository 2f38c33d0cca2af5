"""Router of DermTree: the table of pages. No widget, no state, no model."""

from __future__ import annotations

import streamlit as st

from pages.ui import frame

frame.configure()  # first of all commands, or a page's icon becomes the favicon and is fetched from a font host
PAGES = {
    "Read": [
        st.Page("pages/classify.py", title="Classify", icon=":material/center_focus_strong:", default=True),
        st.Page("pages/threshold.py", title="Threshold desk", icon=":material/tune:"),
        st.Page("pages/saliency.py", title="Saliency", icon=":material/flare:"),
    ],
    "Research": [
        st.Page("pages/dataset.py", title="Data", icon=":material/dataset:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/query_stats:"),
        st.Page("pages/model.py", title="Model", icon=":material/id_card:"),
    ],
}
st.navigation(PAGES).run()
