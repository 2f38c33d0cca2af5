"""Read the taxonomy from the table people edit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.node import Node
from derm_model.taxonomy.tree import Taxonomy
from derm_model.taxonomy.validation import check_problems

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "taxonomy"
REQUIRED_COLUMNS = ("id", "parent", "name", "synonyms", "malignancy_status", "icd10", "tier")


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
    return _shipped_taxonomy() if path is None else _read(path)


@lru_cache(maxsize=1)
def _shipped_taxonomy() -> Taxonomy:
    return _read(ASSETS / "taxonomy.csv")


def _read(path: Path) -> Taxonomy:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaxonomyError(f"{path} cannot be read as a UTF-8 text file: {error}") from error
    records = list(csv.reader(io.StringIO(text, newline="")))
    header = records[0] if records else []
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    if missing:
        raise TaxonomyError(f"{path} lacks the column(s) {', '.join(missing)}; its first row must name the columns")
    filled = [(row, cells) for row, cells in enumerate(records[1:], start=2) if any(map(str.strip, cells))]
    check_problems(
        [
            f"row {row}: {len(cells)} cells, the header has {len(header)}"
            for row, cells in filled
            if len(cells) != len(header)
        ],
        path.name,
    )
    nodes = [_node(dict(zip(header, cells, strict=True))) for _, cells in filled]
    return Taxonomy(nodes, rows=[row for row, _ in filled], source=path.name)


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
