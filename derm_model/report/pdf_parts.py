"""Pieces of a PDF: fonts, styles, and what reportlab has no flowable for. Light colours of the app, flat."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph
from reportlab.platypus import Table as Grid

from derm_model.errors import ReportError
from derm_model.palette import LIGHT, MARKS, Role
from derm_model.report.document import BOLD_MARK, Row
from derm_model.report.picture import FONTS, PRINT_PX, jpeg

FONT, BOLD = "DermTreeSans", "DermTreeSans-Semibold"
INK, MUTED, ACCENT = HexColor(LIGHT.ink), HexColor(LIGHT.muted), HexColor(LIGHT.accent)
PAGE, PANEL, BORDER, GRID = HexColor(LIGHT.page), HexColor(LIGHT.panel), HexColor(LIGHT.border), HexColor(LIGHT.grid)
TINT = HexColor("#DDEBEC")  # the accent at 14 % on white (palette's `tint`), opaque, so that every printer shows it
NOTICE_FILL, NOTICE_EDGE = HexColor("#FDF7DF"), HexColor("#9A7400")  # yellow of .streamlit/config.toml: notices only
RADIUS = 2 * mm
VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
MIN_DPI = 45  # a tiny image is not blown up further than this


@cache
def _fonts() -> TTFont:
    """Register the fonts once; returns the regular one."""
    regular = TTFont(FONT, FONTS / "DermTreeSans-Regular.ttf")
    pdfmetrics.registerFont(regular)
    pdfmetrics.registerFont(TTFont(BOLD, FONTS / "DermTreeSans-Semibold.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
    return regular


def missing_signs(text: str) -> str:
    """Characters of a text the font has no sign for, each once."""
    known = _fonts().face.charToGlyph
    return "".join(dict.fromkeys(c for c in _visible(text) if ord(c) not in known))


def _visible(text: str) -> str:
    """Composed, with single spaces, and without what has no sign of its own: joiners, marks of direction, controls."""
    composed = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cf") and c not in VARIATION_SELECTORS)


def printable(text: str) -> str:
    """A text as the font can show it.

    Raises
    ------
    ReportError
        The font has no sign for some of it: an empty box would be worse than no report.
    """
    missing = missing_signs(text)
    if missing:
        raise ReportError(
            f"The PDF's font knows Latin, Greek and Cyrillic letters; it has no sign for {missing[:20]}. "
            "Take the HTML report, which shows every sign, or change the text."
        )
    return _visible(text)


def markup(text: str) -> str:
    """A text as reportlab reads it; refused as by `printable`."""
    return BOLD_MARK.sub(r"<b>\1</b>", escape(printable(text)))


def style(size: float, colour: HexColor = INK, **more: object) -> ParagraphStyle:
    """A style of the app's font; `size` in points."""
    _fonts()
    given = {"fontName": FONT, "fontSize": size, "leading": size * 1.35, "textColor": colour, "splitLongWords": 1}
    return ParagraphStyle(f"{size}", **{**given, **more})


TITLE, HEADING, PART = (
    style(19, fontName=BOLD),
    style(11.5, fontName=BOLD, spaceBefore=4 * mm, spaceAfter=1.5 * mm, keepWithNext=1),
    style(14, fontName=BOLD, spaceAfter=1.5 * mm, keepWithNext=1),
)
BODY, NOTE, SMALL, SMALL_RIGHT = (
    style(10),
    style(9, MUTED),
    style(8.5),
    style(8.5, alignment=TA_RIGHT),
)
VERDICT = style(13, fontName=BOLD)


def text(words: str, how: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph."""
    return Paragraph(markup(words), how)


def typed(words: str, how: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph that somebody typed: ``**`` stays as it is."""
    return Paragraph(escape(printable(words)), how)


class Pixels(Flowable):
    """A picture within a box, at the left; never larger than its pixels bear.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB
    width, height
        Of the box, in points.
    longest_px
        Longer side of what is stored.
    """

    def __init__(self, pixels: NDArray[np.uint8], width: float, height: float, longest_px: int = PRINT_PX) -> None:
        super().__init__()
        data = jpeg(pixels, longest_px)
        self.reader = ImageReader(io.BytesIO(data))
        n_wide, n_high = self.reader.getSize()
        points = min(width / n_wide, height / n_high, 72 / MIN_DPI)
        self.width, self.height = max(1.0, n_wide * points), max(1.0, n_high * points)

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Size."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw it."""
        self.canv.drawImage(self.reader, 0, 0, self.width, self.height)


class ScoreLine(Flowable):
    """The score on a line with its threshold, as the page draws it."""

    def __init__(self, score: float, threshold: float | None, label: str) -> None:
        super().__init__()
        self.height = 9 * mm
        self.score, self.threshold, self.label = score, threshold, printable(label)

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Size."""
        self.width = width
        return width, self.height

    def draw(self) -> None:
        """Track, side above, threshold and dot; the label below must not leave the line."""
        canvas, base, thick = self.canv, 5 * mm, 2.4 * mm
        canvas.setFillColor(GRID)
        canvas.roundRect(0, base, self.width, thick, thick / 2, stroke=0, fill=1)
        if self.threshold is not None:
            x = self.threshold * self.width
            canvas.setFillColor(TINT)
            canvas.roundRect(x, base, self.width - x, thick, min(thick, self.width - x) / 2, stroke=0, fill=1)
            canvas.setFillColor(INK)
            canvas.rect(x - 0.6, base - 1.1 * mm, 1.2, thick + 2.2 * mm, stroke=0, fill=1)
            canvas.setFont(FONT, 8.5)
            canvas.setFillColor(MUTED)
            half = pdfmetrics.stringWidth(self.label, FONT, 8.5) / 2
            canvas.drawCentredString(min(max(x, half), self.width - half), 0.6 * mm, self.label)
        radius = 1.9 * mm
        canvas.setFillColor(ACCENT)
        canvas.setStrokeColor(PAGE)
        canvas.setLineWidth(1)
        place = min(max(self.score * self.width, radius), self.width - radius)
        canvas.circle(place, base + thick / 2, radius, stroke=1, fill=1)


class Bar(Flowable):
    """A probability as a bar on its track."""

    def __init__(self, share: float, role: Role) -> None:
        super().__init__()
        self.share, self.role, self.height = share, role, 2 * mm

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Size."""
        self.width = width
        return width, self.height

    def draw(self) -> None:
        """Draw it."""
        canvas, radius = self.canv, self.height / 2
        canvas.setFillColor(GRID)
        canvas.roundRect(0, 0, self.width, self.height, radius, stroke=0, fill=1)
        canvas.setFillColor(HexColor(LIGHT.roles[self.role]))
        filled = max(1.2, self.share * self.width)
        canvas.roundRect(0, 0, filled, self.height, min(radius, filled / 2), stroke=0, fill=1)


class Ruled(Flowable):
    """Lines to write on."""

    def __init__(self, n: int, gap: float = 8 * mm) -> None:
        super().__init__()
        self.n, self.gap = n, gap

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Size."""
        self.width = width
        return width, self.n * self.gap

    def draw(self) -> None:
        """Draw them."""
        self.canv.setStrokeColor(BORDER)
        self.canv.setLineWidth(0.6)
        for line in range(self.n):
            self.canv.line(0, line * self.gap + 1, self.width, line * self.gap + 1)


def card(content: Sequence[Flowable], width: float) -> Grid:
    """A bordered box."""
    box = Grid([[list(content)]], colWidths=[width], cornerRadii=[RADIUS] * 4)
    box.setStyle([("BOX", (0, 0), (-1, -1), 0.75, BORDER), *padding(4 * mm, 3 * mm)])
    return box


def notice(words: str, width: float) -> Grid:
    """A yellow box with an edge: the only use of yellow."""
    box = Grid([[text(words, SMALL)]], colWidths=[width])
    edge = ("LINEBEFORE", (0, 0), (0, -1), 2, NOTICE_EDGE)
    box.setStyle([("BACKGROUND", (0, 0), (-1, -1), NOTICE_FILL), edge, *padding(3 * mm, 1.5 * mm)])
    return box


def padding(across: float, down: float) -> list[tuple[object, ...]]:
    """Style commands for the inside of cells."""
    sides = {"LEFT": across, "RIGHT": across, "TOP": down, "BOTTOM": down}
    return [(f"{side}PADDING", (0, 0), (-1, -1), value) for side, value in sides.items()]


def bars(rows: Sequence[Row], width: float) -> Grid:
    """Rows of probabilities: mark, name, bar, number."""
    mark, bar, number = 4.5 * mm, 20 * mm, 11 * mm
    indented = style(8.5, leftIndent=3 * mm)
    lines = []
    for row in rows:
        sign = Paragraph(f'<font color="{LIGHT.roles[row.role]}">{MARKS[row.role]}</font>', SMALL)
        name = text(f"**{row.name}**" if row.root else row.name, indented if row.child else SMALL)
        lines.append([sign, name, Bar(row.share, row.role), text(row.text, SMALL_RIGHT)])
    grid = Grid(lines, colWidths=[mark, width - mark - bar - number, bar, number])
    grid.setStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *padding(0.5 * mm, 0.4 * mm)])
    return grid
