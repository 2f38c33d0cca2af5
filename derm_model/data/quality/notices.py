"""Is the picture good enough to be read? Notices to show beside the result; never a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from derm_model.data.images import DecodedImage
from derm_model.data.quality.measures import MIN_CONTRAST, measure_quality

# The network reads 299 x 299 pixels: a smaller picture is enlarged and lacks what the network learnt to see.
MIN_SIDE_PX = 299
MIN_SHARPNESS = 0.30
MIN_HIGHLIGHT = 80
MAX_MEDIAN = 245

QualityKind = Literal["small", "uniform", "blurred", "dark", "bright"]


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
        could be sharp.
    """
    notices: list[QualityNotice] = []
    found = measure_quality(image)
    width, height = image.original_width_px, image.original_height_px
    if min(width, height) < MIN_SIDE_PX:
        small = (
            f"**The image is small ({width} x {height} pixels).** Fine structure is missing. "
            "Use the original file if you have it."
        )
        notices.append(QualityNotice("small", small, min(width, height)))
    if found.contrast < MIN_CONTRAST:
        uniform = "**The image shows almost nothing but one colour.** Check that it is the right file."
        notices.append(QualityNotice("uniform", uniform, found.contrast))
    elif found.sharpness is not None and found.sharpness < MIN_SHARPNESS:
        blurred = "**The image looks blurred.** Take it again with the lesion in focus."
        notices.append(QualityNotice("blurred", blurred, found.sharpness))
    if found.highlight < MIN_HIGHLIGHT:
        notices.append(QualityNotice("dark", "**The image is very dark.** Use more even light.", found.highlight))
    elif found.median_grey > MAX_MEDIAN:
        bright = "**The image is very bright.** Use less light and avoid reflections."
        notices.append(QualityNotice("bright", bright, found.median_grey))
    return tuple(notices)
