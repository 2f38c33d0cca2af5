"""What came of a reader study, with the truth: for who runs it, never for who is still reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from derm_model.errors import RecordsError
from derm_model.evaluation.readers import Reading as Answer
from derm_model.records.reader_view import left_out, participant_of, reader_state
from derm_model.records.studies import FrozenImage, images_digest
from derm_model.records.study_tables import Participant, Reading, Role, Study, StudyImage, StudyTruth
from derm_model.records.tables import now


@dataclass(frozen=True)
class StudyReading:
    """One reading that counts, with the truth; `n_corrections` earlier answers were taken back.

    `seconds` is what all answers to the image took together, None where it is not known.
    """

    code: str
    experience: str | None
    position: int
    source: str
    image_id: str
    node: str
    with_ai: bool
    answer: str
    confidence: int | None
    seconds: float | None
    n_corrections: int
    origin: str
    recorded_at: datetime

    @property
    def as_answer(self) -> Answer:
        """The same for the statistics of readers."""
        return Answer(
            reader=self.code,
            image_id=self.image_id,
            answer=self.answer,
            with_ai=self.with_ai,
            seconds=self.seconds,
            confidence=self.confidence,
            source=self.source,
        )


def frozen_images(session: Session, study_id: str) -> tuple[FrozenImage, ...]:
    """Images of a study with the truth, by position: for results, never for who is still reading.

    Raises
    ------
    RecordsError
        The list is not the one the study was made with.
    """
    study = session.get(Study, study_id)
    query = (
        select(StudyImage, StudyTruth.node)
        .join(
            StudyTruth,
            (StudyTruth.study_id == StudyImage.study_id) & (StudyTruth.position == StudyImage.position),
            isouter=True,
        )
        .where(StudyImage.study_id == study_id)
        .order_by(StudyImage.position)
    )
    rows = session.execute(query).all()
    images = tuple(FrozenImage(i.source, i.image_id, i.content_hash, i.path, node or "") for i, node in rows)
    if study is None or images_digest(images) != study.images_digest:
        raise RecordsError("The images of the study are not those it was made with. Restore a backup.")
    return images


def study_readings(session: Session, study_id: str) -> tuple[StudyReading, ...]:
    """Readings that count, with the truth, by reader, pass and position. Images left out are left out here, too."""
    images = frozen_images(session, study_id)
    dropped = left_out(session, study_id)
    query = (
        select(Reading, Participant.code, Participant.experience)
        .join(Participant, Participant.id == Reading.participant_id)
        .where(Reading.study_id == study_id)
        .order_by(Participant.code, Reading.with_ai, Reading.position, Reading.id)
    )
    lines: dict[tuple[str, bool, int], list[Reading]] = {}
    experience: dict[str, str | None] = {}
    for reading, code, group in session.execute(query):
        lines.setdefault((code, reading.with_ai, reading.position), []).append(reading)
        experience[code] = group
    return tuple(
        _reading_row(code, experience, images[position], line)
        for (code, _, position), line in lines.items()
        if position not in dropped
    )


def _reading_row(
    code: str, experience: Mapping[str, str | None], image: FrozenImage, line: Sequence[Reading]
) -> StudyReading:
    last = line[-1]  # a correction has a higher id than what it corrects, and is corrected once
    times = [reading.seconds for reading in line]
    return StudyReading(
        code=code,
        experience=experience[code],
        position=last.position,
        source=image.source,
        image_id=image.image_id,
        node=image.node,
        with_ai=last.with_ai,
        answer=last.answer,
        confidence=last.confidence,
        seconds=None if None in times else sum(t for t in times if t is not None),
        n_corrections=len(line) - 1,
        origin=last.origin,
        recorded_at=last.recorded_at,
    )


def tell_truths(session: Session, participant_id: str) -> dict[int, str]:
    """Node of every image, by position, for a reader who has finished; from now on their answers are final.

    Parameters
    ----------
    session
        One that writes.
    participant_id

    Raises
    ------
    RecordsError
        Something is left to answer, or the person pre-screens, before the study is closed.
    """
    person, study = participant_of(session, participant_id)
    finished = person.role == Role.READER and reader_state(session, participant_id).is_finished
    if not finished and study.closed_at is None:
        raise RecordsError("What the images show is told when all of them are answered.")
    person.told_at = person.told_at or now()
    return {position: image.node for position, image in enumerate(frozen_images(session, study.id))}
