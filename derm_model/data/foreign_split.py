"""Splits that others made: the official one of a data set, or a CSV file with a column that names the part."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from derm_model.data.problems import Problem, ProblemLog
from derm_model.errors import SplitError

if TYPE_CHECKING:
    import pandas as pd

# spellings of the official files and of common exports, in the order in which they are looked for
ID_COLUMNS = ("image_id", "isic_id", "image_name", "image", "img_id", "id", "file", "file_name", "filename", "path")
SPLIT_COLUMNS = ("split", "official_split", "part", "set", "subset", "partition", "fold")

NOT_THERE = "image of the split not in the collection"
AMBIGUOUS = "name of the split that several images have"
TWICE = "image the split lists in two parts, the first one was taken"
NO_PART = "image the split gives no part"
NOT_NAMED = "image of the collection the split does not name"

SEVERAL = -1  # instead of a position: several images have this name


class ForeignSplit(NamedTuple):
    """A split that others made.

    Attributes
    ----------
    parts
        Part of each image of the table (n); None for those it does not name.
    problems
        What could not be used, and images it does not name.
    """

    parts: tuple[str | None, ...]
    problems: tuple[Problem, ...]


def official_parts(table: pd.DataFrame) -> ForeignSplit:
    """The split that the data sets themselves state (`official_split`), as a foreign one."""
    column = table["official_split"]
    parts = tuple(column.astype(object).where(column.notna(), None))
    log = ProblemLog()
    for image_id, part in zip(table["image_id"], parts, strict=True):
        if part is None:
            log.add(NOT_NAMED, image_id, kept=True, unit="image")
    return ForeignSplit(parts, log.problems())


def read_foreign_split(
    path: Path, table: pd.DataFrame, *, id_column: str | None = None, split_column: str | None = None
) -> ForeignSplit:
    """Read a CSV file that says which image lies in which part.

    Images are recognised by their image_id or by the name of their file, with or without folder and suffix. Where
    several sources have an image of that name, a column `source` tells which.

    Parameters
    ----------
    path
        CSV file (UTF-8) with a header.
    table
        The collection.
    id_column, split_column
        Names of the two columns; by default the first of `ID_COLUMNS` and of `SPLIT_COLUMNS` that is there, whatever
        its case.

    Raises
    ------
    SplitError
        The file cannot be read, a column is missing, or none of its images is in the table.
    """
    header, rows = _read_csv(path)
    ids = _column(path, header, id_column, ID_COLUMNS, "image")
    splits = _column(path, header, split_column, SPLIT_COLUMNS, "part")
    log, places = ProblemLog(), _places(table)
    parts: list[str | None] = [None] * len(table)
    for row in rows:
        name, part = (row.get(ids) or "").strip(), (row.get(splits) or "").strip()
        position = _find(places, name, (row.get("source") or "").strip())
        if position is None:
            log.add(NOT_THERE, name)
        elif position == SEVERAL:
            log.add(AMBIGUOUS, name)
        elif not part:
            log.add(NO_PART, name, kept=True)
        elif parts[position] not in (None, part):
            log.add(TWICE, f"{name} ({parts[position]}, {part})", kept=True)
        else:
            parts[position] = part
    if not any(parts):
        raise SplitError(
            f"A split is of the images of the collection. None of the {len(rows):,} rows of {path} names one with a "
            f"part. Its images stand in the column {ids}, parts in {splits}: name other columns, or import its images."
        )
    for image_id, given in zip(table["image_id"], parts, strict=True):
        if given is None:
            log.add(NOT_NAMED, image_id, kept=True, unit="image")
    return ForeignSplit(tuple(parts), log.problems())


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            return header, list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise SplitError(f"A split is read from a CSV file in UTF-8. {path}: {error}. Export it again.") from error


def _column(path: Path, header: Sequence[str], asked: str | None, usual: Sequence[str], what: str) -> str:
    if asked is not None and asked in header:
        return asked
    lower = {name.lower(): name for name in reversed(header)}
    found = None if asked is not None else next((lower[name] for name in usual if name in lower), None)
    if found is None:
        expected = asked or f"one of {', '.join(usual)}"
        raise SplitError(
            f"The {what} of each row is looked for in the column {expected}. {path} has {', '.join(header) or 'none'}. "
            "Name the column to read."
        )
    return found


def _places(table: pd.DataFrame) -> dict[tuple[str, str], int]:
    """(source or "", name) -> position, for every name an image goes by."""
    places: dict[tuple[str, str], int] = {}
    columns = zip(table["source"], table["image_id"], table["file"], strict=True)
    for position, (source, image_id, file) in enumerate(columns):
        name = Path(file).name
        for key in {image_id, name, Path(name).stem}:
            for scope in (source, ""):
                if places.setdefault((scope, key), position) != position:
                    places[scope, key] = SEVERAL
    return places


def _find(places: Mapping[tuple[str, str], int], name: str, source: str) -> int | None:
    base = name.replace("\\", "/").rpartition("/")[2]
    for key in (name, base, Path(base).stem):
        if (position := places.get((source, key))) is not None:
            return position
    return None
