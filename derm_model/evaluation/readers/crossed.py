"""The part of a study in which every reader answered every image, as comparisons with random readers and cases need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.readers.mrmc import Comparison, Figure, Floats, compare_conditions, compare_with_network
from derm_model.evaluation.readers.points import check_labels
from derm_model.evaluation.readers.readings import Panel


@dataclass(frozen=True, eq=False)
class Crossed:
    """Readers and images without a gap.

    Attributes
    ----------
    readers
    images : (m,) int
        Positions in the panels.
    n_readers_left_out, n_images_left_out
        Of those who took part, and of the study.
    """

    readers: tuple[str, ...]
    images: NDArray[np.int64]
    n_readers_left_out: int
    n_images_left_out: int

    def of(self, panel: Panel, values: Floats) -> Floats:
        """These readers' and images' part of a panel's (readers, n) values, in this order."""
        rows = np.array([panel.readers.index(name) for name in self.readers], dtype=np.int64)
        return values[np.ix_(rows, self.images)]


@dataclass(frozen=True, eq=False)
class StudyComparison:
    """A comparison and the part of the study it rests on."""

    comparison: Comparison
    crossed: Crossed


def crossed(panels: Sequence[Panel], *, sure: bool = False) -> Crossed | None:
    """Return the largest part found of a study in which each reader answered each image in every pass.

    Readers come in as long as the number of answers that are kept grows: one who stopped early is left out rather than
    cut everybody's images. They come in those with the most images first, and, beginning with each of them, those first
    who have the most images in common. Of equals the part with more readers is taken.

    Parameters
    ----------
    panels
        One or several passes over the same images.
    sure
        Answers count with their confidence only.

    Returns
    -------
    Crossed or None
        None where no two readers have an image in common.

    Raises
    ------
    ValueError
        The panels are of different images.
    """
    first = panels[0]
    if any(panel.images != first.images for panel in panels):
        raise ValueError("passes must be over the same images in the same order")
    there = {name: np.ones(len(first.images), dtype=np.bool_) for panel in panels for name in panel.readers}
    for panel in panels:
        given = panel.answered & np.isfinite(panel.confidence) if sure else panel.answered
        own = dict(zip(panel.readers, given, strict=True))
        for name in there:
            there[name] &= own.get(name, False)
    order = sorted(there, key=lambda name: -int(there[name].sum()))
    complete = np.array([there[name] for name in order], dtype=np.bool_).reshape(len(order), len(first.images))
    rows = _largest(complete)
    if not rows:
        return None
    images = np.flatnonzero(complete[rows].all(axis=0))
    names = tuple(order[row] for row in rows)
    return Crossed(names, images, len(order) - len(rows), len(first.images) - images.size)


def _largest(given: NDArray[np.bool_]) -> list[int]:
    """Rows, two at least, with most answers where each row has one; [] where no two have one in common."""
    n, best, n_answers = len(given), list[int](), 0
    for chain in (list(range(n)), *(_chain(given, start) for start in range(n))):
        common = np.logical_and.accumulate(given[chain])
        for k in range(2, n + 1):
            size = k * int(common[k - 1].sum())
            if size and (size, k) > (n_answers, len(best)):
                best, n_answers = sorted(chain[:k]), size
    return best


def _chain(given: NDArray[np.bool_], start: int) -> list[int]:
    """All rows from one on, each time the one that leaves most in common; of equals the first."""
    chain, common, left = [start], given[start], [row for row in range(len(given)) if row != start]
    while left:
        row = left.pop(int((given[left] & common).sum(axis=1).argmax()))
        chain.append(row)
        common = common & given[row]
    return chain


def compare_help(
    without: Panel, with_ai: Panel, labels: ArrayLike, positive: str, figure: Figure
) -> StudyComparison | None:
    """Compare the mean reader with the network's help (first) and without (second), readers and images as random.

    Parameters
    ----------
    without, with_ai
        The two passes over the same images, of a question with two answers.
    labels : (n,) bool
        True for images with the disease.
    positive
        The answer that calls an image.
    figure
        "auc" takes the answers that were given with a confidence.

    Returns
    -------
    StudyComparison or None
        None where fewer than two readers, or two images of a kind, are left.
    """
    diseased, part = check_labels(without, labels), crossed([with_ai, without], sure=figure == "auc")
    if part is None:
        return None
    one, two = (part.of(p, _values(p, positive, figure)) for p in (with_ai, without))
    found = compare_conditions(diseased[part.images], one, two, figure)
    return None if found is None else StudyComparison(found, part)


def compare_network(
    panel: Panel, labels: ArrayLike, network: ArrayLike, positive: str, figure: Figure
) -> StudyComparison | None:
    """Compare the network by itself (first) with the mean reader (second), readers and images as random.

    Parameters
    ----------
    panel
        Of a question with two answers.
    labels : (n,) bool
    network : (n,) float or bool
        Scores for "auc", else calls at a threshold that was not chosen on these images.
    positive, figure
        As in `compare_help`.

    Returns
    -------
    StudyComparison or None
        As `compare_help`.
    """
    diseased, part = check_labels(panel, labels), crossed([panel], sure=figure == "auc")
    if part is None:
        return None
    given, readers = np.asarray(network)[part.images], part.of(panel, _values(panel, positive, figure))
    found = compare_with_network(diseased[part.images], given, readers, figure)
    return None if found is None else StudyComparison(found, part)


def _values(panel: Panel, positive: str, figure: Figure) -> Floats:
    return panel.scores(positive) if figure == "auc" else panel.called(positive).astype(np.float64)
