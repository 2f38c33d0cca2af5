"""ISIC 2017 challenge, part 3: melanoma, seborrheic keratosis, nevus; 2,000 + 150 + 600 dermoscopic images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, find_table, find_tables, read_rows
from derm_model.data.importers.files import ISIC_MASKS
from derm_model.data.importers.isic import LESIONS_OPTION, is_set, isic_link, known_lesions, lesion_link
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

COLUMNS = ("image_id", "melanoma", "seborrheic_keratosis")
FACTS = ("image_id", "age_approximate", "sex")
# The organisers corrected the test part once: where both files are there, the v2 one counts.
PARTS: Mapping[str, tuple[str, ...]] = {
    "train": ("*2017*Training*Part3*GroundTruth*.csv",),
    "validation": ("*2017*Validation*Part3*GroundTruth*.csv",),
    "test": ("*2017*Test*v2*Part3*GroundTruth*.csv", "*2017*Test*Part3*GroundTruth*.csv"),
}


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of the ground truth of each part that is there, with age and sex where their table is there."""
    patterns = [pattern for names in PARTS.values() for pattern in names]
    find_table(root, *patterns, columns=COLUMNS, what="ground truth of ISIC 2017 part 3")
    facts = {
        row["image_id"]: row
        for path in find_tables(root, "*2017*metadata*.csv", columns=FACTS)
        for row in read_rows(path, log, FACTS)
    }
    lesions = known_lesions(root, log, options)
    for part, names in PARTS.items():
        for path in find_tables(root, *names, columns=COLUMNS)[:1]:
            yield from (_with_lesion(row, lesions) for row in _read_part(path, part, facts, log))


def _with_lesion(row: OfficialRow, lesions: Mapping[str, str]) -> OfficialRow:
    lesion = lesions.get(row.image_id, "")
    return replace(row, lesion_id=lesion, links=(*row.links, *lesion_link(lesion)))


def _read_part(path: Path, part: str, facts: Mapping[str, Mapping[str, str]], log: ProblemLog) -> Iterator[OfficialRow]:
    for row in read_rows(path, log, COLUMNS):
        image_id = row["image_id"]
        label = _label(row)
        known = facts.get(image_id, {})
        yield OfficialRow(
            image_id=image_id,
            label=label,
            left_out=None if label else "melanoma and seborrheic_keratosis are not 0 or 1, or both are 1",
            modality="dermoscopic",
            # the challenge says of no single image how it was confirmed, except that melanoma was by histopathology
            confirmed_by="histopathology" if label == "melanoma" else None,
            official_split=part,
            age=known.get("age_approximate"),
            sex=known.get("sex"),
            links=isic_link(image_id),
        )


def _label(row: Mapping[str, str]) -> str | None:
    """What is neither melanoma nor seborrheic keratosis is a nevus; None for cells that cannot be read."""
    cells = row["melanoma"], row["seborrheic_keratosis"]
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return None
    if not set(numbers) <= {0.0, 1.0} or all(map(is_set, cells)):
        return None
    return "melanoma" if is_set(cells[0]) else "seborrheic keratosis" if is_set(cells[1]) else "nevus"


IMPORTER = Importer(
    name="isic2017",
    title="ISIC 2017 challenge",
    source="ISIC 2017",
    licence="CC0-1.0",
    reference="Codella et al. International Symposium on Biomedical Imaging (2018), arXiv:1710.05006",
    layout="ISIC-2017_{Training,Validation,Test_v2}_Part3_GroundTruth.csv (any of them; their part becomes the "
    "official split), ISIC-2017_*_metadata.csv for age and sex where there, and the images ISIC_*.jpg in any folders "
    "below the root. The challenge says nothing of lesions: with ISIC_2019_Training_Metadata.csv there, or named by "
    "--isic2019-metadata, those it shares with ISIC 2019 have their lesion_id.",
    read=read,
    options=(LESIONS_OPTION,),
    not_images=ISIC_MASKS,
)
