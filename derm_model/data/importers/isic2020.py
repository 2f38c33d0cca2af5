"""ISIC 2020 challenge (SIIM-ISIC): 33,126 dermoscopic images of 2,056 patients, with 425 known pairs of duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, find_table, find_tables, read_rows
from derm_model.data.importers.files import ISIC_MASKS
from derm_model.data.importers.isic import isic_link
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.data.schema import link

COLUMNS = ("image_name", "patient_id", "sex", "age_approx", "anatom_site_general_challenge", "diagnosis")
PAIRS = ("image_name_1", "image_name_2")


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of the ground truth; the second version, which knows lesions, is preferred."""
    table = find_table(
        root,
        "ISIC_2020_Training_GroundTruth_v2*.csv",
        "ISIC_2020_Training_GroundTruth*.csv",
        "train*.csv",  # as the competition's site served it
        columns=COLUMNS,
        what="ground truth of ISIC 2020",
    )
    pairs = read_pairs(root, log)
    for row in read_rows(table, log, COLUMNS):
        image_id, malignant = row["image_name"], row.get("benign_malignant", "").casefold() == "malignant"
        yield OfficialRow(
            image_id=image_id,
            label=row["diagnosis"],
            modality="dermoscopic",
            lesion_id=row.get("lesion_id"),
            patient_id=row["patient_id"],
            # all malignant diagnoses are by histopathology; of a benign one it is not said whether it was by that,
            # by expert agreement or by follow-up (Rotemberg et al. 2021, Methods)
            confirmed_by="histopathology" if malignant else None,
            official_split="train",
            age=row["age_approx"],
            sex=row["sex"],
            site=row["anatom_site_general_challenge"],
            links=(*isic_link(image_id), *pairs.get(image_id, ())),
        )


def read_pairs(root: Path, log: ProblemLog) -> Mapping[str, tuple[str, ...]]:
    """Return the links of the images that the organisers list as duplicates; a pair is named by its row from 1."""
    links: dict[str, tuple[str, ...]] = {}
    for path in find_tables(root, "ISIC_2020_Training_Duplicates*.csv", columns=PAIRS)[:1]:
        for number, row in enumerate(read_rows(path, log, PAIRS), start=1):
            for column in PAIRS:
                links[row[column]] = (*links.get(row[column], ()), link("isic2020-pair", str(number)))
    return links


IMPORTER = Importer(
    name="isic2020",
    title="ISIC 2020 challenge (SIIM-ISIC)",
    source="ISIC 2020",
    licence="CC BY-NC 4.0",
    reference="Rotemberg et al. Scientific Data 8, 34 (2021), doi:10.1038/s41597-021-00815-z",
    layout="ISIC_2020_Training_GroundTruth.csv (or _v2), ISIC_2020_Training_Duplicates.csv where there (its pairs are "
    "kept together), and the images ISIC_*.jpg in any folders below the root.",
    read=read,
    not_images=ISIC_MASKS,
)
