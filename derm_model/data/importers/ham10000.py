"""HAM10000: 10,015 dermoscopic images with lesion ids and the way each diagnosis was confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from derm_model.data.importers.base import Importer, Option, Options, find_table, find_tables, first, read_rows
from derm_model.data.importers.files import ISIC_MASKS
from derm_model.data.importers.isic import isic_link, lesion_link, one_hot_labels
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
# `akiec` pools two diseases; the ISIC 2019 ground truth, which contains the same images, tells them apart.
AKIEC = {"AK": "akiec:ak", "SCC": "akiec:scc"}


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of HAM10000_metadata."""
    table = find_table(
        root, "HAM10000_metadata*", "*metadata*.csv", "*metadata*.tab", columns=COLUMNS, what="HAM10000 metadata"
    )
    given = first(options, "isic2019")
    ground_truth = [Path(given)] if given else find_tables(root, "ISIC_2019_Training_GroundTruth*.csv")
    finer = one_hot_labels(ground_truth[0], log) if ground_truth else {}
    for row in read_rows(table, log, COLUMNS):
        image_id, label = row["image_id"], row["dx"]
        if label == "akiec":
            label = AKIEC.get(finer.get(image_id, ""), label)
        yield OfficialRow(
            image_id=image_id,
            label=label,
            modality="dermoscopic",
            lesion_id=row["lesion_id"],
            confirmed_by=row["dx_type"],
            age=row["age"],
            sex=row["sex"],
            site=row["localization"],
            links=(*isic_link(image_id), *lesion_link(row["lesion_id"])),
        )


IMPORTER = Importer(
    name="ham10000",
    title="HAM10000",
    source="HAM10000",
    licence="CC BY-NC 4.0",
    reference="Tschandl, Rosendahl, Kittler. Scientific Data 5, 180161 (2018), doi:10.1038/sdata.2018.161",
    layout="HAM10000_metadata.csv (or the file without suffix, or .tab, as Dataverse serves it) and the images "
    "ISIC_*.jpg in any folders below the root. With ISIC_2019_Training_GroundTruth.csv there, or named by --isic2019, "
    "akiec is told apart into actinic keratosis and squamous cell carcinoma in situ.",
    read=read,
    options=(Option("isic2019", "ISIC_2019_Training_GroundTruth.csv, to tell the two diseases of akiec apart", "CSV"),),
    not_images=ISIC_MASKS,
)
