"""Figures that judge predictions, each with a 95 % interval and the counts behind it.

Only numpy is imported (scipy.stats or scikit-learn would cost a page half a second and more at its top).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution: two-sided 95 %


@dataclass(frozen=True)
class Interval:
    """A figure, its two-sided 95 % interval and what it was counted on.

    Parameters
    ----------
    value, low, high
        low <= value <= high.
    n_pos, n_neg
        Images with and without the disease (AUC), or with the correct and the wrong answer (accuracy, proportion).
    """

    value: float
    low: float
    high: float
    n_pos: int
    n_neg: int

    @property
    def n(self) -> int:
        """Number of images the figure rests on."""
        return self.n_pos + self.n_neg

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dict for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ClassRow:
    """How one class fared: `accuracy` is its recall with a Wilson interval, None without an image of the class."""

    index: int
    n: int
    n_correct: int
    n_predicted: int
    accuracy: Interval | None


def wilson(k: int, n: int, *, z: float = Z_95) -> Interval:
    """Return the proportion k / n with its Wilson score interval.

    Chosen over the normal interval because it stays within [0, 1] and is not of zero width at 0 or n.

    Parameters
    ----------
    z
        Quantile of the standard normal distribution for another level than 95 %.

    Raises
    ------
    ValueError
        Unless 0 <= k <= n and n >= 1: a proportion of nothing is undefined.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if not (n >= 1 and 0 <= k <= n):
        raise ValueError(f"a proportion needs 0 <= k <= n and n >= 1, got k = {k}, n = {n}")
    low, high = wilson_bounds(np.array([k]), n, z=z)
    return Interval(int(k) / int(n), float(low[0]), float(high[0]), int(k), int(n) - int(k))


def wilson_bounds(k: NDArray[np.int64], n: int, *, z: float = Z_95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (lower, upper) Wilson bounds of the proportions k / n, each (m,); 0 <= k <= n and n >= 1."""
    share, z2 = k / n, z**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # minimum and maximum only undo rounding in the last digit, e.g. at k = n where the upper bound is exactly 1
    return np.maximum(0.0, np.minimum(share, centre - half)), np.minimum(1.0, np.maximum(share, centre + half))


def difference_bounds(first: Interval, second: Interval, *, correlation: float = 0.0) -> tuple[float, float]:
    """Return the (lower, upper) bound of first.value - second.value, from the intervals of the two.

    The distances of each figure to its own bounds are added like standard deviations. Of Wilson intervals of
    proportions this is Newcombe's method 10; it keeps what the single intervals are good at: they are asymmetric near
    0 and 1, and never of zero width where a variance is. For AUCs it takes the place of the unpaired DeLong interval,
    with which it agrees when both are far from 1.

    Parameters
    ----------
    first, second
        At the same level of confidence.
    correlation
        Of the two figures; 0 for figures of different images.

    References
    ----------
    Newcombe, Stat. Med. 17 (1998) 873, method 10 (independent), and 2635, method 10 (paired); Zou & Donner, Stat. Med.
    27 (2008) 1693 (any two figures).
    """

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    difference = first.value - second.value
    down = reach(first.value - first.low, second.high - second.value)
    up = reach(first.high - first.value, second.value - second.low)
    return difference - down, difference + up


def check_scores(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return both as one-dimensional arrays of the same length; labels are true for diseased images.

    Raises
    ------
    ValueError
        Shapes differ, labels are not 0 or 1, or a score is not finite.
    """
    label_array, score_array = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if label_array.ndim != 1 or label_array.shape != score_array.shape:
        raise ValueError(f"one score per label is needed, got shapes {label_array.shape} and {score_array.shape}")
    if label_array.dtype != np.bool_ and not np.isin(label_array, (0, 1)).all():
        raise ValueError("labels must be true or false (1 or 0)")
    n_bad = int((~np.isfinite(score_array)).sum())
    if n_bad:
        raise ValueError(f"{n_bad} of {score_array.size} scores are not finite; leave them out and say how many")
    return label_array.astype(np.bool_), score_array


def auc(labels: ArrayLike, scores: ArrayLike, *, z: float = Z_95) -> Interval | None:
    """Area under the curve with DeLong's 95 % interval, or None when diseased or other images are missing.

    The interval is symmetric on the logit scale, which keeps it inside [0, 1]. Where DeLong's variance is zero or
    unknown (perfect separation, all scores equal, a single image on one side) Newcombe's score interval, which
    needs only the counts, is given instead: an interval of zero width would claim a certainty nobody has.

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images.
    scores : (n,) float
        Higher means more suspicious. Ties count one half.
    z
        Quantile of the standard normal distribution for another level than 95 %.

    Raises
    ------
    ValueError
        Shapes differ or a score is not finite.

    References
    ----------
    DeLong et al., Biometrics 44 (1988) 837; Sun & Xu, IEEE Signal Process. Lett. 21 (2014) 1389 (the midrank form
    used here, O(n log n)); Newcombe, Stat. Med. 25 (2006) 559, method 5.
    """
    label_array, score_array = check_scores(labels, scores)
    positive, negative = score_array[label_array], score_array[~label_array]
    if not positive.size or not negative.size:
        return None
    value, variance = delong(positive, negative)
    if variance is not None and variance > 0 and 0 < value < 1:
        half = z * math.sqrt(variance) / (value * (1 - value))  # delta method: d logit(a) = da / (a (1 - a))
        odds = value / (1 - value)
        low, high = odds / (odds + math.exp(half)), odds / (odds + math.exp(-half))
    else:
        low, high = _newcombe(value, positive.size, negative.size, z)
    return Interval(value, low, high, int(positive.size), int(negative.size))


def delong(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> tuple[float, float | None]:
    """Return the AUC and DeLong's variance of it, None for the variance with fewer than two images on a side.

    Parameters
    ----------
    positive : (m,) float, m >= 1
        Scores of diseased images.
    negative : (n,) float, n >= 1
        Scores of the others.
    """
    m, n = positive.size, negative.size
    below, above = pair_wins(positive, negative)
    value = float(below.sum() / (m * n))
    if min(m, n) < 2:
        return value, None
    return value, float((below / n).var(ddof=1) / m + (above / m).var(ddof=1) / n)


def pair_wins(
    positive: NDArray[np.float64], negative: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many others each diseased image beats, (m,), and by how many each other is beaten, (n,).

    A tie counts one half, so these are whole numbers and halves without any rounding. The arguments are `delong`'s.
    """
    m = positive.size
    combined = _midranks(np.concatenate([positive, negative]))
    return combined[:m] - _midranks(positive), m - (combined[m:] - _midranks(negative))


def hanley_mcneil(area: float, n_pos: int, n_neg: int) -> Interval:
    """Return a published AUC with the 95 % interval of which nothing but the counts of images is known.

    For figures of others whose scores nobody has; with scores, `auc` assumes less. The interval is value ± 1.96
    standard errors, cut at 0 and 1, as the authors give it.

    Raises
    ------
    ValueError
        Unless 0 <= area <= 1 and both counts are at least 1.

    References
    ----------
    Hanley & McNeil, Radiology 143 (1982) 29, equation 2 with the exponential approximation of Q1 and Q2.
    """
    if not (0 <= area <= 1 and min(n_pos, n_neg) >= 1):
        raise ValueError(f"an area lies in [0, 1] and needs images of both kinds, got {area}, {n_pos} and {n_neg}")
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (n_pos - 1) * (q1 - area**2) + (n_neg - 1) * (q2 - area**2)
    half = Z_95 * math.sqrt(max(0.0, spread) / (n_pos * n_neg))
    return Interval(area, max(0.0, area - half), min(1.0, area + half), n_pos, n_neg)


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, tied values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    midranks: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return midranks


def _newcombe(value: float, m: int, n: int, z: float) -> tuple[float, float]:
    """Newcombe's score interval (method 5): every area whose own variance makes `value` a plausible outcome."""

    def plausible(area: float) -> bool:
        spread = 1 + (m + n - 2) / 2 * ((1 - area) / (2 - area) + area / (1 + area))
        return (value - area) ** 2 <= z**2 * area * (1 - area) * spread / (m * n)

    def bound(end: float) -> float:
        """Halve the way between `value` (plausible) and the end (not, unless `value` lies on it) to the last digit."""
        inner, outer = value, end
        for _ in range(60):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if plausible(middle) else (inner, middle)
        return inner

    return bound(0.0), bound(1.0)


def class_counts(
    truth: ArrayLike, predicted: ArrayLike, n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (images, correct answers, predictions) per class, each of shape (n_classes,).

    Raises
    ------
    ValueError
        Shapes differ, or a class index is outside 0 ... n_classes - 1.
    """
    true, guess = np.asarray(truth), np.asarray(predicted)
    if true.ndim != 1 or true.shape != guess.shape:
        raise ValueError(f"one prediction per true class is needed, got shapes {true.shape} and {guess.shape}")
    both = np.concatenate([true, guess])
    if both.size and (both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= n_classes):
        raise ValueError(f"classes must be whole numbers from 0 to {n_classes - 1}")
    if not both.size:
        zeros = np.zeros(n_classes, dtype=np.int64)
        return zeros, zeros, zeros
    return (
        np.bincount(true, minlength=n_classes),
        np.bincount(true[true == guess], minlength=n_classes),
        np.bincount(guess, minlength=n_classes),
    )


def mean_class_accuracy(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> float | None:
    """Return the mean of the accuracies of the single classes, the paper's overall accuracy (Methods).

    Classes without an image have no accuracy and are left out of the mean; None when no class has an image.

    Parameters
    ----------
    truth, predicted : (n,) int
        Class indices, 0 <= index < n_classes.
    """
    images, correct, _ = class_counts(truth, predicted, n_classes)
    seen = images > 0
    return float((correct[seen] / images[seen]).mean()) if seen.any() else None


def class_table(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> list[ClassRow]:
    """Return one row per class in class order; the arguments are those of `mean_class_accuracy`."""
    rows = zip(*(counts.tolist() for counts in class_counts(truth, predicted, n_classes)), strict=True)
    return [
        ClassRow(index, n, n_correct, n_predicted, wilson(n_correct, n) if n else None)
        for index, (n, n_correct, n_predicted) in enumerate(rows)
    ]


def balanced_accuracy(
    truth: ArrayLike, predicted: ArrayLike, n_classes: int, *, n_resamples: int = 2000, seed: int = 0
) -> Interval | None:
    """Return `mean_class_accuracy` with a stratified bootstrap percentile interval, None without any image.

    Images are redrawn within their class, so a class never vanishes from a resample. Redrawing n images of which k
    are correct is a binomial draw, hence no loop over images. Images count as independent: several images of one
    lesion make the interval somewhat too narrow. Where every class is all right or all wrong, all resamples are the
    same, and an interval of zero width would claim a certainty nobody has: the Wilson intervals of the classes are then
    combined, which needs only the counts.

    Parameters
    ----------
    truth, predicted : (n,) int
        Class indices, 0 <= index < n_classes.
    n_resamples
        2,000 keeps the noise of the bounds well below the first decimal of a per cent.
    seed
        The same seed gives the same interval.

    References
    ----------
    Zou & Donner, Stat. Med. 27 (2008) 1693 (the combination of intervals; of a single class it is Wilson's).
    """
    images, correct, _ = class_counts(truth, predicted, n_classes)
    seen = images > 0
    if not seen.any():
        return None
    n, k = images[seen], correct[seen]
    value = float((k / n).mean())
    if ((k == 0) | (k == n)).all():
        low, high = _mean_bounds([wilson(*counts) for counts in zip(k.tolist(), n.tolist(), strict=True)])
    else:
        draws = np.random.default_rng(seed).binomial(n, k / n, size=(n_resamples, n.size))
        low, high = map(float, np.quantile((draws / n).mean(axis=1), [0.025, 0.975]))
    return Interval(value, min(value, low), max(value, high), int(k.sum()), int((n - k).sum()))


def _mean_bounds(found: Sequence[Interval]) -> tuple[float, float]:
    """Bounds of the mean of independent figures: the distances to their own bounds add like standard deviations."""
    down = math.hypot(*(one.value - one.low for one in found)) / len(found)
    up = math.hypot(*(one.high - one.value for one in found)) / len(found)
    value = sum(one.value for one in found) / len(found)
    return max(0.0, value - down), min(1.0, value + up)
