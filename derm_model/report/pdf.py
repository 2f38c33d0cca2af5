"""A case as PDF, A4 or US letter, made here without a browser: to be printed, filed and written on.

The same report gives the same bytes. Fonts are embedded; there is no script and nothing that is fetched.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus import Table as Grid
from reportlab.platypus.doctemplate import LayoutError

from derm_model import words
from derm_model.errors import ReportError
from derm_model.report.case import CaseReport
from derm_model.report.content import make_document
from derm_model.report.document import Block, Document, Part, Shown, Table
from derm_model.report.paper import Paper
from derm_model.report.pdf_parts import (
    BODY,
    BOLD,
    BORDER,
    FONT,
    GRID,
    HEADING,
    INK,
    MUTED,
    NOTE,
    PANEL,
    PART,
    RADIUS,
    SMALL,
    TITLE,
    VERDICT,
    Pixels,
    Ruled,
    ScoreLine,
    bars,
    card,
    markup,
    notice,
    padding,
    style,
    text,
    typed,
)

MARGIN, TOP, BOTTOM = 18 * mm, 23 * mm, 17 * mm
GAP = 6 * mm  # between columns
# of a picture: alone with its map, so that its answer stands on the same page; among several views
ONE_HIGH, MANY_HIGH = {Paper.A4: 72 * mm, Paper.LETTER: 56 * mm}, 38 * mm
THUMB, THUMB_PX = 15 * mm, 180
WRITTEN_LINES = 6
NOTE_TITLE = "Clinician's note"
rl_config.useA85 = 0  # bytes as they are: text encoding would add a quarter to every picture


def case_pdf(report: CaseReport, paper: Paper = Paper.A4, *, note: str = "", with_names: bool = False) -> bytes:
    """The report as a PDF file.

    Parameters
    ----------
    report
    paper
    note
        Of the clinician, printed above the lines for a written one.
    with_names
        Whether the names of the files stand in it.

    Raises
    ------
    ReportError
        A name or the note holds signs the font has not, or something is larger than a page.
    """
    document = make_document(report, note=note, with_names=with_names)
    width, height = (side * mm for side in paper.size_mm)
    buffer = io.BytesIO()
    template = BaseDocTemplate(
        buffer,
        pagesize=(width, height),
        title=document.title,
        author="DermTree",
        subject=words.NOTICE,
        creator="DermTree",
        lang="en",
        invariant=1,
        displayDocTitle=True,
    )
    frame = Frame(
        MARGIN,
        BOTTOM,
        width - 2 * MARGIN,
        height - TOP - BOTTOM,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )
    template.addPageTemplates(PageTemplate(frames=[frame]))

    class Pages(NumberedPages):
        about, created_at = document, report.created_at

    try:
        template.build(list(_story(document, paper, width - 2 * MARGIN)), canvasmaker=Pages)
    except LayoutError as error:
        raise ReportError(f"The report does not fit its pages ({error}). Take the HTML report instead.") from error
    return buffer.getvalue()


class NumberedPages(Canvas):
    """Draws head and foot when all pages are there: only then is their number known."""

    about: Document
    created_at: datetime

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._finished: list[dict[str, object]] = []

    def showPage(self) -> None:
        """Keep the page."""
        self._finished.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Finish every page, then the file; its time is that of the report."""
        for number, page in enumerate(self._finished, start=1):
            self.__dict__.update(page)
            self._furniture(number, len(self._finished))
            super().showPage()
        stamp = self._doc._timeStamp
        stamp.t, stamp.lt = self.created_at.timestamp(), self.created_at.utctimetuple()
        stamp.YMDhms = tuple(stamp.lt)[:6]
        super().save()

    def _furniture(self, number: int, n: int) -> None:
        """Notice above, origin and page number below."""
        width, height = self._pagesize
        top, inner = height - 10 * mm, width - 2 * MARGIN
        self.setFillColor(PANEL)
        self.roundRect(MARGIN, top - 8 * mm, inner, 8 * mm, RADIUS, stroke=0, fill=1)
        self.setFillColor(INK)
        self.setFont(BOLD, 9)
        self.drawString(MARGIN + 3 * mm, top - 5.2 * mm, "DermTree")
        self.setFont(FONT, 9)
        self.drawRightString(MARGIN + inner - 3 * mm, top - 5.2 * mm, words.NOTICE)
        self.setStrokeColor(GRID)
        self.setLineWidth(0.6)
        self.line(MARGIN, 14 * mm, MARGIN + inner, 14 * mm)
        self.setFillColor(MUTED)
        self.setFont(FONT, 8)
        page = f"Page {number} of {n}"
        self.drawRightString(MARGIN + inner, 10 * mm, page)
        free = inner - pdfmetrics.stringWidth(page, FONT, 8) - GAP
        origin = Paragraph(markup(self.about.footer), style(8, MUTED))
        _, taken = origin.wrap(free, 8 * mm)
        origin.drawOn(self, MARGIN, 12.4 * mm - taken)


def _story(document: Document, paper: Paper, width: float) -> Iterator[Flowable]:
    yield text(document.title, TITLE)
    yield Spacer(0, 1 * mm)
    yield text(document.subtitle, NOTE)
    yield Spacer(0, 3 * mm)
    for words_ in document.notices:
        yield notice(words_, width)
        yield Spacer(0, 2 * mm)
    if document.overview is not None:
        yield from _overview(document, document.overview, width)
    for part in document.parts:
        if part.title is not None:
            yield PageBreak()
        yield from _part(part, None if part.title else document.map_text, width, ONE_HIGH[paper])
    yield from _note(document, width)
    yield from _evidence(document, width)


def _overview(document: Document, table: Table, width: float) -> Iterator[Flowable]:
    """A line per lesion, with a small picture of each."""
    pictures: list[Flowable | str] = [
        "" if image is None else Pixels(image.pixels, THUMB, THUMB, THUMB_PX) for image in document.thumbnails
    ]
    first, second = 12 * mm, THUMB + 4 * mm
    n = len(table.head) - 1
    widths = [first, second, *[(width - first - second) / n] * n]
    yield from _grid(table, widths, pictures)
    if document.map_text is not None:
        yield Spacer(0, 3 * mm)
        yield text(document.map_text, style(8.5, MUTED))


def _part(part: Part, map_text: str | None, width: float, one_high: float) -> Iterator[Flowable]:
    if part.title is not None:
        yield text(part.title, PART)
    if len(part.images) == 1:
        yield _pair(part.images[0], width, one_high)
        yield from _remarks(part.images[0], width)
        yield Spacer(0, 2 * mm)
    else:
        yield from _images(part.images, width)
    if map_text is not None:
        yield text(map_text, style(8.5, MUTED))
        yield Spacer(0, 3 * mm)
    if not part.asked:
        yield _probabilities(part, width)
        yield Spacer(0, 3 * mm)
    for block in part.blocks:
        yield _question(block, width)
        yield Spacer(0, 3 * mm)
    if part.asked:
        yield _probabilities(part, width)
    if part.others is not None:
        yield from _table(part.others, width, wide=0.3)
    for table in part.views:
        yield from _table(table, width, wide=0.4)


def _pair(shown: Shown, width: float, high: float) -> Grid:
    """Image and map side by side, each above its caption; the map's room stays empty where there is none."""
    column = (width - GAP) / 2
    cells: list[list[Flowable | str]] = [[], []]
    for picture, caption in ((shown.image, shown.caption), (shown.map, None)):
        told = caption if picture is None else picture.caption
        cells[0].append("" if picture is None else Pixels(picture.pixels, column, high))
        cells[1].append("" if told is None else text(told, style(8.5, MUTED)))
    grid = Grid(cells, colWidths=[column + GAP, column])
    grid.setStyle([("VALIGN", (0, 0), (-1, 0), "BOTTOM"), ("VALIGN", (0, 1), (-1, 1), "TOP"), *padding(0, 0.8 * mm)])
    return grid


def _remarks(shown: Shown, width: float) -> Iterator[Flowable]:
    if shown.unusual:
        yield text(shown.unusual, style(8.5, MUTED))
    for remark in shown.notices:
        yield Spacer(0, 1.5 * mm)
        yield notice(remark, width)


def _images(images: Sequence[Shown], width: float) -> Iterator[Flowable]:
    """Views of one lesion, two abreast."""
    column = (width - GAP) / 2
    rows = []
    for first in range(0, len(images), 2):
        cells = [[_pair(shown, column, MANY_HIGH), *_remarks(shown, column)] for shown in images[first : first + 2]]
        rows.append(cells if len(cells) == 2 else [*cells, ""])
    grid = Grid(rows, colWidths=[column + GAP, column])
    grid.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *padding(0, 1.5 * mm)])
    yield grid
    yield Spacer(0, 1 * mm)


def _question(block: Block, width: float) -> Flowable:
    """The verdict card, in the page's order: question, side, suggestion, score line, rates."""
    content: list[Flowable] = [text(block.question, NOTE)]
    content.append(text(f"{block.mark} {block.heading}", VERDICT))
    content.append(text(block.suggestion, BODY))
    if block.score is not None:
        content += [Spacer(0, 1.5 * mm), text(block.score_text.replace("Score ", "Score **") + "**", BODY)]
        fits = pdfmetrics.stringWidth(block.threshold_text, FONT, 8.5) <= width - 8 * mm
        content.append(ScoreLine(block.score, block.threshold, block.threshold_text if fits else ""))
        if not fits:  # several operating points may have this threshold, each with a name
            content.append(text(block.threshold_text, style(8.5, MUTED)))
    for line in (block.rates, block.applies, block.disagreement):
        if line:
            content += [Spacer(0, 0.8 * mm), text(line, SMALL)]
    if block.notice is not None:
        content += [Spacer(0, 1.5 * mm), notice(block.notice, width - 8 * mm)]
    return KeepTogether(card(content, width))


def _probabilities(part: Part, width: float) -> Flowable:
    """Two levels side by side."""
    column = (width - GAP) / 2
    muted = style(8.5, MUTED)
    left: list[Flowable] = [text("Three roots and nine classes", HEADING)]
    if part.nodes:
        left.append(bars(part.nodes, column))
    if part.unresolved is not None:
        left += [Spacer(0, 1 * mm), text(part.unresolved, muted)]
    right: list[Flowable] = [text("Training classes", HEADING)]
    if part.classes:
        right.append(bars(part.classes, column))
    if part.folded is not None:
        right += [Spacer(0, 1 * mm), text(part.folded, muted)]
    grid = Grid([[left, right]], colWidths=[column + GAP, column])
    grid.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *padding(0, 0), ("RIGHTPADDING", (0, 0), (0, 0), GAP)])
    return grid


def _table(table: Table, width: float, wide: float = 0.0) -> Iterator[Flowable]:
    """Text in columns; `wide` is the share of the first one, 0: all alike. Numbers stand at the right."""
    n = len(table.head)
    first = width * wide if wide else width / n
    widths = [first, *[(width - first) / (n - 1)] * (n - 1)]
    yield from _grid(table, widths)


def _grid(table: Table, widths: Sequence[float], pictures: Sequence[Flowable | str] = ()) -> Iterator[Flowable]:
    """Head and rows; `pictures`, one a row, stand in a column of their own after the first."""
    muted = style(8, MUTED)
    rows: list[list[Flowable | str]] = [[text(cell, muted) for cell in table.head]]
    rows += [[text(cell, SMALL) for cell in row] for row in table.rows]
    if pictures:
        for row, picture in zip(rows, ("", *pictures), strict=True):
            row.insert(1, picture)
    grid = Grid(rows, colWidths=list(widths), repeatRows=1)
    grid.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.75, BORDER),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, GRID),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            *padding(1 * mm, 0.8 * mm),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ]
    )
    yield CondPageBreak(25 * mm)
    yield text(table.caption, HEADING)
    yield grid


def _evidence(document: Document, width: float) -> Iterator[Flowable]:
    """What stands behind the numbers."""
    yield CondPageBreak(40 * mm)
    yield text("What stands behind the numbers", HEADING)
    facts = [[text(name, style(8.5, MUTED)), text(fact, SMALL)] for name, fact in document.facts]
    grid = Grid(facts, colWidths=[26 * mm, width - 26 * mm])
    grid.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *padding(0, 0.5 * mm)])
    yield grid
    if document.sources is not None:
        shares = (0.16, 0.15, 0.11, 0.13, 0.13, 0.32)
        yield from _grid(document.sources, [width * share for share in shares])
    if document.limits:
        yield text("Limits", HEADING)
        for limit in document.limits:
            yield Paragraph(markup(limit), style(8.5, leftIndent=3 * mm, bulletIndent=0, spaceAfter=0.6 * mm), "·")
    yield text("Intended use", HEADING)
    yield text(document.intended_use, SMALL)


def _note(document: Document, width: float) -> Iterator[Flowable]:
    """What was typed, and room for what is written by hand."""
    if document.note:
        yield CondPageBreak(30 * mm)
        yield text(NOTE_TITLE, HEADING)
        for line in document.note.split("\n"):
            yield typed(line) if line else Spacer(0, 2 * mm)
    heading = [] if document.note else [text(NOTE_TITLE, HEADING)]
    signed = Grid([[text("Name", NOTE), text("Date", NOTE)]], colWidths=[width * 0.65, width * 0.35])
    signed.setStyle(padding(0, 1 * mm))
    yield KeepTogether([*heading, Ruled(WRITTEN_LINES), signed])
