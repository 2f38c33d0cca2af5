"""What the network's help changed: each reader without and with it on the same images, and whom it misled.

Automation bias is following the machine where it is wrong (Goddard et al., J. Am. Med. Inform. Assoc. 19 (2012) 121).
It is counted among the images where that could happen: the reader was right without help, and the network is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.paired import PairedShares, compare_decisions
from derm_model.evaluation.readers.points import check_labels
from derm_model.evaluation.readers.readings import Panel


@dataclass(frozen=True)
class Changes:
    """Answers that changed between the passes, of one reader or, added up, of several.

    Attributes
    ----------
    n
        Images that were answered in both passes.
    n_wrong_to_right, n_right_to_wrong
        Answers that became right, and that became wrong.
    n_network_wrong_reader_right
        Images where help could mislead.
    n_misled
        Of those, answers that became the network's.
    n_network_right_reader_wrong
        Images where help could correct.
    n_corrected
        Of those, answers that became right.
    """

    n: int
    n_wrong_to_right: int
    n_right_to_wrong: int
    n_network_wrong_reader_right: int
    n_misled: int
    n_network_right_reader_wrong: int
    n_corrected: int

    @property
    def misled(self) -> float | None:
        """Share of answers that followed the network into its mistake, None where there was no occasion."""
        occasions = self.n_network_wrong_reader_right
        return self.n_misled / occasions if occasions else None

    @property
    def corrected(self) -> float | None:
        """Share of mistakes that the network's right answer corrected, None where there was no occasion."""
        occasions = self.n_network_right_reader_wrong
        return self.n_corrected / occasions if occasions else None


@dataclass(frozen=True)
class ReaderHelp:
    """One reader with (first) and without the network's help, on the images answered in both passes.

    Attributes
    ----------
    reader
    sensitivity, specificity
        Paired, of a yes-or-no question: difference, interval and p value. None without images of the kind.
    changes
    """

    reader: str
    sensitivity: PairedShares | None
    specificity: PairedShares | None
    changes: Changes


def effect_of_help(
    without: Panel, with_ai: Panel, labels: ArrayLike, network: ArrayLike, positive: str
) -> tuple[ReaderHelp, ...]:
    """Return what help changed for each reader of a yes-or-no question.

    Parameters
    ----------
    without, with_ai
        The two passes over the same images.
    labels : (n,) bool
        True for images with the disease.
    network : (n,) bool
        What the readers were shown: true where the network calls the image.
    positive
        The answer that calls an image.

    Returns
    -------
    tuple of ReaderHelp
        Of the readers who answered an image in both passes, in the order of `without`.

    Raises
    ------
    ValueError
        Labels, calls or passes do not fit each other.
    """
    diseased, shown = check_labels(without, labels), check_labels(without, network)
    before, after = without.called(positive), with_ai.called(positive)
    found = []
    for name, one, two in _pairs(without, with_ai):
        both = without.answered[one] & with_ai.answered[two]
        if both.any():
            first, second, truth = after[two][both], before[one][both], diseased[both]
            paired = compare_decisions(truth, first, second)
            changes = _changes(truth, second, first, shown[both])
            found.append(ReaderHelp(name, paired.sensitivity, paired.specificity, changes))
    return tuple(found)


def changes_of_classes(
    without: Panel, with_ai: Panel, truth: ArrayLike, network: ArrayLike
) -> tuple[tuple[str, Changes], ...]:
    """Return which answers changed for each reader of a question with several answers.

    Parameters
    ----------
    without, with_ai
        The two passes over the same images.
    truth, network : (n,) int
        Position of the right answer, and of the one that was shown, in the panels' answers.

    Returns
    -------
    tuple of (reader, Changes)
        As `effect_of_help`.
    """
    right, shown = np.asarray(truth), np.asarray(network)
    if not right.shape == shown.shape == (len(without.images),):
        raise ValueError(f"one true and one shown answer per image are needed, got {right.shape} and {shown.shape}")
    found = []
    for name, one, two in _pairs(without, with_ai):
        both = without.answered[one] & with_ai.answered[two]
        if both.any():
            found.append((name, _changes(right[both], without.said[one][both], with_ai.said[two][both], shown[both])))
    return tuple(found)


def added_up(changes: Sequence[Changes]) -> Changes | None:
    """Return the changes of several readers together, None without any.

    No interval is given: answers of several readers to one image are not independent. `compare_help` tests the mean.
    """
    if not changes:
        return None
    return Changes(*(sum(column) for column in zip(*map(astuple, changes), strict=True)))


def _pairs(without: Panel, with_ai: Panel) -> list[tuple[str, int, int]]:
    """Readers of both passes with their rows."""
    if without.images != with_ai.images or without.answers != with_ai.answers:
        raise ValueError("both passes must be over the same images, in the same order, with the same answers")
    rows = {name: i for i, name in enumerate(with_ai.readers)}
    return [(name, i, rows[name]) for i, name in enumerate(without.readers) if name in rows]


def _changes(
    truth: NDArray[np.generic], before: NDArray[np.generic], after: NDArray[np.generic], shown: NDArray[np.generic]
) -> Changes:
    was, is_, network = before == truth, after == truth, shown == truth
    could_mislead, could_correct = was & ~network, ~was & network
    counts = (
        ~was & is_,
        was & ~is_,
        could_mislead,
        could_mislead & (after == shown),
        could_correct,
        could_correct & is_,
    )
    return Changes(truth.size, *(int(one.sum()) for one in counts))
