"""Is deciding by the score worth it: net benefit, expected cost, and the threshold a cost ratio asks for.

Everything here is per person, and takes sensitivity and specificity from a curve on known images and the prevalence
from the place of use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.predictive import check_prevalence, own_prevalence


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit of calling by the score, of calling everybody, and of calling nobody, which is 0.

    Attributes
    ----------
    thresholds : (k,) float
        Probability of the disease at which a person would just want the biopsy, 0 < t < 1: at 0.1, nine needless
        biopsies are as bad as one missed disease.
    model, treat_all : (k,) float
        In diseased people found per person, less false alarms at that rate of exchange; at most the prevalence.
    prevalence
    n_pos, n_neg
        Images behind the rates.
    """

    thresholds: NDArray[np.float64]
    model: NDArray[np.float64]
    treat_all: NDArray[np.float64]
    prevalence: float
    n_pos: int
    n_neg: int

    @property
    def useful(self) -> NDArray[np.bool_]:
        """(k,) whether the model is better than both calling everybody and calling nobody."""
        return self.model > np.maximum(self.treat_all, 0.0)


@dataclass(frozen=True)
class CostChoice:
    """The threshold with the least expected cost.

    Attributes
    ----------
    cost_ratio
        Cost of a missed disease in false alarms, > 0.
    prevalence
    point
        None where calling everybody or nobody costs no more: then no threshold is worth using.
    cost, cost_all, cost_none
        Expected cost per person, in false alarms, of the best threshold, of calling everybody and of calling nobody.
    """

    cost_ratio: float
    prevalence: float
    point: OperatingPoint | None
    cost: float
    cost_all: float
    cost_none: float


def net_benefit(point: OperatingPoint, threshold: float, prevalence: float | None = None) -> float:
    """Return the net benefit of an operating point for people who want a biopsy from probability `threshold` on.

    prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * threshold / (1 - threshold)

    Parameters
    ----------
    threshold
        0 < threshold < 1; how people weigh the errors, not the score at which the point decides.
    prevalence
        0 < prevalence < 1; None for that of the images.

    Raises
    ------
    ValueError
        Threshold or prevalence is out of range.

    References
    ----------
    Vickers & Elkin, Med. Decis. Making 26 (2006) 565.
    """
    share = own_prevalence(point) if prevalence is None else check_prevalence(prevalence)
    weight = float(_exchange_rate(np.array([threshold]))[0])
    return share * point.sensitivity - (1 - share) * (1 - point.specificity) * weight


def decision_curve(
    curve: OperatingCurve, thresholds: ArrayLike | None = None, prevalence: float | None = None
) -> DecisionCurve:
    """Return the net benefit of calling at score >= t for people who want a biopsy from probability t on.

    The score is read as the probability of the disease, as it is. If it is not calibrated, or was calibrated where the
    disease is more common, people are called by another probability than theirs, and the curve shows what that costs.
    `at_prevalence` adapts scores first. No interval is given: the decision asks for the larger expected benefit,
    whether or not the difference is significant (Vickers et al., Diagn. Progn. Res. 3 (2019) 18).

    Parameters
    ----------
    curve
        Of a probability on known images. A thinned curve is off by less than one per cent in the rates.
    thresholds : (k,) float
        0 < t < 1; None for 0.01, 0.02, ... 0.99.
    prevalence
        0 < prevalence < 1; None for that of the images.

    Raises
    ------
    ValueError
        A threshold or the prevalence is out of range.

    References
    ----------
    Vickers & Elkin, Med. Decis. Making 26 (2006) 565.
    """
    wanted = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    weight = _exchange_rate(wanted)
    share = curve.n_pos / (curve.n_pos + curve.n_neg) if prevalence is None else check_prevalence(prevalence)
    found, alarms = curve.called_at(wanted)
    # rates first: where everybody is called they are exactly 1, and the model is exactly as good as treating all
    model = share * (found / curve.n_pos) - (1 - share) * (alarms / curve.n_neg) * weight
    return DecisionCurve(wanted, model, share - (1 - share) * weight, share, curve.n_pos, curve.n_neg)


def at_prevalence(scores: ArrayLike, own: float, wanted: float) -> NDArray[np.float64]:
    """Return probabilities as they would be at another prevalence: odds times the ratio of the prior odds.

    It holds where diseased and other people look the same in both places, and only their number differs.

    Parameters
    ----------
    scores : (n,) float
        Calibrated probabilities in [0, 1] at prevalence `own`.
    own, wanted
        Between 0 and 1, ends excluded.

    Raises
    ------
    ValueError
        A score or a prevalence is out of range.

    References
    ----------
    Saerens et al., Neural Comput. 14 (2002) 21.
    """
    probs = np.asarray(scores, dtype=np.float64)
    if not ((probs >= 0) & (probs <= 1)).all():
        raise ValueError("probabilities lie in [0, 1], and only those can be moved to another prevalence")
    up, down = check_prevalence(wanted) / check_prevalence(own), (1 - wanted) / (1 - own)
    moved: NDArray[np.float64] = probs * up / (probs * up + (1 - probs) * down)
    return moved


def threshold_for(cost_ratio: float) -> float:
    """Return the probability from which a biopsy costs less than none: 1 / (1 + cost_ratio).

    Where scores are calibrated probabilities at the place of use, this is the best threshold, and no curve is needed.

    Raises
    ------
    ValueError
        Unless the ratio is a finite number above 0.
    """
    return 1 / (1 + _check_ratio(cost_ratio))


def cheapest_point(curve: OperatingCurve, cost_ratio: float, prevalence: float | None = None) -> CostChoice:
    """Return the threshold of a curve with the least expected cost; of equals the most sensitive one.

    cost = prevalence * (1 - sensitivity) * cost_ratio + (1 - prevalence) * (1 - specificity)

    It needs no calibrated score. The minimum over many thresholds is optimistic on the images it was chosen on.

    Parameters
    ----------
    cost_ratio
        Cost of a missed disease in false alarms, > 0: 20 says that missing one melanoma is as bad as twenty needless
        biopsies.
    prevalence
        0 < prevalence < 1; None for that of the images.

    Raises
    ------
    ValueError
        Cost ratio or prevalence is out of range.

    References
    ----------
    Metz, Semin. Nucl. Med. 8 (1978) 283.
    """
    share = curve.n_pos / (curve.n_pos + curve.n_neg) if prevalence is None else check_prevalence(prevalence)
    missed, alarm = share * _check_ratio(cost_ratio), 1 - share
    costs = missed * (1 - curve.true_positives / curve.n_pos) + alarm * (curve.false_positives / curve.n_neg)
    # the first within rounding of the least: thresholds ascend, so the most sensitive of equals
    least = float(costs.min())
    position = int(np.argmax(costs <= least * (1 + 1e-12)))
    best = float(costs[position])
    threshold = float(curve.thresholds[position])
    point = curve.at_threshold(threshold, rule=f"least cost, a miss as bad as {cost_ratio:g} false alarms")
    worth_it = best < min(alarm, missed) * (1 - 1e-12)
    return CostChoice(float(cost_ratio), share, point if worth_it else None, best, alarm, missed)


def _exchange_rate(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """False alarms that outweigh one person found."""
    if not ((thresholds > 0) & (thresholds < 1)).all():
        raise ValueError("thresholds of a decision curve are probabilities between 0 and 1, ends excluded")
    rate: NDArray[np.float64] = thresholds / (1 - thresholds)
    return rate


def _check_ratio(cost_ratio: float) -> float:
    if not (cost_ratio > 0 and math.isfinite(cost_ratio)):
        raise ValueError(f"a cost ratio is a finite number above 0, got {cost_ratio}")
    return float(cost_ratio)
