"""Fitzpatrick17k: 16,577 photographs of two atlases, each with a disease and a Fitzpatrick type.

Form followed: fitzpatrick17k.csv of the repository mattgroh/fitzpatrick17k (md5hash, fitzpatrick_scale,
fitzpatrick_centaur, label, nine_partition_label, three_partition_label, qc, url, url_alphanum). Its train.py looks for
the images under the name md5hash; who downloads them from their addresses may have named them url_alphanum.

The skin type is `fitzpatrick_scale`, the consensus of annotators (-1: unknown). The diseases are those of the atlases,
without a word on how they were confirmed; in a sample of 504, two dermatologists found 17 to be wrong (`qc`), and those
are left out. Neither lesions nor patients are known: only duplicate pictures can be kept together.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from derm_model.data.importers.base import Importer, Option, Options, find_table, first, read_rows
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog

COLUMNS = ("md5hash", "label", "fitzpatrick_scale")
WRONG = "3 Wrongly labelled"  # the other values of qc: 1 Diagnostic, 2 Characteristic, 4 Other, 5 Potentially
UNKNOWN_TYPE = "-1"
NAMES = ("md5hash", "url_alphanum")


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the rows of fitzpatrick17k.csv."""
    name = first(options, "names", NAMES[0]) or NAMES[0]
    table = find_table(root, "fitzpatrick17k*.csv", "*.csv", columns=COLUMNS, what="Fitzpatrick17k table")
    for row in read_rows(table, log, (*COLUMNS, name)):
        skin_type = row["fitzpatrick_scale"]
        yield OfficialRow(
            image_id=row["md5hash"],
            file=row[name],
            label=row["label"],
            modality="clinical",
            fitzpatrick_type=None if skin_type == UNKNOWN_TYPE else skin_type,
            left_out="wrongly labelled, as the data set's own check says" if row.get("qc") == WRONG else None,
        )


IMPORTER = Importer(
    name="fitzpatrick17k",
    title="Fitzpatrick17k",
    source="Fitzpatrick17k",
    licence="CC BY-NC-SA 3.0",
    reference="Groh et al. CVPR Workshops (2021), arXiv:2104.09957",
    layout="the table fitzpatrick17k.csv and the images in any folders below the root, named by md5hash (or, with "
    "--names url_alphanum, as they come from their addresses)",
    read=read,
    options=(Option("names", "the column after which the image files are named", "COLUMN", choices=NAMES),),
)
