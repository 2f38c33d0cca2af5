"""Read the taxonomy from the table people edit."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.node import Node
from derm_model.taxonomy.problems import Problem, check_problems, file_problems, find_problems, in_row_order
from derm_model.taxonomy.tree import Taxonomy

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "taxonomy"
REQUIRED_COLUMNS = ("id", "parent", "name", "synonyms", "malignancy_status", "icd10", "tier")
MAX_BYTES = 20_000_000  # seventy times the shipped tree; more is another file taken by mistake
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # what spreadsheets call "Unicode text"
_BROKEN = re.compile(r"[\udc80-\udcff]")  # bytes that are no UTF-8, as Python keeps them


def read_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read and validate a taxonomy file.

    Parameters
    ----------
    path : Path, optional
        A CSV (UTF-8, with or without byte-order mark, as spreadsheets write it) with the columns id, parent, name,
        synonyms (separated by ``|``), malignancy_status, icd10, tier; others are ignored.
        By default the tree that ships with DermTree, read once per process.

    Raises
    ------
    TaxonomyError
        Listing all problems with their rows.
    """
    return _shipped_taxonomy() if path is None else parse_taxonomy(_bytes(path), path.name)


@lru_cache(maxsize=1)
def _shipped_taxonomy() -> Taxonomy:
    path = ASSETS / "taxonomy.csv"
    return parse_taxonomy(_bytes(path), path.name)


def parse_taxonomy(content: bytes, source: str) -> Taxonomy:
    """Taxonomy of a file's content; `source` is how error messages call it. TaxonomyError lists all problems."""
    nodes, rows, problems = _parse(content, None)
    check_problems(problems, source)
    return Taxonomy(nodes, rows=rows, source=source)


def check_taxonomy(content: bytes, n_roots: int | None = None) -> tuple[Problem, ...]:
    """Return everything that is wrong with a file, in row order; () exactly when `parse_taxonomy` reads it.

    Parameters
    ----------
    content : bytes
        Of the file.
    n_roots : int, optional
        Number of roots the tree is meant to have; any number by default. A row whose parent was forgotten becomes a
        root, which only this can tell where it has children.
    """
    return _parse(content, n_roots)[2]


def check_file(path: Path, n_roots: int | None = None) -> tuple[Problem, ...]:
    """As `check_taxonomy`; TaxonomyError where there is no such file."""
    return check_taxonomy(_bytes(path), n_roots)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # of a file taken by mistake no more than tells it
    except OSError as error:
        raise TaxonomyError(f"{path} cannot be read ({error.strerror}); check the path") from error


def _parse(content: bytes, n_roots: int | None) -> tuple[list[Node], list[int], tuple[Problem, ...]]:
    """Nodes and rows of a file as far as it can be read, and its problems."""
    try:
        records = _records(content)
    except TaxonomyError as error:
        return [], [], (Problem(None, None, "file", str(error)),)
    header = [column.strip() for column in records[0]] if records else []
    problems = (*_cell_problems(1, header, header), *_column_problems(header))
    if problems:
        return [], [], problems
    filled = [(row, cells) for row, cells in enumerate(records[1:], start=2) if any(map(str.strip, cells))]
    found = [problem for row, cells in filled for problem in _cell_problems(row, cells, header)]
    # a row with too few cells lacks the last ones; reading what is there lets the other rules speak, too
    nodes = [
        _node(dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))) for _, cells in filled
    ]
    rows = [row for row, _ in filled]
    if not nodes:
        found.append(Problem(None, None, "file", "the file has no nodes; it needs at least one row below its header"))
    found += [*find_problems(nodes, rows), *file_problems(nodes, rows, n_roots)]
    broken = {(problem.row, problem.column) for problem in found if problem.kind == "encoding"}
    kept = [p for p in found if p.kind not in ("control character", "malformed id") or (p.row, p.column) not in broken]
    return nodes, rows, in_row_order(kept)


def _records(content: bytes) -> list[list[str]]:
    if len(content) > MAX_BYTES:
        raise TaxonomyError(f"the file is too large; a taxonomy has at most {MAX_BYTES:,} bytes")
    if content.startswith(UTF16_MARKS):
        raise TaxonomyError("the file is UTF-16, not UTF-8; save it as CSV (UTF-8)")
    text = content.decode("utf-8-sig", errors="surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise TaxonomyError(
            f"the file is no CSV from line {reader.line_num} on ({error}); check the quotation marks there"
        ) from error


def _column_problems(header: Sequence[str]) -> tuple[Problem, ...]:
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    twice = [column for column in REQUIRED_COLUMNS if header.count(column) > 1]
    hint = ""
    if missing and len(header) == 1 and ";" in header[0]:
        hint = "; the file is separated by semicolons: save it separated by commas"
    found = []
    if missing:
        message = f"the file lacks the column(s) {', '.join(missing)}; its first row must name the columns{hint}"
        found.append(Problem(1, None if len(missing) > 1 else missing[0], "column", message))
    found += [Problem(1, column, "column", f"the column {column} stands twice; keep one of them") for column in twice]
    return tuple(found)


def _cell_problems(row: int, cells: Sequence[str], header: Sequence[str]) -> list[Problem]:
    found = [
        Problem(row, column, "encoding", f"the {column} {_shown(cell)} is not UTF-8; save the file as CSV (UTF-8)")
        for column, cell in zip(header, cells, strict=False)
        if _BROKEN.search(cell)
    ]
    if len(cells) != len(header):
        found.append(Problem(row, None, "cells", f"{len(cells)} cells, the header has {len(header)}"))
    return found


def _shown(cell: str) -> str:
    return repr(_BROKEN.sub("\N{REPLACEMENT CHARACTER}", cell))


def _node(row: Mapping[str, str]) -> Node:
    cell = {column: row[column].strip() for column in REQUIRED_COLUMNS}
    return Node(
        id=cell["id"],
        name=cell["name"],
        parent=cell["parent"] or None,
        synonyms=tuple(synonym.strip() for synonym in cell["synonyms"].split("|") if synonym.strip()),
        malignancy_status=cell["malignancy_status"] or None,
        icd10=cell["icd10"] or None,
        tier=cell["tier"] or None,
    )
