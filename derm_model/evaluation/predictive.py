"""What a call means for one person: predictive values, natural frequencies, number needed to biopsy.

Sensitivity and specificity come from known images, the prevalence from the place where the network would be used. In
test sets the disease is far more common than in practice, so predictive values counted on them promise too much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.metrics import Z_95

Bounds = tuple[float, float]

PREVALENCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # of tables: round numbers, and no claim about any clinic
EXAMPLE = 0.01  # where one of them has to do


@dataclass(frozen=True)
class PredictiveValues:
    """Chance of the disease after a call, and of its absence without one, at a prevalence.

    Attributes
    ----------
    prevalence
        Share of people with the disease before the image is seen.
    ppv, npv
        None where nothing is called at all, or nothing is spared.
    ppv_interval, npv_interval
        95 % (lower, upper). They say how well these images know sensitivity and specificity; the prevalence is taken as
        given, and that people with and without the disease look like those in the images is not in them at all.
    """

    prevalence: float
    ppv: float | None
    npv: float | None
    ppv_interval: Bounds | None
    npv_interval: Bounds | None

    @property
    def needed_to_biopsy(self) -> float | None:
        """Calls per diseased person found, 1 / PPV; None where none is found."""
        return 1 / self.ppv if self.ppv else None

    @property
    def needed_to_biopsy_interval(self) -> Bounds | None:
        """95 % (lower, upper)."""
        if not self.ppv or self.ppv_interval is None:
            return None
        low, high = self.ppv_interval
        return 1 / high, 1 / low

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dict for JSON; what is undefined is None."""
        found = {
            "prevalence": self.prevalence,
            "ppv": self.ppv,
            "npv": self.npv,
            "needed_to_biopsy": self.needed_to_biopsy,
            "ppv_interval": self.ppv_interval,
            "npv_interval": self.npv_interval,
            "needed_to_biopsy_interval": self.needed_to_biopsy_interval,
        }
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


@dataclass(frozen=True)
class NaturalFrequencies:
    """The same for a number of people, in whole ones that add up.

    Attributes
    ----------
    n_people
    found, missed
        People with the disease, called or not.
    false_alarms, spared
        People without, called or not.
    expected
        The four numbers before rounding, in this order: a 0 may stand for 0.4 people.
    """

    n_people: int
    found: int
    missed: int
    false_alarms: int
    spared: int
    expected: tuple[float, float, float, float]

    @property
    def n_diseased(self) -> int:
        """People with the disease."""
        return self.found + self.missed

    @property
    def n_called(self) -> int:
        """People called."""
        return self.found + self.false_alarms


def own_prevalence(point: OperatingPoint) -> float:
    """Share of diseased images among those the point was measured on."""
    return point.n_pos / (point.n_pos + point.n_neg)


def predictive_values(point: OperatingPoint, prevalence: float | None = None) -> PredictiveValues:
    """Return PPV and NPV of an operating point at a prevalence.

    Intervals are symmetric on the logit scale, where a predictive value is a sum of independent terms; a count of
    zero, whose logarithm has no variance, is met by adding z^2 / 2 images to each of the four counts, for the interval
    only. Both as in Mercaldo et al., for case-control studies: a test set is one, because its share of diseased images
    was chosen.

    Parameters
    ----------
    prevalence
        0 < prevalence < 1; None for that of the images.

    Raises
    ------
    ValueError
        The prevalence is out of range.

    References
    ----------
    Mercaldo et al., Stat. Med. 26 (2007) 2170.
    """
    share = own_prevalence(point) if prevalence is None else check_prevalence(prevalence)
    odds, counts = share / (1 - share), point.counts
    called = _Shares(counts.found, point.n_pos, counts.false_alarms, point.n_neg)
    spared = _Shares(counts.spared, point.n_neg, counts.missed, point.n_pos)
    ppv, npv = called.value(odds), spared.value(1 / odds)
    return PredictiveValues(share, ppv, npv, called.interval(odds), spared.interval(1 / odds))


def over_prevalences(point: OperatingPoint, prevalences: Iterable[float]) -> tuple[PredictiveValues, ...]:
    """Return `predictive_values` at each prevalence, to draw; 0 < prevalence < 1."""
    return tuple(predictive_values(point, prevalence) for prevalence in prevalences)


def natural_frequencies(
    point: OperatingPoint, prevalence: float | None = None, n_people: int = 1000
) -> NaturalFrequencies:
    """Return how many of n_people would be found, missed, alarmed and spared.

    People with the disease are rounded first, then those found among them and alarmed among the others. So the four
    always add up to n_people, and moving the threshold never changes how many have the disease.

    Parameters
    ----------
    prevalence
        0 < prevalence < 1; None for that of the images.
    n_people
        >= 1.

    Raises
    ------
    ValueError
        The prevalence or the number of people is out of range.

    References
    ----------
    Gigerenzer & Hoffrage, Psychol. Rev. 102 (1995) 684.
    """
    share = own_prevalence(point) if prevalence is None else check_prevalence(prevalence)
    if n_people < 1:
        raise ValueError(f"at least one person is needed, got {n_people}")
    diseased = _half_up(n_people * share)
    found = _half_up(diseased * point.sensitivity)
    spared = _half_up((n_people - diseased) * point.specificity)
    ill, well = n_people * share, n_people * (1 - share)
    exact = (
        ill * point.sensitivity,
        ill * (1 - point.sensitivity),
        well * (1 - point.specificity),
        well * point.specificity,
    )
    return NaturalFrequencies(n_people, found, diseased - found, n_people - diseased - spared, spared, exact)


@dataclass(frozen=True)
class _Shares:
    """k1 of n1 images are rightly on this side of the threshold, k0 of n0 wrongly; odds are prior odds of right."""

    k1: float
    n1: float
    k0: float
    n0: float

    def value(self, odds: float) -> float | None:
        right, wrong = odds * self.k1 / self.n1, self.k0 / self.n0
        return right / (right + wrong) if right + wrong else None

    def interval(self, odds: float) -> Bounds | None:
        value = self.value(odds)
        if value is None:
            return None
        if 0 in (self.k1, self.k0, self.n1 - self.k1, self.n0 - self.k0):
            extra = Z_95**2 / 2
            near = _Shares(self.k1 + extra, self.n1 + 2 * extra, self.k0 + extra, self.n0 + 2 * extra)
            low, high = near._logit_interval(odds)
            return min(value, low), max(value, high)
        return self._logit_interval(odds)

    def _logit_interval(self, odds: float) -> Bounds:
        centre = math.log(odds * (self.k1 / self.n1) / (self.k0 / self.n0))
        half = Z_95 * math.sqrt(1 / self.k1 - 1 / self.n1 + 1 / self.k0 - 1 / self.n0)
        return _expit(centre - half), _expit(centre + half)


def check_prevalence(prevalence: float) -> float:
    """Return it, or raise ValueError unless 0 < prevalence < 1."""
    if not 0 < prevalence < 1:
        raise ValueError(f"a prevalence lies between 0 and 1, ends excluded, got {prevalence}")
    return float(prevalence)


def _expit(x: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _half_up(number: float) -> int:
    """Nearest whole number; of two the larger, unlike round(), which takes the even one."""
    return math.floor(number + 0.5)
