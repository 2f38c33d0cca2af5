"""Answers whose outcome is known: what the tool said before, and what the lesion turned out to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from derm_model.evaluation.clinic import ClinicRates, clinic_rates
from derm_model.records.case_tables import Answer, Case, Outcome, Prediction, Visit
from derm_model.taxonomy import Task, Taxonomy


@dataclass(frozen=True)
class FollowedAnswer:
    """The last answer to a question before the outcome was recorded; one per lesion."""

    case_id: str
    node: str
    confirmed_by: str
    diagnosed_on: date
    bundle_id: str
    score: float
    threshold: float


@dataclass(frozen=True, eq=False)
class FollowedCases:
    """Followed answers on either side of a question, oldest diagnosis first.

    Attributes
    ----------
    labels : (n,) bool
        True where the diagnosis is on the question's positive side.
    scores, thresholds : (n,) float
        As they were when the answer was given.
    days
        Of the diagnoses.
    n_outside
        Lesions whose diagnosis is on neither side.
    n_unknown
        Lesions whose diagnosis is not in this taxonomy.
    """

    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    days: tuple[date, ...]
    n_outside: int
    n_unknown: int

    def rates(self, threshold: float | None = None) -> ClinicRates:
        """Rates as decided then, or with one threshold for all."""
        return clinic_rates(self.labels, self.scores, self.thresholds if threshold is None else threshold)


def followed_answers(
    session: Session, task_id: str, *, bundle_id: str, confirmed_by: Sequence[str] | None = None
) -> tuple[FollowedAnswer, ...]:
    """Last answer of each lesion with an outcome, oldest diagnosis first.

    An answer counts only when it was saved before the first outcome of its lesion: later ones may have been chosen. Of
    the last visit with an answer, the one about all images together is taken where there is one, then the latest.

    Parameters
    ----------
    session, task_id
    bundle_id
        Only answers of this bundle: rates of two are not one rate.
    confirmed_by
        Only outcomes confirmed in one of these ways.
    """
    bounds = (
        select(Outcome.case_id, func.min(Outcome.recorded_at).label("first"), func.max(Outcome.id).label("last"))
        .group_by(Outcome.case_id)
        .subquery()
    )
    last = aliased(Outcome)
    query = (
        select(Case.id, last, Prediction.bundle_id, Answer.score, Answer.threshold)
        .join(bounds, bounds.c.case_id == Case.id)
        .join(last, last.id == bounds.c.last)
        .join(Visit, Visit.case_id == Case.id)
        .join(Prediction, Prediction.visit_id == Visit.id)
        .join(Answer, Answer.prediction_id == Prediction.id)
        .where(Answer.task_id == task_id, Answer.score.is_not(None), Answer.threshold.is_not(None))
        .where(Prediction.bundle_id == bundle_id, Prediction.created_at <= bounds.c.first)
        .order_by(
            last.diagnosed_on,
            Case.id,
            Visit.seen_on.desc(),
            Visit.created_at.desc(),
            Prediction.visit_image_id.is_not(None),
            Prediction.created_at.desc(),
            Prediction.id,
        )
    )
    if confirmed_by is not None:
        query = query.where(last.confirmed_by.in_(confirmed_by))
    found: dict[str, FollowedAnswer] = {}
    for case_id, outcome, bundle, score, threshold in session.execute(query):
        assert score is not None and threshold is not None  # the query asks for these alone
        answer = FollowedAnswer(
            case_id, outcome.node, outcome.confirmed_by, outcome.diagnosed_on, bundle, score, threshold
        )
        found.setdefault(case_id, answer)
    return tuple(found.values())


def followed_cases(answers: Sequence[FollowedAnswer], task: Task, taxonomy: Taxonomy) -> FollowedCases:
    """Answers with the side their diagnosis is on; those on neither side are counted and left out."""
    sides = [_side(answer.node, task, taxonomy) for answer in answers]
    kept = [(answer, side) for answer, side in zip(answers, sides, strict=True) if isinstance(side, bool)]
    return FollowedCases(
        labels=np.array([side for _, side in kept], dtype=np.bool_),
        scores=np.array([answer.score for answer, _ in kept], dtype=np.float64),
        thresholds=np.array([answer.threshold for answer, _ in kept], dtype=np.float64),
        days=tuple(answer.diagnosed_on for answer, _ in kept),
        n_outside=sides.count("outside"),
        n_unknown=sides.count("unknown"),
    )


def _side(node: str, task: Task, taxonomy: Taxonomy) -> bool | str:
    if node not in taxonomy:
        return "unknown"
    for label, nodes in ((True, task.positive), (False, task.negative)):
        if any(taxonomy.is_within(node, side) for side in nodes):
            return label
    return "outside"
