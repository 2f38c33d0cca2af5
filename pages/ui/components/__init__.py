"""Inline Streamlit components (v2): no build step, no network. Each is a trio of files beside this one.

A component is registered once, when this module is imported. Theme variables (``--st-*``) work inside, so components
follow the theme without Python. What users or files say goes in by ``textContent``, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


def _nothing() -> None:
    """Callback of a value that is only read later."""


def _register(name: str, *, html: bool = True, css: bool = True) -> Callable[..., Any]:
    def text(kind: str) -> str:
        return (FOLDER / f"{name}.{kind}").read_text(encoding="utf-8")

    component: Callable[..., Any] = st.components.v2.component(
        f"dermtree_{name}",
        html=text("html") if html else None,
        css=text("css") if css else None,
        js=text("js"),
    )
    return component


_VIEWER = _register("viewer")
_ROWS = _register("rows")
_THRESHOLD = _register("threshold")
_READOUT = _register("readout")
_LIVE = _register("live")
_THEME = _register("theme")
_PASTE = _register("paste", html=False, css=False)


def viewer(
    *,
    image: str,
    overlay: str | None,
    plain: str | None,
    alt: str,
    map_alt: str,
    opacity_percent: int,
    height_px: int,
    key: str,
) -> None:
    """Image with saliency map; `image`, `overlay` and `plain` are data URLs. Its state is ``{"opacity": 0..100}``."""
    _VIEWER(
        key=key,
        data={
            "image": image,
            "overlay": overlay,
            "plain": plain,
            "alt": alt,
            "mapAlt": map_alt,
            "opacity": opacity_percent,
            "height": height_px,
        },
        on_opacity_change=_nothing,
    )


def rows(
    answers: Sequence[Mapping[str, Any]], *, picked: str | None, label: str, key: str, on_pick: Callable[[], None]
) -> None:
    """Probability bars; the trigger ``picked`` holds the node id of the row that was pressed."""
    _ROWS(key=key, data={"rows": list(answers), "picked": picked, "label": label}, on_picked_change=on_pick)


def threshold(value: float, *, key: str, on_change: Callable[[], None]) -> None:
    """Threshold as range and number that report while they are dragged; the trigger ``value`` holds a float."""
    _THRESHOLD(key=key, data={"value": value}, on_value_change=on_change)


def readout(
    *,
    other: float | None,
    fields: Sequence[str],
    rows: Sequence[Sequence[Any]],
    metrics: Sequence[Mapping[str, str]],
    key: str,
) -> None:
    """Numbers at a threshold, and the marks on the charts with the keys desk_curve, desk_scores and desk_benefit.

    They follow the component `threshold` without Python; `other` is a second point. `rows` hold `fields` for ranges of
    thresholds, ascending; the first field is the end of the range, included, None for the last. A metric has ``label``,
    ``value`` and ``note``, both fields.
    """
    _READOUT(
        key=key,
        data={
            "other": other,
            "fields": list(fields),
            "rows": [list(row) for row in rows],
            "metrics": [dict(metric) for metric in metrics],
        },
    )


def live(
    *,
    groups: Sequence[Mapping[str, Any]] = (),
    table: Mapping[str, Any] | None = None,
    sentences: Sequence[Mapping[str, str]] = (),
    key: str,
) -> None:
    """People as marks, a table and sentences, drawn from the readout's row; ``{field}`` in a text stands for a field.

    A group has ``n`` (a field with the number of people), ``ill`` (the shape), ``filled``, ``paint`` (a theme
    variable), ``label`` (a field with the number as text) and ``text``. A table has ``label``, ``columns`` and ``rows``
    of texts, the first of each its name. A sentence has ``text`` and ``unless``, a field: where that is 0 it is left
    out.
    """
    _LIVE(
        key=key,
        data={
            "groups": [dict(group) for group in groups],
            "table": None if table is None else dict(table),
            "sentences": [dict(sentence) for sentence in sentences],
        },
    )


def watch_theme() -> None:
    """Rerun the page when the theme changes, so that charts get the colours of the new one."""
    _THEME(key="theme_watch", on_background_change=_nothing)


def accept_paste() -> None:
    """Let a picture from the clipboard enter through the container with the key ``uploader``."""
    _PASTE(key="paste")
