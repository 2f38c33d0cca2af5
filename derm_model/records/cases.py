"""Looking at what is saved: the list of cases with search, filters and pages, and all of one case in order of time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from derm_model.errors import RecordsError
from derm_model.records.body import Side
from derm_model.records.case_tables import Answer, Case, Outcome, Prediction, StoredImage, Visit, VisitImage

PAGE_SIZE = 25


@dataclass(frozen=True)
class CaseFilter:
    """Which cases to list; what is None or empty does not restrict.

    Attributes
    ----------
    search
        Part of a patient key, a lesion's name or a note, whatever its capitals; or a case id from its beginning.
    outcome_nodes
        Only cases that turned out to be one of these nodes.
    """

    search: str = ""
    site: str | None = None
    side: Side | None = None
    has_outcome: bool | None = None
    outcome_nodes: Collection[str] | None = None
    bundle_id: str | None = None
    active_from: date | None = None
    active_to: date | None = None


@dataclass(frozen=True)
class OutcomeRow:
    """What a lesion turned out to be."""

    node: str
    taxonomy_digest: str
    confirmed_by: str
    diagnosed_on: date
    recorded_at: datetime


@dataclass(frozen=True)
class CaseRow:
    """A line of the list."""

    case_id: str
    patient_key: str
    lesion: str
    site: str
    side: Side | None
    n_visits: int
    n_images: int
    last_active_on: date
    outcome: OutcomeRow | None


@dataclass(frozen=True)
class CasePage:
    """One page of the list, and how many cases there are on all."""

    rows: tuple[CaseRow, ...]
    n: int
    page: int
    n_pages: int


@dataclass(frozen=True)
class AnswerRow:
    """One question asked at that time."""

    task_id: str
    score: float | None
    threshold: float | None
    threshold_rule: str | None


@dataclass(frozen=True)
class PredictionRow:
    """What a bundle said about one image, or (`image` None) about all images of the visit."""

    image: int | None
    bundle_id: str
    bundle_digest: str
    taxonomy_digest: str
    class_probs: Mapping[str, float]
    ood_percentile: float | None
    quality_notes: tuple[str, ...]
    answers: tuple[AnswerRow, ...]
    created_at: datetime


@dataclass(frozen=True)
class ImageRow:
    """An image of a visit; `derm_model.records.image_store` has the file."""

    sha256: str
    width_px: int
    height_px: int
    modality: str | None


@dataclass(frozen=True)
class VisitRow:
    """One day a lesion was looked at; images in their order, predictions oldest first. `note` is free text."""

    visit_id: str
    seen_on: date
    note: str
    images: tuple[ImageRow, ...]
    predictions: tuple[PredictionRow, ...]


@dataclass(frozen=True)
class CaseRecord:
    """All that is kept of a lesion: visits by day, outcomes oldest first, of which the last one counts."""

    case_id: str
    patient_key: str
    lesion: str
    site: str
    side: Side | None
    created_at: datetime
    last_active_on: date
    visits: tuple[VisitRow, ...]
    outcomes: tuple[OutcomeRow, ...]

    @property
    def outcome(self) -> OutcomeRow | None:
        """The last word."""
        return self.outcomes[-1] if self.outcomes else None


def list_cases(session: Session, chosen: CaseFilter | None = None, *, page: int = 1, size: int = PAGE_SIZE) -> CasePage:
    """Cases, the most recently active first; a page beyond the last is the last.

    Raises
    ------
    ValueError
        `page` or `size` is below 1.
    """
    if page < 1 or size < 1:
        raise ValueError(f"pages and their size count from 1, got page {page} of size {size}")
    last_id = select(Outcome.case_id, func.max(Outcome.id).label("id")).group_by(Outcome.case_id).subquery()
    last = aliased(Outcome)
    query = select(Case, last).outerjoin(last_id, last_id.c.case_id == Case.id).outerjoin(last, last.id == last_id.c.id)
    query = query.where(*_conditions(chosen or CaseFilter(), last))
    n = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    n_pages = max(1, -(-n // size))
    page = min(page, n_pages)
    newest = (Case.last_active_on.desc(), Case.created_at.desc(), Case.id)
    found = session.execute(query.order_by(*newest).limit(size).offset((page - 1) * size)).all()
    counts = _counts(session, [case.id for case, _ in found])
    rows = tuple(_case_row(case, outcome, *counts.get(case.id, (0, 0))) for case, outcome in found)
    return CasePage(rows, n, page, n_pages)


def _conditions(chosen: CaseFilter, last: type[Outcome]) -> list[ColumnElement[bool]]:
    visits = select(Visit.case_id)
    conditions: list[ColumnElement[bool]] = []
    if words := chosen.search.strip():
        noted = visits.where(Visit.note.icontains(words, autoescape=True))
        conditions.append(
            or_(
                Case.patient_key.icontains(words, autoescape=True),
                Case.lesion.icontains(words, autoescape=True),
                Case.id.startswith(words.lower(), autoescape=True),
                Case.id.in_(noted),
            )
        )
    if chosen.site is not None:
        conditions.append(Case.site == chosen.site)
    if chosen.side is not None:
        conditions.append(Case.side == chosen.side)
    if chosen.has_outcome is not None:
        conditions.append(last.id.is_not(None) if chosen.has_outcome else last.id.is_(None))
    if chosen.outcome_nodes is not None:
        conditions.append(last.node.in_(sorted(chosen.outcome_nodes)))
    if chosen.bundle_id is not None:
        answered = visits.join(Prediction, Prediction.visit_id == Visit.id)
        conditions.append(Case.id.in_(answered.where(Prediction.bundle_id == chosen.bundle_id)))
    if chosen.active_from is not None:
        conditions.append(Case.last_active_on >= chosen.active_from)
    if chosen.active_to is not None:
        conditions.append(Case.last_active_on <= chosen.active_to)
    return conditions


def _counts(session: Session, case_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Visits and images by case."""
    query = (
        select(Visit.case_id, func.count(Visit.id.distinct()), func.count(VisitImage.id))
        .outerjoin(VisitImage, VisitImage.visit_id == Visit.id)
        .where(Visit.case_id.in_(case_ids))
        .group_by(Visit.case_id)
    )
    return {case_id: (n_visits, n_images) for case_id, n_visits, n_images in session.execute(query)}


def _case_row(case: Case, outcome: Outcome | None, n_visits: int, n_images: int) -> CaseRow:
    return CaseRow(
        case_id=case.id,
        patient_key=case.patient_key,
        lesion=case.lesion,
        site=case.site,
        side=None if case.side is None else Side(case.side),
        n_visits=n_visits,
        n_images=n_images,
        last_active_on=case.last_active_on,
        outcome=None if outcome is None else outcome_row(outcome),
    )


def outcome_row(outcome: Outcome) -> OutcomeRow:
    """Outcome apart from its session."""
    return OutcomeRow(
        node=outcome.node,
        taxonomy_digest=outcome.taxonomy_digest,
        confirmed_by=outcome.confirmed_by,
        diagnosed_on=outcome.diagnosed_on,
        recorded_at=outcome.recorded_at,
    )


def case_record(session: Session, case_id: str) -> CaseRecord:
    """All that is kept of a case.

    Raises
    ------
    RecordsError
        There is no such case.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise RecordsError("The case is no longer there: somebody deleted it.")
    visits = session.scalars(
        select(Visit).where(Visit.case_id == case_id).order_by(Visit.seen_on, Visit.created_at, Visit.id)
    )
    outcomes = session.scalars(select(Outcome).where(Outcome.case_id == case_id).order_by(Outcome.id))
    return CaseRecord(
        case_id=case.id,
        patient_key=case.patient_key,
        lesion=case.lesion,
        site=case.site,
        side=None if case.side is None else Side(case.side),
        created_at=case.created_at,
        last_active_on=case.last_active_on,
        visits=tuple(_visit_row(session, visit) for visit in visits.all()),
        outcomes=tuple(map(outcome_row, outcomes)),
    )


def _visit_row(session: Session, visit: Visit) -> VisitRow:
    images = session.execute(
        select(VisitImage, StoredImage)
        .join(StoredImage, StoredImage.sha256 == VisitImage.sha256)
        .where(VisitImage.visit_id == visit.id)
        .order_by(VisitImage.position)
    ).all()
    positions = {shown.id: shown.position for shown, _ in images}
    predictions = session.scalars(
        select(Prediction).where(Prediction.visit_id == visit.id).order_by(Prediction.created_at, Prediction.id)
    )
    return VisitRow(
        visit_id=visit.id,
        seen_on=visit.seen_on,
        note=visit.note,
        images=tuple(ImageRow(i.sha256, i.width_px, i.height_px, shown.modality) for shown, i in images),
        predictions=tuple(_prediction_row(session, row, positions) for row in predictions.all()),
    )


def _prediction_row(session: Session, row: Prediction, positions: Mapping[str, int]) -> PredictionRow:
    answers = session.scalars(select(Answer).where(Answer.prediction_id == row.id).order_by(Answer.task_id))
    return PredictionRow(
        image=None if row.visit_image_id is None else positions[row.visit_image_id],
        bundle_id=row.bundle_id,
        bundle_digest=row.bundle_digest,
        taxonomy_digest=row.taxonomy_digest,
        class_probs=row.class_probs,
        ood_percentile=row.ood_percentile,
        quality_notes=tuple(row.quality_notes),
        answers=tuple(AnswerRow(a.task_id, a.score, a.threshold, a.threshold_rule) for a in answers),
        created_at=row.created_at,
    )
