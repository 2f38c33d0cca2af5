"""A study of a question with several answers: accuracy and confusion of each reader and of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.level_figures import PAPERS_ORDER
from derm_model.evaluation.confusion import ConfusionMatrix, confusion_matrix
from derm_model.evaluation.metrics import Interval, balanced_accuracy
from derm_model.evaluation.readers import Panel, panel
from derm_model.evaluation.readers.agreement import ReaderAgreement, agreement_with_network
from derm_model.evaluation.readers.ai_help import Changes, changes_of_classes
from derm_model.evaluation.readers.classes import ClassResult, class_result
from derm_model.evaluation.readers.crossed import Crossed, StudyComparison, crossed
from derm_model.evaluation.readers.mrmc import Comparison, Figure, Floats, compare_conditions, compare_with_network
from derm_model.reader_result.material import Material
from derm_model.reader_result.network import NetworkAnswers

# The mean over images that were answered rightly is "sensitivity" where every image is one to be found.
SHARE_RIGHT: Figure = "sensitivity"


@dataclass(frozen=True, eq=False)
class NetworkClasses:
    """The network on the images that it answered.

    Attributes
    ----------
    answers
    accuracy
        Mean of the accuracies of the single classes.
    confusion
    agreement
        Each reader and the network.
    comparison
        Share of images answered rightly, network minus mean reader, readers and images as random; None where too few
        readers have answered the same images.
    """

    answers: NetworkAnswers
    accuracy: Interval
    confusion: ConfusionMatrix
    agreement: tuple[ReaderAgreement, ...]
    comparison: StudyComparison | None


@dataclass(frozen=True, eq=False)
class ClassHelp:
    """What the network's help changed: of each reader, and for the mean reader with help minus without."""

    changes: tuple[tuple[str, Changes], ...]
    comparison: StudyComparison | None


@dataclass(frozen=True, eq=False)
class ClassesResult:
    """All readers, and the network where it has answered.

    Attributes
    ----------
    classes, names
        Ids and words, in the order of rows and columns: of nine the paper's, Extended Data Figure 2.
    n_of_class
        Images of each.
    readers
        Everybody with an answer.
    complete
        Those who answered every image: mean and common matrix are theirs. None without one.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    n_of_class: tuple[int, ...]
    readers: ClassResult | None
    complete: ClassResult | None
    network: NetworkClasses | None
    help: ClassHelp | None


def row_order(choices: Sequence[str]) -> tuple[str, ...]:
    """Choices in the order in which the paper draws its nine classes; others stay in theirs, behind."""
    return tuple(sorted(choices, key=lambda one: PAPERS_ORDER.index(one) if one in PAPERS_ORDER else len(PAPERS_ORDER)))


def classes_result(material: Material, network: NetworkAnswers | None, shown: NetworkAnswers | None) -> ClassesResult:
    """Judge a study of a question with several answers; the arguments are those of `yes_no_result`."""
    order = row_order(material.question.choice_ids)
    truth = np.array([order.index(right) for right in material.truth], dtype=np.int64)
    complete = material.of_readers(reader.code for reader in material.readers if reader.is_complete)
    return ClassesResult(
        classes=order,
        names=tuple(material.question.words(one) for one in order),
        n_of_class=tuple(np.bincount(truth, minlength=len(order)).tolist()),
        readers=class_result(_panel(material, order, range(truth.size)), truth),
        complete=class_result(_panel(complete, order, range(truth.size)), truth),
        network=None if network is None else _network(material, network, order, truth),
        help=None if shown is None else _help(material, shown, order, truth),
    )


def _panel(material: Material, order: Sequence[str], images: Sequence[int], *, with_ai: bool = False) -> Panel:
    return panel(material.answers(), [material.keys[i] for i in images], order, with_ai=with_ai)


def _said(network: NetworkAnswers, material: Material, order: Sequence[str]) -> NDArray[np.int64]:
    """(m,) answers to the images it answered, as positions in the order."""
    place = np.array([order.index(one) for one in material.question.choice_ids], dtype=np.int64)
    said: NDArray[np.int64] = place[network.probs[network.answered].argmax(axis=1)]
    return said


def _network(
    material: Material, network: NetworkAnswers, order: tuple[str, ...], truth: NDArray[np.int64]
) -> NetworkClasses | None:
    there, said = network.answered, _said(network, material, order)
    accuracy = balanced_accuracy(truth[there], said, len(order))
    if accuracy is None:
        return None
    given = _panel(material, order, there.tolist())
    return NetworkClasses(
        answers=network,
        accuracy=accuracy,
        confusion=confusion_matrix(truth[there], said, order),
        agreement=agreement_with_network(given, said),
        comparison=_against_network(given, truth[there], said),
    )


def _against_network(given: Panel, truth: NDArray[np.int64], said: NDArray[np.int64]) -> StudyComparison | None:
    part = crossed([given])
    if part is None:
        return None
    every = np.ones(part.images.size, dtype=np.bool_)
    right = (said == truth)[part.images]
    return _with_part(compare_with_network(every, right, part.of(given, _right(given, truth)), SHARE_RIGHT), part)


def _help(
    material: Material, shown: NetworkAnswers, order: tuple[str, ...], truth: NDArray[np.int64]
) -> ClassHelp | None:
    there = shown.answered
    without, with_ai = (_panel(material, order, there.tolist(), with_ai=helped) for helped in (False, True))
    changes = changes_of_classes(without, with_ai, truth[there], _said(shown, material, order))
    if not changes:
        return None
    part = crossed([with_ai, without])
    comparison = None
    if part is not None:
        one, two = (part.of(p, _right(p, truth[there])) for p in (with_ai, without))
        every = np.ones(part.images.size, dtype=np.bool_)
        comparison = _with_part(compare_conditions(every, one, two, SHARE_RIGHT), part)
    return ClassHelp(tuple(sorted(changes)), comparison)


def _right(given: Panel, truth: NDArray[np.int64]) -> Floats:
    """(readers, m) 1 where the answer is right."""
    right: Floats = (given.said == truth).astype(np.float64)
    return right


def _with_part(found: Comparison | None, part: Crossed) -> StudyComparison | None:
    return None if found is None else StudyComparison(found, part)
