"""The address of a page holds its view: what it says is taken once, and written whenever the view changes.

The browser sends its address with every press. While it has not shown yet what the page wrote last, that is an address
of some moments ago: an echo of the page's own words, and no news. The same is news where somebody goes back to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.ui import state

MAX_REMEMBERED = 50  # while a hand drags, the address is written many times a second


@dataclass
class Written:
    """What a page has put into its address in this session.

    Attributes
    ----------
    queries
        The newest last.
    values
        What the widgets said when the newest was written.
    complaints
        What could not be used of the address that was taken last.
    complained
        The addresses that the complaints belong to: the one that was taken, and the one written in its place.
    """

    queries: list[dict[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    complained: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class AddressBar:
    """The address of one page.

    Attributes
    ----------
    page
        Its name.
    keys
        Words of the query that are the page's.
    widgets
        Keys of the widgets that the address speaks of. An older address is an echo where one of them was moved since;
        without any, every address written before is an echo.
    """

    page: str
    keys: tuple[str, ...]
    widgets: tuple[str, ...] = ()

    def query(self) -> dict[str, str]:
        """What the address says."""
        given = st.query_params.to_dict()
        return {key: given[key] for key in self.keys if key in given}

    def news(self) -> dict[str, str]:
        """What the address says and the page does not know yet; {} where there is nothing new."""
        query, written = self.query(), self._written()
        if query == (written.queries[-1] if written.queries else {}):
            return {}
        return {} if query in written.queries and self._was_moved(written) else query

    def was_emptied(self) -> bool:
        """Whether somebody went back to, or asked the menu for, the page without words, after it had written some."""
        written = self._written()
        return self.query() == {} and written.queries[-1:] not in ([], [{}]) and not self._was_moved(written)

    def take(self, query: Mapping[str, str]) -> None:
        """Remember news that were taken."""
        self._remember(query)
        written = self._written()
        written.complaints, written.complained = [], [dict(query)]

    def complain(self, text: str) -> None:
        """Note what could not be used of the news just taken."""
        self._written().complaints.append(text)

    def draw_complaints(self) -> None:
        """Say what could not be used, on every run until another view is shown: pages run again by themselves."""
        written = self._written()
        if self.query() in written.complained:
            for text in written.complaints:
                st.warning(text, icon=":material/link_off:")

    def put(self, query: Mapping[str, str]) -> None:
        """Let the address say what is shown, so that it can be copied."""
        written = self._written()
        # the browser may have said this before it showed what was written last: then it shows that by now
        stale = written.queries[-1:] not in ([], [query])
        if written.complaints:
            if query and len(written.complained) == 1:  # an address without words is every view's
                written.complained.append(dict(query))
            elif query != written.complained[-1]:
                written.complaints.clear()
        self._remember(query)
        if stale or self.query() != query:
            st.query_params.from_dict(query)

    def _remember(self, query: Mapping[str, str]) -> None:
        written = self._written()
        if written.queries[-1:] != [query]:
            written.queries = [*written.queries, dict(query)][-MAX_REMEMBERED:]
        written.values = {key: st.session_state[key] for key in self.widgets if key in st.session_state}

    def _written(self) -> Written:
        return state.written(self.page, Written)

    def _was_moved(self, written: Written) -> bool:
        # widgets that are not drawn any more lose their value, which is no hand on them
        now = {key: st.session_state[key] for key in written.values if key in st.session_state}
        return not self.widgets or any(written.values[key] != value for key, value in now.items())
