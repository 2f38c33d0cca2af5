"""Is the picture good enough to be read? Notices to show beside the result; never a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from derm_model.data.images import DecodedImage
from derm_model.data.quality.measures import Examination
from derm_model.data.quality.rules import default_threshold

# The network reads 299 x 299 pixels: a smaller picture is enlarged and lacks what the network learnt to see.
MIN_SIDE_PX = 299

QualityKind = Literal["small", "uniform", "blurred", "dark", "bright", "far"]


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
        level (dark, bright: 0-255), standard deviation of grey levels (uniform) or share of the frame (far).
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
        could be sharp.
    """
    seen = Examination(image)
    found = (_small(image), _uniform_or_blurred(seen), _light(seen), _far(seen))
    return tuple(notice for notice in found if notice is not None)


def _small(image: DecodedImage) -> QualityNotice | None:
    width, height = image.original_width_px, image.original_height_px
    if min(width, height) >= MIN_SIDE_PX:
        return None
    message = (
        f"**The image is small ({width} x {height} pixels).** Fine structure is missing. "
        "Use the original file if you have it."
    )
    return QualityNotice("small", message, min(width, height))


def _uniform_or_blurred(seen: Examination) -> QualityNotice | None:
    if seen.contrast < default_threshold("contrast"):
        message = "**The image shows almost nothing but one colour.** Check that it is the right file."
        return QualityNotice("uniform", message, seen.contrast)
    if seen.sharpness is not None and seen.sharpness < default_threshold("sharpness"):
        message = "**The image looks blurred.** Take it again with the lesion in focus."
        return QualityNotice("blurred", message, seen.sharpness)
    return None


def _light(seen: Examination) -> QualityNotice | None:
    if seen.highlight < default_threshold("highlight"):
        return QualityNotice("dark", "**The image is very dark.** Use more even light.", seen.highlight)
    if seen.median_grey > default_threshold("median_grey"):
        message = "**The image is very bright.** Use less light and avoid reflections."
        return QualityNotice("bright", message, seen.median_grey)
    return None


def _far(seen: Examination) -> QualityNotice | None:
    if seen.lesion is None or seen.lesion.share >= default_threshold("lesion_share"):
        return None
    message = "**The lesion fills little of the frame.** Small structures may be lost. A closer view would help."
    return QualityNotice("far", message, seen.lesion.share)
