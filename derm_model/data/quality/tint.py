"""Colours that do not come from the skin: a cast over the picture, and blue or violet things laid on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# a*, b* of skin in ordinary light: the median of the 303 smartphone photographs of PAD-UFES-20.
SKIN_A, SKIN_B = 9.0, 12.0

# Ink: bluer than neutral grey, much bluer than the skin of the same picture (whose cast thus does not matter), and
# darker than it.
_MAX_INK_B = -4.0
_MIN_INK_BLUER = 12.0
_MIN_INK_DARKER = 8.0


def colour_cast(lab: NDArray[np.float32], field: NDArray[np.bool_]) -> float:
    """Distance of the picture's skin from skin in ordinary light, in the plane of a* and b*.

    Parameters
    ----------
    lab : (h, w, 3) float32
        CIELAB of the working picture.
    field : (h, w) bool
        Not empty.
    """
    colours = _sample(lab, field)
    lightness = colours[:, 0]
    # The lighter half is skin in almost every picture; the darker half may be lesion.
    skin = np.median(colours[lightness >= np.median(lightness)], axis=0)
    return float(np.hypot(skin[1] - SKIN_A, skin[2] - SKIN_B))


def blue_things(lab: NDArray[np.float32], field: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of pen marks, stickers, drapes; (h, w) bool. A blue lesion is found, too."""
    skin = np.median(_sample(lab, field), axis=0)
    blue = lab[..., 2] < min(_MAX_INK_B, float(skin[2]) - _MIN_INK_BLUER)
    darker = lab[..., 0] < float(skin[0]) - _MIN_INK_DARKER
    found = blue & darker & field
    return np.asarray(ndimage.binary_opening(found), dtype=np.bool_) if found.any() else found


def _sample(lab: NDArray[np.float32], field: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Every fourth colour (m, 3) of the field: as good for a median, and four times as fast."""
    return lab[::2, ::2][field[::2, ::2]]
