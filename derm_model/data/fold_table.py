"""What is read off a table of folds: rounds of cross-validation, the check that no group straddles, counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derm_model.errors import SplitError
from derm_model.files import replaced
from derm_model.taxonomy import Taxonomy

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]

TEST, DEVELOPMENT, LEFT_OUT = "test", "development", "left out"


def rounds(folds: pd.DataFrame) -> list[tuple[Ints, Ints]]:
    """Positions to train on and to validate on, per fold.

    Flagged images train and do not validate. Nothing of the test set and nothing left out is among them.
    """
    fold = folds["fold"].to_numpy(dtype=np.int64, na_value=-1)
    evaluate = folds["evaluate"].to_numpy(dtype=bool)
    return [
        (np.flatnonzero((fold >= 0) & (fold != number)), np.flatnonzero((fold == number) & evaluate))
        for number in range(int(fold.max()) + 1)
    ]


def check_folds(folds: pd.DataFrame) -> None:
    """Check that no group lies in two parts or in two folds; what is left out may be of any group.

    Raises
    ------
    SplitError
        A group straddles; the message names up to five.
    """
    used = folds[folds["part"] != LEFT_OUT]
    place = used["fold"].to_numpy(dtype=np.int64, na_value=-1)
    group = used["group"].to_numpy(dtype=np.int64)
    pairs = np.unique(np.stack([group, place], axis=1), axis=0)
    numbers, times = np.unique(pairs[:, 0], return_counts=True)
    straddling = numbers[times > 1]
    if not len(straddling):
        return
    examples = []
    for number in straddling[:5].tolist():
        members = used[group == number]
        where = sorted({_place(part, fold) for part, fold in zip(members["part"], members["fold"], strict=True)})
        examples.append(f"{number} ({', '.join(members['image_id'].head(3))}: {', '.join(where)})")
    raise SplitError(
        f"No group may lie in two parts or folds. {len(straddling)} do: {'; '.join(examples)}. Make the folds again."
    )


def count_table(folds: pd.DataFrame, table: pd.DataFrame, classes: Sequence[str] | None = None) -> pd.DataFrame:
    """Images, lesions and patients per part, fold and class.

    Parameters
    ----------
    folds, table
        Of `make_folds`, n rows each.
    classes
        Class of each image (n), e.g. of `classes_at`; its node by default.

    Returns
    -------
    DataFrame
        part, fold (Int8), class, n_images, n_evaluate, n_lesions, n_patients (Int64): by part, fold and class. Lesions
        and patients are those the data sets name; NA where they name none.
    """
    import pandas as pd

    keys = ["part", "fold", "class"]
    frame = folds[["part", "fold", "evaluate"]].reset_index(drop=True)
    frame["class"] = list(table["node"] if classes is None else classes)
    by = frame.groupby(keys, dropna=False, sort=True)["evaluate"]
    counts = by.agg(n_images="size", n_evaluate="sum")
    for column, name in (("lesion_id", "n_lesions"), ("patient_id", "n_patients")):
        named = frame[keys].assign(source=table["source"].to_numpy(), key=table[column].to_numpy())
        named = named[table[column].notna().to_numpy()].drop_duplicates()
        counts[name] = named.groupby(keys, dropna=False).size().reindex(counts.index)
    whole = dict.fromkeys(("n_images", "n_evaluate", "n_lesions", "n_patients"), pd.Int64Dtype())
    return counts.reset_index().astype(whole)


def classes_at(table: pd.DataFrame, taxonomy: Taxonomy, level: int) -> list[str]:
    """Node of each image at a level of the taxonomy (1: roots); an image labelled above it keeps its own node."""
    ids = {node: taxonomy.at_level(node, level) for node in table["node"].unique()}
    return [ids[node] for node in table["node"]]


def write_folds(path: Path, folds: pd.DataFrame) -> None:
    """Write folds as CSV, or Parquet where the name ends so; the same folds give the same bytes."""
    with replaced(path) as temporary:
        if path.suffix.lower() == ".parquet":
            folds.to_parquet(temporary, index=False)
        else:
            folds.to_csv(temporary, index=False, lineterminator="\n")


def read_folds(path: Path) -> pd.DataFrame:
    """Read what `write_folds` wrote.

    Raises
    ------
    SplitError
        The file cannot be read, or lacks a column.
    """
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            folds = pd.read_parquet(path)
        else:
            # an image may well be called "NA"
            kinds: Any = {"image_id": str, "source": str, "part": str, "fold": "Int8"}
            folds = pd.read_csv(
                path,
                dtype=kinds,
                keep_default_na=False,
                na_values={"fold": [""]},
            )
    except (OSError, ValueError) as error:
        raise SplitError(f"{path} cannot be read as folds ({error}). Make them with `split --folds`.") from error
    if missing := {"image_id", "source", "part", "fold", "evaluate"} - set(folds.columns):
        raise SplitError(f"{path} is no table of folds: {', '.join(sorted(missing))} is missing. Make it with `split`.")
    return folds


def _place(part: str, fold: Any) -> str:
    return f"fold {fold}" if part == DEVELOPMENT else part
