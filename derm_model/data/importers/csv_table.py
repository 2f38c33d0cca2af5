"""Any CSV file with a row per image, its columns named by the person who imports it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from derm_model.data.importers.base import Importer, Option, Options, find_tables, first, header, read_rows
from derm_model.data.importers.constants import OPTIONS, with_constants
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.data.schema import COLUMNS, link
from derm_model.errors import ImportProblem

# Hashes are computed from the files, whatever a table says of them.
MAPPED = tuple(name for name in COLUMNS if name != "content_hash")


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of the table, by the column mapping; columns of the manifest's own names need no mapping."""
    table = _find_table(root, options)
    columns = read_mapping(options.get("column", ()), table)
    source = root.resolve().name
    for cells in read_rows(table, log, tuple(columns.values())):
        own = {name: cells[column] for name, column in columns.items()}
        row = OfficialRow(
            image_id=own["image_id"] if "image_id" in own else own["file"],
            file=own.get("file", ""),
            label=own.get("diagnosis"),
            node=own.get("node"),
            source=own.get("source"),
            modality=own.get("modality"),
            lesion_id=own.get("lesion_id"),
            patient_id=own.get("patient_id"),
            confirmed_by=own.get("confirmed_by"),
            official_split=own.get("official_split"),
            fitzpatrick_type=own.get("fitzpatrick_type"),
            age=own.get("age"),
            sex=own.get("sex"),
            site=own.get("site"),
            licence=own.get("licence"),
        )
        row = with_constants(row, options, source)
        yield replace(row, links=_links(own.get("links", ""), row.source or source))


def read_mapping(given: tuple[str, ...], table: Path) -> Mapping[str, str]:
    """Return manifest column -> column of the table: as given by `image_id=name`, else of the same name.

    Raises
    ------
    ImportProblem
        For a column the manifest or the table does not have, or when the image or the diagnosis has no column.
    """
    there = header(table)
    columns = {name: name for name in MAPPED if name in there}
    for pair in given:
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or name not in MAPPED:
            raise ImportProblem(
                f"--column wants NAME=COLUMN, NAME one of {', '.join(MAPPED)}. Found {pair!r}. For example: "
                "--column image_id=photo"
            )
        if column not in there:
            raise ImportProblem(f"{table} has no column {column!r}; it has {', '.join(there)}. Correct --column.")
        columns[name] = column
    for needed in (("image_id", "file"), ("node", "diagnosis")):
        if not set(needed) & set(columns):
            raise ImportProblem(
                f"A table must say {' or '.join(needed)} of each image. {table} has the columns {', '.join(there)}. "
                f"Name the right one: --column {needed[0]}=COLUMN"
            )
    return columns


def _find_table(root: Path, options: Options) -> Path:
    given = first(options, "table")
    if given:
        path = root / given  # a path that is absolute stays so
        if not path.is_file():
            raise ImportProblem(f"The table must be a file. {path} is none. Correct --table.")
        return path
    found = find_tables(root, "*.csv", "*.tsv", "*.tab")
    if len(found) != 1:
        names = ", ".join(path.relative_to(root).as_posix() for path in found[:5]) or "none"
        raise ImportProblem(f"Without --table there must be one table in {root}. Found {names}. Name it: --table FILE")
    return found[0]


def _links(cell: str, source: str) -> tuple[str, ...]:
    """Keys of a table mean something within its own collection only, unless they say which (`isic:ISIC_0024306`)."""
    return tuple(key if ":" in key else link(source, key) for key in cell.split())


IMPORTER = Importer(
    name="csv",
    title="CSV file with a column mapping",
    source="",
    licence=None,
    reference="",
    layout="a CSV file with a row per image: a column with the image's name or path, one with the diagnosis (a "
    "taxonomy node, or a label of the data set that --labels-of names), and any other column of the manifest; the "
    "images in any folders below the root.",
    read=read,
    options=(
        Option("table", "the file; by default the only table below the root", "FILE"),
        Option("column", "which column is which, e.g. image_id=photo (repeat)", "NAME=COLUMN", multiple=True),
        *OPTIONS,
    ),
)
