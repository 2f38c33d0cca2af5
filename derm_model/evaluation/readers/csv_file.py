"""Readings as CSV: import that takes a whole file or nothing of it, export with or without the readers' names.

Columns: reader, image_id, source, answer, with_ai, seconds, confidence. Of a reader's several rows about one image in
one pass the later one is a correction; reading returns them all, and the last one is imported.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from derm_model.errors import EvaluationError
from derm_model.evaluation.readers.readings import ImageKey, Reading, latest
from derm_model.spreadsheet import COMMANDS

COLUMNS = ("reader", "image_id", "source", "answer", "with_ai", "seconds", "confidence")
REQUIRED = ("reader", "image_id", "answer")
MAX_SHOWN = 5  # problems in one message: enough to see what is the matter
YES, NO = ("yes", "true", "1"), ("no", "false", "0", "")
GUARDED = ("'", *COMMANDS)  # behind an apostrophe in the file


class _RowProblem(Exception):
    """What is wrong with one row."""


@dataclass(frozen=True)
class ReadingsFile:
    """What a file held.

    Attributes
    ----------
    readings
        A row each, in the order of rows.
    n_corrections
        Rows that take the place of an earlier one.
    """

    readings: tuple[Reading, ...]
    n_corrections: int


@dataclass(frozen=True)
class CheckedRows:
    """Rows that can be read, with their numbers, and what is wrong with each of the others."""

    rows: tuple[tuple[int, Reading], ...]
    problems: tuple[str, ...]


def readings_from_csv(content: bytes | str, images: Iterable[ImageKey], answers: Sequence[str]) -> ReadingsFile:
    """Read a file of readings.

    Parameters
    ----------
    content
        UTF-8, cells separated by commas, semicolons or tabs. Columns in any order; reader, image_id and answer must be
        there, others are ignored. with_ai is yes or no, empty for no; seconds, and confidence from 0 to 100, may be
        empty.
    images
        Of the study, (source, image_id). A row may leave the source out where the image_id belongs to one only.
    answers
        Of the question; capitals do not matter.

    Raises
    ------
    EvaluationError
        No table, a column is missing, or rows are wrong; rows are counted as a spreadsheet does, the head is row 1.
    """
    found = check_rows(content, images, answers)
    if found.problems:
        problems = found.problems
        more = f" And {len(problems) - MAX_SHOWN:,} more." if len(problems) > MAX_SHOWN else ""
        raise EvaluationError(f"Nothing was imported. {' '.join(problems[:MAX_SHOWN])}{more} Correct the file.")
    readings = tuple(reading for _, reading in found.rows)
    if not readings:
        raise EvaluationError("Nothing was imported: the file has a head but no row. Add a row for each reading.")
    return ReadingsFile(readings, len(readings) - len(latest(readings)))


def check_rows(content: bytes | str, images: Iterable[ImageKey], answers: Sequence[str]) -> CheckedRows:
    """Read a file of readings as far as possible, and say what is wrong with every row that is.

    Parameters
    ----------
    content, images, answers
        As in `readings_from_csv`.

    Raises
    ------
    EvaluationError
        No table, or a column is missing.
    """
    rows = _rows(content)
    known, by_id = set(images), Counter[str]()
    source_of: dict[str, str] = {}
    for source, image_id in known:
        by_id[image_id] += 1
        source_of[image_id] = source
    sources = {image_id: source for image_id, source in source_of.items() if by_id[image_id] == 1}
    words = {answer.casefold(): answer for answer in answers}
    found, problems = [], []
    for number, row, n_more in rows:
        try:
            if n_more > 0:  # "4,5" without quotes would be 4 seconds and a confidence of 5
                raise _RowProblem(f"it has more cells than the head, {n_more} too many; a comma in a cell needs quotes")
            found.append((number, _reading(row, known, sources, words)))
        except _RowProblem as problem:
            problems.append(f"Row {number}: {problem}.")
    return CheckedRows(tuple(found), tuple(problems))


def readings_to_csv(readings: Iterable[Reading]) -> str:
    """Return readings as CSV that `readings_from_csv` reads back; a spreadsheet opens it as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in readings:
        texts = [guarded(cell) for cell in (one.reader, one.image_id, one.source, one.answer)]
        seconds = "" if one.seconds is None else f"{one.seconds:.10g}"
        confidence = "" if one.confidence is None else one.confidence
        writer.writerow([*texts, "yes" if one.with_ai else "no", seconds, confidence])
    return "\ufeff" + text.getvalue()


def anonymous(readings: Iterable[Reading], key: bytes) -> tuple[Reading, ...]:
    """Return the readings of "reader-1", "reader-2", ... in an order that tells neither names nor who came when.

    Numbers follow a hash of key and name: the same in every export with the same key, and not to be guessed from a list
    of names without it. Rows are sorted by reader, image and pass; corrections stay behind what they correct.

    Parameters
    ----------
    readings
    key
        A secret of the study, at least 16 random bytes.

    Raises
    ------
    ValueError
        The key is shorter.
    """
    given = tuple(readings)
    called = pseudonyms({one.reader for one in given}, key)
    place = {name: i for i, name in enumerate(called)}
    ordered = sorted(given, key=lambda one: (place[one.reader], one.image, one.with_ai))
    return tuple(replace(one, reader=called[one.reader]) for one in ordered)


def pseudonyms(names: Iterable[str], key: bytes) -> dict[str, str]:
    """Return "reader-1", "reader-2", ... for names, in the order of these numbers, as `anonymous` gives them.

    Each is a code, so that what was exported can be imported.

    Raises
    ------
    ValueError
        The key has fewer than 16 bytes.
    """
    if len(key) < 16:
        raise ValueError(f"a key that nobody guesses has at least 16 bytes, got {len(key)}")
    ordered = sorted(set(names), key=lambda name: hmac.digest(key, name.encode(), hashlib.sha256))
    return {name: f"reader-{i}" for i, name in enumerate(ordered, start=1)}


def _rows(content: bytes | str) -> list[tuple[int, dict[str, str], int]]:
    """Rows that are not empty, with their numbers, and by how many cells they are longer than the head."""
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"The file is no CSV in UTF-8 ({error}). Save it as “CSV UTF-8”.") from None
    columns = [name.strip().casefold() for name in table[0]] if table else []
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise EvaluationError(
            f"The file has no column {', '.join(missing)}. Its first row must name the columns: {', '.join(COLUMNS)}."
        )
    if len(set(columns) & set(COLUMNS)) < sum(name in COLUMNS for name in columns):
        raise EvaluationError("The file has a column twice. Leave one of them.")
    rows = ((number, [_bare(cell.strip()) for cell in cells]) for number, cells in enumerate(table[1:], start=2))
    return [
        (number, dict(zip(columns, cells, strict=False)), len(cells) - len(columns))
        for number, cells in rows
        if any(cells)
    ]


def _reading(
    row: Mapping[str, str], known: set[ImageKey], sources: Mapping[str, str], words: Mapping[str, str]
) -> Reading:
    reader, image_id, said = (row.get(name, "") for name in REQUIRED)
    for name, value in zip(REQUIRED, (reader, image_id, said), strict=True):
        if not value:
            raise _RowProblem(f"{name} is empty")
    source = row.get("source", "") or sources.get(image_id, "")
    if (source, image_id) not in known:
        several = not row.get("source") and any(image_id == other for _, other in known)
        where = f" of {source}" if source else ""
        raise _RowProblem(
            f"several data sets have an image {image_id}, say which in the column source"
            if several
            else f"the study has no image {image_id}{where}"
        )
    answer = words.get(said.casefold())
    if answer is None:
        raise _RowProblem(f"unknown answer {said!r}, the question's are {', '.join(words.values())}")
    helped = row.get("with_ai", "").casefold()
    if helped not in (*YES, *NO):
        raise _RowProblem(f"with_ai is yes or no, not {helped!r}")
    return Reading(reader, image_id, answer, helped in YES, _seconds(row), _confidence(row), source)


def _seconds(row: Mapping[str, str]) -> float | None:
    text = row.get("seconds", "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise _RowProblem(f"seconds is no number with a decimal point: {text!r}") from None
    if not (value >= 0 and math.isfinite(value)):
        raise _RowProblem(f"seconds is no finite number from 0: {text}")
    return value


def _confidence(row: Mapping[str, str]) -> int | None:
    text = row.get("confidence", "")
    if not text:
        return None
    # "0.9" would be taken for nearly nothing: whole numbers leave no doubt about the scale
    if not (re.fullmatch(r"[0-9]{1,3}", text) and int(text) <= 100):
        raise _RowProblem(f"confidence is a whole number from 0 (a guess) to 100 (certain), not {text!r}")
    return int(text)


def guarded(text: str) -> str:
    """A cell that no spreadsheet runs; the import takes the apostrophe off again."""
    return f"'{text}" if text.startswith(GUARDED) else text


def _bare(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(GUARDED) else text
