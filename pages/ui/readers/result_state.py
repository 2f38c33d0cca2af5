"""Keys of the session's state that belong to a study's result; the others stand in `pages.ui.state`."""

from __future__ import annotations

import streamlit as st

# keys of widgets
GROUP = "result_group"
THRESHOLD = "result_threshold"
READER = "result_reader"
FILE = "result_file"

# keys of our own
_REVEALED = "dermtree_revealed_studies"
_DOOR = "dermtree_readings_door"


def revealed() -> set[str]:
    """Studies whose interim result this session has asked to see."""
    found: set[str] = st.session_state.setdefault(_REVEALED, set())
    return found


def file_key() -> str:
    """Key of the uploader of readings: a new one is an empty uploader."""
    return f"{FILE}_{st.session_state.get(_DOOR, 0)}"


def renew_file() -> None:
    """Empty it: what was uploaded is imported."""
    st.session_state[_DOOR] = int(st.session_state.get(_DOOR, 0)) + 1
