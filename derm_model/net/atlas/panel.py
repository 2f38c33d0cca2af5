"""The panel of Extended Data Figure 3: an image of each class, and below it its map, white to black."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from derm_model.data.images import decode_file
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.net.atlas.order import Item, Order, answer_and_map, probability_of, within
from derm_model.net.atlas.pictures import picture_of
from derm_model.net.atlas.rows import Row, start_of
from derm_model.net.engine import Engine
from derm_model.net.saliency import SaliencyMap
from derm_model.progress import Progress, Report, quiet
from derm_model.taxonomy import Taxonomy
from derm_model.words import BADGE, percent

PANELS = 9  # of the paper's figure
_SIDE, _GAP, _MARGIN = 260, 12, 24  # px: nine cells are 1,400 px wide, what a page shows
_LINE = 19  # px between lines of text of 14 px
_INK, _MUTED = (23, 34, 43), (82, 96, 109)


@dataclass(frozen=True, eq=False)
class Cell:
    """An image of a class, with its map; `title` is the class, `said` the answer in words."""

    item: Item
    pixels: NDArray[np.uint8]
    saliency: SaliencyMap | None
    title: str
    said: str


def choose_images(items: Sequence[Item], engine: Engine, seed: int, n_panels: int = PANELS) -> list[list[Item]]:
    """Candidates of each class that gets a cell: the one to draw first, others should it be unreadable.

    Classes are the bundle's own; where there are more than cells, those with the most images. The choice depends on
    seed, class and ids of the images, not on their order, and not on what the model says of them: a wrong answer is as
    likely to be shown as it is.

    Raises
    ------
    DermTreeError
        No image has a label that one of the classes covers.
    """
    classes = engine.bundle.classes
    of_class: dict[int, list[Item]] = {}
    for item in sorted(items, key=lambda item: item.key):
        index = None if item.node is None else engine.bundle.card.partition.class_index(item.node)
        if index is not None:
            of_class.setdefault(index, []).append(item)
    if not of_class:
        raise DermTreeError("A panel shows an image of each class; no image has a label that the model learnt.")
    shown = sorted(sorted(of_class, key=lambda i: (-len(of_class[i]), i))[:n_panels])
    return [
        [of_class[i][k] for k in np.random.default_rng([seed, *classes[i].id.encode()]).permutation(len(of_class[i]))]
        for i in shown
    ]


def draw_panel(
    order: Order,
    engine: Engine,
    taxonomy: Taxonomy,
    candidates: Sequence[Sequence[Item]],
    *,
    report: Report = quiet,
    on_trouble: Callable[[Row], None] = lambda row: None,
) -> tuple[Image.Image, tuple[Cell, ...]]:
    """The panel, and what it shows.

    Parameters
    ----------
    order, engine, taxonomy
    candidates
        `choose_images`.
    report
        May raise `Cancelled`.
    on_trouble
        Called with images that could not be read.

    Raises
    ------
    DermTreeError
        No image can be read, or the order cannot be followed.
    """
    cells: list[Cell] = []
    for done, some in enumerate(candidates):
        progress = Progress("Drawing the panel", done, len(candidates))
        report(progress)
        for item in some:
            try:
                cells.append(_cell(order, engine, taxonomy, item, within(report, progress)))
                break
            except UnreadableImage as error:
                on_trouble(Row(**start_of(item), note=str(error)))
    report(Progress("Drawing the panel", len(candidates), len(candidates)))
    if not cells:
        raise DermTreeError("None of the images could be read. Check where the manifest says they lie.")
    return _laid_out(cells, order, engine), tuple(cells)


def _cell(order: Order, engine: Engine, taxonomy: Taxonomy, item: Item, report: Report) -> Cell:
    pixels = decode_file(item.path).pixels
    target = order.target_of(item, engine.bundle, taxonomy)
    probs, settled, found = answer_and_map(engine, pixels, order.method, target, order.settings, report)
    assert item.node is not None  # it was chosen for its label
    index, top = engine.bundle.card.partition.class_index(item.node), int(probs.argmax())
    assert index is not None
    classes, probability = engine.bundle.classes, probability_of(settled, probs)
    said = [f"Predicted: {classes[top].name} {percent(float(probs[top]))}"]
    if settled.positive != (top,) or settled.negative is not None:
        named = settled.label or " or ".join(classes[i].name for i in settled.positive)
        said.append(f"{named}: {'not defined' if probability is None else _signed_percent(probability)}")
    return Cell(item, pixels, found, classes[index].name, "; ".join(said))


def _laid_out(cells: Sequence[Cell], order: Order, engine: Engine) -> Image.Image:
    """Cells from left to right, a letter each; how the maps were made below them."""
    n_columns = math.ceil(math.sqrt(2 * len(cells)))
    n_rows = -(-len(cells) // n_columns)
    font, small = ImageFont.load_default(15), ImageFont.load_default(13)
    height = 2 * _SIDE + 5 * _LINE + 2 * _GAP
    width = 2 * _MARGIN + n_columns * (_SIDE + _GAP) - _GAP
    foot = _wrapped(_foot(cells, order, engine), width - 2 * _MARGIN, small)
    sheet = Image.new("RGB", (width, 2 * _MARGIN + n_rows * height + len(foot) * _LINE), "white")
    pen = ImageDraw.Draw(sheet)
    for i, cell in enumerate(cells):
        x, y = _MARGIN + (i % n_columns) * (_SIDE + _GAP), _MARGIN + (i // n_columns) * height
        _draw_cell(sheet, pen, cell, (x, y), chr(ord("a") + i), font, small)
    y = _MARGIN + n_rows * height
    for k, line in enumerate(foot):
        pen.text((_MARGIN, y + k * _LINE), line, fill=_MUTED, font=small)
    return sheet


def _draw_cell(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    cell: Cell,
    at: tuple[int, int],
    letter: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    small: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Photograph, map, class and answer, from the top."""
    x, y = at
    image = Image.fromarray(cell.pixels)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    if max(image.size) < _SIDE:
        scale = _SIDE / max(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    place = (x + (_SIDE - image.width) // 2, y + (_SIDE - image.height) // 2)
    sheet.paste(image, place)
    below = (place[0], place[1] + _SIDE + _GAP // 2)
    if cell.saliency is None:
        pen.text((below[0] + _GAP, below[1] + _GAP), "No map is defined: it is zero.", fill=_INK, font=small)
    else:
        sheet.paste(picture_of(np.asarray(image), cell.saliency, plain=True).convert("RGB"), below)
    frame = (below[0], below[1], below[0] + image.width - 1, below[1] + image.height - 1)
    pen.rectangle(frame, outline=(203, 213, 220))
    lines = [(line, font, _INK) for line in _wrapped(f"{letter}  {cell.title}", _SIDE, font)[:2]]
    lines += [(line, small, _MUTED) for line in _wrapped(cell.said, _SIDE, small)[:3]]
    for k, (line, letters, colour) in enumerate(lines):
        pen.text((x, y + 2 * _SIDE + _GAP + k * _LINE), line, fill=colour, font=letters)


def _foot(cells: Sequence[Cell], order: Order, engine: Engine) -> str:
    how = next((cell.saliency.method for cell in cells if cell.saliency is not None), order.method.name)
    n_classes = len(engine.bundle.classes)
    few = "" if len(cells) == n_classes else f" for {len(cells)} of the {n_classes} classes"
    few += ", those with most images" if PANELS == len(cells) < n_classes else ""
    what = "the true label" if order.target is None else order.target.label or "the most probable class"
    return (
        f"Maps of {what}. {how}. Darker is stronger; each map has a scale of its own, smoothed and clipped at its "
        f"99.5th percentile. One image a class{few}, chosen at random (seed {order.settings.seed}). "
        f"Bundle {engine.bundle.card.bundle_id}. {BADGE}."
    )


def _wrapped(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """Lines of whole words, none wider than `width` pixels unless it is one word."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _signed_percent(value: float) -> str:
    """A probability; of a difference, with its sign."""
    return percent(value) if value >= 0 else f"−{percent(-value)}"
