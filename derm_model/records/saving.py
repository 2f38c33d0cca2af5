"""Saving what a user chose to save: a visit with its images and answers, later answers, an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from derm_model.data.schema import CONFIRMATIONS, MODALITIES
from derm_model.errors import RecordsError
from derm_model.records import audit
from derm_model.records.body import SITE_IDS, Side
from derm_model.records.case_tables import (
    MAX_WORD,
    Answer,
    Case,
    Outcome,
    Prediction,
    StoredImage,
    Visit,
    VisitImage,
)
from derm_model.records.image_changes import changing_images
from derm_model.records.image_store import ImageStore, encode_pixels
from derm_model.records.tables import MAX_NOTE, check_key, check_share, check_text, check_word, new_id, now

MAX_NOTICE = 200


@dataclass(frozen=True)
class Lesion:
    """Whose lesion and where, by keys that name nobody; `side` is the patient's."""

    patient_key: str
    lesion: str
    site: str = "not recorded"
    side: Side | None = None


@dataclass(frozen=True, eq=False)
class NewImage:
    """An image to save: (h, w, 3) uint8 RGB, upright, as it was classified; `modality` where it is known."""

    pixels: NDArray[np.uint8]
    modality: str | None = None


@dataclass(frozen=True)
class NewAnswer:
    """One question: score (None where it does not arise), threshold in use (None where nobody chose one)."""

    task_id: str
    score: float | None
    threshold: float | None
    threshold_rule: str | None = None


@dataclass(frozen=True)
class NewPrediction:
    """What a bundle said.

    Attributes
    ----------
    image : int or None
        Which image of the visit, from 0; None for all of them together.
    class_probs
        By training-class id, in [0, 1].
    ood_percentile : float or None
        In [0, 100].
    quality_notes
        Sentences the page showed.
    """

    image: int | None
    bundle_id: str
    bundle_digest: str
    taxonomy_digest: str
    class_probs: Mapping[str, float]
    ood_percentile: float | None
    quality_notes: tuple[str, ...]
    answers: tuple[NewAnswer, ...]


@dataclass(frozen=True)
class NewVisit:
    """One day a lesion was looked at."""

    seen_on: date
    images: tuple[NewImage, ...]
    predictions: tuple[NewPrediction, ...]
    note: str = ""


@dataclass(frozen=True)
class Saved:
    """Where a visit went."""

    case_id: str
    visit_id: str
    is_new_case: bool


def save_visit(engine: Engine, store: ImageStore, lesion: Lesion, visit: NewVisit, who: str) -> Saved:
    """Save a visit, and the case where it is the first; all of it or nothing.

    Raises
    ------
    RecordsError
        A key or word breaks a rule, the lesion is known at another place, or something cannot be written.
    """
    key, name = check_key("patient key", lesion.patient_key), check_key("lesion", lesion.lesion)
    check_word("site", lesion.site, SITE_IDS)
    if not visit.images:
        raise RecordsError("A visit has at least one image. Add one.")
    files = [encode_pixels(image.pixels) for image in visit.images]
    with changing_images(engine, store) as (session, touched):
        case = session.scalars(select(Case).where(Case.patient_key == key, Case.lesion == name)).first()
        is_new = case is None
        if case is None:
            case = Case(id=new_id(), patient_key=key, lesion=name, site=lesion.site, side=lesion.side, created_at=now())
            session.add(case)
        elif (case.site, case.side) != (lesion.site, lesion.side):
            raise RecordsError(
                f"Lesion {name} of this patient is saved as: {case.site}, {case.side or 'no side'}. Choose the same "
                "place, or give this lesion another name."
            )
        case.last_active_on = now().date()
        note = check_text("note", visit.note, MAX_NOTE, needed=False)
        row = Visit(id=new_id(), case_id=case.id, seen_on=visit.seen_on, note=note, created_at=now())
        session.add(row)
        session.flush()
        image_ids = [
            _add_image(session, store, row.id, position, image, file, touched)
            for position, (image, file) in enumerate(zip(visit.images, files, strict=True))
        ]
        _add_predictions(session, row.id, image_ids, visit.predictions)
        first = visit.predictions[0] if visit.predictions else None
        audit.append(
            session,
            audit.Action.SAVE,
            who,
            subjects=[case.id, row.id],
            bundle_digest=None if first is None else first.bundle_digest,
            details={"images": len(files)},
        )
        return Saved(case.id, row.id, is_new)


def _add_image(
    session: Session,
    store: ImageStore,
    visit_id: str,
    position: int,
    image: NewImage,
    file: bytes,
    touched: set[str],
) -> str:
    if image.modality is not None:
        check_word("modality", image.modality, MODALITIES)
    sha256 = store.put(file)
    touched.add(sha256)
    if session.get(StoredImage, sha256) is None:
        height, width = image.pixels.shape[:2]
        session.add(StoredImage(sha256=sha256, width_px=width, height_px=height, n_bytes=len(file), added_at=now()))
        session.flush()
    row = VisitImage(id=new_id(), visit_id=visit_id, position=position, sha256=sha256, modality=image.modality)
    session.add(row)
    session.flush()
    return row.id


def add_predictions(session: Session, visit_id: str, predictions: Sequence[NewPrediction], who: str) -> None:
    """Add what another bundle says of a visit that is saved.

    Raises
    ------
    RecordsError
        There is no such visit, or a value breaks a rule.
    """
    visit = session.get(Visit, visit_id, with_for_update=True)  # PostgreSQL: who deletes it waits
    if visit is None:
        raise RecordsError("The visit is no longer there: somebody deleted it.")
    query = select(VisitImage.id).where(VisitImage.visit_id == visit_id).order_by(VisitImage.position)
    _add_predictions(session, visit_id, session.scalars(query).all(), predictions)
    for digest in dict.fromkeys(prediction.bundle_digest for prediction in predictions):
        subjects = [visit.case_id, visit_id]
        audit.append(session, audit.Action.CLASSIFY, who, subjects=subjects, bundle_digest=digest)


def _add_predictions(
    session: Session, visit_id: str, image_ids: Sequence[str], predictions: Iterable[NewPrediction]
) -> None:
    for new in predictions:
        if new.image is not None and not 0 <= new.image < len(image_ids):
            raise RecordsError(f"An answer is about image {new.image} of a visit with {len(image_ids)} images.")
        if new.ood_percentile is not None and not 0 <= new.ood_percentile <= 100:
            raise RecordsError(f"A percentile lies between 0 and 100, got {new.ood_percentile}.")
        prediction = Prediction(
            id=new_id(),
            visit_id=visit_id,
            visit_image_id=None if new.image is None else image_ids[new.image],
            bundle_id=check_text("bundle id", new.bundle_id, MAX_WORD),
            bundle_digest=new.bundle_digest,
            taxonomy_digest=new.taxonomy_digest,
            class_probs={key: _probability(key, value) for key, value in new.class_probs.items()},
            ood_percentile=new.ood_percentile,
            quality_notes=[check_text("quality note", note, MAX_NOTICE) for note in new.quality_notes],
            created_at=now(),
        )
        session.add(prediction)
        session.flush()
        session.add_all(
            Answer(
                prediction_id=prediction.id,
                task_id=answer.task_id,
                score=check_share("score", answer.score),
                threshold=check_share("threshold", answer.threshold),
                threshold_rule=answer.threshold_rule,
            )
            for answer in new.answers
        )
        session.flush()


def _probability(key: str, value: float) -> float:
    checked = check_share(f"probability of {key}", value)
    if checked is None:
        raise RecordsError(f"The probability of {key} is undefined, and a class of the bundle always has one.")
    return checked


def set_outcome(
    session: Session, case_id: str, node: str, *, taxonomy_digest: str, confirmed_by: str, diagnosed_on: date, who: str
) -> None:
    """Record what a lesion turned out to be; said again, the last word counts and the earlier ones stay.

    Parameters
    ----------
    node
        Id in the taxonomy of that digest; the caller has looked it up.
    confirmed_by
        One of `derm_model.data.schema.CONFIRMATIONS`.

    Raises
    ------
    RecordsError
        There is no such case, or the diagnosis is of the future.
    """
    case = session.get(Case, case_id, with_for_update=True)  # PostgreSQL: who deletes it waits
    if case is None:
        raise RecordsError("The case is no longer there: somebody deleted it.")
    if diagnosed_on > now().date() + timedelta(days=1):  # east of Greenwich it may be tomorrow already
        raise RecordsError(f"A diagnosis is of today or earlier, got {diagnosed_on}.")
    session.add(
        Outcome(
            case_id=case_id,
            node=check_text("diagnosis", node, MAX_WORD),
            taxonomy_digest=taxonomy_digest,
            confirmed_by=check_word("way of confirmation", confirmed_by, CONFIRMATIONS),
            diagnosed_on=diagnosed_on,
            recorded_at=now(),
        )
    )
    case.last_active_on = now().date()
    session.flush()
    audit.append(session, audit.Action.OUTCOME, who, subjects=[case_id], details={"confirmed by": confirmed_by})
