"""Whether a model was trained on the images it is judged on, as far as the split of its run says."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError

HELD_OUT, VALIDATION, TRAIN, UNKNOWN = "held out", "validation", "train", "not known"
OF_PART = {"test": HELD_OUT, "validation": VALIDATION, "train": TRAIN}
PARTS = tuple(OF_PART)
SPLIT_FILE = "split.csv"  # of a training's folder (docs/training.md), in which its bundle lies


def split_beside(bundle: Path) -> Path | None:
    """The split of the training that made a bundle, where the bundle still lies in its folder."""
    file = bundle.resolve().parent / SPLIT_FILE
    return file if file.is_file() else None


def choose(records: Sequence[Record], split: Path | None, part: str | None) -> tuple[tuple[Record, ...], str]:
    """The images to judge a model on, and what it saw of them.

    Parameters
    ----------
    records
    split
        Table that says which image trained, validated or was held out; None where there is none.
    part
        One of `PARTS`; None for all images.

    Raises
    ------
    EvaluationError
        No split for a part, a table that cannot be read, no image in the part; or, without a part, images of which some
        trained or chose the model: their figures would flatter it.
    """
    if split is None:
        if part is not None:
            raise EvaluationError(
                f"Which images are the part {part!r} is said by the split of a training. There is none beside the "
                "bundle. Give --split FILE, or leave --part out."
            )
        return tuple(records), UNKNOWN
    part_of = _read(split)
    if part is not None:
        chosen = tuple(r for r in records if part_of.get((r.source, r.image_id)) == part)
        if not chosen:
            raise EvaluationError(f"No image of the manifest is in the part {part!r} of {split}.")
        return chosen, OF_PART[part]
    parts = _counted(records, part_of)
    used = {name: parts[name] for name in ("train", "validation") if parts[name]}
    if used:
        listed = " and ".join(f"{n:,} {name} images" for name, n in used.items())
        raise EvaluationError(
            f"The manifest holds {listed} of this model ({split}), on which its figures would flatter it. Give --part "
            "test for those held out, or --part train or validation if that is what you want to see."
        )
    return tuple(records), HELD_OUT


def count_parts(records: Sequence[Record], split: Path) -> Counter[str]:
    """Images of each part of a training: "train", "validation", "test", or "new" of those it did not have.

    Raises
    ------
    EvaluationError
        The table cannot be read.
    """
    return _counted(records, _read(split))


def _counted(records: Sequence[Record], part_of: dict[tuple[str, str], str]) -> Counter[str]:
    return Counter(part_of.get((r.source, r.image_id), "new") for r in records)


def _read(split: Path) -> dict[tuple[str, str], str]:
    try:
        with split.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return {(row["source"], row["image_id"]): row["part"] for row in csv.DictReader(file)}
    except (OSError, KeyError, csv.Error) as error:
        raise EvaluationError(
            f"{split} is no split of a training ({error!r}): it needs the columns source, image_id and part."
        ) from error
