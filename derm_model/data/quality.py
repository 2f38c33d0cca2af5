"""Is the picture good enough to be read? Notices to show beside the result; never a refusal.

The limits were set on 1,003 pictures of HAM10000, ISIC 2017 and PAD-UFES-20: 4 of them (0.4 %) are called blurred, none
dark, bright or uniform; 720, which the data sets hold in 224 or 256 pixels, small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from derm_model.data.images import DecodedImage

# The network reads 299 x 299 pixels: a smaller picture is enlarged and lacks what the network learnt to see.
MIN_SIDE_PX = 299

# All but the size is judged at one working size, so that a photograph is judged alike in every resolution. It is the
# size of the smallest pictures the limits were set on: enlarging those would have made them look blurred.
WORKING_SIDE_PX = 224
# Frame, black corners and vignette are no part of the picture's quality.
MARGIN_SHARE = 0.10

# Finest structure (below 1 pixel of the working size) against coarser (1 to 4 pixels), by their 99th percentiles, so
# that a few sharp places (hairs, a ruler) tell that the rest is smooth and not blurred. The pictures have 0.24 to 2.8,
# 0.4 % lie below the limit. After a Gaussian blur of 1.0, 1.5, 2.5 pixels (SD) it is 48, 99.2, 99.7 % of them.
MIN_SHARPNESS = 0.30
# Grey level that 5 % of the pixels exceed. The same pictures: 103 to 252.
MIN_HIGHLIGHT = 80
# Median grey level; 50 to 236.
MAX_MEDIAN = 245
# Standard deviation of the grey levels; 4.4 to 81.
MIN_CONTRAST = 2.5

QualityKind = Literal["small", "blurred", "dark", "bright", "uniform"]


@dataclass(frozen=True)
class QualityNotice:
    """One reservation about a picture.

    Attributes
    ----------
    kind
    message
        Markdown: what was seen (bold) and what to do.
    value
        The measured figure behind it: shorter side in pixels (small), ratio of fine to coarse structure (blurred), grey
        level (dark, bright: 0-255) or standard deviation of grey levels (uniform).
    """

    kind: QualityKind
    message: str
    value: float


def check_quality(image: DecodedImage) -> tuple[QualityNotice, ...]:
    """Say what about a picture may make its result less certain.

    Parameters
    ----------
    image
        May have been decoded reduced, with a shorter side >= `WORKING_SIDE_PX`.

    Returns
    -------
    tuple of QualityNotice
        Empty when there is nothing to say. A picture of one colour is called uniform and never blurred: nothing in it
        could be sharp. About 12 ms for 1024 x 1024 pixels.
    """
    notices: list[QualityNotice] = []
    width, height = image.original_width_px, image.original_height_px
    if min(width, height) < MIN_SIDE_PX:
        small = (
            f"**The image is small ({width} x {height} pixels).** Fine structure is missing. "
            "Use the original file if you have it."
        )
        notices.append(QualityNotice("small", small, min(width, height)))
    grey = _working_grey(image.pixels)
    contrast = float(grey.std())
    sharpness = _sharpness(grey)
    if contrast < MIN_CONTRAST:
        uniform = "**The image shows almost nothing but one colour.** Check that it is the right file."
        notices.append(QualityNotice("uniform", uniform, contrast))
    elif sharpness < MIN_SHARPNESS:
        blurred = "**The image looks blurred.** Take it again with the lesion in focus."
        notices.append(QualityNotice("blurred", blurred, sharpness))
    highlight, median = float(np.percentile(grey, 95)), float(np.median(grey))
    if highlight < MIN_HIGHLIGHT:
        notices.append(QualityNotice("dark", "**The image is very dark.** Use more even light.", highlight))
    elif median > MAX_MEDIAN:
        bright = "**The image is very bright.** Use less light and avoid reflections."
        notices.append(QualityNotice("bright", bright, median))
    return tuple(notices)


def _working_grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels (h, w) at the working size, shorter side `WORKING_SIDE_PX`, without the margin."""
    height, width = pixels.shape[:2]
    scale = WORKING_SIDE_PX / min(height, width)
    size = (max(WORKING_SIDE_PX, round(width * scale)), max(WORKING_SIDE_PX, round(height * scale)))
    # A picture a thousand times as long as wide would be enlarged without bound.
    size = (min(size[0], 8 * WORKING_SIDE_PX), min(size[1], 8 * WORKING_SIDE_PX))
    resample = Image.Resampling.LANCZOS if scale > 1 else Image.Resampling.BOX
    grey = Image.fromarray(pixels).convert("L").resize(size, resample)
    margin = round(MARGIN_SHARE * WORKING_SIDE_PX)
    return np.asarray(grey, dtype=np.float32)[margin:-margin, margin:-margin]


def _sharpness(grey: NDArray[np.float32]) -> float:
    """Fine structure relative to coarser structure, >= 0; it does not change with brightness or contrast."""
    smooth = gaussian_filter(grey, 1.0)
    coarse = np.percentile(np.abs(smooth - gaussian_filter(smooth, 4.0)), 99)
    fine = np.percentile(np.abs(grey - smooth), 99)
    return float(fine / max(float(coarse), 1e-3))
