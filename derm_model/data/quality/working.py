"""The small pictures on which everything but the size is measured: alike in every resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# All but the size is judged at one working size, so that a photograph is judged alike in every resolution. It is the
# size of the smallest pictures the limits were set on: enlarging those would have made them look blurred.
WORKING_SIDE_PX = 224
# Frame, black corners and vignette are no part of the picture's exposure and sharpness.
MARGIN_SHARE = 0.10

# A picture a thousand times as long as wide would be enlarged without bound.
_MAX_ASPECT = 8


def working_picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """The picture, shorter side `WORKING_SIDE_PX`.

    Parameters
    ----------
    pixels : (h, w, 3) uint8
        sRGB.

    Returns
    -------
    Image
        RGB. Averaged where it is reduced (a filter with overshoot would sharpen it), enlarged by Lanczos.
    """
    height, width = pixels.shape[:2]
    scale = WORKING_SIDE_PX / min(height, width)
    size = tuple(min(max(WORKING_SIDE_PX, round(n * scale)), _MAX_ASPECT * WORKING_SIDE_PX) for n in (width, height))
    return Image.fromarray(pixels).resize(
        (size[0], size[1]), Image.Resampling.LANCZOS if scale > 1 else Image.Resampling.BOX
    )


def grey_inside(picture: Image.Image) -> NDArray[np.float32]:
    """Grey levels (h, w), 0 to 255, of a working picture without its margin."""
    margin = round(MARGIN_SHARE * WORKING_SIDE_PX)
    return np.asarray(picture.convert("L"), dtype=np.float32)[margin:-margin, margin:-margin]
