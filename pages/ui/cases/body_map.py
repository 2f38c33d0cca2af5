"""The body map: to choose a place, and to show one. The map, a box and the side write the same two keys."""

from __future__ import annotations

from typing import Any

import streamlit as st

from derm_model.records.body import SITE_IDS, SITES, Side
from pages.ui import components
from pages.ui.cases.body_places import VIEWS, Place, View, places

NOT_RECORDED = "not recorded"
NAMES = {site.id: site.name for site in SITES}
NO_SIDE = ""  # None would be a box in which nothing is chosen
SIDES = {NO_SIDE: "Not said", **{side.value: side.value.capitalize() for side in Side}}


def place_in_words(site: str, side: Side | str | None) -> str:
    """``upper back, left``."""
    name = "place not recorded" if site == NOT_RECORDED else site
    return name if side is None else f"{name}, {Side(side).value}"


def choose_place(site_key: str, side_key: str, map_key: str) -> tuple[str, Side | None]:
    """Choose site and side on the map or in the boxes; the widgets of the two keys own the values."""
    st.session_state.setdefault(site_key, NOT_RECORDED)
    st.session_state.setdefault(side_key, NO_SIDE)
    site, side = chosen_place(site_key, side_key)
    components.body(
        [_view(view, list(places())) for view in VIEWS],
        site=site,
        side=None if side is None else side.value,
        label="Body map. In each figure arrow keys move, Enter chooses.",
        said=f"Chosen: {place_in_words(site, side)}. Sides are the patient's.",
        key=map_key,
        on_pick=lambda: _take(site_key, side_key, map_key),
    )
    with st.container(horizontal=True):
        st.selectbox(
            "Body site",
            [NOT_RECORDED, *(s for s in SITE_IDS if s != NOT_RECORDED)],
            format_func=NAMES.__getitem__,
            key=site_key,
            width=240,
        )
        st.selectbox("Side of the patient", list(SIDES), format_func=SIDES.__getitem__, key=side_key, width=160)
    return chosen_place(site_key, side_key)


def chosen_place(site_key: str, side_key: str) -> tuple[str, Side | None]:
    """What the two keys say."""
    site: str = st.session_state.get(site_key, NOT_RECORDED)
    side: str = st.session_state.get(side_key, NO_SIDE)
    return site, Side(side) if side else None


def _take(site_key: str, side_key: str, map_key: str) -> None:
    picked = st.session_state[map_key].get("picked")
    if isinstance(picked, dict) and picked.get("site") in NAMES and picked.get("side") in set(Side):
        st.session_state[site_key], st.session_state[side_key] = picked["site"], picked["side"]


def draw_place(site: str, side: Side | None, key: str) -> None:
    """Show where a lesion is; nothing where nobody recorded it."""
    shown = [place for place in places() if place.site == site]
    exact = [place for place in shown if side is None or place.side in (side, Side.MIDDLE)]
    views = [_view(view, exact) for view in VIEWS if any(place.view == view.name for place in exact)]
    if views:
        words = place_in_words(site, side)
        side_word = None if side is None else side.value
        components.body(views, site=site, side=side_word, label=f"Body map: {words}.", read_only=True, key=key)


def _view(view: View, shown: list[Place]) -> dict[str, Any]:
    right_left = ["right", "left"]
    return {
        "name": view.name,
        "label": f"{view.name}: places to choose",
        "width": view.width_px,
        "height": view.height_px,
        "hands": right_left[::-1] if view.mirrored else right_left,
        "places": [
            {"site": p.site, "side": p.side.value, "label": _label(p), "x": p.x, "y": p.y}
            for p in shown
            if p.view == view.name
        ],
    }


def _label(place: Place) -> str:
    return NAMES[place.site] if place.side is Side.MIDDLE else f"{NAMES[place.site]}, {place.side.value}"
