"""What a reader sees of a study. No query and no type here knows the truth.

Where somebody is follows from what they have answered and from nothing else: a tab that closes, a server that dies or
another device loses nothing but the image on the screen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from derm_model.errors import RecordsError
from derm_model.records.studies import StudySettings, settings_of
from derm_model.records.study_tables import Participant, PrescreenVote, Reading, Role, Study, StudyImage
from derm_model.records.tables import now


@dataclass(frozen=True)
class ReaderImage:
    """An image as a reader meets it: neither truth nor source nor the data set's name of it, which may tell.

    Attributes
    ----------
    position
        In the study; what an answer names.
    number
        In this reader's own order, from 1.
    """

    position: int
    number: int


@dataclass(frozen=True)
class GivenAnswer:
    """What a reader answered, to be looked at and corrected by the same reader."""

    reading_id: int
    position: int
    with_ai: bool
    answer: str
    confidence: int | None


@dataclass(frozen=True)
class ReaderState:
    """Where somebody is.

    Attributes
    ----------
    with_ai
        Whether the network's answers are shown now.
    done, total
        Images of this pass.
    next
        Image to answer; None at the end, or while `waits_until` is in the future.
    waits_until
        When the second pass begins; None where it may.
    """

    with_ai: bool
    done: int
    total: int
    next: ReaderImage | None
    waits_until: datetime | None

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to answer, now or later."""
        return self.next is None and self.waits_until is None


def own_order(seed: int, code: str, with_ai: bool, positions: Collection[int]) -> tuple[int, ...]:
    """Positions in the order of one reader and pass: the same on every device and version, another for every reader.

    Sorted by a hash of seed, code, pass and position, so that an image that is left out moves no other.
    """
    pass_name = "with" if with_ai else "without"

    def key(position: int) -> bytes:
        return hashlib.sha256(f"{seed}/{code}/{pass_name}/{position}".encode()).digest()

    return tuple(sorted(positions, key=key))


def reader_state(session: Session, participant_id: str, at: datetime | None = None) -> ReaderState:
    """Where a participant is at a moment (now); of somebody who pre-screens, among the votes.

    Raises
    ------
    RecordsError
        There is no such participant.
    """
    person, study = participant_of(session, participant_id)
    dropped = frozenset() if person.role == Role.PRESCREENER else left_out(session, study.id)
    query = select(StudyImage.position).where(StudyImage.study_id == study.id)
    shown = [position for position in session.scalars(query) if position not in dropped]
    if person.role == Role.PRESCREENER:
        votes = select(PrescreenVote.position).where(PrescreenVote.participant_id == person.id)
        return _state(study, person, False, shown, set(session.scalars(votes)))
    first = _state(study, person, False, shown, answered(session, person.id, with_ai=False))
    settings = settings_of(study)
    if first.next is not None or not settings.second_pass:
        return first
    second = _state(study, person, True, shown, answered(session, person.id, with_ai=True))
    begins = _second_pass_begins(session, person.id, settings)
    if begins is not None and begins > (at or now()):
        return ReaderState(True, second.done, second.total, None, begins)
    return second


def _state(study: Study, person: Participant, with_ai: bool, shown: Collection[int], done: set[int]) -> ReaderState:
    order = own_order(study.seed, person.code, with_ai, shown)
    left = ((number, position) for number, position in enumerate(order, start=1) if position not in done)
    number, position = next(left, (0, 0))
    image = ReaderImage(position, number) if number else None
    return ReaderState(with_ai, len(done & set(shown)), len(order), image, None)


def answered(session: Session, participant_id: str, *, with_ai: bool) -> set[int]:
    """Positions a reader has answered in one pass."""
    query = select(Reading.position).where(Reading.participant_id == participant_id, Reading.with_ai == with_ai)
    return set(session.scalars(query))


def _second_pass_begins(session: Session, participant_id: str, settings: StudySettings) -> datetime | None:
    query = select(func.max(Reading.recorded_at)).where(
        Reading.participant_id == participant_id, Reading.with_ai.is_(False)
    )
    last = session.scalar(query)
    return None if last is None else last + timedelta(days=settings.pause_days)


def read_study_image(session: Session, participant_id: str, position: int) -> bytes:
    """File of an image, which must be the one the study was made with.

    Raises
    ------
    RecordsError
        No such image in this person's study, or its file is gone or another one now.
    """
    _, study = participant_of(session, participant_id)
    image = session.get(StudyImage, (study.id, position))
    if image is None:
        raise RecordsError(f"The study has no image {position}.")
    try:
        data = Path(image.path).read_bytes()
    except OSError as error:
        # neither path nor name: a folder called "melanoma" would tell
        raise RecordsError(
            f"Image {position} of the study cannot be read ({error.strerror}). Tell who runs the study."
        ) from None
    if hashlib.sha256(data).hexdigest() != image.content_hash:
        raise RecordsError(f"The file of image {position} is not the one of the study. Tell who runs the study.")
    return data


def given_answers(session: Session, participant_id: str) -> tuple[GivenAnswer, ...]:
    """One's own answers as they count now, in the order they were first given."""
    query = select(Reading).where(Reading.participant_id == participant_id).order_by(Reading.id)
    last: dict[tuple[bool, int], Reading] = {}
    for row in session.scalars(query):
        last[row.with_ai, row.position] = row
    return tuple(GivenAnswer(r.id, r.position, r.with_ai, r.answer, r.confidence) for r in last.values())


def was_told(session: Session, participant_id: str) -> bool:
    """Whether the participant was told what the images show, so that answers are final."""
    return participant_of(session, participant_id)[0].told_at is not None


def left_out(session: Session, study_id: str) -> frozenset[int]:
    """Positions of images that somebody who pre-screens found unfit; each person's last vote counts."""
    later = aliased(PrescreenVote)
    is_last = ~(
        select(later.id)
        .where(
            later.participant_id == PrescreenVote.participant_id,
            later.position == PrescreenVote.position,
            later.id > PrescreenVote.id,
        )
        .exists()
    )
    query = select(PrescreenVote.position).where(PrescreenVote.study_id == study_id, ~PrescreenVote.usable, is_last)
    return frozenset(session.scalars(query))


def participant_of(session: Session, participant_id: str) -> tuple[Participant, Study]:
    """A participant and the study.

    Raises
    ------
    RecordsError
        There is no such participant.
    """
    person = session.get(Participant, participant_id)
    study = None if person is None else session.get(Study, person.study_id)
    if person is None or study is None:
        raise RecordsError("Nobody takes part under this code. Join the study again.")
    return person, study
