"""What readers answer: rows that are only ever added, and what may be added when."""

from __future__ import annotations

import math

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from derm_model.errors import AlreadyAnswered, RecordsError, TruthTold
from derm_model.records.reader_view import answered, left_out, participant_of, reader_state
from derm_model.records.studies import StudySettings, settings_of
from derm_model.records.study_tables import (
    Origin,
    Participant,
    PrescreenVote,
    Reading,
    Reason,
    Role,
    Study,
    StudyImage,
)
from derm_model.records.tables import now


def record_reading(
    session: Session,
    participant_id: str,
    position: int,
    answer: str,
    *,
    with_ai: bool = False,
    seconds: float | None,
    confidence: int | None = None,
    origin: Origin = Origin.APP,
) -> int:
    """Keep the first answer to an image and return its id.

    Parameters
    ----------
    seconds
        From image shown to answer given; None only of imported readings that do not say.
    confidence
        0 to 100, where the study asks for it.

    Raises
    ------
    AlreadyAnswered
        There is an answer, e.g. from another tab.
    RecordsError
        The study is closed, the image or the answer is none of it, or it is not this pass's turn.
    """
    person, study = _open(session, participant_id, Role.READER)
    settings = settings_of(study)
    if with_ai and not settings.second_pass:
        raise RecordsError("The study has no second pass.")
    if with_ai and origin is Origin.APP:
        state = reader_state(session, participant_id)
        if not state.with_ai or state.waits_until is not None:
            raise RecordsError(
                "The second pass begins when every image was answered without the network and the pause is over."
            )
    _check_image(session, study, position)
    check_answer(study, settings, answer, seconds, confidence, origin)
    return _insert(
        session,
        Reading(
            participant_id=person.id,
            study_id=study.id,
            position=position,
            with_ai=with_ai,
            answer=answer,
            confidence=confidence,
            seconds=seconds,
            corrects_id=None,
            origin=origin,
            recorded_at=now(),
        ),
    )


def correct_reading(
    session: Session,
    participant_id: str,
    reading_id: int,
    answer: str,
    *,
    seconds: float | None,
    confidence: int | None = None,
) -> int:
    """Add a row that takes the place of one's own earlier answer; the earlier one stays.

    Raises
    ------
    AlreadyAnswered
        The row was corrected already, e.g. from another tab.
    TruthTold
        The person was told what the images show.
    RecordsError
        It is not this person's, the study is closed, or the answer is none of it.
    """
    person, study = _open(session, participant_id, Role.READER)
    if person.told_at is not None:
        raise TruthTold("You have been shown what the images show. Answers given before stay as they are.")
    earlier = session.get(Reading, reading_id)
    if earlier is None or earlier.participant_id != person.id:
        raise RecordsError("Only one's own answers can be corrected.")
    if not earlier.with_ai and answered(session, person.id, with_ai=True):
        raise RecordsError("With the network's answers seen, those given without them stay as they are.")
    check_answer(study, settings_of(study), answer, seconds, confidence, Origin.APP)
    return _insert(
        session,
        Reading(
            participant_id=person.id,
            study_id=study.id,
            position=earlier.position,
            with_ai=earlier.with_ai,
            answer=answer,
            confidence=confidence,
            seconds=seconds,
            corrects_id=earlier.id,
            origin=Origin.APP,
            recorded_at=now(),
        ),
    )


def _insert(session: Session, row: Reading) -> int:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyAnswered("The image was answered already, from another tab or device. Go on.") from error
    return row.id


def record_vote(
    session: Session, participant_id: str, position: int, usable: bool, reason: Reason | None = None
) -> None:
    """Keep whether an image is fit for the study; said again, the last word counts.

    Raises
    ------
    RecordsError
        The person does not pre-screen, the study is closed or was begun by readers, or has no such image.
    """
    person, study = _open(session, participant_id, Role.PRESCREENER)
    if session.get(StudyImage, (study.id, position)) is None:
        raise RecordsError(f"The study has no image {position}.")
    if session.scalar(select(func.count()).select_from(Reading).where(Reading.study_id == study.id)):
        raise RecordsError("Images are pre-screened before the first reading, and there are readings already.")
    session.add(
        PrescreenVote(
            participant_id=person.id,
            study_id=study.id,
            position=position,
            usable=usable,
            reason=None if usable else reason,
            recorded_at=now(),
        )
    )
    session.flush()


def _open(session: Session, participant_id: str, role: Role) -> tuple[Participant, Study]:
    person, study = participant_of(session, participant_id)
    if person.role != role:
        raise RecordsError(f"{person.code} takes part as a {person.role}, and this is for a {role}.")
    if study.closed_at is not None:
        raise RecordsError("The study is closed. No more answers are taken; those there are kept.")
    return person, study


def _check_image(session: Session, study: Study, position: int) -> None:
    if session.get(StudyImage, (study.id, position)) is None or position in left_out(session, study.id):
        raise RecordsError(f"The study has no image {position}.")


def check_answer(
    study: Study,
    settings: StudySettings,
    answer: str,
    seconds: float | None,
    confidence: int | None,
    origin: Origin,
) -> None:
    """Check an answer against the study; what a study did not ask may come with an import.

    Raises
    ------
    RecordsError
        The answer is none of the study's, or time or confidence is missing, not asked for or out of range.
    """
    if answer not in study.choices:
        raise RecordsError(f"An answer is one of {', '.join(study.choices)}; got {answer!r}.")
    if seconds is None and origin is Origin.APP:
        raise RecordsError("How long the answer took is missing.")
    if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
        raise RecordsError(f"The time an answer took is 0 s or longer, got {seconds}.")
    asked = settings.confidence or origin is Origin.IMPORT
    if confidence is not None and not (asked and 0 <= confidence <= 100):
        raise RecordsError(f"Confidence is 0 to 100 where the study asks for it, got {confidence}.")
