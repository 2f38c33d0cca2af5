"""Readers of a question with several answers: accuracy and confusion of each, and of all (Extended Data Figure 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.confusion import ConfusionMatrix, confusion_matrix
from derm_model.evaluation.metrics import Interval, balanced_accuracy
from derm_model.evaluation.readers.readings import Panel


@dataclass(frozen=True, eq=False)
class ReaderClasses:
    """How one reader fared with several classes, on the images this reader answered.

    Attributes
    ----------
    reader
    accuracy
        Mean of the accuracies of the single classes, the paper's; of the classes this reader saw.
    confusion
        Counts of images.
    """

    reader: str
    accuracy: Interval
    confusion: ConfusionMatrix


@dataclass(frozen=True, eq=False)
class ClassResult:
    """All readers.

    Attributes
    ----------
    readers
    mean, sd
        Mean accuracy over readers, and how much readers differ (n - 1); the SD is None for a single reader.
    confusion
        Counts of answers, of all readers together. Where all answered the same images its shares are the mean of the
        readers' shares; else whoever answered more counts more.
    """

    readers: tuple[ReaderClasses, ...]
    mean: float
    sd: float | None
    confusion: ConfusionMatrix


def class_result(panel: Panel, truth: ArrayLike, *, seed: int = 0) -> ClassResult | None:
    """Judge readers' answers against the true classes.

    Parameters
    ----------
    panel
        Its answers are the classes.
    truth : (n,) int
        True class of each image as a position in the panel's answers.
    seed
        Of the intervals.

    Returns
    -------
    ClassResult or None
        None without an answer.

    Raises
    ------
    ValueError
        Not one class per image, or one that is no answer.
    """
    true, names = np.asarray(truth), panel.answers
    if true.shape != (len(panel.images),):
        raise ValueError(f"one class per image is needed, got shape {true.shape} for {len(panel.images)} images")
    if not panel.readers:
        return None
    readers = tuple(
        _judged(name, true[said >= 0], said[said >= 0], names, seed)
        for name, said in zip(panel.readers, panel.said, strict=True)
    )
    accuracies = [one.accuracy.value for one in readers]
    counts = np.sum([one.confusion.counts for one in readers], axis=0)
    sd = float(np.std(accuracies, ddof=1)) if len(readers) > 1 else None
    return ClassResult(readers, float(np.mean(accuracies)), sd, ConfusionMatrix(names, counts))


def _judged(
    name: str, true: NDArray[np.int64], said: NDArray[np.int64], names: tuple[str, ...], seed: int
) -> ReaderClasses:
    accuracy = balanced_accuracy(true, said, len(names), seed=seed)
    assert accuracy is not None  # a reader of the panel has an answer
    return ReaderClasses(name, accuracy, confusion_matrix(true, said, names))
