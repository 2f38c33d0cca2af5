"""Readers and cases as random: does help change the mean reader, and is the network better than the mean reader?

Obuchowski & Rockette (1995) with the degrees of freedom of Hillis (2007). With two conditions their analysis of
variance of readers' figures equals that of each reader's difference: MS of the differences is 2 MS(T*R), and the
covariance of two readers' differences is 2 (Cov2 - Cov3). So one calculation, the mean of figures over readers that
share their cases, answers all: a condition's mean, with against without help, and, with the network taken from each
reader, the standalone network against the mean reader (Chakraborty 2017, chapter 22, which is Hillis 2007, section 5.3,
of the differences; it is the same as entering the network as every reader's second condition, as Kooi et al. 2016 did).

References
----------
Obuchowski & Rockette, Commun. Stat. Simul. Comput. 24 (1995) 285; Hillis, Stat. Med. 26 (2007) 596; Hillis, Berbaum &
Metz, Acad. Radiol. 15 (2008) 647; Chakraborty, Observer Performance Methods for Diagnostic Imaging (2017); Chen et al.,
J. Med. Imaging 1 (2014) 031011 (yes-or-no answers by the same method).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from derm_model.evaluation.metrics import pair_wins

Figure = Literal["auc", "sensitivity", "specificity", "balanced_accuracy"]
FIGURES: tuple[Figure, ...] = ("auc", "sensitivity", "specificity", "balanced_accuracy")
MIN_IMAGES = 2  # of a kind: leaving one out must leave one
NOTHING = 1e-24  # a variance below is rounding: figures that differ by one image of a million have 1e-13
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeanOverReaders:
    """Mean of a figure over readers who saw the same cases, both taken as samples of what there could have been.

    Attributes
    ----------
    value
    ms
        Mean square of the readers' figures, n - 1: MS(R), or of differences of two conditions 2 MS(T*R).
    cov2
        Mean covariance of two readers' figures due to the cases; of differences 2 (Cov2 - Cov3). Below 0, which is
        chance, it counts as 0.
    n_readers
        >= 2.
    floor
        Least possible value: 0, or -1 of a difference; the largest is 1.
    """

    value: float
    ms: float
    cov2: float
    n_readers: int
    floor: float

    @cached_property
    def standard_error(self) -> float | None:
        """None where neither readers nor cases vary: certainty of a few readers is none."""
        spread = self._spread
        return math.sqrt(spread / self.n_readers) if spread > NOTHING else None

    @cached_property
    def df(self) -> float | None:
        """Hillis' degrees of freedom, n_readers - 1 or more; infinite where readers do not differ but cases do."""
        if self._spread <= NOTHING:
            return None
        return (self._spread / self.ms) ** 2 * (self.n_readers - 1) if self.ms > NOTHING else math.inf

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % (low, high) by Student's t, cut at the least and the largest possible value."""
        if self.standard_error is None or self.df is None:
            return None
        half = float(stdtrit(self.df, 0.975)) * self.standard_error
        return max(self.floor, self.value - half), min(1.0, self.value + half)

    @cached_property
    def p(self) -> float | None:
        """Two-sided, of the hypothesis that the mean is 0; of use for differences only."""
        if self.standard_error is None or self.df is None:
            return None
        return 2 * float(stdtr(self.df, -abs(self.value) / self.standard_error))

    @property
    def _spread(self) -> float:
        return self.ms + self.n_readers * max(self.cov2, 0.0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two conditions of the same readers, or the network and the readers, on the same images.

    Attributes
    ----------
    figure
    first, second : (readers,) float
        Each reader's figure; of a network the same for all.
    first_mean, second_mean
        Over readers; None of a network, which is no sample of readers.
    difference
        First minus second.
    n_pos, n_neg
        Images with and without the disease.
    """

    figure: Figure
    first: Floats
    second: Floats
    first_mean: MeanOverReaders | None
    second_mean: MeanOverReaders | None
    difference: MeanOverReaders
    n_pos: int
    n_neg: int

    @property
    def n_readers(self) -> int:
        """Readers compared."""
        return self.first.size


def compare_conditions(labels: ArrayLike, first: ArrayLike, second: ArrayLike, figure: Figure) -> Comparison | None:
    """Compare the mean reader under two conditions, with and without the network's help, say.

    Parameters
    ----------
    labels : (n,) bool
        True for images with the disease. Images count as independent.
    first, second : (readers, n) float or bool
        Scores for "auc" (higher is more suspicious; ties count one half), else calls. Every reader answers every image
        under both conditions: `crossed` finds the part of a study of which that is true.
    figure

    Returns
    -------
    Comparison or None
        None with fewer than two readers, or fewer than two images of a kind the figure needs: nothing then tells how
        readers, or images, vary.

    Raises
    ------
    ValueError
        Shapes differ, or a value is missing or no call.
    """
    diseased, one = _check(labels, first, figure)
    _, two = _check(diseased, second, figure)
    if one.shape != two.shape:
        raise ValueError(f"the same readers and images are needed twice, got shapes {one.shape} and {two.shape}")
    if not _enough(diseased, one, figure):
        return None
    values, left_out = _figures(diseased, np.concatenate([one, two]), figure)
    k = len(one)
    return Comparison(
        figure,
        values[:k],
        values[k:],
        _mean(values[:k], left_out[:k], 0.0),
        _mean(values[k:], left_out[k:], 0.0),
        _mean(values[:k] - values[k:], left_out[:k] - left_out[k:], -1.0),
        int(diseased.sum()),
        int((~diseased).sum()),
    )


def compare_with_network(
    labels: ArrayLike, network: ArrayLike, readers: ArrayLike, figure: Figure
) -> Comparison | None:
    """Compare the network by itself, which comes first, with the mean reader.

    Parameters
    ----------
    labels : (n,) bool
    network : (n,) float or bool
        Scores for "auc", else calls at a threshold that was not chosen on these images.
    readers : (readers, n) float or bool
        As in `compare_conditions`.
    figure

    Returns
    -------
    Comparison or None
        As `compare_conditions`.

    Raises
    ------
    ValueError
        As `compare_conditions`.
    """
    diseased, given = _check(labels, readers, figure)
    _, alone = _check(diseased, np.asarray(network)[None], figure)
    if not _enough(diseased, given, figure):
        return None
    values, left_out = _figures(diseased, np.concatenate([alone, given]), figure)
    same = np.repeat(values[:1], len(given))
    return Comparison(
        figure,
        same,
        values[1:],
        None,
        _mean(values[1:], left_out[1:], 0.0),
        _mean(same - values[1:], left_out[:1] - left_out[1:], -1.0),
        int(diseased.sum()),
        int((~diseased).sum()),
    )


def _check(labels: ArrayLike, values: ArrayLike, figure: Figure) -> tuple[NDArray[np.bool_], Floats]:
    diseased, given = np.asarray(labels, dtype=np.bool_), np.asarray(values, dtype=np.float64)
    if figure not in FIGURES:
        raise ValueError(f"a figure is one of {', '.join(FIGURES)}, got {figure!r}")
    if given.ndim != 2 or diseased.ndim != 1 or given.shape[1] != diseased.size:
        raise ValueError(f"readers' answers to {diseased.size} images have shape (readers, n), got {given.shape}")
    if not np.isfinite(given).all():
        raise ValueError("every reader must have answered every image: take the crossed part of the study")
    if figure != "auc" and not np.isin(given, (0, 1)).all():
        raise ValueError(f"{figure} is counted on calls, true or false (1 or 0)")
    return diseased, given


def _enough(diseased: NDArray[np.bool_], given: Floats, figure: Figure) -> bool:
    n_pos, n_neg = int(diseased.sum()), int((~diseased).sum())
    needed = {"sensitivity": n_pos, "specificity": n_neg}.get(figure, min(n_pos, n_neg))
    return len(given) >= 2 and needed >= MIN_IMAGES


def _figures(diseased: NDArray[np.bool_], values: Floats, figure: Figure) -> tuple[Floats, Floats]:
    """The figure of each row, (k,), and without each image that it rests on, (k, images).

    Every figure here is the mean of what each diseased image contributes, and likewise of the others, so that the
    figure without an image follows from them.
    """
    positive, negative = values[:, diseased], values[:, ~diseased]
    if figure == "sensitivity":
        return positive.mean(axis=1), _without(positive)
    if figure == "specificity":
        return 1 - negative.mean(axis=1), _without(1 - negative)
    if figure == "auc":
        wins = [pair_wins(p, n) for p, n in zip(positive, negative, strict=True)]
        by_positive = np.stack([w[0] for w in wins]) / negative.shape[1]
        by_negative = np.stack([w[1] for w in wins]) / positive.shape[1]
    else:
        found, spared = positive.mean(axis=1, keepdims=True), 1 - negative.mean(axis=1, keepdims=True)
        by_positive, by_negative = (positive + spared) / 2, (1 - negative + found) / 2
    left_out = np.concatenate([_without(by_positive), _without(by_negative)], axis=1)
    return by_positive.mean(axis=1), left_out


def _without(shares: Floats) -> Floats:
    """Mean of each row without each of its members in turn, (k, m)."""
    left: Floats = (shares.sum(axis=1, keepdims=True) - shares) / (shares.shape[1] - 1)
    return left


def _mean(figures: Floats, left_out: Floats, floor: float) -> MeanOverReaders:
    """Mean over readers, with the jackknife's covariances of what the images contribute."""
    n_readers, n = left_out.shape
    apart = left_out - left_out.mean(axis=1, keepdims=True)
    covariance = (n - 1) / n * apart @ apart.T
    cov2 = (covariance.sum() - np.trace(covariance)) / (n_readers * (n_readers - 1))
    return MeanOverReaders(float(figures.mean()), float(figures.var(ddof=1)), float(cov2), n_readers, floor)
