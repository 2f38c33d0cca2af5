"""The structure of a picture: what another encoding, size, brightness or tint of it leaves as it was.

It is compared in bands of spatial frequency, by the cosine transform of a 48 x 48 grid. There, mirroring a picture
changes signs and turning it swaps rows and columns, so that all eight orientations cost little more than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    import pandas as pd

# A picture is squashed to a 64 x 64 grid, and only its middle 48 x 48 cells count: vignette, aperture and lamp
# reflections at the edge are common to a clinic's pictures.
GRID = 64
MARGIN = 8
SIDE = GRID - 2 * MARGIN
N_DETAIL = SIDE**2
# A Gaussian of this many cells takes away tint, shade and most of the lesion as a blob.
BLUR_CELLS = 4.0
# What is left is cut off at this many robust standard deviations, or a dark spot would outweigh all the rest.
CLIP = 2.0
# Below this robust standard deviation (in grey levels) there is rounding noise and nothing to compare.
MIN_CONTRAST = 0.25
# More pixels than 8 x 8 a cell only cost time.
_ENOUGH_PX = 8 * GRID

# Frequencies f = hypot(i, j) of the cosine transform that are compared, in half waves across the cells. Coarse ones
# bear a shift, so they are searched; but every round dark lesion in a smooth skin is like every other below 8. Above 24
# a copy at a third of the size differs.
Band = tuple[int, int]
SEARCH_BAND: Band = (6, 16)
VERIFY_BAND: Band = (8, 24)
# The standard deviation of a coefficient falls as f**-1.3 over 9,037 pictures; weights of f**1 make them nearly equal
# without raising the noise at the upper end. Frequencies of equal weight separate copies from other pictures best.
_WHITENING = 1.0
# A coefficient counts at most this many times the root mean square of its picture: a hair is not everything.
_MAX_COEFFICIENT = 4.0

# Least correlation of one picture with another copy of it: see `derm_model.data.duplicates.perceptual`.
MIN_CORRELATION = 0.8


def picture_detail(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Describe a picture's structure, such that another encoding, size, brightness or tint changes it little.

    Parameters
    ----------
    pixels : (h, w, 3) uint8

    Returns
    -------
    (2304,) int8
        48 x 48 cells in -127..127, row by row; all zero for a picture without structure. A turned or mirrored picture
        has turned or mirrored cells.
    """
    grey = Image.fromarray(pixels).convert("L")
    grey = grey.reduce(max(1, min(grey.size) // _ENOUGH_PX)).convert("F")  # "F": cells are not rounded to whole greys
    values = np.asarray(grey.resize((GRID, GRID), Image.Resampling.BOX))
    fine = (values - gaussian_filter(values, BLUR_CELLS))[MARGIN:-MARGIN, MARGIN:-MARGIN].ravel()
    fine -= fine.mean()
    contrast = 1.4826 * float(np.median(np.abs(fine)))  # equals the standard deviation for normal values
    if contrast < MIN_CONTRAST:
        return np.zeros(N_DETAIL, dtype=np.int8)
    return np.asarray(np.rint(np.clip(fine / (CLIP * contrast), -1, 1) * 127), dtype=np.int8)


def band_mask(band: Band, side: int = SIDE) -> NDArray[np.bool_]:
    """Which coefficients (i, j) of the cosine transform lie in a band, (side, side) bool; symmetric in i and j."""
    frequency = _frequency(side)
    return np.asarray((frequency >= band[0]) & (frequency <= band[1]), dtype=np.bool_)


def spectrum(cells: NDArray[np.generic], band: Band) -> NDArray[np.float32]:
    """Whitened cosine transform of pictures within a band.

    Parameters
    ----------
    cells : (n, s, s)
        Detail of pictures, whole or averaged in blocks (s greater than the band's upper end).
    band

    Returns
    -------
    (n, k) float32
        Coefficients of `band_mask`, row by row; each picture's have length 1, or 0 where it has no structure. The
        correlation of two pictures is their product.
    """
    side = cells.shape[1]
    mask = band_mask(band, side)
    weights = _frequency(side)[mask] ** _WHITENING
    values = dctn(cells.astype(np.float32), axes=(1, 2), norm="ortho")[:, mask] * weights.astype(np.float32)
    root_mean_square = np.sqrt((values**2).mean(axis=1, keepdims=True))
    limit = _MAX_COEFFICIENT * root_mean_square
    values = np.clip(values, -limit, limit)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(np.divide(values, length, out=np.zeros_like(values), where=length > 0), dtype=np.float32)


def details_of(prints: pd.DataFrame) -> NDArray[np.int8]:
    """Structure of every row of a prints table, (n, 2304) int8; all zero where it is missing."""
    details = np.zeros((len(prints), N_DETAIL), dtype=np.int8)
    for row, stored in enumerate(prints["detail"].tolist()):
        if isinstance(stored, bytes):
            details[row] = np.frombuffer(stored, dtype=np.int8)
    return details


def _frequency(side: int) -> NDArray[np.float64]:
    index = np.arange(side)
    return np.asarray(np.hypot(index[:, None], index[None]), dtype=np.float64)
