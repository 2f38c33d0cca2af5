"""Manifests: which images there are, what each shows, and where it comes from. Format: docs/data-format.md.

A manifest is a CSV file, one row per image, paths relative to the file itself (or a Parquet file of the same columns).
`source` is the data set's name as the crosswalk knows it. What the image shows is said by `node` (a taxonomy id, name
or synonym) or, where that is empty, by `diagnosis` (the data set's own code, read through the crosswalk). A node may be
an inner one: "some melanoma" is a usable label.

Rows that cannot be used are left out and counted, with examples, in `Manifest.problems`: nothing is dropped in silence.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derm_model.data.consistency import check_lesions
from derm_model.data.labels import LabelReader
from derm_model.data.problems import MAX_EXAMPLES, Problem, ProblemLog, RowProblem
from derm_model.data.schema import COLUMNS, REQUIRED_COLUMNS, Row, check_row, join_links
from derm_model.errors import ManifestError
from derm_model.files import replaced
from derm_model.taxonomy import Crosswalk, Taxonomy

__all__ = [
    "COLUMNS",
    "MAX_EXAMPLES",
    "Manifest",
    "Problem",
    "Record",
    "counts",
    "join",
    "read_manifest",
    "record_of",
    "write_manifest",
]

LABEL_COLUMNS = ("node", "diagnosis")
PARQUET = ".parquet"


@dataclass(frozen=True)
class Record:
    """One labelled image; what is not known is None.

    Attributes
    ----------
    image_id, path, source
        `source` is the data set's name as the crosswalk knows it; an image_id is unique within it.
    node
        A taxonomy id, perhaps of an inner node.
    label
        The data set's own word for it.
    modality
        "clinical" or "dermoscopic".
    lesion_id, patient_id
        Unique within the source.
    confirmed_by
        One of `derm_model.data.schema.CONFIRMATIONS`.
    official_split
        "train", "validation" or "test".
    content_hash
        SHA-256 of the file's bytes, hex; None for a manifest that was written without.
    fitzpatrick_type
        1 to 6.
    age
        In years.
    sex
        "female" or "male".
    site
        Where on the body, in the data set's words.
    links
        Keys; any two images that share one belong together (one picture, one lesion, ... of two data sets).
    """

    image_id: str
    path: Path
    node: str
    label: str | None
    source: str
    modality: str | None = None
    lesion_id: str | None = None
    patient_id: str | None = None
    confirmed_by: str | None = None
    licence: str | None = None
    official_split: str | None = None
    content_hash: str | None = None
    fitzpatrick_type: int | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """The usable records of one or several manifest files, and what could not be used."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()


def read_manifest(path: Path | str, taxonomy: Taxonomy, crosswalk: Crosswalk) -> Manifest:
    """Read one manifest file.

    Parameters
    ----------
    path
        A CSV file (UTF-8) or a Parquet file (by its suffix). Columns as in docs/data-format.md; `image_id`, `file`,
        `source` and one of `node`, `diagnosis` must be there. Unknown columns are ignored.
    taxonomy, crosswalk
        What `node` and `diagnosis` are read with.

    Returns
    -------
    Manifest
        Records in file order. A row is left out, and counted as a problem, when its file is missing, its label is
        unknown or stands for no node, its image_id was seen before in the same source, its official_split is none of
        train, validation, test, or its lesion has contradictory labels. Other values that cannot be understood are
        emptied and counted.

    Raises
    ------
    ManifestError
        When the file cannot be read, a required column is missing, or no usable row is left.
    """
    path = Path(path)
    labels, log = LabelReader(taxonomy, crosswalk), ProblemLog()
    records: dict[tuple[str, str], Record] = {}
    for values in _read_rows(path):
        row = check_row(values, log)
        if row is None:
            continue
        try:
            node = labels.node(row.image_id, row.source, row.node, row.diagnosis)
            file = path.parent / row.file
            if not file.is_file():
                raise RowProblem("file not found", row.file)
            if (row.source, row.image_id) in records:
                raise RowProblem("image_id appears twice, the first one was kept", row.image_id)
        except RowProblem as problem:
            log.add_row(problem)
        else:
            records[row.source, row.image_id] = record_of(row, file, node)
    kept = check_lesions(tuple(records.values()), taxonomy, log)
    if not kept:
        found = " ".join(problem.message for problem in log.problems()) or "It has no rows."
        raise ManifestError(f"A manifest needs at least one usable row. {path}: {found} Correct the file.")
    return Manifest(kept, log.problems())


def write_manifest(path: Path | str, records: Iterable[Record]) -> None:
    """Write records as a manifest that `read_manifest` reads back to the same records.

    In CSV, files in the manifest's folder or below are written relative to it, so that the folder can be moved; others
    absolutely. A path that ends in .parquet gets a Parquet file, with absolute paths. The file appears complete or not
    at all.
    """
    path = Path(path)
    if path.suffix.lower() == PARQUET:
        from derm_model.data.table import to_table, write_table

        write_table(path, to_table(records))
        return
    with replaced(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_as_row(record, path.parent.absolute()) for record in records)


def join(manifests: Sequence[Manifest], taxonomy: Taxonomy | None = None) -> Manifest:
    """One manifest out of several, in the order given.

    An image that an earlier manifest already has (same source and image_id) is left out and counted. With a taxonomy,
    lesions and pictures are also compared across the manifests (`consistency.check_lesions`). The same picture under
    two ids is not looked for here: see `derm_model.data.duplicates`.
    """
    log = ProblemLog()
    records: dict[tuple[str, str], Record] = {}
    for manifest in manifests:
        log.extend(manifest.problems)
    for manifest in manifests:
        for record in manifest.records:
            if records.setdefault((record.source, record.image_id), record) is not record:
                log.add("image already in another manifest, the first one was kept", record.image_id)
    kept = tuple(records.values())
    if taxonomy is not None:
        kept = check_lesions(kept, taxonomy, log)
    return Manifest(kept, log.problems())


def counts(records: Iterable[Record]) -> dict[str, int]:
    """Number of images labelled with each node itself (not with its descendants); nodes without images are absent."""
    return dict(Counter(record.node for record in records))


def record_of(row: Row, path: Path, node: str) -> Record:
    """Build the record of a checked row whose file and node were found."""
    return Record(
        image_id=row.image_id,
        path=path,
        node=node,
        label=row.diagnosis,
        source=row.source,
        modality=row.modality,
        lesion_id=row.lesion_id,
        patient_id=row.patient_id,
        confirmed_by=row.confirmed_by,
        licence=row.licence,
        official_split=row.official_split,
        content_hash=row.content_hash,
        fitzpatrick_type=row.fitzpatrick_type,
        age=row.age,
        sex=row.sex,
        site=row.site,
        links=row.links,
    )


def _read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        if path.suffix.lower() == PARQUET:
            from derm_model.data.table import read_cells

            header, rows = read_cells(path)
        else:
            header, rows = _open_csv(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ManifestError(
            f"A manifest must be a readable CSV file in UTF-8, or a Parquet file. {path}: {error}. "
            "Check the path and export it again."
        ) from error
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if not set(LABEL_COLUMNS) & set(header):
        missing.append("node or diagnosis")
    if missing:
        raise ManifestError(
            f"A manifest needs the columns image_id, file, source and node or diagnosis. {path} lacks "
            f"{', '.join(missing)} (it has {', '.join(header) or 'no header'}). Add or rename the columns."
        )
    return iter(rows)


def _open_csv(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    # utf-8-sig: spreadsheets put a byte-order mark in front of the first column's name.
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        header = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = header
        return header, [{k: v for k, v in row.items() if isinstance(k, str)} for row in reader]


def _as_row(record: Record, folder: Path) -> dict[str, str | int | float]:
    path = record.path.absolute()
    file = path.relative_to(folder) if path.is_relative_to(folder) else path
    return {
        "image_id": record.image_id,
        "file": file.as_posix(),
        "content_hash": record.content_hash or "",
        "source": record.source,
        "modality": record.modality or "",
        "node": record.node,
        "diagnosis": record.label or "",
        "lesion_id": record.lesion_id or "",
        "patient_id": record.patient_id or "",
        "confirmed_by": record.confirmed_by or "",
        "official_split": record.official_split or "",
        "fitzpatrick_type": "" if record.fitzpatrick_type is None else record.fitzpatrick_type,
        "age": "" if record.age is None else f"{record.age:g}",
        "sex": record.sex or "",
        "site": record.site or "",
        "licence": record.licence or "",
        "links": join_links(record.links),
    }
