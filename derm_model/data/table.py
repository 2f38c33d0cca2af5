"""The table: a manifest as a DataFrame, one row an image, whose position is the image's number everywhere else.

Missing text is NaN (pandas' `str` type): ask `isna()`. `fitzpatrick_type` is Int8 with NA, `age` float64 with NaN,
`links` is never missing ("" or keys separated by spaces). Imported lazily: pandas takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from derm_model.data.manifest import Record
from derm_model.data.schema import COLUMNS, join_links
from derm_model.errors import ManifestError
from derm_model.files import replaced

DTYPES = {name: "str" for name in COLUMNS} | {"fitzpatrick_type": "Int8", "age": "float64"}


def to_table(records: Iterable[Record]) -> pd.DataFrame:
    """Make the table of records.

    Returns
    -------
    DataFrame (n, 17)
        Columns `COLUMNS` with `DTYPES`, RangeIndex, rows in the order given. `file` is absolute.
    """
    records = tuple(records)
    columns: dict[str, list[Any]] = {
        name: [getattr(r, name) for r in records] for name in COLUMNS if name not in ("file", "diagnosis", "links")
    }
    columns["file"] = [str(r.path.absolute()) for r in records]
    columns["diagnosis"] = [r.label for r in records]
    columns["links"] = [join_links(r.links) for r in records]
    return pd.DataFrame({name: pd.Series(columns[name], dtype=DTYPES[name]) for name in COLUMNS})


def to_records(table: pd.DataFrame) -> tuple[Record, ...]:
    """Make the records of a table; columns that `COLUMNS` does not know are ignored."""
    return tuple(_record(cells) for cells in _cells(table[list(COLUMNS)]))


def read_table(path: Path) -> pd.DataFrame:
    """Read a table from a Parquet file.

    Raises
    ------
    ManifestError
        When the file is missing, damaged or lacks columns.
    """
    try:
        table = pd.read_parquet(path, columns=list(COLUMNS))
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise ManifestError(
            f"A table is a Parquet file with the columns {', '.join(COLUMNS)}. {path}: {error}. Import the data again."
        ) from error
    return table.astype(DTYPES)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as a Parquet file, which appears complete or not at all."""
    with replaced(path) as temporary:
        table[list(COLUMNS)].to_parquet(temporary, index=False)


def read_cells(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Read any Parquet file as its column names and its rows, missing cells None; OSError and ValueError pass."""
    table = pd.read_parquet(path)
    return list(table.columns), _cells(table)


def _cells(table: pd.DataFrame) -> list[dict[str, Any]]:
    names = list(table.columns)
    columns = [table[name].astype(object).where(table[name].notna(), None).tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _record(cells: dict[str, Any]) -> Record:
    kind = cells.pop("fitzpatrick_type")
    return Record(
        path=Path(cells.pop("file")),
        label=cells.pop("diagnosis"),
        links=tuple((cells.pop("links") or "").split()),
        fitzpatrick_type=None if kind is None else int(kind),
        **cells,
    )
