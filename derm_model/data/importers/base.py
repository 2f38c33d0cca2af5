"""What an importer is, and how official files are found and read."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.errors import ImportProblem

# what `errors="surrogateescape"` makes of bytes that are not UTF-8
_NOT_UTF8 = re.compile("[\udc80-\udcff]")

# option name -> the values given for it, in order; an option that was not given is absent
Options = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Option:
    """One more thing an importer can be told: `--NAME VALUE` on the command line."""

    name: str
    help: str
    metavar: str = "VALUE"
    choices: tuple[str, ...] = ()
    multiple: bool = False
    required: bool = False


@dataclass(frozen=True)
class Importer:
    """One data set: who it is, and how its official files are read.

    Attributes
    ----------
    name
        On the command line: "ham10000".
    title
        For people: "HAM10000".
    source
        The name under which the crosswalk knows its labels.
    licence
        Of all its images, where it is one; a row's own wins. None where only the rows know.
    reference
        How to cite it.
    layout
        For people: which files are expected below the root.
    read
        `read(root, log, options)` yields the rows of the official files in their order, without looking for images.
        A row that cannot be read goes to the log; a missing official file raises `ImportProblem`.
    options
        What it can be told beside the root.
    not_images
        Patterns of file names (case does not count) that lie beside the images and are none: masks, superpixels.
    """

    name: str
    title: str
    source: str
    licence: str | None
    reference: str
    layout: str
    read: Callable[[Path, ProblemLog, Options], Iterator[OfficialRow]]
    options: tuple[Option, ...] = ()
    not_images: tuple[str, ...] = ()


def first(options: Options, name: str, default: str | None = None) -> str | None:
    """Return the value given for an option, else the default."""
    values = options.get(name, ())
    return values[0] if values else default


def walk(root: Path) -> Iterator[Path]:
    """Yield all files below a folder in a fixed order; names that begin with "." or "__" (as macOS adds) are no data.

    Raises
    ------
    ImportProblem
        When the folder is not there.
    """
    if not root.is_dir():
        raise ImportProblem(f"A data set is read from a folder. {root} is none. Give the folder it was unpacked into.")
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def find_tables(root: Path, *patterns: str, columns: Sequence[str] = ()) -> list[Path]:
    """Find files below the root by patterns of their name (case does not count) and the columns they must have.

    Returns
    -------
    list of Path
        In the order of the patterns, then of the paths; each file once.
    """
    files = list(walk(root))
    matching = dict.fromkeys(
        path for pattern in patterns for path in files if fnmatchcase(path.name.casefold(), pattern.casefold())
    )
    return [path for path in matching if set(columns) <= set(header(path))]


def find_table(root: Path, *patterns: str, columns: Sequence[str] = (), what: str = "table") -> Path:
    """Return the one file that `find_tables` puts first.

    Raises
    ------
    ImportProblem
        When there is none, saying which was looked for.
    """
    found = find_tables(root, *patterns, columns=columns)
    if not found:
        having = f" with the columns {', '.join(columns)}" if columns else ""
        raise ImportProblem(
            f"The {what} is needed: a file named like {' or '.join(patterns)}{having}. "
            f"There is none in {root} or below. Download it beside the images."
        )
    return found[0]


def header(path: Path) -> list[str]:
    """Return the column names of a table, [] for a file that has no readable first line."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            line = file.readline()
    except OSError:
        return []
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=_delimiter(line)), [])]
    except csv.Error:
        return []


def read_rows(path: Path, log: ProblemLog, columns: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file (or of one with tabs or semicolons) as trimmed cells by column name.

    A row with more cells than the header has (its values would stand under wrong names) and a row that is not UTF-8 go
    to the log. Cells missing at the end are "". Rows without any content are passed over.

    Raises
    ------
    ImportProblem
        When the file cannot be read or lacks one of the columns.
    """
    names = header(path)
    missing = [name for name in columns if name not in names]
    if missing:
        raise ImportProblem(
            f"{path} must have the columns {', '.join(columns)}. It lacks {', '.join(missing)} "
            f"(it has {', '.join(names) or 'no header'}). Use the official file."
        )
    for number, cells in enumerate_cells(path):
        if number == 1 or not any(cells):
            continue
        problem = "more cells than columns" if len(cells) > len(names) and any(cells[len(names) :]) else None
        if any(map(_NOT_UTF8.search, cells)):
            problem = "not UTF-8"
        if problem:
            log.add(f"unreadable row ({problem})", f"{path.name}, line {number}")
            continue
        yield dict(zip(names, [*cells, *[""] * (len(names) - len(cells))], strict=False))


def enumerate_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, trimmed cells) of every row, the header too; `ImportProblem` when that cannot go on."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter)
            for cells in reader:
                yield reader.line_num, [cell.strip() for cell in cells]
    except (OSError, csv.Error) as error:
        raise ImportProblem(f"An official file must be a readable table. {path}: {error}. Get it again.") from error


def _delimiter(line: str) -> str:
    """Dataverse serves tables with tabs, some spreadsheets save with semicolons."""
    return max(",", "\t", ";", key=line.count)
