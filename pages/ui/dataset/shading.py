"""A table of counts, shaded by row: a heat map whose numbers are text, and which a phone scrolls sideways by itself."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from derm_model import words
from derm_model.palette import Palette, readable_on
from pages.ui import look

EMPTY = "·"


def draw_shaded(rows: Sequence[str], columns: Sequence[str], counts: ArrayLike, label: str) -> None:
    """Draw the table.

    Parameters
    ----------
    rows, columns
        Names.
    counts : (n_rows, n_columns) int
    label
        What is counted, for those who cannot see it.
    """
    st.html(shaded_html(rows, columns, counts, label, look.palette()))


def shaded_html(rows: Sequence[str], columns: Sequence[str], counts: ArrayLike, label: str, palette: Palette) -> str:
    """The same as HTML. The shade is the share of the row, the darkest that of the largest share in the table."""
    numbers = np.asarray(counts, dtype=np.int64).reshape(len(rows), len(columns))
    totals = numbers.sum(axis=1, keepdims=True)
    shares = np.divide(numbers, totals, out=np.zeros(numbers.shape), where=totals > 0)
    strengths = shares / max(float(shares.max(initial=0.0)), 1e-9)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(_cell(int(n), float(s), palette) for n, s in zip(own, strength, strict=True))
        + "</tr>"
        for name, own, strength in zip(rows, numbers, strengths, strict=True)
    )
    return (
        f'<div class="dermtree-shaded" tabindex="0" role="region" aria-label="{html.escape(label, quote=True)}">'
        f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(n: int, strength: float, palette: Palette) -> str:
    if not n:
        return f"<td>{EMPTY}</td>"
    fill = _mix(palette.panel, palette.accent, strength)
    return f'<td style="background:{fill};color:{readable_on(fill)}">{words.count(n)}</td>'


def _mix(one: str, other: str, share: float) -> str:
    """Colour between two #RRGGBB colours."""
    channels = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in channels)
