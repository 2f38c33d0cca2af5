"""The dark surround of a dermoscope's round field of view, or of a photograph: no skin lies there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Darker than this in all three channels, and than half of the picture's middle: the surround of dermoscopes is nearly
# black, and the corners of a picture of dark skin are not half as bright as its middle.
_MAX_LEVEL = 80
_MAX_SHARE_OF_MIDDLE = 0.5

# Pixels of the working picture (shorter side 224) that belong to the soft border of the surround: about 4 % of it.
_SOFT_BORDER_PX = 8


def dark_surround(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Dark pixels that are connected with a corner of the picture.

    Parameters
    ----------
    rgb : (h, w, 3) uint8
        The working picture.

    Returns
    -------
    (h, w) bool
        Computed at half size: edges are exact to two pixels.
    """
    red, green, blue = (rgb[::2, ::2, channel] for channel in range(3))
    small = np.maximum(np.maximum(red, green), blue)
    height, width = small.shape
    middle = float(np.median(small[height // 4 : -height // 4, width // 4 : -width // 4]))
    labels, _ = ndimage.label(small < min(_MAX_LEVEL, _MAX_SHARE_OF_MIDDLE * middle))
    corners = set(labels[[0, 0, -1, -1], [0, -1, 0, -1]].tolist()) - {0}
    found = np.isin(labels, list(corners))
    return np.asarray(found.repeat(2, axis=0).repeat(2, axis=1)[: rgb.shape[0], : rgb.shape[1]], dtype=np.bool_)


def field_of_view(surround: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is left of the picture without the surround and its soft border; (h, w) bool, like `surround`."""
    if not surround.any():
        return ~surround
    return np.asarray(ndimage.distance_transform_edt(~surround) > _SOFT_BORDER_PX, dtype=np.bool_)
