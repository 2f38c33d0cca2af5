"""Thin dark lines: hairs and rulers; in photographs also pen marks and furrows of the skin."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Lengths in pixels of the working picture (shorter side 224). A hair of a dermoscopic picture is 1 to 4 wide there; a
# black-hat of 9 sees what is narrower than that (after DullRazor: Lee et al. 1997, Comput Biol Med 27:533-543).
_WIDTH_PX = 9
# A line must go on for 16 pixels, 7 % of the shorter side: meshes of a pigment network are shorter.
_STEPS = (1, 2, 4, 8)
_DIRECTIONS = 12
# How much darker than its surroundings a line must be, as a share of the picture's median. At 0.09 even thin pale-brown
# hairs of the pictures looked at are found.
_MIN_DARKNESS = 0.09

Mask = NDArray[np.bool_]


def thin_lines(rgb: NDArray[np.uint8], field: Mask) -> Mask:
    """Find dark lines.

    Parameters
    ----------
    rgb : (h, w, 3) uint8
        The working picture.
    field : (h, w) bool
        Where to look.

    Returns
    -------
    (h, w) bool
    """
    dark = field.copy()
    # Vessels are bright in red and pen marks in blue: only what is dark in both is a hair or a ruler.
    for channel in (0, 2):
        plane = np.ascontiguousarray(rgb[..., channel])
        depth = ndimage.grey_closing(plane, (_WIDTH_PX, _WIDTH_PX)) - plane
        dark &= depth > max(_MIN_DARKNESS * float(np.median(plane[field])), 1.0)
    found = np.zeros_like(dark)
    for steps in _segments():
        found |= _open(dark, steps)
    return found


@cache
def _segments() -> tuple[tuple[tuple[int, int], ...], ...]:
    """For each direction the shifts (rows, columns) whose sums are the 16 points of a line segment."""
    turns = np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    return tuple(tuple((round(np.sin(t) * step), round(np.cos(t) * step)) for step in _STEPS) for t in turns)


def _open(mask: Mask, steps: tuple[tuple[int, int], ...]) -> Mask:
    """Morphological opening by a line segment, in 2 log2(length) shifts instead of 2 length."""
    for rows, columns in steps:
        mask = mask & _shifted(mask, -rows, -columns)
    for rows, columns in steps:
        mask = mask | _shifted(mask, rows, columns)
    return mask


def _shifted(mask: Mask, rows: int, columns: int) -> Mask:
    moved = np.zeros_like(mask)
    height, width = mask.shape
    moved[max(0, rows) : height + min(0, rows), max(0, columns) : width + min(0, columns)] = mask[
        max(0, -rows) : height + min(0, -rows), max(0, -columns) : width + min(0, -columns)
    ]
    return moved
