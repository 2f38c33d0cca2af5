"""Dermofit Image Library: 1,300 photographs of ten kinds of lesions, a folder per kind.

Form followed: a folder per kind, named by its code (AK, BCC, DF, IEC, MEL, ML, PYO, SCC, SK, VASC) or by the name of
the disease, in which every lesion has a folder with the picture and its mask: AK/A100/A100.png and A100mask.png. The
library is licensed and its files are not public: the form was not seen but taken from public code that reads it (codes
and names from the metadata script of the RECOD Titans, ISIC 2017).

The diagnosis is the one that two dermatologists and a pathologist agreed on (Ballerini et al. 2013), so it counts as
consensus. Names that differ only in a last small letter (P20a, P20b) are taken for one lesion or patient, as other
readers do, and kept together by a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, walk
from derm_model.data.importers.files import FileIndex
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.data.schema import link
from derm_model.errors import ImportProblem
from derm_model.taxonomy.node import fold

# code of a folder -> the library's name, which is the label in the crosswalk
KINDS = {
    "AK": "Actinic Keratosis",
    "BCC": "Basal Cell Carcinoma",
    "DF": "Dermatofibroma",
    "IEC": "Intraepithelial Carcinoma",
    "MEL": "Malignant Melanoma",
    "ML": "Melanocytic Nevus (mole)",
    "PYO": "Pyogenic Granuloma",
    "SCC": "Squamous Cell Carcinoma",
    "SK": "Seborrhoeic Keratosis",
    "VASC": "Haemangioma",
}
MASKS = ("*mask.png",)
_NAMES = {fold(name): label for code, label in KINDS.items() for name in (code, label, label.partition(" (")[0])}
_LAST_LETTER = re.compile(r"(?<=\d)[a-z]$")


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield a row for every picture that lies in or below a folder named after a kind of lesion."""
    found = False
    for path in FileIndex(root, MASKS).paths:
        label = kind_of(path.relative_to(root))
        if label is not None:
            found = True
            yield OfficialRow(
                image_id=path.stem,
                file=path.relative_to(root).as_posix(),
                label=label,
                modality="clinical",
                confirmed_by="consensus",
                links=(link("dermofit", _LAST_LETTER.sub("", path.stem)),),
            )
    if not found:
        folders = sorted({path.parent.name for path in walk(root)})[:5]
        raise ImportProblem(
            f"Dermofit has a folder per kind of lesion, named {', '.join(KINDS)} or by the disease. {root} has no "
            f"picture in such a folder (found: {', '.join(folders) or 'nothing'}). Unpack the library there."
        )


def kind_of(path: Path) -> str | None:
    """Return the label that the nearest folder named after a kind gives a picture; None where there is none."""
    kinds = (_NAMES.get(fold(folder)) for folder in reversed(path.parent.parts))
    return next((label for label in kinds if label), None)


IMPORTER = Importer(
    name="dermofit",
    title="Dermofit",
    source="Dermofit",
    licence="Dermofit Image Library licence (University of Edinburgh)",
    reference="Ballerini, Fisher, Aldridge, Rees. Color Medical Image Analysis, 63-86 (2013), "
    "doi:10.1007/978-94-007-5389-1_4",
    layout="a folder per kind of lesion (AK, BCC, DF, IEC, MEL, ML, PYO, SCC, SK, VASC), in it a folder per lesion "
    "with the picture NAME.png and its mask NAMEmask.png",
    read=read,
    not_images=MASKS,
)
