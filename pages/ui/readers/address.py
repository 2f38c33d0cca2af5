"""The address of the page holds the study, who reads, and whether images are on the screen.

So a link leads to a study, and a tab that is reloaded, or a server that comes back, goes on where it was. A code names
nobody; where people sign in, who reads is known from that, and a code in the address counts for nothing.
"""

from __future__ import annotations

import streamlit as st

from pages.ui import state
from pages.ui.address_bar import AddressBar

STUDY, CODE, TAKING = "study", "code", "take"
BAR = AddressBar("readers", (STUDY, CODE, TAKING))
_KEYS = {STUDY: state.STUDY_SHOWN, CODE: state.STUDY_CODE, TAKING: state.STUDY_TAKING}


def take() -> None:
    """Go where a new address leads."""
    query = BAR.news()
    if query:
        BAR.take(query)
        for word, key in _KEYS.items():
            st.session_state[key] = query.get(word, "")


def put() -> None:
    """Let the address say where we are."""
    BAR.put({word: st.session_state[key] for word, key in _KEYS.items() if st.session_state.get(key)})


def study_id() -> str:
    """The study that is shown; "" for the list."""
    return str(st.session_state.get(state.STUDY_SHOWN, ""))


def code() -> str:
    """The code under which somebody reads here; "" before they said it."""
    return str(st.session_state.get(state.STUDY_CODE, ""))


def is_taking() -> bool:
    """Whether images are on the screen."""
    return bool(st.session_state.get(state.STUDY_TAKING))


def show(study: str) -> None:
    """Show a study, or with "" the list, on the next run."""
    st.session_state[state.STUDY_SHOWN] = study
    for key in (state.STUDY_CODE, state.STUDY_TAKING):
        st.session_state[key] = ""


def read_as(code: str) -> None:
    """Take part under a code from the next run on; "" for another one."""
    st.session_state[state.STUDY_CODE] = code


def begin_taking() -> None:
    """Put images on the screen on the next run."""
    st.session_state[state.STUDY_TAKING] = "1"


def stop_taking() -> None:
    """Leave the images on the next run."""
    st.session_state[state.STUDY_TAKING] = ""


def link(study: str) -> str:
    """Address to give to readers."""
    here = (st.context.url or "").split("?")[0].rstrip("/")
    return f"{here or '/readers'}?{STUDY}={study}"
