"""ISIC 2018 challenge, task 3: seven classes; 10,015 (HAM10000) + 193 + 1,512 dermoscopic images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from derm_model.data.importers.base import Importer, Option, Options, find_table, find_tables, first, header, read_rows
from derm_model.data.importers.files import ISIC_MASKS
from derm_model.data.importers.isic import NOT_ONE_CLASS, isic_link, lesion_link, one_hot_labels, read_one_hot
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

PARTS = {
    "train": "ISIC2018_Task3_Training_GroundTruth*",
    "validation": "ISIC2018_Task3_Validation_GroundTruth*",
    "test": "ISIC2018_Task3_Test_GroundTruth*",
}
GROUPINGS = ("image", "lesion_id", "diagnosis_confirm_type")
DATAVERSE = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
AKIEC = {"AK": "AKIEC:AK", "SCC": "AKIEC:SCC"}


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of the ground truth of each part that is there."""
    find_table(root, *PARTS.values(), what="ground truth of ISIC 2018 task 3")
    given = first(options, "isic2019")
    newer = [Path(given)] if given else find_tables(root, "ISIC_2019_Training_GroundTruth*.csv")
    finer = one_hot_labels(newer[0], log) if newer else {}
    lesions = {
        row["image"]: row
        for path in find_tables(root, "ISIC2018_Task3*LesionGroupings*.csv", columns=GROUPINGS)[:1]
        for row in read_rows(path, log, GROUPINGS)
    }
    for part, pattern in PARTS.items():
        for path in find_tables(root, pattern)[:1]:
            rows = _read_dataverse(path, log) if set(DATAVERSE) <= set(header(path)) else _read(path, lesions, log)
            yield from (_with_part(row, part, finer) for row in rows)


def _read(path: Path, lesions: Mapping[str, Mapping[str, str]], log: ProblemLog) -> Iterator[OfficialRow]:
    for image_id, label in read_one_hot(path, log):
        known = lesions.get(image_id, {})
        yield OfficialRow(
            image_id=image_id,
            label=label,
            left_out=None if label else NOT_ONE_CLASS,
            lesion_id=known.get("lesion_id"),
            confirmed_by=known.get("diagnosis_confirm_type"),
        )


def _read_dataverse(path: Path, log: ProblemLog) -> Iterator[OfficialRow]:
    """The test part as HAM10000's authors published it: the columns of HAM10000_metadata."""
    for row in read_rows(path, log, DATAVERSE):
        yield OfficialRow(
            image_id=row["image_id"],
            label=row["dx"].upper(),
            lesion_id=row["lesion_id"],
            confirmed_by=row["dx_type"],
            age=row["age"],
            sex=row["sex"],
            site=row["localization"],
        )


def _with_part(row: OfficialRow, part: str, finer: Mapping[str, str]) -> OfficialRow:
    label = AKIEC.get(finer.get(row.image_id, ""), row.label) if row.label == "AKIEC" else row.label
    links = (*isic_link(row.image_id), *lesion_link(row.lesion_id or ""))
    return replace(row, label=label, modality="dermoscopic", official_split=part, links=links)


IMPORTER = Importer(
    name="isic2018",
    title="ISIC 2018 challenge, task 3",
    source="ISIC 2018 Task 3",
    licence="CC BY-NC 4.0",
    reference="Codella et al. (2019), arXiv:1902.03368; Tschandl, Rosendahl, Kittler. Scientific Data 5, 180161 (2018)",
    layout="ISIC2018_Task3_{Training,Validation,Test}_GroundTruth.csv (any of them; the test part also as Dataverse "
    "serves it), ISIC2018_Task3_Training_LesionGroupings.csv for lesions and confirmation where there, and the images "
    "ISIC_*.jpg in any folders below the root. With ISIC_2019_Training_GroundTruth.csv, AKIEC is told apart.",
    read=read,
    options=(Option("isic2019", "ISIC_2019_Training_GroundTruth.csv, to tell the two diseases of AKIEC apart", "CSV"),),
    not_images=ISIC_MASKS,
)
