"""The fine structure of a picture: what another encoding, size, brightness or tint of it leaves as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    import pandas as pd

# A picture is compared on a 64 x 64 grid. Only the finest structure counts (what a Gaussian of 1.5 cells takes away),
# and only in the middle 48 x 48 cells: tint, vignette, aperture and lamp reflections at the edge are common to a
# clinic's pictures, and a coarse hash (dHash) joined unrelated lesions by them while it missed recoloured copies.
GRID = 64
MARGIN = 8
SIDE = GRID - 2 * MARGIN
BLUR_CELLS = 1.5
N_DETAIL = SIDE**2

# Detail is cut off at this many robust standard deviations, or a dark spot in the middle would outweigh all the rest.
CLIP = 2.0
# Below this robust standard deviation (in grey levels) there is rounding noise and nothing to compare.
MIN_CONTRAST = 0.25

# Calibrated by eye on 9,037 pictures: see `derm_model.data.duplicates.perceptual`.
MIN_CORRELATION = 0.38


def picture_detail(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Describe a picture's fine structure, such that another encoding, size, brightness or tint changes it little.

    Parameters
    ----------
    pixels : (h, w, 3) uint8

    Returns
    -------
    (2304,) int8
        In -127..127, row by row; all zero for a picture without structure. Turned, mirrored or shifted pictures differ.
    """
    grey = Image.fromarray(pixels).convert("L").resize((GRID, GRID), Image.Resampling.BOX)
    values = np.asarray(grey, dtype=np.float32)
    fine = (values - gaussian_filter(values, BLUR_CELLS))[MARGIN:-MARGIN, MARGIN:-MARGIN].ravel()
    fine -= fine.mean()
    contrast = 1.4826 * float(np.median(np.abs(fine)))  # equals the standard deviation for normal values
    if contrast < MIN_CONTRAST:
        return np.zeros(N_DETAIL, dtype=np.int8)
    return np.asarray(np.clip(fine / (CLIP * contrast), -1, 1) * 127, dtype=np.int8)


def details_of(prints: pd.DataFrame) -> NDArray[np.int8]:
    """Fine structure of every row of a prints table, (n, 2304) int8; all zero where it is missing."""
    details = np.zeros((len(prints), N_DETAIL), dtype=np.int8)
    for row, stored in enumerate(prints["detail"].tolist()):
        if isinstance(stored, bytes):
            details[row] = np.frombuffer(stored, dtype=np.int8)
    return details
