"""Counts over a collection, for charts and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from derm_model.taxonomy import Taxonomy

NOT_STATED = "not stated"
AGE_STEP_YEARS = 5  # HAM10000 and the ISIC Archive round ages to five years

Level = Literal["roots", "classes", "nodes"]
LEVELS: dict[Level, int] = {"roots": 1, "classes": 2}


def count_by(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Images per value of a column, the most frequent first and `NOT_STATED` last.

    Returns
    -------
    DataFrame
        Columns value (str) and n (int).
    """
    counted = table[column].value_counts(dropna=True)
    counted = counted[counted > 0]
    values, numbers = [str(v) for v in counted.index], [int(n) for n in counted]
    missing = int(table[column].isna().sum())
    return _frame(
        {"value": [*values, NOT_STATED], "n": [*numbers, missing]} if missing else {"value": values, "n": numbers}
    )


def count_by_level(table: pd.DataFrame, taxonomy: Taxonomy, level: Level) -> pd.DataFrame:
    """Images per node at a level of the taxonomy, in the tree's order; nodes without images are absent.

    Parameters
    ----------
    table
    taxonomy
    level
        "roots" (three), "classes" (the paper's nine) or "nodes" (as labelled). An image that is labelled above the
        level counts for the node it is labelled with.

    Returns
    -------
    DataFrame
        Columns node, name and n.
    """
    counted: dict[str, int] = {}
    for node, n in table["node"].value_counts().items():
        place = str(node) if level == "nodes" else taxonomy.at_level(str(node), LEVELS[level])
        counted[place] = counted.get(place, 0) + int(n)
    nodes = sorted((node for node, n in counted.items() if n), key=taxonomy.position)
    return _frame({"node": nodes, "name": [taxonomy.node(n).name for n in nodes], "n": [counted[n] for n in nodes]})


def ages(table: pd.DataFrame) -> pd.DataFrame:
    """Images per five years of age.

    Returns
    -------
    DataFrame
        Columns from_years (int, ascending, gaps filled with n = 0) and n; empty where no age is stated.
    """
    import numpy as np

    stated = table["age"].dropna().to_numpy(dtype=np.float64)
    steps = (stated // AGE_STEP_YEARS).astype(np.int64)
    counted = np.bincount(steps) if len(steps) else np.zeros(0, dtype=np.int64)
    first = int(steps.min()) if len(steps) else 0
    span = range(first, len(counted))
    return _frame({"from_years": [AGE_STEP_YEARS * s for s in span], "n": [int(counted[s]) for s in span]})


def _frame(columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns)
