"""Readers against the network's curve: who lies below it, and how sure that is on the images the reader answered.

The curve is the line through its points, which is how it is drawn: between two thresholds it is straight, and what lies
there is reached by deciding by either threshold at random (Fawcett, Pattern Recognit. Lett. 27 (2006) 861, section 10).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.bootstrap import Bootstrapped
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.metrics import check_scores
from derm_model.evaluation.paired import PairedShares, compare_decisions
from derm_model.evaluation.readers.curve_gap import sensitivity_gap, specificity_gap
from derm_model.evaluation.readers.points import ReaderPoint, check_labels, reader_points
from derm_model.evaluation.readers.readings import Panel

Position = Literal["below", "on", "above"]
SAME = 1e-9  # rates of the same counts differ by rounding only; different ones by far more


@dataclass(frozen=True)
class AgainstCurve:
    """A reader and the network's curve on the images this reader answered.

    Attributes
    ----------
    point
    curve_specificity
        Of the curve at the reader's sensitivity; where the curve falls straight down there, its best.
    position
        "below" where that is higher than the reader's specificity: the paper's "outperformed". Equal is "on": at the
        reader's sensitivity neither is better.
    at_sensitivity
        The curve's specificity at the reader's sensitivity minus the reader's, with its interval (`specificity_gap`).
    at_specificity
        The same of sensitivities at the reader's specificity.
    """

    point: ReaderPoint
    curve_specificity: float
    position: Position
    at_sensitivity: Bootstrapped | None
    at_specificity: Bootstrapped | None


@dataclass(frozen=True)
class AgainstThreshold:
    """A reader and the network at one threshold, on the images this reader answered; the network comes first.

    McNemar's test is right here, and only here, because the threshold was not chosen on these images.
    """

    point: ReaderPoint
    sensitivity: PairedShares
    specificity: PairedShares


def specificity_at(curve: OperatingCurve, sensitivity: float) -> float:
    """Return the specificity of the drawn curve at a sensitivity: its best one where it falls straight down there.

    Raises
    ------
    ValueError
        Unless 0 <= sensitivity <= 1.
    """
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"a sensitivity lies in [0, 1], got {sensitivity}")
    along, up = (np.concatenate([[end], line])[::-1] for end, line in zip((1.0, 0.0), curve.line(), strict=True))
    # sensitivities ascend and, among equals, specificities descend: the first of equals is the best
    right = int(np.searchsorted(along, sensitivity - SAME, side="left"))
    if along[right] <= sensitivity + SAME:
        return float(up[right])
    left = right - 1
    share = (sensitivity - along[left]) / (along[right] - along[left])
    return float(up[left] + share * (up[right] - up[left]))


def position_of(point: ReaderPoint, curve: OperatingCurve) -> Position:
    """Return where a reader's point lies: strictly below or above the curve at its sensitivity, or on it."""
    gap = specificity_at(curve, point.sensitivity.value) - point.specificity.value
    return "on" if abs(gap) <= SAME else "below" if gap > 0 else "above"


def against_curve(
    panel: Panel,
    labels: ArrayLike,
    scores: ArrayLike,
    positive: str,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> tuple[AgainstCurve, ...]:
    """Compare each reader with the network's curve on the images that this reader answered.

    A reader who stopped early is held against the curve of the same images, which differs from the curve of all images
    that is drawn. Intervals are those of single readers: of twenty as good as the network one is off by chance.

    Parameters
    ----------
    panel
        Of a question with two answers.
    labels : (n,) bool
        True for images with the disease, in the order of the panel's images.
    scores : (n,) float
        The network's, of the same question.
    positive
        The answer that calls an image.
    groups
        Lesion or patient of each image; as in `bootstrap`.
    seed

    Returns
    -------
    tuple of AgainstCurve
        Of each reader with a point, in the order of `reader_points`.

    Raises
    ------
    ValueError
        Labels, scores or question do not fit.
    """
    diseased, values = check_scores(check_labels(panel, labels), scores)
    found = []
    for point, own, called in _with_points(panel, diseased, positive):
        truth, given, calls = diseased[own], values[own], called[own]
        kept = None if groups is None else [group for group, there in zip(groups, own, strict=True) if there]
        curve = operating_curve(truth, given)
        found.append(
            AgainstCurve(
                point,
                specificity_at(curve, point.sensitivity.value),
                position_of(point, curve),
                specificity_gap(truth, given, calls, groups=kept, seed=seed),
                sensitivity_gap(truth, given, calls, groups=kept, seed=seed),
            )
        )
    return tuple(found)


def against_threshold(
    panel: Panel, labels: ArrayLike, called: ArrayLike, positive: str
) -> tuple[AgainstThreshold, ...]:
    """Compare each reader with the network at a threshold that was not chosen on these images, image by image.

    Parameters
    ----------
    panel, labels, positive
        As in `against_curve`.
    called : (n,) bool
        By the network at that threshold.

    Returns
    -------
    tuple of AgainstThreshold
        Of each reader with a point; images count as independent.
    """
    diseased, network = check_labels(panel, labels), check_labels(panel, called)
    found = []
    for point, own, calls in _with_points(panel, diseased, positive):
        paired = compare_decisions(diseased[own], network[own], calls[own])
        assert paired.sensitivity is not None and paired.specificity is not None  # a point has images of both kinds
        found.append(AgainstThreshold(point, paired.sensitivity, paired.specificity))
    return tuple(found)


def n_below(found: Sequence[AgainstCurve]) -> int:
    """Return how many readers lie strictly below the curve."""
    return sum(one.position == "below" for one in found)


def _with_points(
    panel: Panel, diseased: NDArray[np.bool_], positive: str
) -> Iterator[tuple[ReaderPoint, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Readers with a point, which images they answered, and which they called."""
    called, rows = panel.called(positive), {name: j for j, name in enumerate(panel.readers)}
    for point in reader_points(panel, diseased, positive):
        row = rows[point.reader]
        yield point, panel.answered[row], called[row]
