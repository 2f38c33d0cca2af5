"""Tables of any length, a page at a time: the browser never gets more than `PAGE_ROWS` rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from pages.ui import audit_trail

if TYPE_CHECKING:
    import pandas as pd

PAGE_ROWS = 100


def draw_paged(table: pd.DataFrame, key: str, label: str, *, rename: dict[str, str] | None = None) -> None:
    """A table with a page number where it has more than one page.

    Parameters
    ----------
    table
    key
        Of the page number.
    label
        What the rows are, in the plural: "images".
    rename
        Headings, where they differ from the columns' names.
    """
    n = len(table)
    start, end = choose_page(n, PAGE_ROWS, key, label)
    st.dataframe(table.iloc[start:end].rename(columns=rename or {}), hide_index=True, key=f"{key}_table")


def choose_page(n: int, size: int, key: str, label: str) -> tuple[int, int]:
    """Page number under the key, and the rows (start, end) of that page; nothing is drawn where one page holds all."""
    pages = max(1, -(-n // size))
    page = 1
    if pages > 1:
        st.session_state[key] = min(max(1, st.session_state.get(key) or 1), pages)
        page = int(
            st.number_input(
                f"Page, 1 to {words.count(pages)}", min_value=1, max_value=pages, step=1, key=key, width=160
            )
        )
    start, end = (page - 1) * size, min(page * size, n)
    if n:
        shown = f"{words.count(start + 1)}–{words.count(end)} of " if pages > 1 else ""
        st.caption(f"{shown}{words.count(n)} {label}")
    return start, end


def draw_downloads(name: str, exports: dict[str, Callable[[], bytes]], *, key: str, what: str) -> None:
    """Buttons that build their file when they are pressed.

    Parameters
    ----------
    name
        Of the files, without the ending.
    exports
        Form ("csv", "parquet") and what makes the bytes.
    key
    what
        What is in the files, for the buttons: "Images".
    """
    kinds = {"csv": ("CSV", "text/csv"), "parquet": ("Parquet", "application/vnd.apache.parquet")}
    with st.container(horizontal=True, key=key):
        for form, build in exports.items():
            title, mime = kinds[form]
            st.download_button(
                f"{what} ({title})",
                audit_trail.exporting(build, f"{what.lower()} of a data set ({title})", Right.RESEARCH),
                f"{name}.{form}",
                mime,
                key=f"{key}_{form}",
                on_click="ignore",
                icon=":material/download:",
            )


def to_bytes(frame: pd.DataFrame, form: str) -> bytes:
    """A table as the bytes of a file; `form` is "csv" or "parquet"."""
    if form == "csv":
        return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
