"""How a tool fares where it is used: sensitivity and specificity of its decisions, beside the model's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.metrics import Interval, check_scores, difference_bounds, wilson


@dataclass(frozen=True)
class ClinicRates:
    """Rates with Wilson intervals; None where no lesion had, or none was free of, the disease."""

    sensitivity: Interval | None
    specificity: Interval | None

    @property
    def n(self) -> int:
        """Lesions the rates rest on."""
        return sum(rate.n for rate in (self.sensitivity, self.specificity) if rate is not None)


@dataclass(frozen=True)
class AgainstOwn:
    """A rate here beside the model's own on other images: `here` - `own` with Newcombe's 95 % interval."""

    here: Interval
    own: Interval
    difference: float
    low: float
    high: float


def clinic_rates(labels: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> ClinicRates:
    """Rates of the decisions `score >= threshold`, each lesion with the threshold that was in use for it.

    Only lesions with an outcome are counted, and those were often chosen for biopsy because of their look or of this
    very score. So the sensitivity is likely too high and the specificity too low for all lesions seen (verification
    bias: Begg & Greenes, Biometrics 39 (1983) 207).

    Parameters
    ----------
    labels : (n,) bool
        True for lesions that turned out to have the disease.
    scores, thresholds : (n,) float
        Finite. One threshold for all may be given as a scalar.

    Raises
    ------
    ValueError
        Shapes differ, or a number is not finite.
    """
    sick, called = check_scores(labels, scores)
    limits = np.broadcast_to(np.asarray(thresholds, dtype=np.float64), called.shape)
    if not np.isfinite(limits).all():
        raise ValueError("thresholds must be finite numbers")
    above = called >= limits
    n_sick, n_other = int(sick.sum()), int((~sick).sum())
    return ClinicRates(
        wilson(int((above & sick).sum()), n_sick) if n_sick else None,
        wilson(int((~above & ~sick).sum()), n_other) if n_other else None,
    )


def running_rates(labels: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> tuple[ClinicRates, ...]:
    """Rates after each lesion, in the order given; the last ones are those of all. As `clinic_rates`.

    Intervals hold each for itself: who looks after every lesion and stops where one excludes the model's own rate will
    find that in more than 5 % of the tools that are as good.
    """
    sick, called = check_scores(labels, scores)
    limits = np.broadcast_to(np.asarray(thresholds, dtype=np.float64), called.shape)
    return tuple(clinic_rates(sick[:n], called[:n], limits[:n]) for n in range(1, sick.size + 1))


def against_own(rates: ClinicRates, own: OperatingPoint) -> tuple[AgainstOwn | None, AgainstOwn | None]:
    """(sensitivity, specificity) here against the model's own at an operating point; None where there is no rate here.

    References
    ----------
    Newcombe, Stat. Med. 17 (1998) 873, method 10.
    """
    n = (own.n_pos, own.n_neg)
    sides = (
        (rates.sensitivity, own.sensitivity, own.sensitivity_interval, n[0]),
        (rates.specificity, own.specificity, own.specificity_interval, n[1]),
    )
    found = []
    for here, value, (low, high), total in sides:
        k = round(value * total)
        there = Interval(value, low, high, k, total - k)
        found.append(None if here is None else _against(here, there))
    return found[0], found[1]


def _against(here: Interval, own: Interval) -> AgainstOwn:
    low, high = difference_bounds(here, own)
    return AgainstOwn(here, own, here.value - own.value, low, high)
