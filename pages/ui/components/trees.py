"""Components that draw the taxonomy as an icicle: a shared part (icicle.js, icicle.css), and one file for each use.

The tree goes to the browser as names, parents and roles in depth-first order, some 100 kB; everything that follows the
hand (zoom, slider, steps) happens there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.ui.components import FOLDER


def _nothing() -> None:
    """Callback of a value that is only read later."""


def _register(name: str) -> Callable[..., Any]:
    def text(kind: str, *names: str) -> str:
        return "\n".join((FOLDER / f"{part}.{kind}").read_text(encoding="utf-8") for part in names)

    component: Callable[..., Any] = st.components.v2.component(
        f"dermtree_{name}", html=text("html", name), css=text("css", "icicle", name), js=text("js", "icicle", name)
    )
    return component


_EXPLORER = _register("explorer")
_LAB = _register("lab")
_STEPS = _register("steps")
_CHANGES = _register("changes")


def explorer(
    tree: Mapping[str, Any],
    *,
    leaves: Sequence[int],
    images: Sequence[int] | None,
    resolution: str | None,
    picked: int,
    height_px: int,
    label: str,
    key: str,
    on_pick: Callable[[], None],
) -> None:
    """The whole tree; the trigger ``picked`` holds the position of the node that was pressed.

    Parameters
    ----------
    tree
        As `pages.ui.taxonomy.payload.tree_payload` makes it.
    leaves, images
        Diseases at or below each node, and images in the chosen collection, by position.
    resolution
        By position: ``r`` resolved by the chosen model, ``f`` finer than it, ``n`` not learnt.
    picked
        Position of the picked node; -1 for none.
    """
    data = {"tree": tree, "leaves": leaves, "images": images, "resolution": resolution, "picked": picked}
    _EXPLORER(key=key, data={**data, "height": height_px, "label": label}, on_picked_change=on_pick)


def lab(
    tree: Mapping[str, Any],
    *,
    counts: Sequence[tuple[int, int]],
    limit: int,
    highest: int,
    mode: str,
    too_small: int,
    height_px: int,
    key: str,
    on_settle: Callable[[], None],
) -> None:
    """The tree cut at a limit that follows the hand; the trigger ``settled`` holds ``limit`` and ``mode`` on release.

    Parameters
    ----------
    counts
        (position, images) of the nodes that have images.
    highest
        End of the slider.
    too_small
        A class with fewer images is marked.
    """
    data = {"tree": tree, "counts": counts, "limit": limit, "highest": highest, "mode": mode, "tooSmall": too_small}
    _LAB(key=key, data={**data, "height": height_px}, on_settled_change=on_settle)


def steps(
    tree: Mapping[str, Any],
    *,
    listing: Sequence[Mapping[str, Any]],
    trace: Mapping[str, Any],
    counts: Sequence[tuple[int, int]],
    limit: int,
    height_px: int,
    key: str,
) -> None:
    """The pseudocode beside the tree, forward and back; nothing is reported.

    Parameters
    ----------
    listing
        Lines with ``number``, ``indent``, ``text`` and ``added``.
    trace
        ``id`` (another one for another run), ``steps`` as (line, position or -1, classes, lost images), and
        ``classes`` as (position, residual, images).
    """
    data = {"tree": tree, "listing": listing, "trace": trace, "counts": counts, "limit": limit, "height": height_px}
    _STEPS(key=key, data=data)


def changes(
    tree: Mapping[str, Any],
    *,
    sides: Sequence[Mapping[str, Any]],
    height_px: int,
    key: str,
) -> None:
    """Two partitions on one tree, shown in turn.

    Parameters
    ----------
    sides
        Two, each with ``name`` and ``classes``: (position, residual, images, change, text of what became of it).
    """
    _CHANGES(key=key, data={"tree": tree, "sides": sides, "height": height_px})
