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
_MAPS = _register("maps")
_ROWS = _register("rows")
_THRESHOLD = _register("threshold")
_READOUT = _register("readout")
_LIVE = _register("live")
_BODY = _register("body")
_STUDY = _register("study")
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


def maps(
    *,
    image: str,
    photo: str,
    aspect: float,
    alt: str,
    panels: Sequence[Mapping[str, Any]],
    palette: Mapping[str, Any],
    defaults: Mapping[str, Any],
    caption: Sequence[str],
    file: str,
    key: str,
    draw: str = "",
    many: bool = False,
    shapes: Sequence[Any] = (),
    mask: Mapping[str, Any] | None = None,
    on_draw: Callable[[], None] = _nothing,
) -> None:
    """Maps side by side, coloured in the browser; the state ``drawn`` holds ``image`` and ``shapes``.

    Parameters
    ----------
    image : str
        Names what is shown: with another one zoom and drawing begin anew.
    photo : str
        Data URL of the image, for panels without one of their own.
    aspect : float
        Width by height.
    panels
        Each with ``id`` (another one where its map is another), ``title``, ``badge``, ``notes``, ``waiting`` (text in
        its place while there is no map) and ``map``: ``size`` (width, height), ``max``, and ``data``, base64 of 16-bit
        numbers, little endian, of which 65535 stands for ``max``. A panel of another image has ``photo``, ``aspect``
        and ``alt``.
    palette
        ``stops`` (RGB from weak to strong), ``faintest`` and ``fullAt`` as in `derm_model.net.overlay`.
    defaults
        ``opacity`` and ``clip`` in per cent, ``smooth``, ``style`` ("overlay" or "plain"), ``scale`` ("own" or "same").
    caption, file
        Lines below the saved picture, and its name.
    draw
        What is drawn here, "" where nothing is; `many` shapes, or each new one in place of the last.
    shapes
        Already drawn on this image: lists of (x, y) as shares of its width and height.
    mask
        Outline in place of drawn ones: ``size`` (width, height), and ``data``, base64 of bytes, 0 or 255.
    """
    _MAPS(
        key=key,
        data={
            "image": image,
            "photo": photo,
            "aspect": aspect,
            "alt": alt,
            "panels": [dict(panel) for panel in panels],
            "palette": dict(palette),
            "defaults": dict(defaults),
            "caption": list(caption),
            "file": file,
            "draw": draw,
            "many": many,
            "shapes": list(shapes),
            "mask": None if mask is None else dict(mask),
        },
        on_drawn_change=on_draw,
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
    prevalence: float,
    prevalences: Sequence[float],
    fields: Sequence[str],
    rows: Sequence[Sequence[Any]],
    metrics: Sequence[Mapping[str, str]],
    key: str,
) -> None:
    """Numbers at a threshold, and the marks on the charts desk_curve, desk_scores, desk_benefit and desk_predictive.

    They follow the component `threshold` without Python; `other` is a second point. `rows` hold `fields` for ranges of
    thresholds, ascending; the first field is the end of the range, included, None for the last. A metric has ``label``,
    ``value`` and ``note``, both fields. The row that others draw has the fields ppv0, npv0, needed0, ppv1, ... besides,
    as text: predictive values at `prevalences` and the number needed to biopsy. `prevalence` is that in question.
    """
    _READOUT(
        key=key,
        data={
            "other": other,
            "prevalence": prevalence,
            "prevalences": list(prevalences),
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


def body(
    views: Sequence[Mapping[str, Any]],
    *,
    site: str | None,
    side: str | None,
    label: str,
    said: str = "",
    read_only: bool = False,
    key: str,
    on_pick: Callable[[], None] = _nothing,
) -> None:
    """A body map; the trigger ``picked`` holds ``site`` and ``side`` of the place that was pressed.

    A view has ``name``, ``label``, ``width`` and ``height`` in px, ``hands`` (what stands above its left and right) and
    ``places``, each with ``site``, ``side``, ``label`` and its middle ``x``, ``y`` in px.
    """
    _BODY(
        key=key,
        data={
            "views": [dict(view) for view in views],
            "site": site,
            "side": side,
            "label": label,
            "said": said,
            "readOnly": read_only,
        },
        on_picked_change=on_pick,
    )


def study_desk(data: Mapping[str, Any], *, key: str, on_said: Callable[[], None]) -> None:
    """Desk of a reader; the trigger ``said`` holds what they did, until `heard` is its ``id``.

    Parameters
    ----------
    data
        ``boot`` (another one where the desk begins anew), ``heard`` (id of the last message that was dealt with),
        ``now`` and ``next`` (images: ``key``, ``position``, ``number`` in the reader's order, ``helped`` and
        ``corrects``, an answer that is given anew; `next` may be None), ``sheets`` (by key: ``url``, ``map`` and
        ``said`` with ``sentence`` and ``shares``, both or None), ``done``, ``total``, ``noun``, ``part``, ``prompt``,
        ``choices`` (``id`` and ``words``), ``columns``, ``given`` (id of the answer that is corrected),
        ``confidence``, ``washout`` (s), ``canBack``, ``notice``, ``hint`` and ``more``.
    on_said
        The message has ``id``, ``kind`` ("answer", "back", "keep", "pause", "ahead" or "missing") and ``held`` (keys of
        the sheets the browser has); an answer has ``position``, ``helped``, ``corrects``, ``answer``, ``seconds`` and
        ``confidence`` besides.
    """
    _STUDY(key=key, data=dict(data), on_said_change=on_said)


def watch_theme() -> None:
    """Rerun the page when the theme changes, so that charts get the colours of the new one."""
    _THEME(key="theme_watch", on_background_change=_nothing)


def accept_paste() -> None:
    """Let a picture from the clipboard enter through the container with the key ``uploader``."""
    _PASTE(key="paste")
