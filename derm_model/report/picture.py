"""Pictures in reports: the map with its caption as PNG, and images made small enough to be printed and sent."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from derm_model import words

FONTS = Path(__file__).resolve().parents[2] / "assets" / "fonts"
CAPTION_FONT = FONTS / "DermTreeSans-Regular.ttf"  # Pillow's own has no é, no × and no en dash
CAPTION_PX = 15  # smallest font size under a picture that stays readable at 100 %
CAPTION_MARGIN_PX = 10
PRINT_PX = 1000  # longer side: 85 mm wide it is 300 dots per inch
JPEG_QUALITY = 88  # fine structure of a dermoscopic image survives; some 150 KB a picture


def jpeg(pixels: NDArray[np.uint8], longest_px: int = PRINT_PX) -> bytes:
    """Picture as JPEG, no longer than `longest_px`; it holds pixels and nothing else.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB
    longest_px
    """
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def captioned_png(pixels: NDArray[np.uint8], lines: Sequence[str]) -> bytes:
    """Picture with lines of text below it, where no crop of the picture itself can lose them, and in the file's text.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB
    lines : sequence of str
        The notice comes first and is added here.

    Returns
    -------
    bytes
        PNG, as wide as the picture (at least 480 px).
    """
    picture = Image.fromarray(pixels)
    width = max(480, picture.width)
    size = max(CAPTION_PX, width / 60)
    font = ImageFont.truetype(CAPTION_FONT, size)
    wrapped = [part for line in (words.NOTICE, *lines) for part in _wrap(line, font, width - 2 * CAPTION_MARGIN_PX)]
    line_height = math.ceil(1.4 * size)
    sheet = Image.new("RGB", (width, picture.height + 2 * CAPTION_MARGIN_PX + line_height * len(wrapped)), "white")
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(wrapped):
        top = picture.height + CAPTION_MARGIN_PX + number * line_height
        draw.text((CAPTION_MARGIN_PX, top), line, fill="#17222B", font=font)
    info = PngInfo()
    info.add_itxt("Description", "\n".join((words.NOTICE, *lines)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def _wrap(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> list[str]:
    """Lines no wider than `width_px`; a single word that is wider is broken."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width_px:
            lines.append(word)
        else:
            lines[-1] = longer
        while font.getlength(lines[-1]) > width_px:
            whole = lines.pop()
            fits = next(n for n in range(len(whole) - 1, 0, -1) if n == 1 or font.getlength(whole[:n]) <= width_px)
            lines += [whole[:fits], whole[fits:]]
    return lines
