"""ISIC 2016 challenge, part 3: malignant (melanoma) or benign, 900 + 379 dermoscopic images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, enumerate_cells, find_table, find_tables
from derm_model.data.importers.files import ISIC_MASKS
from derm_model.data.importers.isic import LESIONS_OPTION, isic_link, known_lesions, lesion_link
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

# The training file writes words, the test file numbers; neither has a header (some mirrors add one).
WORDS = {"benign": "benign", "malignant": "malignant", "0": "benign", "0.0": "benign", "1": "malignant"}
WORDS["1.0"] = "malignant"
PARTS = {"train": "*Part3*Training*GroundTruth*.csv", "test": "*Part3*Test*GroundTruth*.csv"}


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of the ground truth of each part that is there."""
    find_table(root, *PARTS.values(), what="ground truth of ISIC 2016 part 3")
    lesions = known_lesions(root, log, options)
    for part, pattern in PARTS.items():
        for path in find_tables(root, pattern)[:1]:
            yield from _read_part(path, part, lesions)


def _read_part(path: Path, part: str, lesions: Mapping[str, str]) -> Iterator[OfficialRow]:
    for number, cells in enumerate_cells(path):
        if not any(cells):
            continue
        if number == 1 and not cells[0].upper().startswith("ISIC_"):
            continue  # a header
        label = WORDS.get(cells[1].casefold()) if len(cells) == 2 else None
        yield OfficialRow(
            image_id=cells[0],
            label=label,
            left_out=None if label else "the row does not say benign or malignant",
            modality="dermoscopic",
            lesion_id=lesions.get(cells[0]),
            official_split=part,
            links=(*isic_link(cells[0]), *lesion_link(lesions.get(cells[0], ""))),
        )


IMPORTER = Importer(
    name="isic2016",
    title="ISIC 2016 challenge",
    source="ISIC 2016",
    licence="CC0-1.0",
    reference="Gutman et al. International Symposium on Biomedical Imaging challenge (2016), arXiv:1605.01397",
    layout="ISBI2016_ISIC_Part3_Training_GroundTruth.csv and/or ..._Test_GroundTruth.csv, and the images ISIC_*.jpg in "
    "any folders below the root. ISIC_2019_Training_Metadata.csv, there or named by --isic2019-metadata, adds the "
    "lesion_id of those it shares with ISIC 2019.",
    read=read,
    options=(LESIONS_OPTION,),
    not_images=ISIC_MASKS,
)
