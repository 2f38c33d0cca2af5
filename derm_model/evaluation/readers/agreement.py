"""Agreement beyond chance: among readers (Fleiss' kappa), and of each reader with the network (Cohen's).

Kappa depends on how common the answers are: the same readers have another kappa where one answer is rare. Intervals are
bootstrap ones over images, or over lesions or patients: they are for these readers and other images like these.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.bootstrap import Floats, bootstrap
from derm_model.evaluation.metrics import Interval, wilson
from derm_model.evaluation.readers.readings import NO_ANSWER, Panel
from derm_model.evaluation.resampling import Counts, Labels


@dataclass(frozen=True)
class Kappa:
    """A kappa: 1 is full agreement, 0 what chance gives.

    Attributes
    ----------
    value
        At most 1; below 0 is less than chance.
    interval
        95 % (low, high); None where redrawing the images cannot tell, as with full agreement.
    agreement
        Share of agreeing pairs of answers, chance included: mean over the images.
    n_images
        Images with at least two answers; the others say nothing about agreement.
    n_left_out
        Images with fewer.
    n_answers
        Answers to the images that count.
    """

    value: float
    interval: tuple[float, float] | None
    agreement: float
    n_images: int
    n_left_out: int
    n_answers: int


@dataclass(frozen=True)
class ReaderAgreement:
    """One reader and the network on the images this reader answered.

    Attributes
    ----------
    reader
    same
        Share of images with the same answer, Wilson's interval.
    kappa
        Cohen's; None where it is undefined: both always gave one and the same answer.
    """

    reader: str
    same: Interval
    kappa: Kappa | None


def answer_counts(panel: Panel) -> NDArray[np.int64]:
    """(n, answers) how many readers gave each answer to each image."""
    each = [(panel.said == k).sum(axis=0) for k in range(len(panel.answers))]
    return np.stack(each, axis=1).astype(np.int64)


def fleiss_kappa(counts: ArrayLike, *, groups: Sequence[Hashable] | None = None, seed: int = 0) -> Kappa | None:
    """Return Fleiss' kappa of any number of readers, who need not all have answered every image.

    Images with at least two answers count, each the same, whatever its number of answers: an image's agreement is the
    share of its pairs of answers that agree. An answer's chance is its share of all answers to these images. With as
    many answers to each image this is Fleiss' definition; with fewer to some it takes the images that readers skipped
    for ones like the others.

    Parameters
    ----------
    counts : (n, k) int
        How often each of k >= 2 answers was given to each image.
    groups
        Lesion or patient of each image, redrawn as a whole; as in `bootstrap`.
    seed

    Returns
    -------
    Kappa or None
        None without an image of two answers, and where all answers are the same: chance alone would agree as well.

    Raises
    ------
    ValueError
        Counts are no table of whole numbers from 0.

    References
    ----------
    Fleiss, Psychol. Bull. 76 (1971) 378; for unequal numbers Fleiss & Cuzick, Appl. Psychol. Meas. 3 (1979) 537, and
    Gwet, Handbook of Inter-Rater Reliability (2014), chapter 2.
    """
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind not in "iu" or (table.size and table.min() < 0):
        raise ValueError(f"counts of at least two answers per image are needed, got shape {table.shape}")
    n_given = table.sum(axis=1)
    counted = n_given >= 2
    used, given = table[counted].astype(np.float64), n_given[counted]
    agreeing = (used * (used - 1)).sum(axis=1) / (given * (given - 1))

    def kappa(drawn: Counts) -> Floats:
        observed = drawn @ agreeing / drawn.sum(axis=1)
        shares = drawn @ used
        shares = shares / shares.sum(axis=1, keepdims=True)
        return _beyond_chance(observed, (shares**2).sum(axis=1))

    kept = None if groups is None else [g for g, there in zip(groups, counted, strict=True) if there]
    return _kappa(kappa, agreeing, int((~counted).sum()), int(given.sum()), kept, seed)


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    n_answers: int,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Kappa | None:
    """Return Cohen's kappa of two answers to the same images.

    Parameters
    ----------
    first, second : (n,) int
        0 <= answer < n_answers.
    groups, seed
        As in `fleiss_kappa`.

    Returns
    -------
    Kappa or None
        None without images, and where both always gave one and the same answer.

    Raises
    ------
    ValueError
        Shapes differ or an answer is out of range.

    References
    ----------
    Cohen, Educ. Psychol. Meas. 20 (1960) 37.
    """
    one, two = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != two.shape:
        raise ValueError(f"two answers per image are needed, got shapes {one.shape} and {two.shape}")
    both = np.concatenate([one, two])
    if both.size and (both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= n_answers):
        raise ValueError(f"answers must be whole numbers from 0 to {n_answers - 1}")
    same = (one == two).astype(np.float64)
    given = [np.eye(n_answers)[answers.astype(np.int64)] for answers in (one, two)]

    def kappa(drawn: Counts) -> Floats:
        n = drawn.sum(axis=1, keepdims=True)
        chance = ((drawn @ given[0] / n) * (drawn @ given[1] / n)).sum(axis=1)
        return _beyond_chance(drawn @ same / n[:, 0], chance)

    return _kappa(kappa, same, 0, 2 * one.size, groups, seed)


def agreement_with_network(panel: Panel, network: ArrayLike, *, seed: int = 0) -> tuple[ReaderAgreement, ...]:
    """Return each reader's agreement with the network on the images this reader answered.

    Parameters
    ----------
    panel
    network : (n,) int
        The network's answers as positions in the panel's answers, -1 where it gave none.
    seed

    Raises
    ------
    ValueError
        Not one answer per image.
    """
    said = np.asarray(network)
    if said.shape != (len(panel.images),):
        raise ValueError(f"one answer per image is needed, got shape {said.shape} for {len(panel.images)} images")
    found = []
    for name, own in zip(panel.readers, panel.said, strict=True):
        both = (own != NO_ANSWER) & (said != NO_ANSWER)
        if both.any():
            one, two = said[both], own[both]
            same = wilson(int((one == two).sum()), one.size)
            found.append(ReaderAgreement(name, same, cohen_kappa(one, two, len(panel.answers), seed=seed)))
    return tuple(found)


def _beyond_chance(observed: Floats, chance: Floats) -> Floats:
    """NaN where chance agrees always, to the last digit of sums of shares."""
    found = np.full(observed.shape, np.nan)
    np.divide(observed - chance, 1 - chance, out=found, where=1 - chance > 1e-12)
    return found


def _kappa(
    statistic: Callable[[Counts], Floats],
    agreeing: Floats,
    n_left_out: int,
    n_answers: int,
    groups: Sequence[Hashable] | None,
    seed: int,
) -> Kappa | None:
    n = agreeing.size
    value = float(statistic(np.ones((1, n), dtype=np.int64))[0]) if n else np.nan
    if not np.isfinite(value):
        return None

    def of_images(labels: Labels, scores: Floats, counts: Counts) -> Floats:
        return statistic(counts)

    # images are all of one kind here, and have no score
    found = bootstrap(np.ones(n, dtype=np.bool_), np.zeros(n), of_images, groups=groups, stratified=False, seed=seed)
    interval = None if found is None else (found.interval.low, found.interval.high)
    return Kappa(value, interval, float(agreeing.mean()), n, n_left_out, n_answers)
