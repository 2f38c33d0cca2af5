"""Readings, readers and images of a study as CSV, with numbers in the place of the readers' codes."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import math
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from derm_model.errors import EvaluationError
from derm_model.evaluation.bootstrap import Bootstrapped
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.readers.csv_file import COLUMNS, anonymous, guarded, pseudonyms, readings_to_csv
from derm_model.home import home
from derm_model.reader_result.material import Material
from derm_model.reader_result.result import StudyResult

KEY_FILE = "reader-numbers.key"  # in $DERM_HOME; without it nobody can tell which code a number stands for
KEY_BYTES = 32


def key_of(study_id: str) -> bytes:
    """Secret by which the readers of a study are numbered: the same in every export from this server.

    Raises
    ------
    EvaluationError
        It cannot be read or kept.
    """
    path = home() / KEY_FILE
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make_key(path)
        secret = path.read_bytes()
    except OSError as error:
        raise EvaluationError(
            f"The key by which readers are numbered cannot be kept in {path} ({error.strerror}). Check permissions."
        ) from error
    if len(secret) != KEY_BYTES:
        raise EvaluationError(f"{path} is damaged. Delete it: the next export numbers readers anew.")
    return hmac.digest(secret, study_id.encode(), hashlib.sha256)


def _make_key(path: Path) -> None:
    """Write a key, readable by its owner only; of two processes at once both end up with the same one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    try:
        os.link(beside, path)
    except FileExistsError:
        pass  # somebody was quicker, and theirs is the key
    finally:
        beside.unlink()


def names_of(material: Material) -> dict[str, str]:
    """What each reader of a study is called in exports, by code.

    Raises
    ------
    EvaluationError
        The key cannot be read.
    """
    return pseudonyms({reader.code for reader in material.readers}, key_of(material.study.study_id))


def readings_csv(material: Material) -> str:
    """Every reading that counts, as `readings_from_csv` reads it back."""
    return readings_to_csv(anonymous(material.answers(), key_of(material.study.study_id)))


def readers_csv(result: StudyResult, called: Mapping[str, str]) -> str:
    """A row per reader, by number; what is undefined is empty."""
    readers = sorted(result.readers, key=lambda reader: list(called).index(reader.code))
    judged = _yes_no_cells(result) if result.yes_no is not None else _class_cells(result)
    columns = (*READER_COLUMNS, *(YES_NO_COLUMNS if result.yes_no is not None else _rate_names("accuracy")))
    rows = []
    for reader in readers:
        agreed = result.agreement.get(reader.code)
        kappa = None if agreed is None else agreed.kappa
        bounds = (None, None) if kappa is None or kappa.interval is None else kappa.interval
        own: dict[str, object] = {
            "reader": called[reader.code],
            "experience": reader.experience,
            "is_script": _yes(reader.is_script),
            "is_complete": _yes(reader.is_complete),
            "n": reader.n,
            "n_with_ai": reader.n_with_ai,
            "n_corrections": reader.n_corrections,
            "median_seconds": reader.seconds,
            "median_seconds_with_ai": reader.seconds_with_ai,
            "kappa_with_network": None if kappa is None else kappa.value,
            "kappa_with_network_low": bounds[0],
            "kappa_with_network_high": bounds[1],
        }
        cells = own | judged.get(reader.code, {})
        rows.append([cells.get(column) for column in columns])
    return _csv(columns, rows)


def images_csv(material: Material, result: StudyResult) -> str:
    """A row per image of the study, with the truth and what the network says; no path, which may name somebody."""
    choices = material.question.choice_ids
    columns = ("source", "image_id", "content_hash", "node", "truth", "left_out", *(f"network_{c}" for c in choices))
    place = {key: i for i, key in enumerate(material.keys)}
    probs = None if result.network is None else result.network.probs
    rows = []
    for image in material.everything:
        i = place.get((image.source, image.image_id))
        given = ["" for _ in choices] if probs is None or i is None else [_number(p) for p in probs[i].tolist()]
        truth = "" if i is None else material.truth[i]
        rows.append([image.source, image.image_id, image.content_hash, image.node, truth, _yes(i is None), *given])
    return _csv(columns, rows)


def template_csv(material: Material) -> str:
    """A file to fill in for an import: a row per image, without reader and answer; it does not tell the truth."""
    rows = [["", image_id, source, "", "no", "", ""] for source, image_id in sorted(material.keys)]
    return _csv(COLUMNS, rows)


READER_COLUMNS = (
    "reader",
    "experience",
    "is_script",
    "is_complete",
    "n",
    "n_with_ai",
    "n_corrections",
    "median_seconds",
    "median_seconds_with_ai",
    "kappa_with_network",
    "kappa_with_network_low",
    "kappa_with_network_high",
)


def _rate_names(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


YES_NO_COLUMNS = (
    *_rate_names("sensitivity"),
    *_rate_names("specificity"),
    "found",
    "missed",
    "false_alarms",
    "spared",
    "position",
    *_rate_names("specificity_gap"),
)


def _yes_no_cells(result: StudyResult) -> dict[str, dict[str, object]]:
    judged = result.yes_no
    assert judged is not None  # asked by the caller
    cells: dict[str, dict[str, object]] = {}
    for point in judged.points:
        rates = _rate("sensitivity", point.sensitivity) | _rate("specificity", point.specificity)
        cells[point.reader] = rates | dict(point.counts.__dict__)
    for one in () if judged.network is None else judged.network.against:
        cells[one.point.reader] |= {"position": one.position} | _gap(one.at_sensitivity)
    return cells


def _class_cells(result: StudyResult) -> dict[str, dict[str, object]]:
    readers = () if result.classes is None or result.classes.readers is None else result.classes.readers.readers
    return {one.reader: _rate("accuracy", one.accuracy) for one in readers}


def _rate(name: str, found: Interval) -> dict[str, object]:
    return dict(zip(_rate_names(name), (found.value, found.low, found.high), strict=True))


def _gap(found: Bootstrapped | None) -> dict[str, object]:
    return {} if found is None else _rate("specificity_gap", found.interval)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return "\ufeff" + text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return _number(value)
    return "" if value is None else guarded(str(value))


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.10g}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
