"""Reliability: do images with a score of 0.3 show the disease in 30 of 100 cases?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.metrics import Z_95, Interval, check_scores, wilson

Binning = Literal["width", "count"]

N_BINS = 10  # tenths, as readers of a diagram expect
ROUNDING = 1e-6  # sums of single-precision probabilities exceed 1 by less than this
# A score of exactly 0 or 1 has no logit. Single precision cannot tell values nearer to 1 than this from it.
NEAREST_TO_CERTAIN = 1e-7
MAX_STEPS = 100  # Newton's method needs about ten where a solution exists


@dataclass(frozen=True)
class ReliabilityBin:
    """Images with similar scores.

    Attributes
    ----------
    low, high
        Scores of the bin: its edges where all bins are of equal width, else its smallest and largest score.
    mean_predicted
        Mean score of its images.
    observed
        Share of them with the disease (or answered correctly), Wilson's interval.
    """

    low: float
    high: float
    mean_predicted: float
    observed: Interval

    @property
    def n(self) -> int:
        """Images in the bin, >= 1."""
        return self.observed.n

    @property
    def gap(self) -> float:
        """Observed minus predicted: below 0 the scores are too high."""
        return self.observed.value - self.mean_predicted


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: the bins that have images, by rising score."""

    bins: tuple[ReliabilityBin, ...]
    n: int

    @property
    def error(self) -> float:
        """Expected calibration error: the mean of the absolute gaps, weighted by images.

        References
        ----------
        Naeini et al., AAAI (2015) 2901; Guo et al., ICML (2017), equation 3.
        """
        return sum(b.n * abs(b.gap) for b in self.bins) / self.n

    @property
    def largest_gap(self) -> float:
        """Maximum calibration error; of a bin with few images it is mostly chance."""
        return max(abs(b.gap) for b in self.bins)


@dataclass(frozen=True)
class CalibrationLine:
    """How logit(probability of the disease) depends on logit(score), 1 and 0 when calibrated.

    Attributes
    ----------
    slope
        Below 1 the scores are too extreme. With the 95 % Wald interval of a logistic regression.
    in_the_large
        Intercept of a line of slope 1: below 0 the scores are too high on the whole, in units of log odds.
    n_certain
        Scores of exactly 0 or 1, which were moved to 1e-7 from it to have a logit. Many of them make the slope depend
        on that choice.
    """

    slope: Interval
    in_the_large: Interval
    n_certain: int


def reliability(
    labels: ArrayLike, scores: ArrayLike, *, n_bins: int = N_BINS, binning: Binning = "width"
) -> Reliability | None:
    """Return the reliability diagram of a probability, None without images.

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images (or correct answers).
    scores : (n,) float
        Probabilities in [0, 1].
    n_bins
        >= 1. Bins without an image are not there.
    binning
        "width": edges at 0, 1 / n_bins, ... 1; a score on an edge falls into the upper bin, 1 into the last. "count":
        about as many images in each, so that none rests on a handful; equal scores stay together.

    Raises
    ------
    ValueError
        Shapes differ, labels are not 0 or 1, scores are not probabilities, n_bins < 1.
    """
    label_array, score_array = _check(labels, scores)
    if n_bins < 1 or binning not in ("width", "count"):
        raise ValueError(f"at least one bin by 'width' or 'count' is needed, got {n_bins} by {binning!r}")
    if not label_array.size:
        return None
    if binning == "width":
        of_bin = np.minimum((score_array * n_bins).astype(np.int64), n_bins - 1)
    else:
        first_of_equals = np.searchsorted(np.sort(score_array), score_array, side="left")
        of_bin = first_of_equals * n_bins // score_array.size
    found = []
    for number in np.unique(of_bin).tolist():
        inside = of_bin == number
        own = score_array[inside]
        edges = (number / n_bins, (number + 1) / n_bins) if binning == "width" else (own.min(), own.max())
        observed = wilson(int(label_array[inside].sum()), own.size)
        found.append(ReliabilityBin(float(edges[0]), float(edges[1]), float(own.mean()), observed))
    return Reliability(tuple(found), int(label_array.size))


def calibration_line(labels: ArrayLike, scores: ArrayLike) -> CalibrationLine | None:
    """Return slope and intercept of the calibration, from logistic regressions on logit(score).

    Parameters
    ----------
    labels : (n,) bool
    scores : (n,) float
        Probabilities in [0, 1].

    Returns
    -------
    CalibrationLine or None
        None where no slope exists: a class is missing, all scores are equal, or a threshold separates the classes (any
        steeper line would fit better).

    Raises
    ------
    ValueError
        As `reliability`.

    References
    ----------
    D. R. Cox, Biometrika 45 (1958) 562; Van Calster et al., BMC Med. 17 (2019) 230.
    """
    label_array, score_array = _check(labels, scores)
    n_certain = int(((score_array == 0) | (score_array == 1)).sum())
    inside = np.clip(score_array, NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    positive, negative = inside[label_array], inside[~label_array]
    # in one dimension a finite fit exists exactly when both classes reach beyond each other
    if not (positive.size and negative.size and positive.min() < negative.max() and negative.min() < positive.max()):
        return None
    logit = np.log(inside) - np.log1p(-inside)
    ones, none = np.ones_like(logit), np.zeros_like(logit)
    line = _logistic(np.stack([ones, logit], axis=1), none, label_array)
    shift = _logistic(ones[:, None], logit, label_array)
    if line is None or shift is None:
        return None
    intervals = []
    for value, error in ((line[0][1], line[1][1]), (shift[0][0], shift[1][0])):
        low, high = value - Z_95 * error, value + Z_95 * error
        intervals.append(Interval(float(value), float(low), float(high), int(positive.size), int(negative.size)))
    return CalibrationLine(intervals[0], intervals[1], n_certain)


def _logistic(
    design: NDArray[np.float64], offset: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Coefficients and their standard errors by Newton's method with halved steps; None where it does not settle."""

    def loss(weights: NDArray[np.float64]) -> float:
        linear = design @ weights + offset
        return float((np.logaddexp(0, linear) - linear * labels).sum())

    weights = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        probs = 1 / (1 + np.exp(-np.clip(design @ weights + offset, -500, 500)))
        information = design.T @ (design * (probs * (1 - probs))[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (labels - probs))
        except np.linalg.LinAlgError:
            return None
        if np.abs(step).max() < 1e-9 * max(1.0, float(np.abs(weights).max())):
            return weights, np.sqrt(np.diag(np.linalg.inv(information)))
        worst = loss(weights) * (1 + 1e-12)  # rounding of the sum is no reason to shorten the last steps
        scale = 1.0
        while loss(weights + scale * step) > worst and scale > 1e-9:
            scale /= 2
        weights = weights + scale * step
    return None


def _check(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    label_array, score_array = check_scores(labels, scores)
    if score_array.size and (score_array.min() < -ROUNDING or score_array.max() > 1 + ROUNDING):
        low, high = score_array.min(), score_array.max()
        raise ValueError(f"probabilities lie in [0, 1], got {low:.4g} to {high:.4g}: only those can be reliable")
    return label_array, np.clip(score_array, 0.0, 1.0)
