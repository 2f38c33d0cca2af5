"""Readings that were taken elsewhere, into a study: all of them or none."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from derm_model.errors import AlreadyAnswered, RecordsError
from derm_model.evaluation.readers import Reading as Answer
from derm_model.evaluation.readers import latest
from derm_model.records import audit
from derm_model.records.reader_view import left_out
from derm_model.records.readings import check_answer
from derm_model.records.studies import join_study, settings_of
from derm_model.records.study_tables import Origin, Reading, Study, StudyImage
from derm_model.records.tables import now


def import_readings(session: Session, study_id: str, readings: Iterable[Answer], who: str) -> int:
    """Add readings under their readers' codes, and return how many; of corrected ones only the last word.

    Raises
    ------
    AlreadyAnswered
        An image was answered by that reader and in that pass already.
    RecordsError
        The study is closed or not there, an image or answer is none of it, or a code could name somebody.
    """
    study = session.get(Study, study_id)
    if study is None or study.closed_at is not None:
        raise RecordsError("The study is closed, or is not there. Choose one that is open.")
    query = select(StudyImage.source, StudyImage.image_id, StudyImage.position).where(StudyImage.study_id == study_id)
    positions = {(source, image_id): position for source, image_id, position in session.execute(query)}
    dropped = left_out(session, study_id)
    settings, people, n = settings_of(study), dict[str, str](), 0
    for answer in latest(readings):
        position = positions.get(answer.image)
        if position is None or position in dropped:
            raise RecordsError(
                f"The study has no image {answer.image_id!r} of {answer.source!r}. Nothing was imported."
            )
        if answer.with_ai and not settings.second_pass:
            raise RecordsError("The study has no second pass, and some readings are of one. Nothing was imported.")
        check_answer(study, settings, answer.answer, answer.seconds, answer.confidence, Origin.IMPORT)
        if answer.reader not in people:
            people[answer.reader] = join_study(session, study_id, answer.reader)
        session.add(_row(study_id, people[answer.reader], position, answer))
        n += 1
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyAnswered(
            "Some of these images were answered by these readers already. Nothing was imported."
        ) from error
    audit.append(session, audit.Action.STUDY, who, subjects=[study_id], details={"done": "imported", "readings": n})
    return n


def _row(study_id: str, person: str, position: int, answer: Answer) -> Reading:
    return Reading(
        participant_id=person,
        study_id=study_id,
        position=position,
        with_ai=answer.with_ai,
        answer=answer.answer,
        confidence=answer.confidence,
        seconds=answer.seconds,
        corrects_id=None,
        origin=Origin.IMPORT,
        recorded_at=now(),
    )
