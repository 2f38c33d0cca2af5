"""What leaves the app: a case as JSON, images as CSV, the saliency map as PNG. Each carries the notice and its origin.

No pixels in JSON and CSV, and no metadata of the uploaded file in any of them.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from derm_model import words
from derm_model.evaluation.curves import OperatingPoint
from derm_model.verdict import Verdict

FORMAT_VERSION = 1
CAPTION_PX = 15  # smallest font size under a picture that stays readable at 100 %
CAPTION_MARGIN_PX = 10
SPREADSHEET_COMMANDS = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is run as a formula


@dataclass(frozen=True)
class TaskResult:
    """One question asked of one case.

    Parameters
    ----------
    score : float or None
        None where the model puts no probability on either side of the question.
    region_probability : float
        Probability that the question applies at all.
    threshold : float or None
        None where nobody chose one.
    rates : OperatingPoint or None
        Error rates at the threshold, on the images that `measured_on` names.
    """

    question: str
    positive_name: str
    score: float | None
    region_probability: float
    threshold: float | None
    threshold_rule: str | None
    rates: OperatingPoint | None
    measured_on: str | None
    verdict: Verdict | None


@dataclass(frozen=True)
class ImageResult:
    """One image: probabilities by training-class id, sums by node id, and what was noticed."""

    file: str
    sha256: str
    width_px: int
    height_px: int
    is_drawing: bool
    class_probs: Mapping[str, float]
    nodes: Mapping[str, float | None]
    ood_percentile: float | None
    notices: tuple[str, ...] = ()
    tasks: Mapping[str, TaskResult] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseReport:
    """A case with everything needed to repeat it: model, thresholds, time."""

    bundle_id: str
    model: str
    licence: str
    taxonomy_digest: str
    averaged: bool
    images: tuple[ImageResult, ...]
    class_probs: Mapping[str, float] | None
    nodes: Mapping[str, float | None] | None
    tasks: Mapping[str, TaskResult]
    names: Mapping[str, str]
    created_at: datetime


def now() -> datetime:
    """Time of a report: UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def case_json(report: CaseReport) -> str:
    """The report as JSON; what is not resolved or not defined is null, never 0."""
    document: dict[str, Any] = {
        "notice": words.NOTICE,
        "format": FORMAT_VERSION,
        "created_at": report.created_at.isoformat(),
        "bundle": report.bundle_id,
        "model": report.model,
        "licence": report.licence,
        "taxonomy_digest": report.taxonomy_digest,
        "averaged": report.averaged,
        "class_probs": report.class_probs,
        "nodes": report.nodes,
        "tasks": {task_id: _task_json(result) for task_id, result in report.tasks.items()},
        "images": [_image_json(image) for image in report.images],
        "names": report.names,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _image_json(image: ImageResult) -> dict[str, Any]:
    document = {key: value for key, value in vars(image).items() if key != "tasks"}
    return {**document, "tasks": {task_id: _task_json(result) for task_id, result in image.tasks.items()}}


def _task_json(result: TaskResult) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "question": result.question,
        "positive": result.positive_name,
        "score": result.score,
        "region_probability": result.region_probability,
        "threshold": result.threshold,
        "threshold_rule": result.threshold_rule,
        "above": None if verdict is None else verdict.above,
        "close": None if verdict is None else verdict.close,
        "suggestion": None if verdict is None else f"{verdict.heading}. {verdict.suggestion}",
        "rates": None if result.rates is None else asdict(result.rates),
        "measured_on": result.measured_on,
    }


def images_csv(report: CaseReport) -> str:
    """One line per image, and one for their mean where they are views of one lesion. Opens in a spreadsheet.

    Columns: file, notice, bundle, time, size, the questions with score, threshold and side, then every class and node
    with a probability between 0 and 1; an empty cell means not resolved or not defined.
    """
    rows = [_csv_row(report, image.file, image.class_probs, image.nodes, image.tasks, image) for image in report.images]
    if report.averaged and len(report.images) > 1 and report.class_probs is not None and report.nodes is not None:
        rows.append(_csv_row(report, "(mean)", report.class_probs, report.nodes, report.tasks, None))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + buffer.getvalue()  # with a byte order mark, or spreadsheets take UTF-8 for something else


def _csv_row(
    report: CaseReport,
    name: str,
    class_probs: Mapping[str, float],
    nodes: Mapping[str, float | None],
    tasks: Mapping[str, TaskResult],
    image: ImageResult | None,
) -> dict[str, str | int]:
    row: dict[str, str | int] = {
        "file": _cell(name),
        "drawing": "" if image is None else "yes" if image.is_drawing else "no",
        "width_px": "" if image is None else image.width_px,
        "height_px": "" if image is None else image.height_px,
        "ood_percentile": "" if image is None else _decimal(image.ood_percentile, 1),
        "quality": "" if image is None else _cell(" ".join(image.notices)),
        "bundle": report.bundle_id,
        "created_at": report.created_at.isoformat(),
    }
    for task_id, result in tasks.items():
        row[f"{task_id}_score"] = _decimal(result.score)
        row[f"{task_id}_threshold"] = _decimal(result.threshold)
        row[f"{task_id}_side"] = "" if result.verdict is None else "above" if result.verdict.above else "below"
    row |= {f"class: {report.names.get(key, key)}": _decimal(value) for key, value in class_probs.items()}
    row |= {f"node: {report.names.get(key, key)}": _decimal(value) for key, value in nodes.items()}
    row["notice"] = words.NOTICE
    return row


def _decimal(value: float | None, places: int = 6) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{places}f}"


def _cell(text: str) -> str:
    """Text a spreadsheet will not run: a file may be called ``=HYPERLINK(...)``."""
    return f"'{text}" if text.startswith(SPREADSHEET_COMMANDS) else text


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
    font = ImageFont.load_default(size)
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


def _wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: float) -> list[str]:
    """Lines no wider than `width_px`; a single word that is wider stands alone."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width_px:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
