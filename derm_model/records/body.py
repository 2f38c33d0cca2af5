"""Places on the body a lesion can have: a fixed list, each with its place on a small map."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The patient's side, not the viewer's."""

    LEFT = "left"
    RIGHT = "right"
    MIDDLE = "middle"


@dataclass(frozen=True)
class BodySite:
    """One place.

    Attributes
    ----------
    id : str
        As stored.
    front, back : bool
        On which view of the body it is seen.
    across : float
        Distance from the midline, in widths of the figure, 0 to 0.5; to both sides of it where above 0.
    down : float
        Distance from the crown, in heights of the figure, 0 to 1. The figure stands with its arms hanging.
    """

    id: str
    front: bool
    back: bool
    across: float
    down: float

    @property
    def name(self) -> str:
        """For people."""
        return self.id.capitalize()


SITES: tuple[BodySite, ...] = (
    BodySite("scalp", True, True, 0.0, 0.02),
    BodySite("forehead", True, False, 0.0, 0.05),
    BodySite("eyelid", True, False, 0.03, 0.07),
    BodySite("ear", True, True, 0.08, 0.08),
    BodySite("nose", True, False, 0.0, 0.08),
    BodySite("cheek", True, False, 0.05, 0.09),
    BodySite("lip", True, False, 0.0, 0.10),
    BodySite("oral mucosa", True, False, 0.0, 0.105),
    BodySite("chin", True, False, 0.0, 0.12),
    BodySite("neck", True, True, 0.0, 0.15),
    BodySite("shoulder", True, True, 0.20, 0.19),
    BodySite("chest", True, False, 0.08, 0.26),
    BodySite("upper back", False, True, 0.08, 0.26),
    BodySite("upper arm", True, True, 0.27, 0.29),
    BodySite("abdomen", True, False, 0.06, 0.39),
    BodySite("lower back", False, True, 0.06, 0.39),
    BodySite("forearm", True, True, 0.33, 0.41),
    BodySite("groin", True, False, 0.06, 0.48),
    BodySite("buttock", False, True, 0.08, 0.48),
    BodySite("genital area", True, False, 0.0, 0.50),
    BodySite("perianal area", False, True, 0.0, 0.50),
    BodySite("back of hand", False, True, 0.38, 0.50),
    BodySite("palm", True, False, 0.38, 0.50),
    BodySite("fingernail", True, True, 0.40, 0.54),
    BodySite("thigh", True, True, 0.10, 0.60),
    BodySite("knee", True, False, 0.09, 0.71),
    BodySite("lower leg", True, True, 0.09, 0.82),
    BodySite("back of foot", True, False, 0.09, 0.95),
    BodySite("toenail", True, False, 0.09, 0.98),
    BodySite("sole", False, True, 0.09, 0.98),
    BodySite("not recorded", False, False, 0.0, 0.0),
)
SITE_IDS: tuple[str, ...] = tuple(site.id for site in SITES)
