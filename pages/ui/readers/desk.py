"""What a session has on a reader's desk, and what is done with what they say. No Streamlit in here.

Where somebody is stands in the records alone; what is kept here can be lost at any moment.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from derm_model.errors import AlreadyAnswered, DermTreeError, TruthTold
from pages.ui.readers.sheets import Network, Sheet, order

SLACK_S = 1.0  # two clocks, and what a message takes
USABLE = "usable"


@dataclass(frozen=True)
class Place:
    """An image of a pass; `key` names it for the browser and tells nothing."""

    position: int
    helped: bool

    @property
    def key(self) -> str:
        """Of its sheet."""
        return f"{'b' if self.helped else 'a'}{self.position}"


@dataclass(frozen=True)
class Before:
    """The last answer, which is given anew."""

    place: Place
    answer: str
    reading_id: int


@dataclass
class Desk:
    """What is on the screen of one participant in one session.

    Attributes
    ----------
    boot
        Tells the browser that it is another desk.
    heard
        Id of the last message that was dealt with.
    held
        Keys of the sheets the browser has.
    laid_at
        When each sheet was first sent, on the server's clock.
    correcting
        The answer that is corrected now.
    has_answered
        Whether the last answer was given here.
    """

    boot: str = field(default_factory=lambda: uuid.uuid4().hex)
    heard: str = ""
    held: frozenset[str] = frozenset()
    laid_at: dict[str, float] = field(default_factory=dict)
    sheets: dict[str, Future[Sheet]] = field(default_factory=dict)
    correcting: Before | None = None
    notice: str = ""
    waits_for_next: bool = False
    has_answered: bool = False

    def sheet(self, participant_id: str, place: Place, network: Network | None) -> Future[Sheet]:
        """The sheet of an image, being made or ready; one that failed is begun anew."""
        known = self.sheets.get(place.key)
        if known is None or (known.done() and known.exception() is not None):
            known = self.sheets[place.key] = order(participant_id, place.position, network if place.helped else None)
        return known

    def clear(self, keep: set[str]) -> None:
        """Forget sheets that are not needed any more."""
        self.sheets = {key: sheet for key, sheet in self.sheets.items() if key in keep}

    def seconds(self, place: Place, said: float | None) -> float | None:
        """How long an answer took: what the browser measured, and never longer than the server's clock allows.

        None where neither is known: such an answer is refused.
        """
        laid = self.laid_at.get(place.key)
        elapsed = None if laid is None else time.monotonic() - laid
        if said is None or said < 0:
            return elapsed
        return said if elapsed is None else min(said, elapsed + SLACK_S)


@dataclass(frozen=True)
class Message:
    """What the browser said; whatever it may be, it is of these types."""

    id: str
    kind: str
    held: frozenset[str]
    place: Place | None = None
    answer: str = ""
    corrects: int | None = None
    seconds: float | None = None
    confidence: int | None = None

    @classmethod
    def of(cls, said: object) -> Message | None:
        """Read it; None where it is none."""
        if not isinstance(said, Mapping):
            return None
        position, confidence = said.get("position"), said.get("confidence")
        seconds, corrects = said.get("seconds"), said.get("corrects")
        return cls(
            id=str(said.get("id", "")),
            kind=str(said.get("kind", "")),
            held=frozenset(map(str, said.get("held") or ())),
            place=Place(int(position), bool(said.get("helped"))) if _is_number(position) else None,
            answer=str(said.get("answer", "")),
            corrects=int(corrects) if _is_number(corrects) else None,
            seconds=float(seconds) if _is_number(seconds) else None,
            confidence=round(confidence) if _is_number(confidence) else None,
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def keep_reading(desk: Desk, participant_id: str, said: Message) -> None:
    """Keep an answer; what hinders it is said on the desk."""
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.readings import correct_reading, record_reading

    if said.place is None:
        return
    more: dict[str, Any] = {"seconds": desk.seconds(said.place, said.seconds), "confidence": said.confidence}
    before, place = desk.correcting, said.place
    try:
        if said.corrects is not None and before is None:
            # sent again, because the server died: a new desk knows of no correction
            before = last_answer(participant_id, helped=place.helped, is_reader=True)
        with writing(records_engine()) as session:
            if said.corrects is None:
                record_reading(session, participant_id, place.position, said.answer, with_ai=place.helped, **more)
            elif before is None or (before.place, before.reading_id) != (place, said.corrects):
                raise AlreadyAnswered("Another answer has taken the place of the one that was corrected.")
            else:
                correct_reading(session, participant_id, before.reading_id, said.answer, **more)
    except AlreadyAnswered:
        if not _is_same(participant_id, said):
            desk.notice = (
                "This image was answered already, in another tab or on another device. That answer counts; this is "
                "the next one."
            )
    except TruthTold as error:
        desk.notice, desk.correcting = str(error), None
        return
    except DermTreeError as error:
        desk.notice = f"The answer was not kept. {error}"
        return
    desk.correcting, desk.has_answered = None, True


def _is_same(participant_id: str, said: Message) -> bool:
    """Whether that very answer is kept: it was sent again, because the server died before it could say so."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.reader_view import given_answers

    assert said.place is not None
    with reading(records_engine()) as session:
        given = given_answers(session, participant_id)
    return any(
        (one.position, one.with_ai, one.answer) == (said.place.position, said.place.helped, said.answer)
        for one in given
    )


def keep_vote(desk: Desk, participant_id: str, said: Message) -> None:
    """Keep a vote of the pre-screen; what hinders it is said on the desk."""
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.readings import record_vote
    from derm_model.records.study_tables import Reason

    if said.place is None or said.answer not in {USABLE, *Reason}:
        return
    usable = said.answer == USABLE
    try:
        with writing(records_engine()) as session:
            reason = None if usable else Reason(said.answer)
            record_vote(session, participant_id, said.place.position, usable, reason)
    except DermTreeError as error:
        desk.notice = f"It was not kept. {error}"
        return
    desk.correcting, desk.has_answered = None, True


def last_answer(participant_id: str, *, helped: bool, is_reader: bool) -> Before | None:
    """What somebody said last in this pass, to be corrected; None where nothing, or where it is final."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.participants import last_vote
    from derm_model.records.reader_view import given_answers, was_told

    with reading(records_engine()) as session:
        if was_told(session, participant_id):
            return None
        if not is_reader:
            vote = last_vote(session, participant_id)
            if vote is None:
                return None
            return Before(Place(vote.position, False), USABLE if vote.usable else vote.reason or "", 0)
        given = [one for one in given_answers(session, participant_id) if one.with_ai == helped]
    if not given:
        return None
    return Before(Place(given[-1].position, helped), given[-1].answer, given[-1].reading_id)
