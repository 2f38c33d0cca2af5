"""Manifests: which images there are, what each shows, and where it comes from.

A manifest is a CSV file, one row per image, paths relative to the file itself:

    image_id,file,source,modality,node,diagnosis,lesion_id,patient_id,confirmed_by,official_split,licence

`source` is the data set's name as the crosswalk knows it. What the image shows is said by `node` (a taxonomy id, name
or synonym) or, where that is empty, by `diagnosis` (the data set's own code, read through the crosswalk). A node may be
an inner one: "some melanoma" is a usable label.

Rows that cannot be used are left out and counted, with examples, in `Manifest.problems`: nothing is dropped in silence.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from derm_model.errors import CrosswalkError, ManifestError
from derm_model.taxonomy import Crosswalk, Taxonomy

COLUMNS = (
    "image_id",
    "file",
    "source",
    "modality",
    "node",
    "diagnosis",
    "lesion_id",
    "patient_id",
    "confirmed_by",
    "official_split",
    "licence",
)
REQUIRED_COLUMNS = ("image_id", "file", "source")
LABEL_COLUMNS = ("node", "diagnosis")
MAX_EXAMPLES = 5

# Data sets spell their parts differently. An unknown spelling must not make a test image trainable.
OFFICIAL_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Record:
    """One labelled image.

    `node` is a taxonomy id; `label` the data set's own word for it; `official_split` is "train", "validation" or
    "test". What is not known is None.
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


@dataclass(frozen=True)
class Problem:
    """Rows left out for one reason: how many, and up to five of them by name."""

    kind: str
    count: int
    examples: tuple[str, ...]

    @property
    def message(self) -> str:
        """One sentence, e.g. "2 rows left out: file not found (a.jpg, b.jpg)."."""
        rows = "1 row" if self.count == 1 else f"{self.count:,} rows"
        more = ", …" if self.count > len(self.examples) else ""
        return f"{rows} left out: {self.kind} ({', '.join(self.examples)}{more})."


@dataclass(frozen=True)
class Manifest:
    """The usable records of one or several manifest files, and what could not be used."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()


class _UnusableRow(Exception):
    """Internal: why one row is left out, and the example to show for it."""

    def __init__(self, kind: str, example: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.example = example


def read_manifest(path: Path | str, taxonomy: Taxonomy, crosswalk: Crosswalk) -> Manifest:
    """Read one manifest file.

    Parameters
    ----------
    path
        The CSV file (UTF-8). Columns as in the module's docstring; `image_id`, `file`, `source` and one of `node`,
        `diagnosis` must be there. Unknown columns are ignored.
    taxonomy, crosswalk
        What `node` and `diagnosis` are read with.

    Returns
    -------
    Manifest
        Records in file order. A row is left out, and counted as a problem, when its file is missing, its label is
        unknown or stands for no node, its image_id was seen before in the same source, or its official_split is none of
        train, validation, test.

    Raises
    ------
    ManifestError
        When the file cannot be read, a required column is missing, or no usable row is left.
    """
    path = Path(path)
    rows = _read_rows(path)
    records: list[Record] = []
    unusable: list[_UnusableRow] = []
    seen: set[tuple[str, str]] = set()
    for row in rows:
        try:
            record = _read_record(row, path.parent, taxonomy, crosswalk)
            if (record.source, record.image_id) in seen:
                raise _UnusableRow("image_id appears twice, the first one was kept", record.image_id)
        except _UnusableRow as reason:
            unusable.append(reason)
        else:
            seen.add((record.source, record.image_id))
            records.append(record)
    problems = _summarise(unusable)
    if not records:
        found = " ".join(problem.message for problem in problems) or "It has no rows."
        raise ManifestError(f"A manifest needs at least one usable row. {path}: {found} Correct the file.")
    return Manifest(tuple(records), problems)


def write_manifest(path: Path | str, records: Iterable[Record]) -> None:
    """Write records as a manifest that `read_manifest` reads back to the same records.

    Files in the manifest's folder or below are written relative to it, so that the folder can be moved; others
    absolutely. The file appears complete or not at all.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            for record in records:
                writer.writerow(_as_row(record, path.parent))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def join(manifests: Sequence[Manifest]) -> Manifest:
    """One manifest out of several, in the order given.

    An image that an earlier manifest already has (same source and image_id) is left out and counted. The same picture
    under two ids is not looked for here: see `derm_model.data.duplicates`.
    """
    records: dict[tuple[str, str], Record] = {}
    again: list[_UnusableRow] = []
    for manifest in manifests:
        for record in manifest.records:
            key = (record.source, record.image_id)
            if key in records:
                again.append(_UnusableRow("image already in another manifest, the first one was kept", record.image_id))
            else:
                records[key] = record
    problems = [problem for manifest in manifests for problem in manifest.problems]
    return Manifest(tuple(records.values()), (*problems, *_summarise(again)))


def counts(records: Iterable[Record]) -> dict[str, int]:
    """Number of images labelled with each node itself (not with its descendants); nodes without images are absent."""
    return dict(Counter(record.node for record in records))


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        # utf-8-sig: spreadsheets put a byte-order mark in front of the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(
            f"A manifest must be a readable CSV file in UTF-8. {path}: {error}. Check the path and export it again."
        ) from error
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if not set(LABEL_COLUMNS) & set(header):
        missing.append("node or diagnosis")
    if missing:
        raise ManifestError(
            f"A manifest needs the columns image_id, file, source and node or diagnosis. {path} lacks "
            f"{', '.join(missing)} (it has {', '.join(header) or 'no header'}). Add or rename the columns."
        )
    return rows


def _read_record(row: dict[str, str], folder: Path, taxonomy: Taxonomy, crosswalk: Crosswalk) -> Record:
    image_id, file, source = (row[name] for name in REQUIRED_COLUMNS)
    for name in REQUIRED_COLUMNS:
        if not row[name]:
            raise _UnusableRow(f"{name} is empty", image_id or file or "a row without image_id and file")
    node = _read_node(row, taxonomy, crosswalk)
    official = row.get("official_split", "").casefold()
    if official and official not in OFFICIAL_SPLITS:
        raise _UnusableRow("official_split is none of train, validation, test", f"{image_id}: {official}")
    path = folder / file
    if not path.is_file():
        raise _UnusableRow("file not found", file)
    return Record(
        image_id=image_id,
        path=path,
        node=node,
        label=row.get("diagnosis") or None,
        source=source,
        modality=row.get("modality") or None,
        lesion_id=row.get("lesion_id") or None,
        patient_id=row.get("patient_id") or None,
        confirmed_by=row.get("confirmed_by") or None,
        licence=row.get("licence") or None,
        official_split=OFFICIAL_SPLITS[official] if official else None,
    )


def _read_node(row: dict[str, str], taxonomy: Taxonomy, crosswalk: Crosswalk) -> str:
    own = row.get("node", "")
    if own:
        found = taxonomy.find(own)
        if found is None:
            raise _UnusableRow("node is not in the taxonomy", f"{row['image_id']}: {own}")
        return found
    label = row.get("diagnosis", "")
    if not label:
        raise _UnusableRow("neither node nor diagnosis", row["image_id"])
    try:
        mapped = crosswalk.node(row["source"], label)
    except CrosswalkError as error:
        raise _UnusableRow("diagnosis unknown to the crosswalk", f"{row['image_id']}: {error}") from error
    if mapped is None:
        raise _UnusableRow("diagnosis stands for no node", f"{row['image_id']}: {row['source']} {label}")
    return mapped


def _summarise(unusable: Sequence[_UnusableRow]) -> tuple[Problem, ...]:
    examples: dict[str, list[str]] = {}
    for row in unusable:
        examples.setdefault(row.kind, []).append(row.example)
    return tuple(Problem(kind, len(names), tuple(names[:MAX_EXAMPLES])) for kind, names in examples.items())


def _as_row(record: Record, folder: Path) -> dict[str, str]:
    path, base = record.path.absolute(), folder.absolute()
    file = path.relative_to(base) if path.is_relative_to(base) else path
    return {
        "image_id": record.image_id,
        "file": file.as_posix(),
        "source": record.source,
        "modality": record.modality or "",
        "node": record.node,
        "diagnosis": record.label or "",
        "lesion_id": record.lesion_id or "",
        "patient_id": record.patient_id or "",
        "confirmed_by": record.confirmed_by or "",
        "official_split": record.official_split or "",
        "licence": record.licence or "",
    }
