"""A piece of work on the page: its bar with a way to stop it, what went wrong, or its result."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import streamlit as st

from derm_model import words
from pages.ui import access, look
from pages.ui.saliency.works import Work, Works

POLL_S = 0.5


def draw_work(work: Work, name: str, works: Works, of: Hashable, key: str) -> Any:
    """The result; None while it is at work, and where it was stopped or went wrong, which is said.

    Parameters
    ----------
    work, name
        What it is in words.
    works, of
        Where it is kept, under which key.
    key
        Of the widgets.
    """
    if not work.is_done:
        access.poll(_follow, POLL_S)(work, name, works, of, key)
    elif work.was_stopped:
        st.caption(f"{look.plain(name)}: stopped.")
    elif work.trouble:
        st.error(f"**{look.plain(name)} went wrong.** {look.plain(work.trouble)}", icon=":material/error:")
    return work.result


def _follow(work: Work, name: str, works: Works, of: Hashable, key: str) -> None:
    if work.is_done:
        st.rerun()  # the whole page: the result is there
    draw_bar(work, name, works, of, key)


def draw_bar(work: Work, name: str, works: Works, of: Hashable, key: str) -> None:
    """Progress and the button that stops it."""
    now = work.progress
    with st.container(horizontal=True, vertical_alignment="center", key=f"bar_{key}"):
        if now is None:
            st.progress(0.0, f"{look.plain(name)}: waits for the work before it", width="stretch")
        else:
            share = min(1.0, now.done / now.total) if now.total else 0.0
            count = f", {words.count(now.done)} of {words.count(now.total)} {now.unit}" if now.total else ""
            stage = "" if now.stage == name else f": {look.plain(now.stage)}"
            st.progress(share, f"{look.plain(name)}{stage}{count}", width="stretch")
        if work.stop.is_set():
            st.caption("Stops after the step at hand.")
        else:
            st.button("Cancel", key=f"stop_{key}", icon=":material/stop_circle:", on_click=works.stop, args=(of,))
