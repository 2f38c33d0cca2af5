"""PAD-UFES-20: 2,298 smartphone photographs of 1,373 patients, with skin type and biopsy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, find_table, read_rows
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

COLUMNS = ("patient_id", "lesion_id", "age", "fitspatrick", "region", "gender", "diagnostic", "img_id", "biopsed")
# What was not biopsied was diagnosed by a group of dermatologists together (Pacheco et al. 2020, section 1).
CONFIRMED = {"true": "histopathology", "false": "consensus"}


# A lesion number says nothing without its patient: 250 of the 1,641 numbers occur under two patients, 226 of them with
# two diagnoses. The images' own names have both (PAT_38_1003_68), and so has the lesion_id of the manifest.
SHARED_NUMBER = "given to lesions of several patients, read as several lesions"


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of metadata.csv."""
    table = find_table(root, "metadata.csv", "*metadata*.csv", columns=COLUMNS, what="metadata of PAD-UFES-20")
    patients: dict[str, list[str]] = {}
    for row in read_rows(table, log, COLUMNS):
        lesion, patient = row["lesion_id"], row["patient_id"]
        known = patients.setdefault(lesion, [])
        if lesion and patient not in known:
            known.append(patient)
            if len(known) == 2:
                log.add(SHARED_NUMBER, f"{lesion}: {' and '.join(known)}", kept=True, unit="lesion number")
        yield OfficialRow(
            image_id=row["img_id"].rpartition(".")[0] or row["img_id"],
            file=row["img_id"],
            label=row["diagnostic"],
            modality="clinical",
            lesion_id=f"{patient}_{lesion}" if patient and lesion else lesion,
            patient_id=patient,
            confirmed_by=CONFIRMED.get(row["biopsed"].casefold(), row["biopsed"]),
            fitzpatrick_type=row["fitspatrick"],
            age=row["age"],
            sex=row["gender"],
            site=row["region"].lower(),
        )


IMPORTER = Importer(
    name="pad_ufes_20",
    title="PAD-UFES-20",
    source="PAD-UFES-20",
    licence="CC BY 4.0",
    reference="Pacheco et al. Data in Brief 32, 106221 (2020), doi:10.1016/j.dib.2020.106221",
    layout="metadata.csv and the images PAT_*.png (or converted to another format) in any folders below the root, as "
    "imgs_part_1 to imgs_part_3 are.",
    read=read,
)
