"""A case as JSON and as CSV: no pixels, and no metadata of the uploaded file.

The CSV has the columns of `python -m derm_model predict --csv`, so that tables of page and command can be put together.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from derm_model import spreadsheet, words
from derm_model.report.case import CaseReport, ImageResult, TaskResult

FORMAT_VERSION = 1
TASK_KEYS = ("score", "threshold", "operating_point", "positive", "region_probability")
IMAGE_KEYS = ("width_px", "height_px", "drawing", "quality")


def csv_columns(
    class_ids: Iterable[str], node_ids: Iterable[str], task_ids: Iterable[str], level_ids: Iterable[str] = ()
) -> list[str]:
    """Columns of every CSV of answers, in order."""
    return [
        *("file", "error", "bundle"),
        *(f"class_probs.{key}" for key in class_ids),
        *(f"nodes.{key}" for key in node_ids),
        *(f"tasks.{task}.{key}" for task in task_ids for key in TASK_KEYS),
        *(f"level.{key}" for key in level_ids),
        *("ood_percentile", *IMAGE_KEYS, "created_at", "notice"),
    ]


def csv_cell(value: Any) -> Any:
    """Text a spreadsheet will not run; whatever else as it is."""
    return spreadsheet.cell(value) if isinstance(value, str) else value


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
        "asked": report.asked,
        "class_probs": report.class_probs,
        "nodes": report.nodes,
        "tasks": {task_id: _task_json(result) for task_id, result in report.tasks.items()},
        "images": [_image_json(image) for image in report.images],
        "names": report.names,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _image_json(image: ImageResult) -> dict[str, Any]:
    apart = ("tasks", "picture", "map")
    document = {key: value for key, value in vars(image).items() if key not in apart}
    return {**document, "tasks": {task_id: _task_json(result) for task_id, result in image.tasks.items()}}


def _task_json(result: TaskResult) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "question": result.question,
        "positive": result.positive_name,
        "negative": result.negative_name,
        "score": result.score,
        "region_probability": result.region_probability,
        "threshold": result.threshold,
        "threshold_rule": result.threshold_rule,
        "threshold_origin": result.origin,
        "above": None if verdict is None else verdict.above,
        "close": None if verdict is None else verdict.close,
        "suggestion": None if verdict is None else f"{verdict.heading}. {verdict.suggestion}",
        "rates": None if result.rates is None else asdict(result.rates),
        "measured_on": result.measured_on,
        "biopsy_proven": result.biopsy_proven,
    }


def images_csv(report: CaseReport) -> str:
    """One line per image, and one for their mean where they are views of one lesion. Opens in a spreadsheet.

    An empty cell is what JSON calls null: not resolved or not defined.
    """
    rows = [_csv_row(report, image.file, image.class_probs, image.nodes, image.tasks, image) for image in report.images]
    if report.averaged and len(report.images) > 1 and report.class_probs is not None and report.nodes is not None:
        rows.append(_csv_row(report, "(mean)", report.class_probs, report.nodes, report.tasks, None))
    first = report.images[0]
    columns = csv_columns(first.class_probs, first.nodes, first.tasks)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=columns, lineterminator="\r\n")
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
) -> dict[str, Any]:
    row: dict[str, Any] = {"file": name, "bundle": report.bundle_id, "created_at": report.created_at.isoformat()}
    row |= {f"class_probs.{key}": value for key, value in class_probs.items()}
    row |= {f"nodes.{key}": value for key, value in nodes.items()}
    for task_id, result in tasks.items():
        above = None if result.verdict is None else result.verdict.above
        cells = (result.score, result.threshold, result.threshold_rule, above, result.region_probability)
        row |= {f"tasks.{task_id}.{key}": cell for key, cell in zip(TASK_KEYS, cells, strict=True)}
    if image is not None:
        quality = plain(image.notices)
        row |= zip(IMAGE_KEYS, (image.width_px, image.height_px, image.is_drawing, quality), strict=True)
        row["ood_percentile"] = image.ood_percentile
    row["notice"] = words.NOTICE
    return {key: csv_cell(value) for key, value in row.items() if value is not None}


def plain(notices: Sequence[str]) -> str:
    """Notices in one line, without the signs for bold."""
    return " ".join(notices).replace("**", "")
