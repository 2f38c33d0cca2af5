"""Links to other pages, which also work where a page was opened without app.py."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException


def draw_page_link(page: str, label: str, icon: str) -> None:
    """A link to ``pages/PAGE.py``."""
    try:
        st.page_link(f"pages/{page}.py", label=label, icon=icon)
    except (StreamlitAPIException, KeyError):  # without app.py there is no table of pages
        st.markdown(f"[{label}](/{page})")
