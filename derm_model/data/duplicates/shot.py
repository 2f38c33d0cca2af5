"""Which camera took a picture, and when: the two things that EXIF knows of a shot. Nothing else is read from it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from derm_model.data.sniffing import sniff

_MAKE, _MODEL, _EXIF_BLOCK = 0x010F, 0x0110, 0x8769
_ORIGINAL_TIME, _DIGITIZED_TIME, _SERIAL = 0x9003, 0x9004, 0xA431
# The tag DateTime (0x0132) is left out: it is the time of the last change, the same for a whole export.
_TIMES = (_ORIGINAL_TIME, _DIGITIZED_TIME)
# Formats that carry EXIF. Opening one reads its header and decodes no pixels.
_READERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "HEIF": HeifImageFile,
}
# The first digital cameras for sale that could write EXIF are of 1996: an earlier time is an unset clock.
_FIRST_YEAR = 1996


@dataclass(frozen=True)
class Shot:
    """Camera (make, model and serial number in one text) and time, each None where the file does not say."""

    camera: str | None = None
    taken_at: datetime | None = None


def read_shot(data: bytes) -> Shot:
    """Read camera and time from a file's bytes, without decoding its pixels. Damaged metadata says nothing."""
    try:
        reader = _READERS.get(sniff(data))
        if reader is None:
            return Shot()
        with reader(io.BytesIO(data)) as image:
            exif = image.getexif()
            block = exif.get_ifd(_EXIF_BLOCK)
    except Exception:  # whatever a decoder makes of damaged or foreign metadata, the picture itself is still good
        return Shot()
    times = (_time(block.get(tag)) for tag in _TIMES)
    return Shot(_camera(exif, block), next((time for time in times if time is not None), None))


def _camera(exif: Mapping[int, Any], block: Mapping[int, Any]) -> str | None:
    make, model, serial = _text(exif.get(_MAKE)), _text(exif.get(_MODEL)), _text(block.get(_SERIAL))
    if model.lower().startswith(make.lower()):  # "Canon", "Canon EOS 5D"
        make = ""
    return " ".join(part for part in (make, model, f"#{serial}" if serial else "") if part) or None


def _time(value: object) -> datetime | None:
    try:
        time = datetime.strptime(_text(value)[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    return time if time.year >= _FIRST_YEAR else None


def _text(value: object) -> str:
    """A tag's text on one line; empty where it holds none."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore")
    return " ".join(value.replace("\0", " ").split()) if isinstance(value, str) else ""
