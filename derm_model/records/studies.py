"""Reader studies: making one, who takes part, closing it.

What readers see stands in `reader_view`, what they answer in `readings`, what came of it, with the truth, in `results`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from derm_model.errors import RecordsError
from derm_model.records import audit
from derm_model.records.case_tables import MAX_WORD
from derm_model.records.study_tables import (
    MAX_NAME,
    MAX_PATH,
    Experience,
    Participant,
    PrescreenVote,
    Reading,
    Role,
    Study,
    StudyImage,
    StudyTruth,
)
from derm_model.records.tables import check_key, check_text, new_id, now
from derm_model.typed_json import FieldError, decode_dataclass, encode


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """How a study is taken.

    Attributes
    ----------
    washout_s
        Seconds an empty screen stands between two images; 0 for none.
    second_pass
        Whether every image is read again with the network's answer, after all were read without.
    pause_days
        Days at least between a reader's last answer without and first answer with the network's.
    confidence
        Whether readers are asked how sure they are, 0 to 100.
    """

    washout_s: float = 0.0
    second_pass: bool = False
    pause_days: int = 0
    confidence: bool = False


@dataclass(frozen=True)
class FrozenImage:
    """An image of a study and what it shows; `content_hash` is the SHA-256 of the file at `path`."""

    source: str
    image_id: str
    content_hash: str
    path: str
    node: str


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """A study to make; `question` and `choices` are ids, of which the page knows the words."""

    name: str
    question: str
    choices: tuple[str, ...]
    images: tuple[FrozenImage, ...]
    seed: int
    settings: StudySettings = StudySettings()
    bundle_id: str | None = None
    bundle_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """A study without its images."""

    study_id: str
    name: str
    question: str
    choices: tuple[str, ...]
    settings: StudySettings
    seed: int
    bundle_id: str | None
    bundle_digest: str | None
    created_at: datetime
    closed_at: datetime | None
    n_images: int
    n_readers: int
    n_readings: int


def create_study(session: Session, new: NewStudy, who: str) -> str:
    """Make a study and return its id; its images and question are fixed from now on.

    Raises
    ------
    RecordsError
        No images or choices, one twice, a second pass without a bundle, or a name that is taken.
    """
    _check_new(new)
    study_id = new_id()
    session.add(
        Study(
            id=study_id,
            name=check_text("name of the study", new.name, MAX_NAME),
            question=check_text("question", new.question, MAX_WORD),
            choices=list(new.choices),
            settings=encode(new.settings),
            seed=new.seed,
            images_digest=images_digest(new.images),
            bundle_id=new.bundle_id,
            bundle_digest=new.bundle_digest,
            created_at=now(),
            closed_at=None,
        )
    )
    try:
        session.flush()
    except IntegrityError as error:
        raise RecordsError(f"A study has a name of its own, and {new.name!r} is taken. Choose another.") from error
    for position, image in enumerate(new.images):
        own = {"source": image.source, "image_id": image.image_id, "path": image.path}
        session.add(StudyImage(study_id=study_id, position=position, content_hash=image.content_hash, **own))
    session.flush()
    session.add_all(StudyTruth(study_id=study_id, position=p, node=image.node) for p, image in enumerate(new.images))
    session.flush()
    audit.append(
        session,
        audit.Action.STUDY,
        who,
        subjects=[study_id],
        bundle_digest=new.bundle_digest,
        details={"done": "made", "images": len(new.images)},
    )
    return study_id


def _check_new(new: NewStudy) -> None:
    if not new.images or len(new.choices) < 2:
        raise RecordsError(
            f"A study has images and two choices or more, got {len(new.images)} images and {len(new.choices)} choices."
        )
    for what, values in (("choice", new.choices), ("image", [(i.source, i.image_id) for i in new.images])):
        twice = [value for value, n in Counter(values).items() if n > 1]
        if twice:
            raise RecordsError(f"A {what} is in a study once; {twice[0]} is there more than once. Take one out.")
    long = next((image for image in new.images if len(image.path) > MAX_PATH), None)
    if long is not None:
        raise RecordsError(f"The path of image {long.image_id} has more than {MAX_PATH} characters. Move the images.")
    settings = new.settings
    if settings.washout_s < 0 or settings.pause_days < 0:
        raise RecordsError(
            f"Washout and pause are 0 or longer, got {settings.washout_s} s and {settings.pause_days} days."
        )
    if settings.second_pass and new.bundle_digest is None:
        raise RecordsError("A second pass shows a network's answers, and no bundle is named. Choose one.")


def images_digest(images: Iterable[FrozenImage]) -> str:
    """SHA-256 of a list of images with the truth."""
    rows = [[i.source, i.image_id, i.content_hash, i.path, i.node] for i in images]
    return hashlib.sha256(json.dumps(rows).encode("ascii")).hexdigest()


def list_studies(session: Session) -> tuple[StudyRow, ...]:
    """All studies, newest first."""
    studies = session.scalars(select(Study).order_by(Study.created_at.desc(), Study.id)).all()
    return tuple(_study_row(session, study) for study in studies)


def get_study(session: Session, study_id: str) -> StudyRow:
    """One study.

    Raises
    ------
    RecordsError
        There is no such study.
    """
    study = session.get(Study, study_id)
    if study is None:
        raise RecordsError("The study is not there. Choose one from the list.")
    return _study_row(session, study)


def _study_row(session: Session, study: Study) -> StudyRow:
    def count(table: type[StudyImage] | type[Participant] | type[Reading], *only: object) -> int:
        query = select(func.count()).select_from(table).where(table.study_id == study.id, *only)  # type: ignore[arg-type]
        return session.scalar(query) or 0

    return StudyRow(
        study_id=study.id,
        name=study.name,
        question=study.question,
        choices=tuple(study.choices),
        settings=settings_of(study),
        seed=study.seed,
        bundle_id=study.bundle_id,
        bundle_digest=study.bundle_digest,
        created_at=study.created_at,
        closed_at=study.closed_at,
        n_images=count(StudyImage),
        n_readers=count(Participant, Participant.role == Role.READER),
        n_readings=count(Reading),
    )


def settings_of(study: Study) -> StudySettings:
    """Settings of a row.

    Raises
    ------
    RecordsError
        They are not what this version writes.
    """
    try:
        settings: StudySettings = decode_dataclass(StudySettings, study.settings, complete=True)
    except FieldError as error:
        raise RecordsError(f"The settings of study {study.name!r} cannot be read: {error}. Update DermTree.") from error
    return settings


def join_study(
    session: Session, study_id: str, code: str, role: Role = Role.READER, experience: Experience | None = None
) -> str:
    """Return the id of a participant, who is made when the code is new: who comes back goes on where they were.

    Raises
    ------
    RecordsError
        No such study, it is closed to new participants, or the code is known in the other role.
    """
    code = check_key("code", code)
    study = session.get(Study, study_id)
    if study is None:
        raise RecordsError("The study is not there. Choose one from the list.")
    query = select(Participant).where(Participant.study_id == study_id, Participant.code == code)
    known = session.scalars(query).first()
    if known is not None:
        if known.role != role:
            raise RecordsError(
                f"{code} takes part as a {known.role}. Who pre-screens the images does not read them. Use another code."
            )
        return known.id
    if study.closed_at is not None:
        raise RecordsError("The study is closed. Nobody can join any more.")
    row = Participant(id=new_id(), study_id=study_id, code=code, role=role, experience=experience, joined_at=now())
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise RecordsError(f"{code} has just joined from somewhere else. Try again.") from error
    return row.id


def close_study(session: Session, study_id: str, who: str) -> None:
    """Take no more readings, votes or participants; what is there stays.

    Raises
    ------
    RecordsError
        There is no such study.
    """
    study = session.get(Study, study_id)
    if study is None:
        raise RecordsError("The study is not there. Choose one from the list.")
    if study.closed_at is None:
        study.closed_at = now()
        audit.append(session, audit.Action.STUDY, who, subjects=[study_id], details={"done": "closed"})


def delete_study(session: Session, study_id: str, who: str) -> None:
    """Delete a study nobody has begun.

    Raises
    ------
    RecordsError
        It has readings or votes, which are never deleted, or is not there.
    """
    for table in (Reading, PrescreenVote):
        if session.scalar(select(func.count()).select_from(table).where(table.study_id == study_id)):
            raise RecordsError("The study has answers, and these are never deleted. Close it instead.")
    if session.scalar(delete(Study).where(Study.id == study_id).returning(Study.id)) is None:
        raise RecordsError("The study is not there. Choose one from the list.")
    audit.append(session, audit.Action.DELETE, who, subjects=[study_id], details={"done": "study"})
