"""One folder per class, as many collections are kept: melanoma/, nevus/, ..., perhaps below train/ and test/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from derm_model.data.importers.base import Importer, Options, first
from derm_model.data.importers.constants import OPTIONS, with_constants
from derm_model.data.importers.files import FileIndex
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.data.schema import OFFICIAL_SPLITS, SPELLINGS

_SPLIT_WORDS = {*OFFICIAL_SPLITS, *(word for words in SPELLINGS["official_split"].values() for word in words)}


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield a row per image file below a class folder; an image beside the class folders has no class and no row.

    Where every top folder is named like a part (train, val, test, ...), the class folders are those below, and the
    part is the official split.
    """
    paths = [path.relative_to(root) for path in FileIndex(root).paths]
    inside = [path for path in paths if len(path.parts) > 1]
    in_parts = bool(inside) and {path.parts[0].casefold() for path in inside} <= _SPLIT_WORDS
    labelled = first(options, "labels_of") is not None
    for path in inside:
        part, classes = (path.parts[0], path.parts[1:-1]) if in_parts else (None, path.parts[:-1])
        if not classes:
            continue
        # the path with its suffix is the one name that is surely given once
        row = OfficialRow(image_id=path.as_posix(), file=path.as_posix(), official_split=part)
        name = classes[0]
        row = replace(row, label=name) if labelled else replace(row, node=name)
        yield with_constants(row, options, root.resolve().name)


IMPORTER = Importer(
    name="folders",
    title="One folder per class",
    source="",
    licence=None,
    reference="",
    layout="folders named after taxonomy nodes (ids, names or synonyms), or after the labels of the data set that "
    "--labels-of names, with images in them or below; perhaps inside train, validation and test folders.",
    read=read,
    options=OPTIONS,
)
