"""DDI, Diverse Dermatology Images: 656 photographs of Stanford clinics, all with pathology, in three skin tone groups.

Form followed: ddi_metadata.csv (DDI_ID, DDI_file, skin_tone, malignant, disease) beside 000001.png, 000002.png, ... as
the data set's own loader reads it (repository DDI-Dataset/DDI-Code, ddi_dataset.py).

Every diagnosis is from a pathology report (Daneshjou et al. 2022). `skin_tone` is a pair of Fitzpatrick types (12, 34,
56); since no single type is said, none is written, and the import says so. Patients are not named in the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from derm_model.data.importers.base import Importer, Options, find_table, read_rows
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

COLUMNS = ("DDI_file", "skin_tone", "disease")
PAIRS = frozenset({"12", "34", "56"})


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of ddi_metadata.csv."""
    table = find_table(root, "ddi_metadata.csv", "*ddi*.csv", "*.csv", columns=COLUMNS, what="DDI metadata")
    for row in read_rows(table, log, COLUMNS):
        file, tone = row["DDI_file"], row["skin_tone"]
        if tone in PAIRS:
            log.add(
                "skin_tone names two Fitzpatrick types; fitzpatrick_type was left empty", f"{file}: {tone}", kept=True
            )
        yield OfficialRow(
            image_id=PurePosixPath(file).stem,
            file=file,
            label=row["disease"],
            modality="clinical",
            confirmed_by="histopathology",
            fitzpatrick_type=None if tone in PAIRS else tone,
        )


IMPORTER = Importer(
    name="ddi",
    title="DDI",
    source="DDI",
    licence="Stanford University Dataset Research Use Agreement",
    reference="Daneshjou et al. Science Advances 8, eabq6147 (2022), doi:10.1126/sciadv.abq6147",
    layout="the table ddi_metadata.csv and the images 000001.png, ... in any folders below the root",
    read=read,
)
