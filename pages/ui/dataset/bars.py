"""Counts as bars: an HTML table, so that names wrap, numbers are text, and a phone scrolls over it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from derm_model import words


@dataclass(frozen=True)
class Bar:
    """One row; `mark` and `colour` where the row has a role."""

    name: str
    n: int
    mark: str = ""
    colour: str = ""


def draw_bars(rows: Sequence[Bar], label: str) -> None:
    """Draw the rows; the longest bar is the largest count.

    Parameters
    ----------
    rows
    label
        What is counted, for those who cannot see it.
    """
    st.html(bars_html(rows, label))


def bars_html(rows: Sequence[Bar], label: str) -> str:
    """The same as HTML; names come from files, so they are escaped."""
    top = max((row.n for row in rows), default=0) or 1
    lines = (
        f'<tr><th scope="row">{_mark(row)}{html.escape(row.name)}</th>'
        f'<td class="dermtree-bar"><i style="width:{row.n / top:.2%}{_background(row)}"></i></td>'
        f"<td>{words.count(row.n)}</td></tr>"
        for row in rows
    )
    return f'<table class="dermtree-bars" aria-label="{html.escape(label, quote=True)}">{"".join(lines)}</table>'


def _mark(row: Bar) -> str:
    return f'<span style="color:{row.colour}" aria-hidden="true">{row.mark}</span> ' if row.mark else ""


def _background(row: Bar) -> str:
    return f";background:{row.colour}" if row.colour else ""
