"""What can be measured about the quality of one picture, without knowing what it shows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from derm_model.data.images import DecodedImage
from derm_model.data.quality.field import dark_surround, field_of_view
from derm_model.data.quality.lab import to_lab
from derm_model.data.quality.lesion import find_lesion
from derm_model.data.quality.lines import thin_lines
from derm_model.data.quality.tint import blue_things, colour_cast
from derm_model.data.quality.working import grey_inside, working_picture

# Standard deviation of the grey levels; 4.4 to 81 in 1,003 pictures. Below it nothing in the picture could be sharp.
MIN_CONTRAST = 2.5
# A pixel with all channels here has lost its colour (8-bit levels; a little room for JPEG's rounding).
_BURNT, _BLACK = 250, 5


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
    burnt_share, black_share
        Of the field of view that is white, or black, in all channels.
    lesion_share
        Of the frame that the lesion fills; None where no clear lesion was found.
    colour_cast
        Distance in CIELAB's a*, b* of the skin from skin in ordinary light.
    surround_share
        Of the frame that is the dark surround of a dermoscope's field of view.
    line_share
        Of the field of view that thin dark lines cover: hair, ruler.
    ink_share
        Of the field of view that is blue or violet against the skin: pen, sticker.
    """

    short_side_px: float
    sharpness: float | None
    contrast: float
    highlight: float
    median_grey: float
    burnt_share: float | None
    black_share: float | None
    lesion_share: float | None
    colour_cast: float | None
    surround_share: float
    line_share: float | None
    ink_share: float | None


MEASURES: tuple[str, ...] = tuple(field.name for field in fields(QualityMeasures))


class Examination:
    """One picture at its working size; each measure is computed when it is asked for.

    Parameters
    ----------
    image
        May have been decoded reduced, with a shorter side >= `WORKING_SIDE_PX`.
    """

    def __init__(self, image: DecodedImage) -> None:
        picture = working_picture(image.pixels)
        self.short_side_px = float(min(image.original_width_px, image.original_height_px))
        self.grey = grey_inside(picture)
        self.contrast = float(self.grey.std())
        self.rgb: NDArray[np.uint8] = np.asarray(picture)

    @cached_property
    def sharpness(self) -> float | None:
        """None in a picture of one colour."""
        return None if self.contrast < MIN_CONTRAST else sharpness(self.grey)

    @cached_property
    def highlight(self) -> float:
        """Grey level."""
        return float(np.percentile(self.grey, 95))

    @cached_property
    def median_grey(self) -> float:
        """Grey level."""
        return float(np.median(self.grey))

    @cached_property
    def surround(self) -> NDArray[np.bool_]:
        """(h, w) bool."""
        return dark_surround(self.rgb)

    @cached_property
    def field(self) -> NDArray[np.bool_] | None:
        """(h, w) bool; None where nothing, or almost nothing, is left of the picture."""
        field = field_of_view(self.surround)
        return field if field.mean() >= 0.05 else None

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """(h, w, 3)."""
        return to_lab(self.rgb)

    @cached_property
    def ink(self) -> NDArray[np.bool_] | None:
        """(h, w) bool."""
        return None if self.field is None else blue_things(self.lab, self.field)

    @cached_property
    def lesion_share(self) -> float | None:
        """None where no clear lesion was found."""
        if self.field is None or self.ink is None or self.contrast < MIN_CONTRAST:
            return None
        lesion = find_lesion(self.rgb, self.field, self.ink)
        return None if lesion is None else lesion.share


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
    seen = Examination(image)
    field, ink = seen.field, seen.ink
    return QualityMeasures(
        short_side_px=seen.short_side_px,
        sharpness=seen.sharpness,
        contrast=seen.contrast,
        highlight=seen.highlight,
        median_grey=seen.median_grey,
        burnt_share=None if field is None else _share(np.asarray((seen.rgb >= _BURNT).all(axis=2)), field),
        black_share=None if field is None else _share(np.asarray((seen.rgb <= _BLACK).all(axis=2)), field),
        lesion_share=seen.lesion_share,
        colour_cast=None if field is None else colour_cast(seen.lab, field),
        surround_share=float(seen.surround.mean()),
        line_share=None if field is None else _share(thin_lines(seen.rgb, field), field),
        ink_share=None if field is None or ink is None else _share(ink, field),
    )


def _share(mask: NDArray[np.bool_], field: NDArray[np.bool_]) -> float:
    """Share of the field of view that lies in the mask."""
    return float(np.count_nonzero(mask & field) / np.count_nonzero(field))


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
