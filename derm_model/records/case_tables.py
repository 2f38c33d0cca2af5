"""Tables of cases. A case is one lesion of one patient: its visits, their images and answers, and what it turned out.

No column holds a name, a date of birth or anything else that says who a patient is. Columns of free text are limited
and marked (``info``), because a person can write anything there.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from derm_model.records.body import Side
from derm_model.records.tables import ID, MAX_KEY, MAX_NOTE, Base, BigKey, UtcDateTime, one_of, share

MAX_WORD = 120  # node, task and bundle ids
FREE_TEXT = {"free_text": True}


class Case(Base):
    """One lesion of one patient, both by keys that name nobody."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("patient_key", "lesion"),
        one_of("side", Side),
    )

    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    patient_key: Mapped[str] = mapped_column(String(MAX_KEY))
    lesion: Mapped[str] = mapped_column(String(MAX_KEY))
    site: Mapped[str] = mapped_column(String(20))
    side: Mapped[str | None] = mapped_column(String(6))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # day of the last save or outcome, from which the retention is counted; never reached where nobody said
    last_active_on: Mapped[date] = mapped_column(index=True, server_default=text("'9999-12-31'"))


class Visit(Base):
    """One day a lesion was looked at."""

    __tablename__ = "visits"
    __table_args__ = (CheckConstraint(f"length(note) <= {MAX_NOTE}", name="note"),)

    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    seen_on: Mapped[date]
    note: Mapped[str] = mapped_column(String(MAX_NOTE), info=FREE_TEXT)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StoredImage(Base):
    """A file in the image store, by the SHA-256 of its content; there as long as a visit shows it."""

    __tablename__ = "images"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    width_px: Mapped[int]
    height_px: Mapped[int]
    n_bytes: Mapped[int]  # of the image itself, not of its encrypted file
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VisitImage(Base):
    """An image of a visit; several visits and cases may show the same one."""

    __tablename__ = "visit_images"
    __table_args__ = (UniqueConstraint("visit_id", "position"),)

    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id", ondelete="CASCADE"))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(ForeignKey("images.sha256"), index=True)
    modality: Mapped[str | None] = mapped_column(String(11))


class Prediction(Base):
    """What a bundle said about an image, or (without image) about a visit's images together."""

    __tablename__ = "predictions"
    __table_args__ = (CheckConstraint("ood_percentile >= 0 AND ood_percentile <= 100", name="ood_percentile"),)

    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id", ondelete="CASCADE"), index=True)
    visit_image_id: Mapped[str | None] = mapped_column(ForeignKey("visit_images.id", ondelete="CASCADE"), index=True)
    bundle_id: Mapped[str] = mapped_column(String(MAX_WORD))
    bundle_digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of its weights
    taxonomy_digest: Mapped[str] = mapped_column(String(64))
    class_probs: Mapped[dict[str, float]] = mapped_column(JSON)  # by training-class id
    ood_percentile: Mapped[float | None]
    quality_notes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Answer(Base):
    """One question asked of a prediction: score and threshold at that moment; None where undefined or not chosen."""

    __tablename__ = "answers"
    __table_args__ = (share("score"), share("threshold"))

    prediction_id: Mapped[str] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(MAX_WORD), primary_key=True)
    score: Mapped[float | None]
    threshold: Mapped[float | None]
    threshold_rule: Mapped[str | None] = mapped_column(String(MAX_WORD))


class Outcome(Base):
    """What a lesion turned out to be; a later row takes the place of an earlier one."""

    __tablename__ = "outcomes"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    node: Mapped[str] = mapped_column(String(MAX_WORD))
    taxonomy_digest: Mapped[str] = mapped_column(String(64))
    confirmed_by: Mapped[str] = mapped_column(String(19))
    diagnosed_on: Mapped[date]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
