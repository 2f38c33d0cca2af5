"""A study of a question with two answers: points, the network's curve, comparisons, and what help changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.evaluation.curves import OperatingCurve, OperatingPoint, operating_curve
from derm_model.evaluation.metrics import Interval, auc
from derm_model.evaluation.partial_area import PartialArea, partial_area
from derm_model.evaluation.readers import MeanPoint, ReaderPoint
from derm_model.evaluation.readers.against_curve import AgainstCurve, against_curve
from derm_model.evaluation.readers.agreement import ReaderAgreement, agreement_with_network
from derm_model.evaluation.readers.ai_help import Changes, ReaderHelp, added_up, effect_of_help
from derm_model.evaluation.readers.crossed import StudyComparison, compare_help, compare_network
from derm_model.evaluation.readers.mrmc import Figure
from derm_model.evaluation.readers.points import mean_point, reader_points
from derm_model.reader_result.material import Material
from derm_model.reader_result.network import HALF, NetworkAnswers, Threshold

STEP = 0.05  # the partial area's range ends on whole twentieths, so that one answer more does not move it
CALLS: tuple[Figure, ...] = ("sensitivity", "specificity", "balanced_accuracy")


@dataclass(frozen=True, eq=False)
class NetworkPoint:
    """The network on the images that it answered.

    Attributes
    ----------
    answers
    curve, area
        DeLong's interval.
    partial
        Over the specificities of the readers; None without one.
    threshold, point
        Where it was taken to decide, fixed before the study.
    against
        Each reader and the curve, on the images that this reader answered.
    agreement
        Each reader and the network at the threshold.
    comparisons
        Network minus mean reader, readers and images as random.
    """

    answers: NetworkAnswers
    curve: OperatingCurve
    area: Interval
    partial: PartialArea | None
    threshold: Threshold
    point: OperatingPoint
    against: tuple[AgainstCurve, ...]
    agreement: tuple[ReaderAgreement, ...]
    comparisons: tuple[StudyComparison, ...]


@dataclass(frozen=True, eq=False)
class YesNoHelp:
    """What the network's help changed.

    The second pass shows the probability of each answer, the more probable one first: that is what the network is taken
    to have said, whatever its threshold.

    Attributes
    ----------
    readers
        Those who answered an image in both passes.
    total
        All their changes together.
    comparisons
        With help minus without, readers and images as random.
    """

    readers: tuple[ReaderHelp, ...]
    total: Changes | None
    comparisons: tuple[StudyComparison, ...]


@dataclass(frozen=True, eq=False)
class YesNoResult:
    """All readers, and the network where it has answered.

    Attributes
    ----------
    positive
        The answer that calls an image.
    n_pos, n_neg
        Images with and without the disease.
    points
        Of each reader who answered images of both kinds, in the order of codes.
    mean
        Of the readers who answered every image; None without one.
    """

    positive: str
    n_pos: int
    n_neg: int
    points: tuple[ReaderPoint, ...]
    mean: MeanPoint | None
    network: NetworkPoint | None
    help: YesNoHelp | None


def yes_no_result(
    material: Material, network: NetworkAnswers | None, shown: NetworkAnswers | None, threshold: str | None
) -> YesNoResult:
    """Judge a study of a question with two answers.

    Parameters
    ----------
    material
    network
        To compare the readers with; None where it has not answered.
    shown
        Whose answers the readers saw in the second pass.
    threshold
        Name of one of the network's; the first one where it has none of that name.
    """
    positive = material.question.positive
    assert positive is not None  # who asks has looked at the question
    labels = np.array([truth == positive for truth in material.truth], dtype=np.bool_)
    points = sorted(reader_points(material.panel(), labels, positive), key=lambda point: point.reader)
    complete = {reader.code for reader in material.readers if reader.is_complete}
    own = [point for point in points if point.reader in complete]
    return YesNoResult(
        positive=positive,
        n_pos=int(labels.sum()),
        n_neg=int((~labels).sum()),
        points=tuple(points),
        mean=mean_point(own),
        network=None if network is None else _network(material, network, labels, threshold, own),
        help=None if shown is None else _help(material, shown, labels),
    )


def _network(
    material: Material,
    network: NetworkAnswers,
    labels: NDArray[np.bool_],
    threshold: str | None,
    points: Sequence[ReaderPoint],
) -> NetworkPoint | None:
    positive = material.choice(0)
    there = network.answered
    truth, scores = labels[there], network.probs[there, 0]
    area = auc(truth, scores)
    if area is None:
        return None
    chosen = network.threshold(threshold)
    called = scores >= chosen.value
    panel = material.panel(images=there.tolist())
    curve = operating_curve(truth, scores)
    said = np.where(called, 0, 1)  # positions of the answers
    comparisons = [compare_network(panel, truth, called, positive, figure) for figure in CALLS]
    comparisons.append(compare_network(panel, truth, scores, positive, "auc"))
    return NetworkPoint(
        answers=network,
        curve=curve,
        area=area,
        partial=_partial(truth, scores, points),
        threshold=chosen,
        point=curve.at_threshold(chosen.value, rule=chosen.rule),
        against=against_curve(panel, truth, scores, positive),
        agreement=agreement_with_network(panel, said),
        comparisons=tuple(found for found in comparisons if found is not None),
    )


def _partial(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], points: Sequence[ReaderPoint]
) -> PartialArea | None:
    if not points:
        return None
    low, high = reader_range([point.specificity.value for point in points])
    return partial_area(labels, scores, low, high)


def reader_range(specificities: Sequence[float]) -> tuple[float, float]:
    """Return the range of specificities that readers span, widened to whole twentieths and to one of them at least.

    Parameters
    ----------
    specificities
        At least one, in [0, 1].
    """
    n = round(1 / STEP)
    # a rate that is a whole twentieth must not be widened by its rounding
    low, high = math.floor(min(specificities) * n + 1e-9), math.ceil(max(specificities) * n - 1e-9)
    if low == high:
        low, high = (low - 1, high) if low else (low, high + 1)
    return low / n, high / n


def _help(material: Material, shown: NetworkAnswers, labels: NDArray[np.bool_]) -> YesNoHelp | None:
    positive = material.choice(0)
    there = shown.answered
    truth = labels[there]
    without, with_ai = (material.panel(with_ai=helped, images=there.tolist()) for helped in (False, True))
    readers = effect_of_help(without, with_ai, truth, shown.probs[there, 0] >= HALF.value, positive)
    if not readers:
        return None
    comparisons = [compare_help(without, with_ai, truth, positive, figure) for figure in (*CALLS, "auc")]
    return YesNoHelp(
        readers=tuple(sorted(readers, key=lambda one: one.reader)),
        total=added_up([one.changes for one in readers]),
        comparisons=tuple(found for found in comparisons if found is not None),
    )
