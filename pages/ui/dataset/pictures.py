"""Small pictures of images on the server, read at reduced scale and several at a time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from derm_model.errors import UnreadableImage

SIDE_PX = 360  # longer side: two stand in a card of half the page's width, sharp on a dense screen
MIN_SIDE_PX = 240  # shorter side that is decoded at least
QUALITY = 82  # some 12 kB each

_readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="dermtree-thumbnails")


@dataclass(frozen=True)
class Thumbnail:
    """A JPEG without metadata, or why there is none."""

    data: bytes | None
    reason: str = ""


def read_thumbnail(path: Path) -> Thumbnail:
    """Small picture of a file; a damaged or missing file gives a reason instead."""
    from derm_model.data.images import Limits, decode_file

    try:
        # data sets hold larger files than people upload: the ISIC Archive has originals of 60 MB
        pixels = decode_file(path, limits=Limits(max_bytes=256 * 1024**2), min_side_px=MIN_SIDE_PX).pixels
    except UnreadableImage as error:
        return Thumbnail(None, str(error))
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return Thumbnail(buffer.getvalue())


def read_thumbnails(paths: Sequence[str]) -> list[Thumbnail]:
    """Small pictures of several files, in their order."""
    from pages.ui.resources import thumbnail

    return list(_readers.map(lambda path: thumbnail(path, _stamp(path)), paths))


def _stamp(path: str) -> int:
    """Changes when the file is replaced."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
