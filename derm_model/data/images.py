"""From the bytes of a file to the pixels of one picture, and nothing else.

`decode` gives upright sRGB pixels and raises only `derm_model.errors.UnreadableImage` and its subclasses. EXIF, GPS,
names, comments and DICOM patient data do not leave it. It keeps no state and may be called from many threads.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from derm_model.data.colour import keep_info, to_8_bit, to_srgb
from derm_model.data.dicom import open_dicom, too_many_pixels
from derm_model.data.sniffing import SEND_ORIGINAL, declared_bytes, ends_early, sniff, unsupported
from derm_model.errors import (
    AnimatedImage,
    EmptyFile,
    ImageTooLarge,
    TruncatedImage,
    UnreadableImage,
    UnsupportedImage,
)

# Pillow's classes are called directly: the content was sniffed already, no other decoder can be reached, and Pillow's
# own size warning (a global setting) stays out of it, since `Limits` checks the size before pixels are decoded.
_DECODERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,  # also phones' multi-picture files (MPO): the first picture is the photograph
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "HEIF": HeifImageFile,
}
_FORMAT_NAMES = {"WEBP": "WebP", "HEIF": "HEIC"}

_ORIENTATION_TAG = 0x0112
_DNG_VERSION_TAG = 0xC612
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNED = {5, 6, 7, 8}


@dataclass(frozen=True)
class Limits:
    """What is refused before it costs memory: 20 MiB (the app's upload limit) and 100 megapixels (300 MB as RGB)."""

    max_bytes: int = 20 * 1024**2
    max_pixels: int = 100_000_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """Pixels of one upright picture, without any metadata.

    Attributes
    ----------
    pixels : (h, w, 3) uint8
        sRGB. May be smaller than the original when a reduced decode was allowed.
    original_width_px, original_height_px
        Size of the upright original.
    format
        JPEG, PNG, GIF, TIFF, WebP, BMP, HEIC or DICOM.
    """

    pixels: NDArray[np.uint8]
    original_width_px: int
    original_height_px: int
    format: str


def decode(
    data: bytes, *, name: str = "image", limits: Limits = DEFAULT_LIMITS, min_side_px: int | None = None
) -> DecodedImage:
    """Decode the picture in a file's bytes.

    Parameters
    ----------
    data
        The whole file. Its format is told by content.
    name
        For the log only: added as a note to an error, not to its message.
    limits
    min_side_px
        When the picture is only needed small: it may come reduced by a whole factor, its shorter side still
        >= min_side_px (or whole, where the original is smaller). A 12-megapixel JPEG takes 35 ms instead of 180.

    Returns
    -------
    DecodedImage
        EXIF orientation applied, an embedded colour profile converted to sRGB, transparency laid on white, 16-bit and
        float values scaled to 8 bit.

    Raises
    ------
    UnreadableImage
        Always one of its subclasses where the cause is known; the message says the rule, what was found, what to do.
    """
    try:
        return _decode(data, limits, min_side_px)
    except UnreadableImage as error:
        error.add_note(f"File: {name}")
        raise


def decode_file(path: Path | str, *, limits: Limits = DEFAULT_LIMITS, min_side_px: int | None = None) -> DecodedImage:
    """Decode a file on disk; see `decode`. A file that cannot be opened raises UnreadableImage, too."""
    path = Path(path)
    try:
        # One byte more than allowed is enough to know, and bounds the memory for a huge file.
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        raise UnreadableImage(f"It could not be opened: {error.strerror or error}. Check the path.") from error
    return decode(data, name=path.name, limits=limits, min_side_px=min_side_px)


def _decode(data: bytes, limits: Limits, min_side_px: int | None) -> DecodedImage:
    if not data:
        raise EmptyFile("It holds no bytes. Export it again from the camera and upload the new file.")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"A file may have at most {limits.max_bytes / 1024**2:.0f} MB, and it has more. Save it smaller or as JPEG."
        )
    kind = sniff(data)
    try:
        image = open_dicom(data, limits.max_pixels) if kind == "DICOM" else _open(kind, data, limits)
        reduced, size = _read_reduced(image, min_side_px)
        pixels = np.asarray(to_srgb(reduced))
    except UnreadableImage:
        raise
    except MemoryError as error:
        raise ImageTooLarge("It needs more memory than there is. Save it smaller and upload that.") from error
    except Exception as error:  # decoders raise whatever they like on damaged files; a user must get a sentence
        raise _explain(kind, data, error) from error
    return DecodedImage(pixels, *size, _FORMAT_NAMES.get(kind, kind))


def _open(kind: str, data: bytes, limits: Limits) -> ImageFile:
    """Read the header, and refuse what must not be decoded."""
    image = _DECODERS[kind](io.BytesIO(data))
    width, height = image.size
    if width * height > limits.max_pixels:
        raise ImageTooLarge(too_many_pixels(width, height, limits.max_pixels))
    if isinstance(image, TiffImageFile) and (_DNG_VERSION_TAG in image.tag_v2 or data[8:10] == b"CR"):
        raise unsupported("a camera raw image")
    # A HEIC file names its main picture; in the others nothing says which frame is meant.
    if kind != "HEIF" and getattr(image, "is_animated", False):
        n_frames = getattr(image, "n_frames", 2)
        raise AnimatedImage(
            f"It must hold one picture, and it has {n_frames} frames. "
            "Save the one you mean as JPEG or PNG and upload that."
        )
    return image


def _read_reduced(image: Image.Image, min_side_px: int | None) -> tuple[Image.Image, tuple[int, int]]:
    """Decode the pixels upright, reduced where allowed; and the size (width, height) of the upright original."""
    full = image.size
    if min_side_px is not None and isinstance(image, JpegImageFile):
        image.draft(image.mode, (min_side_px, min_side_px))
    image.load()
    # Asked after loading: the decoders of TIFF and HEIC turn the picture themselves and clear the tag.
    orientation = _orientation(image)
    image = to_8_bit(image)
    factor = min(image.size) // min_side_px if min_side_px is not None else 1
    if factor > 1:
        image = image.reduce(factor)
    if orientation in _TRANSPOSE:
        image = keep_info(image.transpose(_TRANSPOSE[orientation]), image)
    return image, (full[1], full[0]) if orientation in _QUARTER_TURNED else full


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) where there is none or the EXIF block is damaged: the pixels are still good."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return value if value in _TRANSPOSE else 1


def _explain(kind: str, data: bytes, error: Exception) -> UnreadableImage:
    """Turn a decoder's failure into an error that says what to do."""
    name = _FORMAT_NAMES.get(kind, kind)
    text = str(error).lower()
    if ends_early(kind, data) or isinstance(error, EOFError) or "truncated" in text or "end of file" in text:
        declared = declared_bytes(kind, data)
        there = f"{len(data) / 1e6:.1f}"
        size = f"{there} of about {declared / 1e6:.1f} MB" if declared and declared > len(data) else f"{there} MB"
        return TruncatedImage(
            f"It ends before the picture is complete ({size} are there). "
            "Export it again from the camera and upload the new file."
        )
    if isinstance(error, NotImplementedError):
        return UnsupportedImage(f"It is a {name} image of a kind that cannot be read. Export it as JPEG or PNG.")
    return UnreadableImage(f"It is a damaged {name} image: {type(error).__name__} while decoding. {SEND_ORIGINAL}")
