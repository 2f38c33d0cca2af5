"""Area under a part of the curve: where readers are, and nowhere else."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from derm_model.evaluation.bootstrap import Bootstrapped, Floats, bootstrap, each
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.metrics import check_scores
from derm_model.evaluation.resampling import Labels

Rate = Literal["specificity", "sensitivity"]


@dataclass(frozen=True)
class PartialArea:
    """Area of a range of specificities or sensitivities.

    Attributes
    ----------
    rate, low, high
        The range, 0 <= low < high <= 1.
    mean
        The other rate's mean over the range: the area divided by the range's width.
    standardised
        McClish's index: 0.5 by chance, 1 where the other rate is perfect; below 0.5 is worse than chance.
    bootstrapped
        Of `standardised`, the range kept as it is; None where the bootstrap cannot answer.
    """

    rate: Rate
    low: float
    high: float
    mean: float
    standardised: float
    bootstrapped: Bootstrapped | None


def partial_area(
    labels: ArrayLike,
    scores: ArrayLike,
    low: float,
    high: float,
    *,
    rate: Rate = "specificity",
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> PartialArea | None:
    """Return the partial area of a score with a stratified bootstrap interval.

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images.
    scores : (n,) float
        Higher means more suspicious; finite.
    low, high
        0 <= low < high <= 1, chosen without looking at this score: those of readers, say.
    rate
        What the range is of.
    groups
        As in `bootstrap`.
    n_resamples
        1,000: each takes a curve of its own, and two decimals are shown.

    Returns
    -------
    PartialArea or None
        None without both diseased and other images.

    Raises
    ------
    ValueError
        The range is empty or leaves [0, 1], or as `operating_curve`.

    References
    ----------
    McClish, Med. Decis. Making 9 (1989) 190 (range of specificities); Jiang et al., Radiology 201 (1996) 745 (of
    sensitivities).
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"a range lies in [0, 1] and has a width, got {low} to {high}")
    label_array, score_array = check_scores(labels, scores)
    if not label_array.any() or label_array.all():
        return None
    mean = _mean_of_range(operating_curve(label_array, score_array), low, high, rate)

    def index(drawn: Labels, values: Floats) -> float:
        return _standardised(_mean_of_range(operating_curve(drawn, values), low, high, rate), low, high)

    found = bootstrap(label_array, score_array, each(index), groups=groups, n_resamples=n_resamples, seed=seed)
    return PartialArea(rate, low, high, mean, _standardised(mean, low, high), found)


def _mean_of_range(curve: OperatingCurve, low: float, high: float, rate: Rate) -> float:
    """Mean of the other rate over the range, by trapezoids along the drawn line."""
    sensitivity, specificity = curve.line()
    sensitivity, specificity = np.append(1.0, sensitivity), np.append(0.0, specificity)  # from where all are called
    along, up = (specificity, sensitivity) if rate == "specificity" else (sensitivity[::-1], specificity[::-1])
    gained = np.concatenate([[0.0], np.cumsum(np.diff(along) * (up[1:] + up[:-1]) / 2)])

    def area_below(end: float) -> float:
        """From 0 to `end`: whole trapezoids, and a part of the one that holds it."""
        k = min(int(np.searchsorted(along, end, side="right")) - 1, along.size - 2)
        width = along[k + 1] - along[k]
        share = (end - along[k]) / width if width > 0 else 0.0
        here = up[k] + share * (up[k + 1] - up[k])
        return float(gained[k] + (end - along[k]) * (up[k] + here) / 2)

    return (area_below(high) - area_below(low)) / (high - low)


def _standardised(mean: float, low: float, high: float) -> float:
    """McClish 1989: between the mean of chance, 1 minus the middle of the range, and 1."""
    chance = 1 - (low + high) / 2
    return (1 + (mean - chance) / (1 - chance)) / 2
