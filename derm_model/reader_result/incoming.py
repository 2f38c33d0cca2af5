"""A file of readings before it is imported: every problem with its row, and who would have answered how much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from derm_model.errors import EvaluationError, RecordsError
from derm_model.evaluation.readers import Reading, latest
from derm_model.evaluation.readers.csv_file import check_rows
from derm_model.reader_result.material import Material
from derm_model.records.tables import check_key


@dataclass(frozen=True)
class IncomingReader:
    """What a file holds of one reader."""

    code: str
    n: int
    n_with_ai: int
    is_new: bool


@dataclass(frozen=True)
class Incoming:
    """A file, looked through.

    Attributes
    ----------
    readings
        That would be imported; of corrected ones the last.
    n_corrections
        Rows that take the place of an earlier one in the file.
    readers
    problems
        One sentence per row that is wrong; nothing is imported while there is one.
    """

    readings: tuple[Reading, ...]
    n_corrections: int
    readers: tuple[IncomingReader, ...]
    problems: tuple[str, ...]


def look_through(content: bytes, material: Material) -> Incoming:
    """Check a file against a study, all rows at once.

    Parameters
    ----------
    content
        As `readings_from_csv` takes it.
    material
        Of the study it is for.

    Raises
    ------
    EvaluationError
        The file is no table, a column is missing, or there is no row.
    """
    found = check_rows(content, material.keys, material.question.choice_ids)
    if not found.rows and not found.problems:
        raise EvaluationError("The file has a head but no row. Add a row for each reading.")
    numbered = found.rows
    problems = [(int(text.split(":")[0].removeprefix("Row ")), text) for text in found.problems]
    there = {(r.code, (r.source, r.image_id), r.with_ai) for r in material.readings}
    for number, reading in numbered:
        trouble = _trouble(reading, material, reading.about in there)
        if trouble is not None:
            problems.append((number, f"Row {number}: {trouble}"))
    readings = latest(reading for _, reading in numbered)
    return Incoming(
        readings=readings,
        n_corrections=len(numbered) - len(readings),
        readers=_readers(readings, material),
        problems=tuple(text for _, text in sorted(problems)),
    )


def _trouble(reading: Reading, material: Material, is_there: bool) -> str | None:
    try:
        check_key("code", reading.reader)
    except RecordsError as error:
        return f"reader: {error}"
    if reading.with_ai and not material.study.settings.second_pass:
        return "the study has no second pass, and with_ai says yes."
    return f"{reading.reader} has answered image {reading.image_id} already." if is_there else None


def _readers(readings: tuple[Reading, ...], material: Material) -> tuple[IncomingReader, ...]:
    known = {reader.code for reader in material.readers}
    first, second = (Counter(r.reader for r in readings if r.with_ai is with_ai) for with_ai in (False, True))
    codes = sorted({r.reader for r in readings})
    return tuple(IncomingReader(code, first[code], second[code], code not in known) for code in codes)
