"""Rules: which measure makes a picture unfit for validation and test sets, and from which threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

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

    def flags(self, values: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
        """Which values lie on the wrong side, (n,) bool; NaN lies on neither."""
        return np.asarray(values < threshold if self.direction == "below" else values > threshold, dtype=np.bool_)


# The quantiles below are of 1,203 pictures: 500 of HAM10000, 400 of ISIC 2017 (both kept in 224 or 256 pixels) and all
# 303 of PAD-UFES-20 that were at hand. Only what makes a picture unreadable flags by default: the paper takes blurred
# and far-away images out of validation and test, nothing else, and every further rule would make the test set easier
# than practice is.
DEFAULT_RULES: tuple[QualityRule, ...] = (
    QualityRule(
        measure="sharpness",
        label="blurred",
        direction="below",
        threshold=0.52,
        unit="",
        explanation="Finest structure relative to coarser structure where the image is sharpest, at one working size.",
        reason="0.2% of 1,203 images lie below; blurred by 1 pixel of the working size, 97.5% do; by 1.5 pixels, all.",
    ),
    QualityRule(
        measure="lesion_share",
        label="far away",
        direction="below",
        threshold=0.01,
        unit="of the frame",
        explanation="Area of the lesion's outline. Not stated where no clear lesion was found.",
        reason="A lesion of 1% is 34 of the 299 pixels across that the network reads. 5 of 863 images lie below.",
    ),
    QualityRule(
        measure="highlight",
        label="dark",
        direction="below",
        threshold=80,
        unit="grey levels",
        explanation="Grey level (0-255) that the brightest 5% of the pixels exceed.",
        reason="1,203 images have 102 to 253: dark skin in enough light stays above.",
    ),
    QualityRule(
        measure="median_grey",
        label="bright",
        direction="above",
        threshold=245,
        unit="grey levels",
        explanation="Median grey level (0-255).",
        reason="1,203 images have 48 to 241.",
    ),
    QualityRule(
        measure="contrast",
        label="uniform",
        direction="below",
        threshold=2.5,
        unit="grey levels",
        explanation="Standard deviation of the grey levels.",
        reason="1,203 images have 4.9 to 86.",
    ),
    QualityRule(
        measure="short_side_px",
        label="small",
        direction="below",
        threshold=None,
        unit="px",
        explanation="Shorter side of the file.",
        reason="Off: data sets are often kept reduced. The network reads 299 pixels.",
    ),
    QualityRule(
        measure="burnt_share",
        label="burnt out",
        direction="above",
        threshold=None,
        unit="of the field of view",
        explanation="Pixels that are white in all channels: reflections, too much light.",
        reason="Off: 98.8% of 1,203 images have less than 0.3%, and the lesion can be read beside it.",
    ),
    QualityRule(
        measure="black_share",
        label="black shadows",
        direction="above",
        threshold=None,
        unit="of the field of view",
        explanation="Pixels that are black in all channels, outside the dark surround.",
        reason="Off: 99.4% of 1,203 images have less than 0.1%.",
    ),
    QualityRule(
        measure="colour_cast",
        label="colour cast",
        direction="above",
        threshold=None,
        unit="CIELAB",
        explanation="Distance of the skin's colour from skin in ordinary light (median of smartphone photographs).",
        reason="Off: polarised dermoscopy is pink by nature (median of HAM10000: 20). 99% of 1,203 images: below 33.",
    ),
    QualityRule(
        measure="surround_share",
        label="dark surround",
        direction="above",
        threshold=None,
        unit="of the frame",
        explanation="Dark surround of a dermoscope's field of view, or of a photograph, connected with a corner.",
        reason="Off: it belongs to the device. 99% of 1,203 images have less than 6%.",
    ),
    QualityRule(
        measure="line_share",
        label="many lines",
        direction="above",
        threshold=None,
        unit="of the skin",
        explanation="Thin dark lines outside the lesion: hair, ruler; in photographs also pen and furrows of the skin.",
        reason="Off: hair belongs to practice, and in photographs the measure cannot tell it from furrows.",
    ),
    QualityRule(
        measure="ink_share",
        label="blue or violet",
        direction="above",
        threshold=None,
        unit="of the field of view",
        explanation="Pixels much bluer than the skin: pen marks, stickers, drapes; also blue lesions.",
        reason="Off: about one in five of the highest is a blue lesion, which must not be left out.",
    ),
    QualityRule(
        measure="unlike",
        label="unlike the training images",
        direction="above",
        threshold=None,
        unit="percentile",
        explanation="Share of the model's training images that lie nearer to it in the model's features, in per cent.",
        reason="Off: it depends on the model, and leaving out what a model does not know would flatter the model.",
    ),
)


def default_threshold(measure: str) -> float:
    """Threshold of the default rule of a measure that flags by default."""
    (threshold,) = (rule.threshold for rule in DEFAULT_RULES if rule.measure == measure)
    if threshold is None:
        raise ValueError(f"The rule of {measure} has no default threshold.")
    return threshold


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
            flagged = rule.flags(values, threshold)
        columns[rule.measure] = flagged
    return pd.DataFrame(columns, index=measures.index)
