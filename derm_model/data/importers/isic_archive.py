"""The ISIC Archive's metadata export: one row per picture, the diagnosis in up to five columns from coarse to fine.

Form followed: the metadata.csv that the archive's own command line writes (ImageMarkup/isic-cli, `isic image download`;
isic_cli/cli/utils.py, `_extract_metadata`): isic_id, attribution, copyright_license, then the acquisition and clinical
fields of the archive's data dictionary (isic-metadata 6.1.0). `python -m derm_model fetch isic` writes the same form.
The ISIC 2024 challenge has it too, with its diagnosis in iddx_1 to iddx_5.

The label is the diagnosis as far as it goes, its levels joined by ":", as isic-metadata writes its terms:
"Benign:Benign melanocytic proliferations:Nevus". The attribution that CC-BY asks for stays in metadata.csv.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, find_tables, header, read_rows
from derm_model.data.importers.files import ISIC_MASKS
from derm_model.data.importers.isic import isic_link, lesion_link
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.errors import ImportProblem

LEVELS = range(1, 6)
DIAGNOSIS_COLUMNS = ("diagnosis", "iddx")  # the archive's, and those of ISIC 2024

# image_type of isic-metadata 6.1.0; a tile cut out of total body photography is a photograph without a dermoscope
MODALITIES: Mapping[str, str] = {
    "dermoscopic": "dermoscopic",
    "clinical: overview": "clinical",
    "clinical: close-up": "clinical",
    "TBP tile: close-up": "clinical",
    "TBP tile: overview": "clinical",
}
CONFOCAL = "RCM:"  # "RCM: macroscopic", "RCM: tile", "RCM: mosaic"


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of every metadata table of the archive below the root."""
    tables = [
        (path, prefix)
        for path in find_tables(root, "*.csv", columns=("isic_id",))
        for prefix in DIAGNOSIS_COLUMNS
        if f"{prefix}_1" in header(path)
    ]
    if not tables:
        raise ImportProblem(
            "The ISIC Archive's metadata is needed: a CSV file with the columns isic_id and diagnosis_1 (ISIC 2024: "
            f"iddx_1). There is none in {root} or below. Exports from before 2024, with one column diagnosis, are not "
            "read: export it again from the archive."
        )
    for path, prefix in tables:
        for row in read_rows(path, log, ("isic_id",)):
            yield read_row(row, prefix)


def read_row(row: Mapping[str, str], prefix: str = "diagnosis") -> OfficialRow:
    """Read one row of the export; columns that a table lacks are unknown values.

    Parameters
    ----------
    row
        Cells by column name.
    prefix
        Of the five columns of the diagnosis.
    """
    image_id, lesion_id = row["isic_id"], row.get("lesion_id", "")
    image_type = row.get("image_type", "")
    return OfficialRow(
        image_id=image_id,
        label=":".join(_levels(row, prefix)),
        modality=MODALITIES.get(image_type, image_type),
        lesion_id=lesion_id,
        patient_id=row.get("patient_id", ""),
        confirmed_by=row.get("diagnosis_confirm_type", ""),
        fitzpatrick_type=row.get("fitzpatrick_skin_type", ""),
        age=row.get("age_approx", ""),
        sex=row.get("sex", ""),
        site=_site(row),
        licence=row.get("copyright_license", ""),
        links=(*isic_link(image_id), *lesion_link(lesion_id)),
        left_out=_why_left_out(row),
    )


def _levels(row: Mapping[str, str], name: str) -> list[str]:
    """Return what the columns name_1 to name_5 say, up to the first empty one."""
    return list(takewhile(bool, (row.get(f"{name}_{level}", "") for level in LEVELS)))


def _site(row: Mapping[str, str]) -> str:
    """Return the site as finely as it is known; the export has had three sets of columns for it."""
    fine = ": ".join(_levels(row, "anatom_site"))
    return fine or row.get("anatom_site_general", "") or row.get("anatom_site_special", "")


def _why_left_out(row: Mapping[str, str]) -> str | None:
    if row.get("image_type", "").startswith(CONFOCAL):
        return "confocal microscopy, no photograph of the skin"
    if row.get("image_manipulation", "") == "synthetic":
        return "a synthetic picture"
    return None


IMPORTER = Importer(
    name="isic_archive",
    title="ISIC Archive",
    source="ISIC Archive",
    licence=None,
    reference="The International Skin Imaging Collaboration: ISIC Archive, isic-archive.com; cite the collections used",
    layout="one or several metadata.csv of the archive's export (columns isic_id, diagnosis_1 to diagnosis_5, ...) "
    "and the images ISIC_*.jpg in any folders below the root",
    read=read,
    not_images=ISIC_MASKS,
)
