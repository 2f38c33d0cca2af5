"""The address of the Cases page names the case that is open: a random id, which tells nothing."""

from __future__ import annotations

import re

import streamlit as st

from pages.ui.address_bar import AddressBar
from pages.ui.cases import keys

CASE = "case"
BAR = AddressBar("cases", (CASE,), (keys.OPEN_CASE, keys.SECTION, keys.SEARCH, keys.PAGE))
_ID = re.compile(r"[0-9a-f]{32}")


def take() -> None:
    """Open the case that a new address names, or the list; then the browser learns first which it is."""
    news = BAR.news()
    if news or BAR.was_emptied():
        BAR.take(news)
        show(news[CASE] if _ID.fullmatch(news.get(CASE, "")) else None)
    put()


def open_case() -> str | None:
    """Id of the case that is open."""
    case_id: str | None = st.session_state.get(keys.OPEN_CASE)
    return case_id


def show(case_id: str | None) -> None:
    """Open a case, or the list; takes effect on the next run. A question about another case is not asked any more."""
    if case_id != open_case():
        st.session_state.pop(keys.DELETING, None)
    st.session_state[keys.OPEN_CASE] = case_id


def put() -> None:
    """Let the address say what is shown, so that it can be copied."""
    case_id = open_case()
    BAR.put({} if case_id is None else {CASE: case_id})
