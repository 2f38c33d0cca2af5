"""Where the places of `derm_model.records.body` lie on the drawn figures, in px. No Streamlit.

Places lie closer together on a body than a finger is wide: so the head has a figure of its own, and places that would
overlap are pushed apart until each has a target of `TARGET_PX` to itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from derm_model.records.body import SITES, BodySite, Side

TARGET_PX = 24  # WCAG 2.2, 2.5.8
GAP_PX = 2
HEAD_DOWN = 0.125  # what lies above has its place on the head
ROUNDS = 400
NUDGE_PX = 0.01  # tells two that lie exactly upon each other which way to go


@dataclass(frozen=True)
class View:
    """A figure.

    Attributes
    ----------
    name
    width_px, height_px
    unit_across, unit_down
        px of one width and one height of the whole body.
    mirrored
        Seen from the back: the patient's left is at the left.
    """

    name: str
    width_px: int
    height_px: int
    unit_across: float
    unit_down: float
    mirrored: bool = False


VIEWS = (
    View("Front", 200, 470, 200, 452),
    View("Back", 200, 470, 200, 452, mirrored=True),
    View("Head", 200, 270, 880, 2050),
)


@dataclass(frozen=True)
class Place:
    """A target: the middle of it in px from the upper left corner of its view."""

    view: str
    site: str
    side: Side
    x: float
    y: float


@cache
def places() -> tuple[Place, ...]:
    """All targets."""
    return tuple(place for view in VIEWS for place in _pushed_apart(_of_view(view), view))


def _of_view(view: View) -> list[Place]:
    return [
        Place(view.name, site.id, side, view.width_px / 2 + sign * site.across * view.unit_across, _y(site, view))
        for site in SITES
        if _is_on(site, view)
        for side, sign in _sides(site, view)
    ]


def _y(site: BodySite, view: View) -> float:
    return site.down * view.unit_down + (0 if view.name == "Head" else TARGET_PX / 2)


def _is_on(site: BodySite, view: View) -> bool:
    on_head = site.down <= HEAD_DOWN
    if view.name == "Head":
        return site.front and on_head
    return site.back if view.mirrored else site.front and not on_head


def _sides(site: BodySite, view: View) -> tuple[tuple[Side, int], ...]:
    """Sides with the direction from the midline; the patient's right is at the left of who looks at the front."""
    if site.across == 0:
        return ((Side.MIDDLE, 0),)
    right = 1 if view.mirrored else -1
    return (Side.RIGHT, right), (Side.LEFT, -right)


def _pushed_apart(found: list[Place], view: View) -> list[Place]:
    """Each pair of neighbours steps apart by half of what is missing, round after round."""
    at = [(place.x, place.y + NUDGE_PX * number) for number, place in enumerate(found)]
    least, edge = TARGET_PX + GAP_PX, TARGET_PX / 2
    for _ in range(ROUNDS):
        for i in range(len(at)):
            for j in range(i):
                dx, dy = at[i][0] - at[j][0], at[i][1] - at[j][1]
                distance = math.hypot(dx, dy)
                if distance >= least:
                    continue
                step = (least - distance) / 2 / distance
                at[i] = at[i][0] + dx * step, at[i][1] + dy * step
                at[j] = at[j][0] - dx * step, at[j][1] - dy * step
        at = [(min(max(x, edge), view.width_px - edge), min(max(y, edge), view.height_px - edge)) for x, y in at]
    return [
        Place(place.view, place.site, place.side, round(x, 1), round(y, 1))
        for place, (x, y) in zip(found, at, strict=True)
    ]
