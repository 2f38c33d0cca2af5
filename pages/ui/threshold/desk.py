"""One question on the threshold desk: images, points, presets, and what must be said of them. No Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from derm_model import words
from derm_model.card import FIRST_PRESET, TaskCard
from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.decision import CostChoice, cheapest_point
from derm_model.operating_points import SavedPoint
from derm_model.taxonomy import Task, TaskClasses
from pages.ui.question import FIRST_THRESHOLD, SAVED
from pages.ui.threshold.hand import Hand
from pages.ui.threshold.sources import HOLDOUT, TRAIN, VALIDATION, Choice, Images

BY_COST = "Cost ratio"
OPTIMISTIC = "**Optimistic.**"


@dataclass(frozen=True, eq=False)
class Desk:
    """Everything that is drawn, but for the hand, which moves.

    Attributes
    ----------
    bundle_id, sides, card
        `card` is None where the bundle was not measured on the question.
    shown
        The images whose curve and rates are shown.
    choosing
        The curve presets are chosen on: validation images where there are any, else those shown.
    hand
    saved
        Operating points that were saved for this question.
    offered
        All images that can be shown.
    kept
        Of the session: what took long to make, by what it is, with what it was made of.
    """

    bundle_id: str
    sides: TaskClasses
    card: TaskCard | None
    shown: Images
    choosing: Images
    hand: Hand
    saved: tuple[SavedPoint, ...]
    offered: tuple[Choice, ...]
    kept: dict[str, tuple[tuple[Hashable, ...], Any]]

    def keep(self, key: tuple[Hashable, ...], make: Callable[[], Any]) -> Any:
        """What was made last time, unless key or curve have changed since; the key's first entry says what it is."""
        known, full = self.kept.get(str(key[0])), (*key, self.curve)
        if known is None or known[0] != full:
            known = self.kept[str(key[0])] = (full, make())
        return known[1]

    @property
    def task(self) -> Task:
        """The question."""
        return self.sides.task

    @property
    def curve(self) -> OperatingCurve:
        """Of the images shown."""
        return self.shown.curve

    @property
    def point(self) -> OperatingPoint:
        """Point A on the images shown."""
        return self.curve.at_threshold(self.hand.threshold)

    @property
    def other(self) -> OperatingPoint | None:
        """Point B on the images shown."""
        return None if self.hand.other is None else self.curve.at_threshold(self.hand.other)

    @property
    def own_prevalence(self) -> float:
        """Share of the images shown that have the disease."""
        return self.curve.n_pos / (self.curve.n_pos + self.curve.n_neg)

    @property
    def prevalence(self) -> float:
        """The share of people with the disease that predictive values are for."""
        return self.own_prevalence if self.hand.prevalence is None else self.hand.prevalence

    @property
    def presets(self) -> dict[str, float]:
        """Thresholds by name; that of the cost ratio is not among them, because it depends on the hand."""
        curve = self.choosing.curve
        points = {
            FIRST_PRESET: curve.at_sensitivity(0.90),
            "Sensitivity 95%": curve.at_sensitivity(0.95),
            "Specificity 90%": curve.at_specificity(0.90),
            "Youden": curve.youden(),
        }
        found = {name: point.threshold for name, point in points.items() if point is not None}
        if self.card is not None and self.choosing.choice.key == VALIDATION:
            found |= {preset.name: preset.threshold for preset in self.card.presets}
        return found

    @property
    def saved_thresholds(self) -> dict[str, float]:
        """Saved ones, named as on Classify."""
        return {SAVED.format(point.name): point.threshold for point in self.saved}

    @property
    def in_force(self) -> str | None:
        """Name of the preset or saved point the threshold is that of."""
        if self.hand.follows_cost:
            cheapest = self.cheapest.point
            return BY_COST if cheapest is not None and cheapest.threshold == self.hand.threshold else None
        known = {**self.presets, **self.saved_thresholds}
        return next((name for name, value in known.items() if value == self.hand.threshold), None)

    def take_preset(self, name: str) -> None:
        """Set point A to a preset or a saved point."""
        if name in self.presets:
            self.hand.move(self.presets[name], self.choosing.choice.key)
            return
        for point in self.saved:
            if SAVED.format(point.name) == name:
                self.hand.move(point.threshold, key_of(point.chosen_on, self.offered))

    def set_by_hand(self, threshold: float) -> None:
        """Set point A on the curve that is shown: from now on it was chosen on these images."""
        if threshold != self.hand.threshold:
            self.hand.move(threshold, self.shown.choice.key)

    @property
    def cheapest(self) -> CostChoice:
        """The threshold of least expected cost at the prevalence and the cost of the hand."""
        return cheapest_point(self.choosing.curve, self.hand.cost, self.prevalence)

    def take_cost_ratio(self) -> None:
        """Set point A to it; where no threshold is worth using, A stays."""
        point = self.cheapest.point
        if point is not None:
            self.hand.move(point.threshold, self.choosing.choice.key, by_cost=True)

    def set_prevalence(self, share: float | None) -> None:
        """Set the prevalence, None for that of the images; a threshold chosen by the cost ratio follows."""
        self.hand.prevalence = share
        self._follow()

    def set_cost(self, cost: float) -> None:
        """Set the cost; a threshold chosen by the cost ratio follows."""
        self.hand.cost = cost
        self._follow()

    def _follow(self) -> None:
        if self.hand.follows_cost:
            self.take_cost_ratio()

    @property
    def chosen_on(self) -> str:
        """The images the threshold was chosen on, in words."""
        return name_of(self.hand.chosen_on, self.offered)


def first_hand(card: TaskCard | None, choosing: Images) -> Hand:
    """Where a desk begins: the preset Classify begins with."""
    presets = {} if card is None else {preset.name: preset.threshold for preset in card.presets}
    threshold = presets.get(FIRST_PRESET, next(iter(presets.values()), None))
    if threshold is None:
        reached = choosing.curve.at_sensitivity(0.90)
        threshold = FIRST_THRESHOLD if reached is None else reached.threshold
    return Hand(threshold=min(1.0, max(0.0, threshold)), chosen_on=choosing.choice.key)


def name_of(key: str, offered: Iterable[Choice]) -> str:
    """Images in words, from their key."""
    return next((choice.name for choice in offered if choice.key == key), "images that are not known")


def key_of(name: str, offered: Iterable[Choice]) -> str:
    """Key of images from their words; "" where they are not here (any more)."""
    return next((choice.key for choice in offered if choice.name == name), "")


def warnings(desk: Desk) -> list[str]:
    """Why the rates shown may flatter, in Markdown; empty where nothing is known against them."""
    shown, chosen = desk.shown.choice, desk.hand.chosen_on
    found = []
    if shown.seen == TRAIN:
        found.append(f"{OPTIMISTIC} The model learnt from these images.")
    if chosen == shown.key:
        found.append(f"{OPTIMISTIC} This threshold was chosen on the images it is shown on.")
    elif shown.seen == VALIDATION:
        found.append(f"{OPTIMISTIC} The model and its presets were chosen on these images.")
    elif not chosen or chosen not in {choice.key for choice in desk.offered}:
        found.append(
            "**Perhaps optimistic.** On which images this threshold was chosen is not known here; "
            "if it was on these, the rates flatter it."
        )
    elif VALIDATION not in (chosen, shown.key) and HOLDOUT in (chosen, shown.key):
        found.append(f"**Perhaps optimistic.** This threshold was chosen on {desk.chosen_on}, which may be these.")
    if shown.seen not in (TRAIN, VALIDATION, "held out"):
        found.append(
            "**Perhaps optimistic.** It is not known whether the model learnt from these images. "
            "If it did, the rates flatter it."
        )
    return found


def about_curve(desk: Desk) -> str:
    """What the curve was counted on, in one sentence without a full stop."""
    n_pos, n_neg = desk.curve.n_pos, desk.curve.n_neg
    proven = desk.card is not None and desk.card.biopsy_proven and desk.shown.choice.key == HOLDOUT
    return (
        f"{words.count(n_pos + n_neg)} {'biopsy-proven ' if proven else ''}images, "
        f"n = {words.count(n_pos)} + {words.count(n_neg)} (with + without {desk.task.positive_name})"
    )
