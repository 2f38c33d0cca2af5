"""Every number of an operating point at the prevalence and cost of the desk. No Streamlit, no statistics of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from derm_model import words
from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.decision import net_benefit, threshold_for
from derm_model.evaluation.predictive import (
    NaturalFrequencies,
    PredictiveValues,
    natural_frequencies,
    predictive_values,
)
from pages.ui.threshold.desk import Desk

PEOPLE = 1000
STEPS = 1000  # of the slider
Rows = list[list[Any]]


@dataclass(frozen=True)
class Numbers:
    """What an operating point comes to; `benefit` is the net benefit per 1,000 people."""

    point: OperatingPoint
    values: PredictiveValues
    people: NaturalFrequencies
    benefit: float

    @property
    def ppv_text(self) -> str:
        """Whole per cent."""
        return "not defined" if self.values.ppv is None else words.percent(self.values.ppv)

    @property
    def npv_text(self) -> str:
        """One decimal, and never a false 100%."""
        return "not defined" if self.values.npv is None else words.fine_percent(self.values.npv)

    @property
    def ppv_note(self) -> str:
        """Interval of the PPV, and the prevalence it holds for."""
        bounds = self.values.ppv_interval
        return self._note("" if bounds is None else words.interval(*bounds))

    @property
    def npv_note(self) -> str:
        """The same of the NPV, with one decimal."""
        bounds = self.values.npv_interval
        return self._note("" if bounds is None else f"{100 * bounds[0]:.1f}–{bounds[1]:.1%}")

    def _note(self, interval: str) -> str:
        return f"{interval}, at {self.values.prevalence:.1%} prevalence".removeprefix(", ")

    @property
    def needed_text(self) -> str:
        """Number needed to biopsy."""
        needed = self.values.needed_to_biopsy
        return "not defined" if needed is None else f"{needed:.1f}"


def numbers_at(desk: Desk, point: OperatingPoint) -> Numbers:
    """The numbers of a point of the curve shown."""
    share, weighing = desk.prevalence, threshold_for(desk.hand.cost)
    return Numbers(
        point=point,
        values=predictive_values(point, share),
        people=natural_frequencies(point, share, PEOPLE),
        benefit=PEOPLE * net_benefit(point, weighing, share),
    )


def benefit_of_all(desk: Desk) -> float:
    """Net benefit per 1,000 people when everybody is treated."""
    everybody = desk.curve.at_threshold(-1.0)  # below every score
    return PEOPLE * net_benefit(everybody, threshold_for(desk.hand.cost), desk.prevalence)


def benefits(desk: Desk) -> tuple[list[float], list[float]]:
    """Thresholds from 0 to 1 and the net benefit per 1,000 people up to each, from `rows`."""
    place = FIELDS.index("benefit")
    found = [(1.0 if row[0] is None else float(row[0]), float(row[place])) for row in kept_rows(desk)]
    return [0.0, *(upto for upto, _ in found)], [found[0][1], *(value for _, value in found)]


def kept_rows(desk: Desk) -> Rows:
    """`rows`, worked out anew only when prevalence, cost or point B change, or A lies between places of the slider."""
    hand = desk.hand
    between = None if round(hand.threshold, 3) == hand.threshold else hand.threshold
    key = ("rows", desk.prevalence, hand.cost, hand.other, between, desk.saved)
    kept: Rows = desk.keep(key, lambda: rows(desk))
    return kept


def rows(desk: Desk) -> Rows:
    """`FIELDS` for every range of thresholds that the hand can reach, ascending; see `components.readout`.

    Within a range no image changes sides. The slider has a thousand places, so more rows are of no use; presets, saved
    points and the points in force are reached exactly.
    """
    curve = desk.curve
    reached = [*np.linspace(0, 1, STEPS + 1), *desk.presets.values(), *desk.saved_thresholds.values()]
    reached += [value for value in (desk.hand.threshold, desk.hand.other) if value is not None]
    found: Rows = []
    everybody = benefit_of_all(desk)
    for position in sorted(set(np.searchsorted(curve.thresholds, reached, side="left").tolist())):
        upto = float(curve.thresholds[position]) if position < curve.thresholds.size else None
        # above the last threshold nothing is called
        point = curve.at_threshold(float(curve.thresholds[-1]) + 1.0 if upto is None else upto)
        found.append([upto, *_row(numbers_at(desk, point), everybody)])
    found[-1][0] = None
    return found


FIELDS = (
    "upto",
    *("se", "seLow", "seHigh", "sp", "spLow", "spHigh"),
    *("seText", "seInterval", "spText", "spInterval", "ppv", "ppvNote", "npv", "npvNote", "needed"),
    *("found", "missed", "alarms", "spared", "foundText", "missedText", "alarmsText", "sparedText"),
    *("imagesFound", "imagesMissed", "imagesAlarms", "imagesSpared"),
    *("above", "below", "benefit", "benefitText", "best"),
    *("ppvHalf", "ppvHalfLow", "ppvHalfHigh", "npvHalf", "npvHalfLow", "npvHalfHigh"),
)
HALF = 0.5  # prevalence at which the odds before the image are 1: the readout moves these values to any other
DIGITS = 9  # of them: enough for one decimal of a per cent at a prevalence of 0.1 %, and half as long as all


def _row(numbers: Numbers, everybody: float) -> list[Any]:
    point, people, images = numbers.point, numbers.people, numbers.point.counts
    best = max((numbers.benefit, "this threshold"), (everybody, "treating everybody"), (0.0, "treating nobody"))[1]
    groups = (people.found, people.missed, people.false_alarms, people.spared)
    return [
        *(point.sensitivity, *point.sensitivity_interval, point.specificity, *point.specificity_interval),
        *(f"{point.sensitivity:.0%}", words.interval(*point.sensitivity_interval)),
        *(f"{point.specificity:.0%}", words.interval(*point.specificity_interval)),
        *(numbers.ppv_text, numbers.ppv_note, numbers.npv_text, numbers.npv_note, numbers.needed_text),
        *groups,
        *(people_text(n, expected) for n, expected in zip(groups, people.expected, strict=True)),
        *map(words.count, (images.found, images.missed, images.false_alarms, images.spared)),
        *(people.n_called, PEOPLE - people.n_called, numbers.benefit, signed(numbers.benefit), best),
        *_at_half(point),
    ]


def _at_half(point: OperatingPoint) -> Iterator[float | None]:
    """PPV and NPV with their bounds where half the people have the disease; None where they are not defined."""
    found = predictive_values(point, HALF)
    for value, bounds in ((found.ppv, found.ppv_interval), (found.npv, found.npv_interval)):
        for number in (value, *(bounds or (None, None))):
            yield None if number is None else round(number, DIGITS)


def signed(value: float) -> str:
    """One decimal with a minus sign."""
    return f"{value:.1f}".replace("-", "−")


def people_text(rounded: int, expected: float) -> str:
    """Whole people; where a 0 stands for a part of one, that is said."""
    return f"{rounded} (expected {expected:.1f})" if rounded == 0 and expected >= 0.05 else words.count(rounded)
