"""Tables of reader studies. Readings and votes are append-only: triggers refuse to change or delete them.

The truth stands in a table of its own, so that no query made for readers can bring it along.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from derm_model.records.case_tables import FREE_TEXT, MAX_WORD
from derm_model.records.tables import ID, MAX_KEY, Base, BigKey, UtcDateTime, one_of

MAX_NAME, MAX_PATH = 120, 1024


class Role(StrEnum):
    """What a participant does in a study; nobody does both."""

    READER = "reader"
    PRESCREENER = "prescreener"


class Experience(StrEnum):
    """Groups by which readers are compared."""

    DERMATOLOGIST = "dermatologist"
    RESIDENT = "resident"
    GENERAL_PRACTITIONER = "general practitioner"
    STUDENT = "student"
    OTHER = "other"


class Reason(StrEnum):
    """Why an image is not fit for a study."""

    BLURRED = "blurred"
    RESOLUTION = "resolution too low"
    EXPOSURE = "too dark or bright"
    HIDDEN = "lesion hidden or cut off"
    MARKED = "marks or text tell the answer"
    OTHER = "other"


class Origin(StrEnum):
    """How a reading came here."""

    APP = "app"
    IMPORT = "import"


class Study(Base):
    """A list of images and one question, both fixed when it is made."""

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME), unique=True, info=FREE_TEXT)
    question: Mapped[str] = mapped_column(String(MAX_WORD))
    choices: Mapped[list[str]] = mapped_column(JSON)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    seed: Mapped[int] = mapped_column(BigInteger)
    images_digest: Mapped[str] = mapped_column(String(64))  # of the frozen list, with the truth
    bundle_id: Mapped[str | None] = mapped_column(String(MAX_WORD))  # whose answers the second pass shows
    bundle_digest: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StudyImage(Base):
    """An image of a study, where it lies and by the hash of its file."""

    __tablename__ = "study_images"
    __table_args__ = (UniqueConstraint("study_id", "source", "image_id"),)

    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(MAX_WORD))
    image_id: Mapped[str] = mapped_column(String(255))
    content_hash: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(String(MAX_PATH))


class StudyTruth(Base):
    """What an image of a study shows."""

    __tablename__ = "study_truths"
    __table_args__ = (
        ForeignKeyConstraint(
            ["study_id", "position"], ["study_images.study_id", "study_images.position"], ondelete="CASCADE"
        ),
    )

    study_id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    node: Mapped[str] = mapped_column(String(MAX_WORD))


class Participant(Base):
    """Somebody who reads or pre-screens, by a code that names nobody."""

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("study_id", "code"),
        UniqueConstraint("id", "study_id"),
        one_of("role", Role),
    )

    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(MAX_KEY))
    role: Mapped[str] = mapped_column(String(11))
    experience: Mapped[str | None] = mapped_column(String(20))
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when the truth was: from then on answers are final


def _of_participant_and_image() -> tuple[ForeignKeyConstraint, ForeignKeyConstraint]:
    """A row is of a participant of the same study as its image."""
    return (
        ForeignKeyConstraint(["participant_id", "study_id"], ["participants.id", "participants.study_id"]),
        ForeignKeyConstraint(["study_id", "position"], ["study_images.study_id", "study_images.position"]),
    )


class Reading(Base):
    """One answer of a reader. A correction is a new row that names the row it corrects.

    The first index makes sure that an image is answered once per pass, also from two tabs; the second that a row is
    corrected once, so that there is always one last word.
    """

    __tablename__ = "readings"
    __table_args__ = (
        *_of_participant_and_image(),
        Index(
            "uq_readings_first",
            "participant_id",
            "position",
            "with_ai",
            unique=True,
            sqlite_where=text("corrects_id IS NULL"),
            postgresql_where=text("corrects_id IS NULL"),
        ),
        UniqueConstraint("corrects_id"),
        CheckConstraint("seconds >= 0", name="seconds"),
        CheckConstraint("confidence >= 0 AND confidence <= 100", name="confidence"),
        one_of("origin", Origin),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    participant_id: Mapped[str] = mapped_column(String(ID))
    study_id: Mapped[str] = mapped_column(String(ID), index=True)
    position: Mapped[int]
    with_ai: Mapped[bool]
    answer: Mapped[str] = mapped_column(String(MAX_WORD))
    confidence: Mapped[int | None]
    seconds: Mapped[float | None]  # unknown of some imported readings
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("readings.id"))
    origin: Mapped[str] = mapped_column(String(6))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PrescreenVote(Base):
    """Whether an image is fit for the study, in the eyes of somebody who does not take part; the last row counts."""

    __tablename__ = "prescreen_votes"
    __table_args__ = (*_of_participant_and_image(), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    participant_id: Mapped[str] = mapped_column(String(ID), index=True)
    study_id: Mapped[str] = mapped_column(String(ID), index=True)
    position: Mapped[int]
    usable: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(String(30))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
