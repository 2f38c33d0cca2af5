"""Readers of a yes-or-no question as points of sensitivity and specificity, and their mean (the paper's Figure 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.curves import TwoByTwo
from derm_model.evaluation.metrics import Interval, wilson
from derm_model.evaluation.readers.readings import Panel


@dataclass(frozen=True)
class ReaderPoint:
    """How one reader decided, on the images the reader answered.

    Attributes
    ----------
    reader
    sensitivity, specificity
        Wilson intervals; `n_pos` right and `n_neg` wrong answers of the images with, and without, the disease.
    """

    reader: str
    sensitivity: Interval
    specificity: Interval

    @property
    def counts(self) -> TwoByTwo:
        """Answered images by truth and call."""
        with_disease, without = self.sensitivity, self.specificity
        return TwoByTwo(with_disease.n_pos, with_disease.n_neg, without.n_neg, without.n_pos)

    @property
    def n(self) -> int:
        """Images answered."""
        return self.counts.n


@dataclass(frozen=True)
class MeanPoint:
    """Mean of readers' points, each reader counting the same, as in the paper.

    Attributes
    ----------
    sensitivity, specificity
    sensitivity_sd, specificity_sd
        Standard deviation over readers (n - 1): how much readers differ, not how well the mean is known. None for a
        single reader.
    n_readers
    """

    sensitivity: float
    specificity: float
    sensitivity_sd: float | None
    specificity_sd: float | None
    n_readers: int


def reader_points(panel: Panel, labels: ArrayLike, positive: str) -> tuple[ReaderPoint, ...]:
    """Return the point of each reader who answered images with and without the disease; others have none.

    Parameters
    ----------
    panel
        Of a question with two answers.
    labels : (n,) bool
        True for images with the disease, in the order of the panel's images.
    positive
        The answer that calls an image: "biopsy", "malignant".

    Raises
    ------
    ValueError
        Not one label per image, or the question is no yes-or-no question.
    """
    diseased, called = check_labels(panel, labels), panel.called(positive)
    points = []
    for name, answered, calls in zip(panel.readers, panel.answered, called, strict=True):
        with_disease, without = answered & diseased, answered & ~diseased
        if with_disease.any() and without.any():
            found, spared = int(calls[with_disease].sum()), int((~calls[without]).sum())
            points.append(ReaderPoint(name, wilson(found, int(with_disease.sum())), wilson(spared, int(without.sum()))))
    return tuple(points)


def mean_point(points: Sequence[ReaderPoint]) -> MeanPoint | None:
    """Return the mean of the points with their standard deviations, None without a point."""
    if not points:
        return None
    columns = [[p.sensitivity.value for p in points], [p.specificity.value for p in points]]
    means = [math.fsum(values) / len(values) for values in columns]
    sds = [float(np.std(values, ddof=1)) if len(points) > 1 else None for values in columns]
    return MeanPoint(means[0], means[1], sds[0], sds[1], len(points))


def check_labels(panel: Panel, labels: ArrayLike) -> NDArray[np.bool_]:
    """Return the labels as (n,) bool; ValueError where they are not one true or false per image of the panel."""
    found = np.asarray(labels)
    if found.shape != (len(panel.images),):
        raise ValueError(f"one label per image is needed, got shape {found.shape} for {len(panel.images)} images")
    if found.dtype != np.bool_ and not np.isin(found, (0, 1)).all():
        raise ValueError("labels must be true or false (1 or 0)")
    return found.astype(np.bool_)
