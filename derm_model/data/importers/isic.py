"""What the ISIC challenges have in common: picture ids, lesion ids, ground truth with a column per class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from derm_model.data.importers.base import Option, Options, find_tables, first, header, read_rows
from derm_model.data.importers.files import DOWNSAMPLED
from derm_model.data.problems import ProblemLog
from derm_model.data.schema import MISSING, link
from derm_model.errors import ImportProblem


def isic_link(image_id: str) -> tuple[str, ...]:
    """Link the same picture of the ISIC Archive in all data sets that contain it."""
    plain = image_id.removesuffix(DOWNSAMPLED)
    return (link("isic", plain),) if plain else ()


def lesion_link(lesion_id: str) -> tuple[str, ...]:
    """Link pictures of one lesion in HAM10000 and the challenges made from it, which write the same lesion ids."""
    return () if lesion_id.casefold() in MISSING else (link("isic-lesion", lesion_id),)


def is_set(cell: str) -> bool:
    """Read a cell of a ground truth: "1", "1.0" and "1.000" are yes, and so is nothing else."""
    try:
        return float(cell) == 1
    except ValueError:
        return False


def read_one_hot(path: Path, log: ProblemLog, name_column: str = "image") -> Iterator[tuple[str, str | None]]:
    """Yield (image_id, name of the column that is 1) of a ground truth; None where not exactly one column is.

    Columns whose names end in `_weight` (ISIC 2019 test) are no classes.
    """
    classes = [name for name in header(path) if name != name_column and not name.endswith("_weight")]
    if not classes:
        raise ImportProblem(f"A ground truth has a column per class. {path} has none. Use the official file.")
    for row in read_rows(path, log, (name_column,)):
        chosen = [name for name in classes if is_set(row[name])]
        yield row[name_column], chosen[0] if len(chosen) == 1 else None


NOT_ONE_CLASS = "not exactly one class is 1"


def one_hot_labels(path: Path, log: ProblemLog) -> Mapping[str, str]:
    """Return the class of every picture of a ground truth, by its id without `_downsampled`."""
    labels = {}
    for image_id, label in read_one_hot(path, log):
        if label is None:
            log.add(f"{NOT_ONE_CLASS} in {path.name}", image_id)
        else:
            labels[image_id.removesuffix(DOWNSAMPLED)] = label
    return labels


# ISIC 2019 contains pictures of the challenges before it and is the first to say which of them show one lesion.
LESIONS_OPTION = Option(
    "isic2019_metadata", "ISIC_2019_Training_Metadata.csv, to learn which images show one lesion", "CSV"
)


def known_lesions(root: Path, log: ProblemLog, options: Options) -> Mapping[str, str]:
    """Return the lesion of pictures by their id, as the metadata of ISIC 2019 has it; {} where it is not at hand."""
    given = first(options, LESIONS_OPTION.name)
    columns = ("image", "lesion_id")
    tables = [Path(given)] if given else find_tables(root, "ISIC_2019_Training_Metadata*.csv", columns=columns)
    rows = read_rows(tables[0], log, columns) if tables else ()
    return {row["image"].removesuffix(DOWNSAMPLED): row["lesion_id"] for row in rows if row["lesion_id"]}
