"""Outlines on an image: of a lesion, or of what shall be covered; drawn, or uploaded as a mask. No Streamlit."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from derm_model.errors import DermTreeError
from pages.ui.saliency.lab import Shapes

if TYPE_CHECKING:
    from derm_model.evaluation.map_measures import Inside

Mask = NDArray[np.bool_]

MAX_SIDE_PX = 12_000  # of an uploaded mask: a bit a pixel is decoded
MAX_ASPECT_ERROR = 0.02  # a mask that was cut or padded would lie beside its lesion
SENT_PX = 256  # longer side of the mask the browser draws the outline of
SUPERSAMPLING = 4  # of a drawn line, so that a mask of the network's size has the drawn area


def read_mask(data: bytes, width_px: int, height_px: int) -> Mask:
    """A mask as a file: white (or not transparent) is inside.

    Parameters
    ----------
    data
        A PNG.
    width_px, height_px : int
        Of the image it belongs to.

    Returns
    -------
    (h, w) bool

    Raises
    ------
    DermTreeError
        It is no PNG, of another shape than the image, or all black or all white.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if max(picture.size) > MAX_SIDE_PX:
                raise DermTreeError(f"A mask has at most {MAX_SIDE_PX:,} pixels a side; this one has {picture.size}.")
            width, height = picture.size
            if abs((width / height) / (width_px / height_px) - 1) > MAX_ASPECT_ERROR:
                raise DermTreeError(
                    f"A mask has the shape of its image, which has {width_px} x {height_px} pixels. This one has "
                    f"{width} x {height}. Export it again without cropping."
                )
            mask = np.asarray(picture.convert("L")) >= 128
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DermTreeError("A mask is a PNG: white inside the lesion, black outside. This file is none.") from error
    if not mask.any() or mask.all():
        raise DermTreeError("A mask is white inside the lesion and black outside. This one has a single colour.")
    return np.asarray(mask)


def rasterised(shapes: Shapes, width_px: int, height_px: int) -> Mask:
    """What lies in any of the closed lines, (height_px, width_px) bool."""
    size = width_px * SUPERSAMPLING, height_px * SUPERSAMPLING
    picture = Image.new("L", size)
    pen = ImageDraw.Draw(picture)
    for points in shapes:
        pen.polygon([(x * size[0], y * size[1]) for x, y in points], fill=255)
    return np.asarray(picture.resize((width_px, height_px), Image.Resampling.BOX)) >= 128


def resized(mask: Mask, width_px: int, height_px: int) -> Mask:
    """The mask in another size."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.resize((width_px, height_px), Image.Resampling.BOX)) >= 128


def inside(values: NDArray[np.float32], mask: Mask | None) -> Inside | None:
    """Share of a map within an outline on its image, beside the share of the image; None without an outline."""
    if mask is None:
        return None
    from derm_model.evaluation import map_measures  # scipy

    return map_measures.inside(values, mask)


def payload(mask: Mask) -> dict[str, Any]:
    """The mask as the component takes it."""
    height, width = mask.shape
    scale = min(1.0, SENT_PX / max(width, height))
    small = resized(mask, max(1, round(width * scale)), max(1, round(height * scale)))
    codes = (small * np.uint8(255)).astype(np.uint8).tobytes()
    return {"size": [small.shape[1], small.shape[0]], "data": base64.b64encode(codes).decode("ascii")}


def checked_shapes(drawn: object, digests: Sequence[str]) -> tuple[str, Shapes] | None:
    """What the browser says was drawn, as (digest of the image, shapes); None for what cannot be."""
    if not isinstance(drawn, Mapping) or drawn.get("image") not in digests:
        return None
    shapes = drawn.get("shapes")
    if not isinstance(shapes, list):
        return None
    try:
        found = [[[float(x), float(y)] for x, y in points] for points in shapes]
    except (TypeError, ValueError):
        return None
    whole = all(len(points) >= 3 and all(0 <= n <= 1 for xy in points for n in xy) for points in found)
    return (drawn["image"], found) if whole else None
