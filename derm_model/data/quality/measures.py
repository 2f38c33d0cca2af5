"""What can be measured about the quality of one picture, without knowing what it shows."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from derm_model.data.images import DecodedImage
from derm_model.data.quality.working import grey_inside, working_picture

# Standard deviation of the grey levels; 4.4 to 81 in 1,003 pictures. Below it nothing in the picture could be sharp.
MIN_CONTRAST = 2.5


@dataclass(frozen=True)
class QualityMeasures:
    """Measures of one picture; each is a column of the quality table, None where it cannot be told.

    Attributes
    ----------
    short_side_px
        Shorter side of the original in pixels.
    sharpness
        Fine structure relative to coarser structure at one working size; >= 0, None in a picture of one colour.
    contrast
        Standard deviation of the grey levels.
    highlight
        Grey level (0-255) that 5 % of the pixels exceed.
    median_grey
        Median grey level (0-255).
    """

    short_side_px: float
    sharpness: float | None
    contrast: float
    highlight: float
    median_grey: float


MEASURES: tuple[str, ...] = tuple(field.name for field in fields(QualityMeasures))


def measure_quality(image: DecodedImage) -> QualityMeasures:
    """Measure one picture.

    Parameters
    ----------
    image
        May have been decoded reduced, with a shorter side >= `WORKING_SIDE_PX`.

    Returns
    -------
    QualityMeasures
    """
    picture = working_picture(image.pixels)
    grey = grey_inside(picture)
    contrast = float(grey.std())
    return QualityMeasures(
        short_side_px=float(min(image.original_width_px, image.original_height_px)),
        sharpness=None if contrast < MIN_CONTRAST else sharpness(grey),
        contrast=contrast,
        highlight=float(np.percentile(grey, 95)),
        median_grey=float(np.median(grey)),
    )


def sharpness(grey: NDArray[np.float32]) -> float:
    """Fine structure relative to coarser structure, >= 0; it does not change with brightness or contrast.

    Parameters
    ----------
    grey : (h, w) float32
        Grey levels at the working size.
    """
    smooth = gaussian_filter(grey, 1.0)
    coarse = np.percentile(np.abs(smooth - gaussian_filter(smooth, 4.0)), 99)
    fine = np.percentile(np.abs(grey - smooth), 99)
    return float(fine / max(float(coarse), 1e-3))
