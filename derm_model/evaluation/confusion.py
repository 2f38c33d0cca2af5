"""Which class is taken for which: confusion matrices, the most confused pairs, top-k accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.metrics import Interval, class_counts, wilson


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Images by true class (rows) and answer (columns).

    Parameters
    ----------
    classes
        Names in the order of rows and columns.
    counts : (k, k) int
        >= 0.

    Raises
    ------
    ValueError
        The counts do not fit the classes.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        k = len(self.classes)
        if self.counts.shape != (k, k) or (self.counts < 0).any():
            raise ValueError(f"{k} classes need {k} x {k} counts of at least 0, got shape {self.counts.shape}")

    @cached_property
    def n_of_class(self) -> NDArray[np.int64]:
        """(k,) images of each true class."""
        totals: NDArray[np.int64] = self.counts.sum(axis=1)
        return totals

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """(k, k) counts divided by the images of the true class, as in Extended Data Figure 2 of the paper.

        A class without images is a row of NaN: nobody knows what it is taken for, and 0 would say "for nothing".
        """
        found = np.full(self.counts.shape, np.nan)
        np.divide(self.counts, self.n_of_class[:, None], out=found, where=self.n_of_class[:, None] > 0)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return counts and shares as a dict for JSON, undefined shares as None."""
        shares = [[None if np.isnan(share) else share for share in row] for row in self.shares.tolist()]
        return {"classes": list(self.classes), "counts": self.counts.tolist(), "shares": shares}


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class that were taken for another.

    Attributes
    ----------
    truth, answer
        Class indices.
    n
        Such images, >= 1.
    n_of_class
        Images of the true class.
    positions
        Of the images among those given; the surest mistakes first where probabilities were given.
    """

    truth: int
    answer: int
    n: int
    n_of_class: int
    positions: tuple[int, ...]

    @property
    def share(self) -> float:
        """Of the images of the true class."""
        return self.n / self.n_of_class


@dataclass(frozen=True)
class TopK:
    """Images whose true class is among the k most probable.

    Attributes
    ----------
    k
    images
        Share of all images, Wilson's interval.
    mean_of_classes
        Mean of the shares of the single classes that have images: the paper's way to weigh.
    """

    k: int
    images: Interval
    mean_of_classes: float


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> ConfusionMatrix:
    """Count images by true class and answer.

    Parameters
    ----------
    truth : (n,) int
        0 <= index < k.
    predicted : (n,) int or (n, k) float
        Answers, or probabilities of which the largest is the answer (the first of equals).
    classes
        Names of the k classes in index order, which is the order of rows and columns.

    Raises
    ------
    ValueError
        Shapes differ, a class index is outside 0 ... k - 1, or a probability is not finite.
    """
    true, answer, _ = _answers(truth, predicted, len(classes))
    k = len(classes)
    return ConfusionMatrix(tuple(classes), np.bincount(true * k + answer, minlength=k * k).reshape(k, k))


def most_confused(
    truth: ArrayLike, predicted: ArrayLike, n_classes: int, *, limit: int | None = 10
) -> tuple[ConfusedPair, ...]:
    """Return the pairs (true class, wrong answer) with the most images, most first, then in class order.

    By counts, not shares: a share of a class with three images would always lead. A pair has a direction: a melanoma
    taken for a nevus is not a nevus taken for a melanoma.

    Parameters
    ----------
    truth : (n,) int
    predicted : (n,) int or (n, n_classes) float
        As in `confusion_matrix`.
    limit
        Pairs at most; None for all.

    Raises
    ------
    ValueError
        As `confusion_matrix`.
    """
    true, answer, certainty = _answers(truth, predicted, n_classes)
    images = np.bincount(true, minlength=n_classes)
    wrong = np.flatnonzero(true != answer)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")]
    codes, n = np.unique(true[wrong] * n_classes + answer[wrong], return_counts=True)
    order = np.argsort(-n, kind="stable")[:limit]  # codes ascend, so equals stay in class order
    pairs = []
    for code, count in zip(codes[order].tolist(), n[order].tolist(), strict=True):
        true_class, wrong_class = divmod(code, n_classes)
        positions = wrong[(true[wrong] == true_class) & (answer[wrong] == wrong_class)]
        pairs.append(ConfusedPair(true_class, wrong_class, count, int(images[true_class]), tuple(positions.tolist())))
    return tuple(pairs)


def top_k(truth: ArrayLike, probs: ArrayLike, k: int) -> TopK | None:
    """Return how often the true class is among the k most probable ones; None without images.

    Of equal probabilities the earlier class comes first, so that k = 1 is the accuracy of the answers.

    Parameters
    ----------
    truth : (n,) int
    probs : (n, n_classes) float
    k
        1 <= k <= n_classes.

    Raises
    ------
    ValueError
        k is out of range, shapes differ, or as in `confusion_matrix`.
    """
    matrix = np.asarray(probs, dtype=np.float64)
    if matrix.ndim != 2 or not 1 <= k <= matrix.shape[1]:
        raise ValueError(f"top {k} needs probabilities of at least {k} classes, got shape {matrix.shape}")
    n_classes = matrix.shape[1]
    true, _, _ = _answers(truth, matrix, n_classes)
    if not true.size:
        return None
    own = matrix[np.arange(true.size), true][:, None]
    n_before = (matrix > own).sum(axis=1) + ((matrix == own) & (np.arange(n_classes) < true[:, None])).sum(axis=1)
    hit = n_before < k
    images, hits = np.bincount(true, minlength=n_classes), np.bincount(true[hit], minlength=n_classes)
    seen = images > 0
    return TopK(k, wilson(int(hit.sum()), true.size), float((hits[seen] / images[seen]).mean()))


def _answers(
    truth: ArrayLike, predicted: ArrayLike, n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """True class, answer and certainty of each image; the certainty of bare answers is 1."""
    true, given = np.asarray(truth), np.asarray(predicted)
    if given.ndim == 2:
        if given.shape != (true.size, n_classes) or not np.isfinite(given).all():
            raise ValueError(
                f"finite probabilities of {n_classes} classes for each of {true.size} images are needed, "
                f"got shape {given.shape}"
            )
        answer, certainty = given.argmax(axis=1), given.max(axis=1)
    else:
        answer, certainty = given, np.ones(given.size)
    class_counts(true, answer, n_classes)  # raises where they do not fit
    return true.astype(np.int64), answer.astype(np.int64), certainty
