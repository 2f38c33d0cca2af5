"""One case as a zip to take away: images, everything as JSON, the answers as CSV, and the notice."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import Engine

from derm_model import spreadsheet
from derm_model.records import audit
from derm_model.records.cases import CaseRecord, case_record
from derm_model.records.engine import reading, writing
from derm_model.records.image_store import ImageStore
from derm_model.words import NOTICE

FORMAT = 1
FREE_TEXT = (
    "Fields named `note` were typed by a person. Read them before you pass this file on: they may name somebody."
)
COLUMNS = (
    "seen_on",
    "image",
    "modality",
    "task",
    "score",
    "threshold",
    "bundle",
    "ood_percentile",
    "quality",
    "read_at",
)


def export_case(engine: Engine, store: ImageStore, case_id: str, who: str) -> bytes:
    """The zip of a case; that it left is in the audit log.

    Raises
    ------
    RecordsError
        There is no such case, or an image is missing, damaged or encrypted with another key.
    """
    with reading(engine) as session:
        case = case_record(session, case_id)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("NOTICE.txt", f"{NOTICE}\n\n{FREE_TEXT}\n")
        archive.writestr("case.json", case_json(case, _names(case, store, archive)))
        archive.writestr("answers.csv", answers_csv(case))
    with writing(engine) as session:
        audit.append(session, audit.Action.EXPORT, who, subjects=[case_id])
    return content.getvalue()


def _names(case: CaseRecord, store: ImageStore, archive: zipfile.ZipFile) -> dict[str, str]:
    """Write each image once and return its name by hash."""
    names: dict[str, str] = {}
    for number, visit in enumerate(case.visits, start=1):
        for position, image in enumerate(visit.images, start=1):
            if image.sha256 in names:
                continue
            data = store.get(image.sha256)
            suffix = "webp" if data[:4] == b"RIFF" else "png"
            name = f"images/{number:02d}-{visit.seen_on.isoformat()}-{position}.{suffix}"
            archive.writestr(name, data, compress_type=zipfile.ZIP_STORED)
            names[image.sha256] = name
    return names


def case_json(case: CaseRecord, names: dict[str, str]) -> str:
    """The case as JSON; what is undefined is null. `names` are those of its images' files, by hash."""
    document = {"notice": NOTICE, "free_text": FREE_TEXT, "format": FORMAT, **asdict(case)}
    for visit in document["visits"]:
        for image in visit["images"]:
            image["file"] = names.get(image["sha256"])
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_text) + "\n"


def answers_csv(case: CaseRecord) -> str:
    """A line per question and answer, for a spreadsheet; an empty cell is undefined or unknown."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow((*COLUMNS, "notice"))
    for visit in case.visits:
        for prediction in visit.predictions:
            of = prediction.image
            for answer in prediction.answers:
                row = (
                    visit.seen_on.isoformat(),
                    "all" if of is None else str(of + 1),
                    "" if of is None else visit.images[of].modality or "",
                    answer.task_id,
                    _decimal(answer.score),
                    _decimal(answer.threshold),
                    prediction.bundle_id,
                    _decimal(prediction.ood_percentile),
                    " ".join(prediction.quality_notes),
                    prediction.created_at.isoformat(timespec="seconds"),
                    NOTICE,
                )
                writer.writerow([spreadsheet.cell(text) for text in row])
    return "\ufeff" + buffer.getvalue()  # with a byte order mark, or spreadsheets take UTF-8 for something else


def _text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
