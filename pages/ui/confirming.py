"""The answer to a question before something is deleted: the safe choice first."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def draw_keep_or_delete(what: str, keep: Callable[[], None], delete: Callable[[], None]) -> None:
    """Two buttons of a dialog; whichever is pressed, the page is drawn anew.

    Parameters
    ----------
    what
        Makes the keys of the buttons: ``keep_WHAT`` and ``delete_WHAT``.
    keep, delete
        What they do.
    """
    with st.container(horizontal=True):
        if st.button("Keep it", key=f"keep_{what}", type="primary"):
            keep()
            st.rerun()
        if st.button("Delete", key=f"delete_{what}", icon=":material/delete:"):
            delete()
            st.rerun()
