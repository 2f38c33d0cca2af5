"""Who takes part in a study and how far they are: for the page that lists them, and for the reader who comes back.

Nothing here knows the truth.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from derm_model.records.reader_view import (
    ReaderImage,
    ReaderState,
    answered,
    left_out,
    own_order,
    participant_of,
    reader_state,
)
from derm_model.records.study_tables import Participant, PrescreenVote, Reading, Role, StudyImage
from derm_model.records.tables import check_key

_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels: no words by chance, and no digits: nothing that looks like a date
_CODE_LENGTH = 12  # 51 bits


@dataclass(frozen=True)
class ParticipantRow:
    """Somebody who takes part.

    Attributes
    ----------
    role
        A word of `Role`.
    experience
        A word of `Experience`; None where it was not said.
    state
        Where they are.
    last_at
        When they last answered or voted; None before the first time.
    """

    participant_id: str
    code: str
    role: str
    experience: str | None
    state: ReaderState
    last_at: datetime | None


@dataclass(frozen=True)
class LastVote:
    """The last image somebody judged in the pre-screen, to be judged again."""

    position: int
    usable: bool
    reason: str | None


def code_of(study_id: str, person: str) -> str:
    """Code of somebody who signed in: always the same in one study, another in every other, and no name.

    Nobody who signs in can choose a code, so nobody reads as somebody else. Who knows the study's id and guesses a name
    can compute the code: it keeps names out of tables and exports, and does not hide who reads from who invited them.
    """
    digest = int.from_bytes(hashlib.sha256(f"{study_id}/{person}".encode()).digest(), "big")
    letters = []
    for _ in range(_CODE_LENGTH):
        digest, rest = divmod(digest, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)


def find_participant(session: Session, study_id: str, code: str) -> ParticipantRow | None:
    """Who takes part under a code; None where nobody does.

    Raises
    ------
    RecordsError
        What was given is no code.
    """
    query = select(Participant).where(Participant.study_id == study_id, Participant.code == check_key("code", code))
    person = session.scalars(query).first()
    return None if person is None else _row(session, person)


def list_participants(session: Session, study_id: str) -> tuple[ParticipantRow, ...]:
    """Everybody in a study, by role and in the order they joined."""
    query = select(Participant).where(Participant.study_id == study_id)
    people = session.scalars(query.order_by(Participant.role, Participant.joined_at, Participant.id)).all()
    return tuple(_row(session, person) for person in people)


def order_of(session: Session, participant_id: str, *, with_ai: bool) -> tuple[int, ...]:
    """Positions of the images of a pass in the participant's own order, those left out not among them.

    Raises
    ------
    RecordsError
        There is no such participant.
    """
    person, study = participant_of(session, participant_id)
    dropped = frozenset() if person.role == Role.PRESCREENER else left_out(session, study.id)
    positions = set(session.scalars(select(StudyImage.position).where(StudyImage.study_id == study.id))) - dropped
    return own_order(study.seed, person.code, with_ai, positions)


def image_after(session: Session, participant_id: str, state: ReaderState) -> ReaderImage | None:
    """The image that comes after `state.next`; None where none does in this pass."""
    if state.next is None:
        return None
    person, _ = participant_of(session, participant_id)
    if person.role == Role.PRESCREENER:
        votes = select(PrescreenVote.position).where(PrescreenVote.participant_id == person.id)
        done = set(session.scalars(votes))
    else:
        done = answered(session, person.id, with_ai=state.with_ai)
    order = order_of(session, participant_id, with_ai=state.with_ai)
    coming = enumerate(order[state.next.number :], start=state.next.number + 1)
    return next((ReaderImage(position, number) for number, position in coming if position not in done), None)


def last_vote(session: Session, participant_id: str) -> LastVote | None:
    """The last vote of somebody who pre-screens; None before the first."""
    query = select(PrescreenVote).where(PrescreenVote.participant_id == participant_id)
    vote = session.scalars(query.order_by(PrescreenVote.id.desc()).limit(1)).first()
    return None if vote is None else LastVote(vote.position, vote.usable, vote.reason)


def _row(session: Session, person: Participant) -> ParticipantRow:
    table: type[Reading] | type[PrescreenVote] = PrescreenVote if person.role == Role.PRESCREENER else Reading
    last = session.scalar(select(func.max(table.recorded_at)).where(table.participant_id == person.id))
    return ParticipantRow(
        person.id, person.code, person.role, person.experience, reader_state(session, person.id), last
    )
