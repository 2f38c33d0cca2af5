"""What a reader sees of an image: its pixels, upright, as a data URL. No Streamlit in here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from derm_model.data.images import Limits, decode
from pages.ui.case import data_url

VIEW_PX = 2048  # longer side of what is sent, some 700 kB
DETAIL_PX = 1365  # shorter side that is decoded at least: a picture of 3 to 2 then has the longer side above
# data sets hold larger files than people upload
LIMITS = Limits(max_bytes=256 * 1024**2)
_QUALITY = 92


def read_pixels(data: bytes) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 of a file of the study, upright.

    Raises
    ------
    UnreadableImage
        The bytes are no image we can read.
    """
    return decode(data, limits=LIMITS, min_side_px=DETAIL_PX).pixels


def picture_url(pixels: NDArray[np.uint8]) -> str:
    """Freshly encoded: it holds pixels, and neither name nor metadata of the file."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return data_url(picture, "JPEG", quality=_QUALITY, subsampling=0)
