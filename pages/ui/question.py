"""One binary question put to probabilities: score, threshold, error rates, verdict. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model import words
from derm_model.answer import region_mass
from derm_model.card import FIRST_PRESET, TaskCard
from derm_model.errors import EvaluationError
from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.operating_points import SavedPoint, read_points
from derm_model.report import TaskResult, task_result
from derm_model.taxonomy import TaskClasses, task_score
from derm_model.verdict import Verdict, judge

if TYPE_CHECKING:
    from pages.ui.resources import Model

Thresholds = dict[tuple[str, str], float]  # by (bundle id, task id)

FIRST_THRESHOLD = 0.5  # where none was chosen on images: the middle, and the page says that nothing is known of it
BY_HAND, UNCHOSEN = "set by hand", "the middle, chosen by nobody"
SAVED = "{} (saved)"


@dataclass(frozen=True, eq=False)
class Question:
    """A question, the (n_classes,) probabilities it is put to, and the thresholds of the session.

    `thresholds` is the session's own object: a download that is built later sees the threshold of that moment.
    """

    model: Model
    classes: TaskClasses
    probs: NDArray[np.float64]
    thresholds: Thresholds

    @property
    def card(self) -> TaskCard | None:
        """What is known of the question, if anything."""
        return self.model.card.tasks.get(self.classes.task.id)

    @property
    def score(self) -> float | None:
        """Score in [0, 1]; None where the model puts nothing on either side."""
        score = float(task_score(self.probs, self.classes))
        return None if np.isnan(score) else score

    @property
    def region_probability(self) -> float:
        """Probability that the image lies on either side at all."""
        return region_mass(self.probs, self.classes)

    @property
    def presets(self) -> dict[str, float]:
        """Thresholds by name: those of the card, chosen on validation images, then those that people saved."""
        return {**self._of_card, **{SAVED.format(point.name): point.threshold for point in self.saved}}

    @property
    def saved(self) -> tuple[SavedPoint, ...]:
        """Operating points saved for this question; none where their file cannot be read (`saved_problem`)."""
        return self._read_saved[0]

    @property
    def saved_problem(self) -> str | None:
        """Why the saved operating points cannot be offered."""
        return self._read_saved[1]

    @property
    def saved_in_force(self) -> SavedPoint | None:
        """The saved point with this threshold, unless a preset of the card has it, too."""
        if self.threshold in self._of_card.values():
            return None
        return next((point for point in self.saved if point.threshold == self.threshold), None)

    @property
    def threshold(self) -> float:
        """The threshold in force."""
        default = self._of_card.get(FIRST_PRESET, next(iter(self._of_card.values()), FIRST_THRESHOLD))
        return self.thresholds.get(self._key, default)

    @property
    def is_chosen(self) -> bool:
        """Whether somebody chose the threshold: on images, or by hand in this session."""
        return self._key in self.thresholds or bool(self._of_card)

    def set_threshold(self, value: float) -> None:
        """Set it for the session; outside [0, 1] it is the nearer end."""
        self.thresholds[self._key] = min(1.0, max(0.0, float(value)))

    @property
    def presets_in_force(self) -> tuple[str, ...]:
        """Presets with this threshold: none for one set by hand, and two may coincide."""
        return tuple(name for name, value in self.presets.items() if value == self.threshold)

    @property
    def curve(self) -> OperatingCurve | None:
        """Curve the rates are read from: held-out images where there are any, else validation images."""
        return None if self.card is None else self.card.holdout or self.card.validation

    @property
    def point(self) -> OperatingPoint | None:
        """Error rates at the threshold in force."""
        return None if self.curve is None else self.curve.at_threshold(self.threshold)

    @property
    def verdict(self) -> Verdict | None:
        """Verdict on the score; None where there is no score."""
        return None if self.score is None else judge(self.score, self.threshold, self.curve)

    def put_to(self, probs: NDArray[np.float64]) -> Question:
        """The same question, put to other probabilities."""
        return Question(self.model, self.classes, probs, self.thresholds)

    def result(self) -> TaskResult:
        """For a report."""
        saved = self.saved_in_force
        rule = " = ".join(self.presets_in_force) or (BY_HAND if self.is_chosen else UNCHOSEN)
        origin = None if saved is None else words.saved_origin(saved.name, saved.chosen_on, saved.who)
        return task_result(self.classes, self.card, self.probs, self.threshold, rule, origin)

    @property
    def _of_card(self) -> dict[str, float]:
        return {} if self.card is None else {preset.name: preset.threshold for preset in self.card.presets}

    @cached_property  # read once per run of the page: what somebody saves meanwhile is there on the next one
    def _read_saved(self) -> tuple[tuple[SavedPoint, ...], str | None]:
        try:
            points = read_points(self.model.card.bundle_id)
        except EvaluationError as error:
            return (), str(error)
        return tuple(point for point in points if point.task_id == self.classes.task.id), None

    @property
    def _key(self) -> tuple[str, str]:
        return self.model.card.bundle_id, self.classes.task.id


def sides(questions: Sequence[Question]) -> tuple[bool | None, ...]:
    """Per question: above the threshold or not; None without a score."""
    return tuple(None if q.score is None else q.score >= q.threshold for q in questions)
