"""Drawings of what is printed or shown on a screen: a page of text, a program's window, a label with a bar code.

Lengths are shares of the picture's side. Part of `non_lesions`, which says what they are for.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from derm_model.data.brushes import Plane

Colour = tuple[int, int, int]

# Pens draw at this multiple of the final size, which is reduced at the end: edges become soft, as in a photograph.
_OVERSAMPLING = 2
_ACCENTS: tuple[Colour, ...] = ((30, 110, 180), (20, 130, 120), (90, 70, 160), (200, 80, 50), (70, 80, 95))
_PALE: tuple[Colour, ...] = ((250, 250, 248), (244, 246, 250), (255, 253, 244), (238, 240, 242))


class Sheet:
    """A coloured square to draw on; positions and lengths are shares of its side."""

    def __init__(self, size_px: int, colour: Colour) -> None:
        self.side = size_px * _OVERSAMPLING
        self.image = Image.new("RGB", (self.side, self.side), colour)
        self.pen = ImageDraw.Draw(self.image)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, *, round_: float = 0.0) -> None:
        """Filled rectangle; one thinner than a pixel is a pixel wide."""
        x0, y0, x1, y1 = (round(value * self.side) for value in (left, top, right, bottom))
        corners = (x0, y0, max(x0, x1 - 1), max(y0, y1 - 1))
        self.pen.rounded_rectangle(corners, radius=round_ * self.side, fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Filled circle."""
        corners = tuple(value * self.side for value in (x - radius, y - radius, x + radius, y + radius))
        self.pen.ellipse(corners, fill=colour)

    def canvas(self, turn_degrees: float = 0.0, around: Colour = (0, 0, 0)) -> Plane:
        """Pixels (s, s, 3) at the final size, turned about the middle; `around` fills the corners."""
        turned = self.image.rotate(turn_degrees, Image.Resampling.BILINEAR, fillcolor=around)
        return np.asarray(turned.reduce(_OVERSAMPLING), dtype=np.float32)


def document(rng: np.random.Generator, size_px: int) -> Plane:
    """A page of paragraphs, sometimes with a table or a stamp, photographed a little askew on a table."""
    table = tuple(int(v) for v in rng.integers(60, 170, 3))
    desk: Colour = (table[0], table[1], table[2])
    sheet = Sheet(size_px, desk)
    margin = rng.uniform(0.0, 0.12)
    left, right = margin, 1 - margin * rng.uniform(0.5, 1.0)
    sheet.box(left, margin / 2, right, 1.0, _PALE[rng.integers(len(_PALE))])
    inner = (left + 0.07, right - 0.07)
    sheet.box(inner[0], margin / 2 + 0.06, inner[0] + rng.uniform(0.2, 0.4), margin / 2 + 0.09, (40, 40, 46))
    top, height = margin / 2 + 0.14, rng.uniform(0.012, 0.024)
    while top < 0.93:
        if rng.random() < 0.14:
            top = _table(rng, sheet, inner, top, height)
        else:
            top = _paragraph(rng, sheet, inner, top, height)
    if rng.random() < 0.3:
        sheet.disc(rng.uniform(0.6, 0.8), rng.uniform(0.7, 0.85), 0.08, (110, 120, 190))
    return sheet.canvas(rng.normal(0, 3), desk)


def _paragraph(
    rng: np.random.Generator,
    sheet: Sheet,
    inner: tuple[float, float],
    top: float,
    height: float,
    ink: Colour = (58, 58, 64),
) -> float:
    """Lines of words, each a row of small blocks; returns where the next one begins."""
    for line in range(rng.integers(2, 8)):
        x, end = inner[0], inner[1] - (rng.uniform(0.1, 0.5) * (inner[1] - inner[0]) if line == 1 else 0.0)
        while x < end:
            word = height * rng.uniform(1.0, 5.5)
            _word(rng, sheet, (x, min(x + word, end)), top, height, ink)
            x += word + 0.55 * height
        top += 1.75 * height
        if top > 0.95:
            break
    return top + 1.6 * height


def _word(
    rng: np.random.Generator, sheet: Sheet, span: tuple[float, float], top: float, height: float, ink: Colour
) -> None:
    """Letters: strokes of two heights, with gaps between them."""
    x, stroke = span[0], 0.22 * height
    while x < span[1] - stroke:
        tall = rng.random() < 0.3
        sheet.box(x, top + (0.0 if tall else 0.3 * height), x + stroke, top + height, ink)
        if rng.random() < 0.6:  # a bow or a bar that joins two strokes
            level = top + height * (0.35 if rng.random() < 0.5 else 0.85)
            sheet.box(x, level, x + 2.2 * stroke, level + 0.16 * height, ink)
        x += 2.2 * stroke


def _table(rng: np.random.Generator, sheet: Sheet, inner: tuple[float, float], top: float, height: float) -> float:
    n_rows, n_columns = int(rng.integers(3, 6)), int(rng.integers(3, 6))
    row, column = 2.2 * height, (inner[1] - inner[0]) / n_columns
    line: Colour = (120, 120, 126)
    for i in range(n_rows + 1):
        sheet.box(inner[0], top + i * row, inner[1], top + i * row + 0.003, line)
    for j in range(n_columns + 1):
        x = inner[0] + j * column
        sheet.box(x, top, x + 0.003, top + n_rows * row, line)
        for i in range(n_rows if j < n_columns else 0):
            start = x + 0.5 * height
            _word(
                rng, sheet, (start, start + column * rng.uniform(0.3, 0.7)), top + (i + 0.3) * row, height, (58, 58, 64)
            )
    return top + n_rows * row + 2 * height


def screenshot(rng: np.random.Generator, size_px: int) -> Plane:
    """A program's window: a bar, a side list, cards with text, bars of a chart, buttons; light or dark."""
    is_dark, accent = rng.random() < 0.35, _ACCENTS[rng.integers(len(_ACCENTS))]
    page: Colour = (24, 28, 34) if is_dark else (246, 248, 250)
    panel: Colour = (38, 44, 52) if is_dark else (255, 255, 255)
    ink: Colour = (206, 212, 218) if is_dark else (70, 76, 84)
    sheet = Sheet(size_px, page)
    bar, list_width = rng.uniform(0.06, 0.1), rng.uniform(0.16, 0.26)
    sheet.box(0, 0, 1, bar, accent)
    for i, colour in enumerate(((240, 90, 80), (245, 190, 70), (90, 190, 90))):
        sheet.disc(0.03 + 0.035 * i, bar / 2, 0.011, colour)
    sheet.box(0, bar, list_width, 1, panel)
    height = rng.uniform(0.014, 0.02)
    for i in range(int(rng.integers(5, 12))):
        top = bar + 0.05 + 0.06 * i
        sheet.disc(0.03, top + height / 2, 0.011, accent if i == 1 else ink)
        _word(rng, sheet, (0.055, rng.uniform(0.6, 0.95) * list_width), top, height, ink)
    top, left = bar + 0.04, list_width + 0.04
    while top < 0.92:
        bottom = top + rng.uniform(0.18, 0.34)
        n = int(rng.integers(1, 4))
        width = (0.96 - left) / n
        for i in range(n):
            card = (left + i * width, top, left + (i + 1) * width - 0.025, bottom)
            sheet.box(*card, panel, round_=0.012)
            _card(rng, sheet, card, height, (ink, accent))
        top = bottom + 0.03
    return sheet.canvas()


def _card(
    rng: np.random.Generator,
    sheet: Sheet,
    card: tuple[float, float, float, float],
    height: float,
    colours: tuple[Colour, Colour],
) -> None:
    left, top, right, bottom = (card[0] + 0.02, card[1] + 0.02, card[2] - 0.02, card[3] - 0.02)
    ink, accent = colours
    kind = rng.integers(3)
    if kind == 0:  # a chart
        n = int(rng.integers(4, 9))
        step = (right - left) / n
        for i in range(n):
            x = left + i * step
            sheet.box(x, bottom - (bottom - top) * rng.uniform(0.2, 1.0), x + 0.65 * step, bottom, accent)
        return
    y = top
    while y < bottom - (3.5 * height if kind == 2 else height):
        _word(rng, sheet, (left, left + (right - left) * rng.uniform(0.4, 1.0)), y, height, ink)
        y += 2 * height
    if kind == 2:  # a button
        sheet.box(left, bottom - 2.4 * height, left + min(0.14, right - left), bottom, accent, round_=0.008)


def bar_code(rng: np.random.Generator, size_px: int) -> Plane:
    """A label with a bar code and digits, or a ruler, on cardboard."""
    base = rng.integers(130, 215)
    around: Colour = (int(base), int(0.88 * base), int(0.72 * base))
    sheet = Sheet(size_px, around)
    left, top = rng.uniform(0.04, 0.14), rng.uniform(0.12, 0.3)
    right, bottom = 1 - rng.uniform(0.04, 0.14), 1 - rng.uniform(0.12, 0.3)
    if rng.random() < 0.35:
        _ruler(rng, sheet, (left, right))
        return sheet.canvas(rng.normal(0, 12), around)
    sheet.box(left, top, right, bottom, (252, 252, 250), round_=0.015)
    _word(rng, sheet, (left + 0.06, right - 0.2), top + 0.04, 0.03, (30, 30, 34))
    x, unit = left + 0.06, rng.uniform(0.004, 0.007)
    while x < right - 0.07:
        bar = unit * rng.integers(1, 4)
        sheet.box(x, top + 0.1, x + bar, bottom - 0.1, (20, 20, 22))
        x += bar + unit * rng.integers(1, 4)
    _word(rng, sheet, (left + 0.1, right - 0.1), bottom - 0.075, 0.04, (30, 30, 34))
    return sheet.canvas(rng.normal(0, 6), around)


def _ruler(rng: np.random.Generator, sheet: Sheet, span: tuple[float, float]) -> None:
    """Millimetres along a strip, every fifth and tenth longer."""
    top, step = rng.uniform(0.3, 0.5), rng.uniform(0.008, 0.016)
    fill: Colour = ((250, 250, 250), (246, 222, 90), (205, 212, 218))[rng.integers(3)]
    sheet.box(0, top, 1, top + 0.24, fill)
    for i in range(int((span[1] - span[0]) / step)):
        x = span[0] + i * step
        length = 0.11 if i % 10 == 0 else 0.08 if i % 5 == 0 else 0.05
        sheet.box(x, top, x + 0.003, top + length, (20, 20, 22))
        if i % 10 == 0:
            _word(rng, sheet, (x, x + 0.03), top + 0.13, 0.035, (20, 20, 22))
