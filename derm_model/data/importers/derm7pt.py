"""Derm7pt: 1,011 cases of the Interactive Atlas of Dermoscopy, each with a dermoscopic and mostly a clinical picture.

Form followed: release_v0 as the data set's own loader reads it (repository jeremykawahara/derm7pt): meta/meta.csv with
a row per case (case_num, diagnosis, ..., sex, location, clinic, derm, ...), images/ with the paths that `clinic` and
`derm` give, and meta/train_indexes.csv, valid_indexes.csv and test_indexes.csv with a column `indexes` of row numbers
of meta.csv, counted from 0. A meta.csv cut down to diagnosis and derm is read too.

A case is one lesion. Two cases that show the same clinical picture are kept together by a link. `management` says what
the atlas advises, not how the diagnosis was confirmed, so that remains unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from derm_model.data.importers.base import Importer, Options, enumerate_cells, find_table, find_tables, read_rows
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.data.schema import link
from derm_model.errors import ImportProblem

COLUMNS = ("diagnosis", "derm")
PICTURES = {"derm": "dermoscopic", "clinic": "clinical"}  # column of the path -> modality
PARTS = ("train", "valid", "test")


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the pictures of every case: dermoscopic, then clinical."""
    table = find_table(root, "meta.csv", "*derm7pt*.csv", "*meta*.csv", columns=COLUMNS, what="Derm7pt metadata")
    rows = list(read_rows(table, log, COLUMNS))
    parts = _parts(root, log)
    if parts:
        _check_numbers(table, len(rows), parts)
    for number, row in enumerate(rows):
        for column, modality in PICTURES.items():
            file = row.get(column, "")
            if file:
                yield OfficialRow(
                    image_id=PurePosixPath(file).with_suffix("").as_posix(),
                    file=file,
                    label=row["diagnosis"],
                    modality=modality,
                    lesion_id=row.get("case_num", ""),
                    official_split=parts.get(number),
                    sex=row.get("sex", ""),
                    site=row.get("location", ""),
                    links=_shared_picture(row),
                )


def _parts(root: Path, log: ProblemLog) -> Mapping[int, str]:
    """Return the part of every row of meta.csv, by its number counted from 0; a row outside all of them is absent."""
    parts: dict[int, str] = {}
    for part in PARTS:  # test comes last: a row listed twice must not become trainable
        for path in find_tables(root, f"{part}_indexes.csv", columns=("indexes",))[:1]:
            for row in read_rows(path, log, ("indexes",)):
                if row["indexes"].isdecimal():
                    parts[int(row["indexes"])] = part
                else:
                    log.add("unreadable row (indexes must be whole numbers)", f"{path.name}: {row['indexes']}")
    return parts


def _check_numbers(table: Path, n_rows: int, parts: Mapping[int, str]) -> None:
    """Raise `ImportProblem` when a row that cannot be read has shifted the numbers, or they belong to another table."""
    n_lines = sum(any(cells) for _, cells in enumerate_cells(table)) - 1  # less the header
    if n_rows != n_lines or max(parts) >= n_rows:
        raise ImportProblem(
            f"The official parts name rows of {table.name} by their number, so it must be whole. {table} has {n_rows} "
            f"readable rows of {n_lines}, and the highest number is {max(parts)}. Get the official file again, or "
            "take the *_indexes.csv files away to import without the official parts."
        )


def _shared_picture(row: Mapping[str, str]) -> tuple[str, ...]:
    """Link all pictures of the cases that name one clinical picture; the data set's names differ in case at times."""
    clinic = row.get("clinic", "").casefold()
    return (link("derm7pt", clinic),) if clinic else ()


IMPORTER = Importer(
    name="derm7pt",
    title="Derm7pt",
    source="Derm7pt",
    licence="terms of use at derm.cs.sfu.ca",
    reference="Kawahara et al. IEEE Journal of Biomedical and Health Informatics 23(2), 538-546 (2019), "
    "doi:10.1109/JBHI.2018.2824327",
    layout="the folder release_v0: meta/meta.csv, meta/train_indexes.csv, valid_indexes.csv and test_indexes.csv, and "
    "images/",
    read=read,
)
