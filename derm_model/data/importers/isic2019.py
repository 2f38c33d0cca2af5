"""ISIC 2019 challenge: eight classes, 25,331 dermoscopic images of HAM10000, BCN20000 and MSK; test part of 8,238."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, find_table, find_tables, read_rows
from derm_model.data.importers.files import DOWNSAMPLED, ISIC_MASKS
from derm_model.data.importers.isic import NOT_ONE_CLASS, isic_link, lesion_link, read_one_hot
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

PARTS = {"train": "ISIC_2019_Training_GroundTruth*.csv", "test": "ISIC_2019_Test_GroundTruth*.csv"}
FACTS = ("image", "age_approx", "anatom_site_general", "sex")


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of the ground truth of each part that is there, with what the metadata tables know."""
    find_table(root, *PARTS.values(), columns=("image",), what="ground truth of ISIC 2019")
    facts = {
        row["image"].removesuffix(DOWNSAMPLED): row
        for path in find_tables(root, "ISIC_2019_*Metadata*.csv", columns=FACTS)
        for row in read_rows(path, log, FACTS)
    }
    for part, pattern in PARTS.items():
        for path in find_tables(root, pattern, columns=("image",))[:1]:
            for image_id, label in read_one_hot(path, log):
                yield _row(image_id, label, part, facts.get(image_id.removesuffix(DOWNSAMPLED), {}))


def _row(image_id: str, label: str | None, part: str, known: Mapping[str, str]) -> OfficialRow:
    lesion = known.get("lesion_id", "")  # the test part's table has no such column
    return OfficialRow(
        image_id=image_id,
        label=label,
        left_out=None if label else NOT_ONE_CLASS,
        modality="dermoscopic",
        lesion_id=lesion,
        official_split=part,
        age=known.get("age_approx"),
        sex=known.get("sex"),
        site=known.get("anatom_site_general"),
        links=(*isic_link(image_id), *lesion_link(lesion)),
    )


IMPORTER = Importer(
    name="isic2019",
    title="ISIC 2019 challenge",
    source="ISIC 2019",
    licence="CC BY-NC 4.0",
    reference="Tschandl et al. Scientific Data 5, 180161 (2018); Codella et al. (2018), arXiv:1710.05006; "
    "Hernández-Pérez et al. Scientific Data 11, 641 (2024), doi:10.1038/s41597-024-03387-w",
    layout="ISIC_2019_Training_GroundTruth.csv and/or ISIC_2019_Test_GroundTruth.csv, the ..._Metadata.csv for lesion, "
    "age, sex and site where there, and the images ISIC_*.jpg (with or without _downsampled) in any folders below "
    "the root.",
    read=read,
    not_images=ISIC_MASKS,
)
