"""Rules: which measure makes a picture unfit for validation and test sets, and from which threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from derm_model.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class QualityRule:
    """One rule: a picture is flagged when its measure lies on the wrong side of a threshold.

    Attributes
    ----------
    measure
        Column of the quality table.
    label
        What a flagged picture is called.
    direction
        "below": flagged when the measure is smaller than the threshold; "above": when it is larger.
    threshold
        Default; None: the rule flags nothing until somebody sets a threshold.
    unit
        Of the measure and the threshold, as text after a number; "" where it has none.
    explanation
        What the measure is, in a sentence.
    reason
        Why this default.
    """

    measure: str
    label: str
    direction: Literal["below", "above"]
    threshold: float | None
    unit: str
    explanation: str
    reason: str


DEFAULT_RULES: tuple[QualityRule, ...] = (
    QualityRule(
        measure="sharpness",
        label="blurred",
        direction="below",
        threshold=0.30,
        unit="",
        explanation="Finest structure relative to coarser structure, at one working size.",
        reason="Of 1,003 pictures of three data sets 0.4 % lie below; after a blur of 1.5 working pixels, 99.2 %.",
    ),
    QualityRule(
        measure="highlight",
        label="dark",
        direction="below",
        threshold=80,
        unit="grey levels",
        explanation="Grey level (0-255) that the brightest 5 % of the pixels exceed.",
        reason="The same pictures have 103 to 252.",
    ),
    QualityRule(
        measure="median_grey",
        label="bright",
        direction="above",
        threshold=245,
        unit="grey levels",
        explanation="Median grey level (0-255).",
        reason="The same pictures have 50 to 236.",
    ),
    QualityRule(
        measure="contrast",
        label="uniform",
        direction="below",
        threshold=2.5,
        unit="grey levels",
        explanation="Standard deviation of the grey levels.",
        reason="The same pictures have 4.4 to 81.",
    ),
)


def flags(
    measures: pd.DataFrame,
    thresholds: Mapping[str, float | None] | None = None,
    rules: Sequence[QualityRule] = DEFAULT_RULES,
) -> pd.DataFrame:
    """Which pictures break which rule.

    Parameters
    ----------
    measures : DataFrame, n rows
        Columns of `MEASURES`, and others that rules name (such as "unlike"). A missing column flags nothing.
    thresholds
        By measure, where they differ from the rules' defaults; None switches a rule off.
    rules
        At most one a measure.

    Returns
    -------
    DataFrame of bool, n rows
        One column a rule, named by its measure, with the index of `measures`. A value that is missing is not flagged:
        nothing is known against that picture.

    Raises
    ------
    CurationError
        A threshold belongs to no rule, or is no finite number.
    """
    import pandas as pd

    chosen = dict(thresholds or {})
    known = {rule.measure for rule in rules}
    for measure, threshold in chosen.items():
        if measure not in known:
            raise CurationError(
                f"A threshold must belong to a measure with a rule ({', '.join(sorted(known))}), not to {measure!r}."
            )
        if threshold is not None and not np.isfinite(threshold):
            raise CurationError(f"The threshold of {measure} must be a number, not {threshold}. Set it again.")
    columns = {}
    for rule in rules:
        flagged = np.zeros(len(measures), dtype=bool)
        threshold = chosen.get(rule.measure, rule.threshold)
        if threshold is not None and rule.measure in measures:
            values = measures[rule.measure].to_numpy(dtype=float, na_value=np.nan)
            flagged = values < threshold if rule.direction == "below" else values > threshold
        columns[rule.measure] = flagged
    return pd.DataFrame(columns, index=measures.index)
