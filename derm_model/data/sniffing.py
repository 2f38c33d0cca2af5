"""What a file is, judged by its first bytes: names and announced types are often wrong, and sometimes lies."""

from __future__ import annotations

import struct

from derm_model.errors import NotAnImage, UnreadableImage, UnsupportedImage

READABLE = "JPEG, PNG, WebP, TIFF, BMP, HEIC or DICOM"
SEND_ORIGINAL = f"Upload the photograph itself as {READABLE}."

# How far into a file a text is looked at: enough for a licence comment before <svg> or <html>.
TEXT_PROBE_BYTES = 4096

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

_IMAGES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_UNSUPPORTED = (
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"FUJIFILMCCD-RAW", "a camera raw image"),
    (b"IIU\x00", "a camera raw image"),
    (b"IIRO", "a camera raw image"),
)
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"{\\rtf", "a text document"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or video file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def sniff(data: bytes) -> str:
    """Name the image format of a file's content.

    Returns
    -------
    str
        JPEG, PNG, GIF, TIFF, WEBP, BMP, HEIF or DICOM (Pillow's names, where it has one).

    Raises
    ------
    NotAnImage
        The content is something else; the message says what it seems to be.
    UnsupportedImage
        An image of a kind that is not read (SVG, camera raw, JPEG 2000, ...).
    """
    for signature, kind in _IMAGES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF":
        return _sniff_riff(data)
    if data[4:8] == b"ftyp":
        return _sniff_iso_media(data)
    if data[128:132] == b"DICM":
        return "DICOM"
    # "BM" alone is too short a signature: the header's size field must be one of those in use.
    if data[:2] == b"BM" and data[14:18] in {struct.pack("<I", n) for n in (12, 16, 40, 52, 56, 64, 108, 124)}:
        return "BMP"
    for signature, what in _UNSUPPORTED:
        if data.startswith(signature):
            raise unsupported(what)
    for signature, what in _OTHERS:
        if data.startswith(signature):
            raise _not_an_image(what)
    raise _text_or_unknown(data[:TEXT_PROBE_BYTES])


def unsupported(what: str) -> UnsupportedImage:
    """The error for an image of a kind that is not read; `what` completes "It is"."""
    return UnsupportedImage(f"Only {READABLE} can be read, and it is {what}. Export it as JPEG or PNG and upload that.")


def _not_an_image(what: str) -> NotAnImage:
    return NotAnImage(f"Its content is not an image: it seems to be {what}. {SEND_ORIGINAL}")


def _sniff_riff(data: bytes) -> str:
    if data[8:12] == b"WEBP":
        return "WEBP"
    raise _not_an_image("a sound or video file")


def _sniff_iso_media(data: bytes) -> str:
    """HEIC, AVIF and most videos share one container; its brands tell them apart."""
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12]} | {data[i : i + 4] for i in range(16, size, 4)}
    if brands & _AVIF_BRANDS:
        raise unsupported("an AVIF image")
    if data[8:12] == b"crx ":
        raise unsupported("a camera raw image")
    if brands & _HEIC_BRANDS:
        return "HEIF"
    raise _not_an_image("a video")


def _text_or_unknown(head: bytes) -> UnreadableImage:
    text = _as_text(head)
    if text is None:
        return _not_an_image("data of an unknown kind")
    lower = text.lstrip("\ufeff \t\r\n").lower()
    if "<svg" in lower and lower.startswith("<"):
        return UnsupportedImage(
            f"Only photographs can be read, and it is an SVG drawing, made of lines instead of pixels. {SEND_ORIGINAL}"
        )
    if lower.startswith(("<!doctype html", "<html")) or "<html" in lower:
        return _not_an_image("a web page")
    return _not_an_image("text")


def _as_text(head: bytes) -> str | None:
    """The text, or None where the bytes are none.

    Control characters do not occur in text; a few bytes that are no UTF-8 may be Latin-1 letters or a cut character.
    """
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    text = head.decode(encoding, errors="replace")
    if any(ord(char) < 32 and char not in "\t\r\n\f" for char in text):
        return None
    return text if text.count("\ufffd") <= len(text) // 10 else None


def declared_bytes(kind: str, data: bytes) -> int | None:
    """How long a file says that it is; None where its format does not say.

    Used to tell a truncated file from a damaged one, and to say how much of it is there.
    """
    if kind == "WEBP" and len(data) >= 8:
        return int.from_bytes(data[4:8], "little") + 8
    if kind == "BMP" and len(data) >= 6:
        return int.from_bytes(data[2:6], "little")
    if kind == "HEIF":
        return _declared_by_boxes(data)
    return None


def _declared_by_boxes(data: bytes) -> int:
    """Follow the top-level boxes of an ISO media file to the end the last one declares."""
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        if size < 8:  # 0: to the end of the file; anything else: damaged
            return len(data)
        position += size
    return max(position, len(data))


def ends_early(kind: str, data: bytes) -> bool:
    """Whether the end of the file is missing, as far as its format lets one see it."""
    if kind == "JPEG":
        return b"\xff\xd9" not in data[2:]
    if kind == "PNG":
        return b"IEND" not in data[-64:] and b"IEND" not in data
    if kind == "GIF":
        return not data.endswith(b"\x3b")
    return (declared_bytes(kind, data) or 0) > len(data)
