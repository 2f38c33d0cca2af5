"""Which pages the navigation offers to whom. It is comfort: what a page shows and does, the page itself asks about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from derm_model.access import Right
from pages.ui import access


@dataclass(frozen=True)
class Entry:
    """A page of the navigation, and the right that opens it."""

    script: str
    title: str
    icon: str
    right: Right


def run(groups: Mapping[str, Sequence[Entry]]) -> None:
    """Draw the navigation and run the page that was asked for.

    A page that somebody may not open is not offered, but found by its address: it then says who they are and what is
    missing. The first page somebody may open is their start.
    """
    entries = [entry for group in groups.values() for entry in group]
    offered = [entry for entry in entries if access.may(entry.right)]
    start = offered[0] if offered else entries[0]
    is_usual = start is entries[0]
    made = {entry: _page(entry, is_offered=entry in offered, is_start=is_usual and entry is start) for entry in entries}
    pages = {name: [made[entry] for entry in group] for name, group in groups.items()}
    if not is_usual:
        # a page that is shown at "/" is not found by its own name, and readers are sent links to theirs
        go_there = partial(st.switch_page, made[start])
        begin = st.Page(go_there, title="Start", url_path="start", default=True, visibility="hidden")
        next(iter(pages.values())).insert(0, begin)
    st.navigation(pages, position="sidebar" if offered else "hidden").run()


def _page(entry: Entry, *, is_offered: bool, is_start: bool) -> st.Page:
    return st.Page(
        entry.script,
        title=entry.title,
        icon=f":material/{entry.icon}:",
        default=is_start,
        visibility="visible" if is_offered else "hidden",
    )
