"""What is read off one file to find its duplicates: its bytes, its pixels, its fine structure, its camera and time.

A place is never read: GPS stays in the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.detail import picture_detail
from derm_model.data.duplicates.shot import read_shot
from derm_model.data.images import DecodedImage

if TYPE_CHECKING:
    import pandas as pd

# Columns of the prints table and their types; `detail` holds the bytes of `Fingerprint.detail`.
PRINT_COLUMNS = {
    "content_hash": "string",
    "pixel_hash": "string",
    "width_px": "Int32",
    "height_px": "Int32",
    "camera": "string",
    "taken_at": "datetime64[s]",
    "detail": "object",
}


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What tells a file, its picture and its shot.

    Attributes
    ----------
    content_hash
        sha256 of the bytes, hex.
    pixel_hash
        sha256 of the size and the upright sRGB pixels, hex.
    width_px, height_px
        Of the upright original.
    camera
        Make, model and serial number, as far as the file says; None where it says none of them.
    taken_at
        When the shutter was released, by the camera's own clock; None where the file does not say.
    detail : (2304,) int8
        Fine structure (`picture_detail`); all zero where there is none to compare.
    """

    content_hash: str
    pixel_hash: str
    width_px: int
    height_px: int
    camera: str | None
    taken_at: datetime | None
    detail: NDArray[np.int8]


def fingerprint_of(data: bytes, image: DecodedImage) -> Fingerprint:
    """Fingerprint one file.

    Parameters
    ----------
    data
        The whole file.
    image
        Decoded from it. Only in full size is its pixel hash the same for every file with these pixels.
    """
    pixels = np.ascontiguousarray(image.pixels)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    shot = read_shot(data)
    return Fingerprint(
        hashlib.sha256(data).hexdigest(),
        digest.hexdigest(),
        image.original_width_px,
        image.original_height_px,
        shot.camera,
        shot.taken_at,
        picture_detail(pixels),
    )


def to_prints(items: Sequence[tuple[str, Fingerprint | None]]) -> pd.DataFrame:
    """Put fingerprints into a table.

    Parameters
    ----------
    items
        Content hash and fingerprint; None where the file could not be read.

    Returns
    -------
    DataFrame
        One row an item with `PRINT_COLUMNS`; missing values for None. `detail` is missing, too, where there is no
        structure to compare.
    """
    import pandas as pd

    rows = [
        {"content_hash": content_hash}
        if print_ is None
        else {
            "content_hash": content_hash,
            "pixel_hash": print_.pixel_hash,
            "width_px": print_.width_px,
            "height_px": print_.height_px,
            "camera": print_.camera,
            "taken_at": print_.taken_at,
            "detail": print_.detail.tobytes() if print_.detail.any() else None,
        }
        for content_hash, print_ in items
    ]
    return pd.DataFrame(rows, columns=list(PRINT_COLUMNS)).astype(PRINT_COLUMNS)
