"""Two scores, or two operating points, on the same images: is one better, and by how much?

Both answers come from the same images, so they rise and fall together; the tests here use that, and find differences
that comparing two separate intervals hides. Images count as independent: where several show one lesion or patient,
`bootstrap_difference` takes the place of the intervals here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from derm_model.evaluation.metrics import Z_95, Interval, auc, check_scores, difference_bounds, pair_wins, wilson


@dataclass(frozen=True)
class AucDifference:
    """AUC of the first score minus that of the second, on the same images.

    Attributes
    ----------
    first, second
        Each with its own interval.
    difference
    interval
        95 % (lower, upper) of the difference, None where its variance is zero or unknown.
    z, p
        Of the hypothesis that both areas are equal, two-sided; None with `interval`. Two scores that put the images in
        the same order are not "equally good with p = 1": there is nothing to test.
    """

    first: Interval
    second: Interval
    difference: float
    interval: tuple[float, float] | None
    z: float | None
    p: float | None


@dataclass(frozen=True)
class PairedShares:
    """How often two ways to decide were right, on the same images.

    Attributes
    ----------
    n_both, n_first_only, n_second_only, n_neither
        Images that both, only one or neither decided rightly.
    """

    n_both: int
    n_first_only: int
    n_second_only: int
    n_neither: int

    @property
    def n(self) -> int:
        """Images compared, at least one."""
        return self.n_both + self.n_first_only + self.n_second_only + self.n_neither

    @property
    def first(self) -> Interval:
        """Share the first decided rightly."""
        return wilson(self.n_both + self.n_first_only, self.n)

    @property
    def second(self) -> Interval:
        """Share the second decided rightly."""
        return wilson(self.n_both + self.n_second_only, self.n)

    @property
    def difference(self) -> float:
        """First minus second."""
        return (self.n_first_only - self.n_second_only) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """95 % (lower, upper) of the difference: Newcombe's score interval, never of zero width.

        References
        ----------
        Newcombe, Stat. Med. 17 (1998) 2635, method 10.
        """
        a, b, c, d = self.n_both, self.n_first_only, self.n_second_only, self.n_neither
        margins = (a + b) * (c + d) * (a + c) * (b + d)
        product = a * d - b * c
        # the continuity correction of the method: a small positive correlation is not believed
        excess = max(product - self.n / 2, 0.0) if product > 0 else float(product)
        return difference_bounds(self.first, self.second, correlation=excess / math.sqrt(margins) if margins else 0.0)

    @property
    def p(self) -> float | None:
        """Two-sided mid-p value of McNemar's test; None where the two never differ: there is nothing to test.

        Mid-p, because the exact test is needlessly careful and the usual chi-square too bold with few pairs.

        References
        ----------
        Fagerland et al., BMC Med. Res. Methodol. 13 (2013) 91.
        """
        n = self.n_first_only + self.n_second_only
        if not n:
            return None
        fewer = min(self.n_first_only, self.n_second_only)
        # both tails, of the count itself only one half each: P(X <= fewer) + P(X < fewer)
        return float(bdtr(fewer, n, 0.5)) + (float(bdtr(fewer - 1, n, 0.5)) if fewer else 0.0)


@dataclass(frozen=True)
class DecisionComparison:
    """Two ways to decide about the same images: in diseased images (sensitivity) and in the others (specificity).

    None where there is no such image.
    """

    sensitivity: PairedShares | None
    specificity: PairedShares | None


def compare_aucs(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> AucDifference | None:
    """Compare two scores on the same images by the paired test of DeLong et al.

    Not for a score and a second one that was fitted on the same images to contain it: the difference is then not normal
    (Demler et al., Stat. Med. 31 (2012) 2577).

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images.
    first, second : (n,) float
        Higher means more suspicious; finite. Ties count one half.

    Returns
    -------
    AucDifference or None
        None without both diseased and other images.

    Raises
    ------
    ValueError
        Shapes differ, labels are not 0 or 1, or a score is not finite.

    References
    ----------
    DeLong et al., Biometrics 44 (1988) 837; Sun & Xu, IEEE Signal Process. Lett. 21 (2014) 1389.
    """
    label_array, one = check_scores(labels, first)
    _, two = check_scores(label_array, second)
    areas = auc(label_array, one), auc(label_array, two)
    if areas[0] is None or areas[1] is None:
        return None
    wins = [pair_wins(scores[label_array], scores[~label_array]) for scores in (one, two)]
    # gained wins are exact halves: a variance that should be zero is zero, not a rounding error to be divided by
    by_positive, by_negative = wins[0][0] - wins[1][0], wins[0][1] - wins[1][1]
    m, n = by_positive.size, by_negative.size
    difference = float(by_positive.sum()) / (m * n)
    if min(m, n) < 2 or not (_varies(by_positive) or _varies(by_negative)):
        return AucDifference(areas[0], areas[1], difference, None, None, None)
    error = math.sqrt((by_positive / n).var(ddof=1) / m + (by_negative / m).var(ddof=1) / n)
    z = difference / error
    bounds = max(-1.0, difference - Z_95 * error), min(1.0, difference + Z_95 * error)
    return AucDifference(areas[0], areas[1], difference, bounds, z, math.erfc(abs(z) / math.sqrt(2)))


def compare_decisions(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> DecisionComparison:
    """Compare two ways to call the same images, two thresholds or two models at their operating points, say.

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images.
    first, second : (n,) bool
        True for called images.

    Raises
    ------
    ValueError
        Shapes differ, or something is not 0 or 1.
    """
    label_array, one = check_scores(labels, first)
    _, two = check_scores(label_array, second)
    if not np.isin((one, two), (0, 1)).all():
        raise ValueError("decisions must be true or false (1 or 0): compare scores with a threshold first")
    right = one == label_array, two == label_array
    return DecisionComparison(_paired(right, label_array), _paired(right, ~label_array))


def _paired(right: tuple[NDArray[np.bool_], NDArray[np.bool_]], among: NDArray[np.bool_]) -> PairedShares | None:
    if not among.any():
        return None
    one, two = right[0][among], right[1][among]
    return PairedShares(*(int(n.sum()) for n in (one & two, one & ~two, ~one & two, ~one & ~two)))


def _varies(values: NDArray[np.float64]) -> bool:
    return bool((values != values[0]).any())
