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
from derm_model.data.quality.lesion import Lesion, find_lesion
from derm_model.data.quality.lines import thin_lines
from derm_model.data.quality.tint import blue_things, colour_cast
from derm_model.data.quality.working import grey_inside, working_picture

# Standard deviation of the grey levels; 4.9 to 86 in 1,203 pictures. Below it nothing in the picture could be sharp.
MIN_CONTRAST = 2.5
# A pixel with all channels here has lost its colour (8-bit levels; a little room for JPEG's rounding).
_BURNT, _BLACK = 250, 5

# Of the sharpness: SD in working pixels of the window that makes a place, and noise of JPEG and sensor in grey levels.
# Chosen among eight measures on 370 pictures, each also blurred by a Gaussian of 1 working pixel (SD): this one puts
# 99.99 % of the pairs in the right order; the ratio of whole-picture percentiles 99.6 %, Crete's re-blurring 93 %.
_PLACE_PX, _LEVELS_OF_NOISE = 5.0, 0.7


@dataclass(frozen=True)
class QualityMeasures:
    """Measures of one picture; each is a column of the quality table, None where it cannot be told.

    Attributes
    ----------
    short_side_px
        Shorter side of the original in pixels.
    sharpness
        Finest structure relative to coarser structure at one working size; >= 0, None in a picture of one colour.
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
        Of the field of view outside the lesion that thin dark lines cover: hair, ruler.
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
    def lesion(self) -> Lesion | None:
        """None where no clear lesion was found."""
        if self.field is None or self.ink is None or self.contrast < MIN_CONTRAST:
            return None
        return find_lesion(self.rgb, self.field, self.ink)

    @cached_property
    def lines(self) -> float | None:
        """Share of the skin that thin dark lines cover; a lesion's own network is left out."""
        if self.field is None:
            return None
        skin = self.field if self.lesion is None else self.field & ~self.lesion.enlarged(self.field.shape)
        return _share(thin_lines(self.rgb, self.field), skin) if skin.any() else None


def measure_quality(image: DecodedImage) -> QualityMeasures:
    """Measure one picture.

    Parameters
    ----------
    image
        May have been decoded reduced, with a shorter side >= `WORKING_SIDE_PX`.

    Returns
    -------
    QualityMeasures
        Of 1024 x 1024 pixels in 33 to 45 ms of a core that others keep busy, too (notices alone: 25 to 35).
    """
    seen = Examination(image)
    field, ink = seen.field, seen.ink
    return QualityMeasures(
        short_side_px=seen.short_side_px,
        sharpness=seen.sharpness,
        contrast=seen.contrast,
        highlight=seen.highlight,
        median_grey=seen.median_grey,
        burnt_share=None if field is None else _share(_in_all_channels(seen.rgb >= _BURNT), field),
        black_share=None if field is None else _share(_in_all_channels(seen.rgb <= _BLACK), field),
        lesion_share=None if seen.lesion is None else seen.lesion.share,
        colour_cast=None if field is None else colour_cast(seen.lab, field),
        surround_share=float(seen.surround.mean()),
        line_share=seen.lines,
        ink_share=None if field is None or ink is None else _share(ink, field),
    )


def _in_all_channels(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(h, w) of (h, w, 3); numpy's own `all` over a short last axis takes ten times as long."""
    return mask[..., 0] & mask[..., 1] & mask[..., 2]


def _share(mask: NDArray[np.bool_], field: NDArray[np.bool_]) -> float:
    """Share of the field that lies in the mask."""
    return float(np.count_nonzero(mask & field) / np.count_nonzero(field))


def sharpness(grey: NDArray[np.float32]) -> float:
    """Structure of 1 pixel relative to structure of 2 pixels, where the picture is sharpest.

    Both are compared place by place, so that a lesion's strong border does not outshout the skin's fine lines; and the
    place that 10 % of the picture exceed is taken, so that smooth skin, or a background out of focus, does not count
    against it.

    Parameters
    ----------
    grey : (h, w) float32
        Grey levels at the working size.

    Returns
    -------
    float
        >= 0. It hardly changes with brightness and contrast: a constant of 0.7 grey levels only keeps the noise of
        places without structure from deciding.
    """
    smooth = gaussian_filter(grey, 0.8)
    fine = _local_rms(grey - smooth)
    coarse = _local_rms(smooth - gaussian_filter(smooth, 1.6))
    return float(np.percentile(fine / (coarse + _LEVELS_OF_NOISE), 90))


def _local_rms(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(gaussian_filter(plane**2, _PLACE_PX)), dtype=np.float32)
