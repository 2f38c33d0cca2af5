"""Classes with their images in each part, as an HTML table with bars: names wrap, and a phone scrolls over it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words

if TYPE_CHECKING:
    from derm_model.net.preview import ClassPreview


def draw_classes(rows: Sequence[ClassPreview], *, longest: int | None = None) -> None:
    """Draw the rows; `longest` is the count of the longest bar, by default the largest here."""
    st.html(classes_html(rows, longest=longest))


def classes_html(rows: Sequence[ClassPreview], *, longest: int | None = None) -> str:
    """The same as HTML; names come from files, so they are escaped."""
    top = longest or max((row.n_train for row in rows), default=0) or 1
    heads = ("Class", "Train", "", "Valid.", "Test")
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row.name)}{" <em>(rest)</em>" if row.residual else ""}</th>'
        f"<td>{words.count(row.n_train)}</td>"
        f'<td class="dermtree-bar" aria-hidden="true"><i style="width:{row.n_train / top:.2%}"></i></td>'
        f"<td>{words.count(row.n_validation)}</td><td>{words.count(row.n_test)}</td></tr>"
        for row in rows
    )
    return (
        '<table class="dermtree-bars dermtree-classes" aria-label="Images of each training class">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
