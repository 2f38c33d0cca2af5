"""What is known already, for forms that offer it: patient keys, lesions, images of a day, bundles that answered."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from derm_model.records.body import Side
from derm_model.records.case_tables import Case, Prediction, Visit, VisitImage
from derm_model.records.image_store import encode_pixels
from derm_model.records.saving import NewImage

MOST_KEYS = 8  # of a list under a box in which somebody types


@dataclass(frozen=True)
class KnownLesion:
    """A lesion that is saved, and where it is."""

    case_id: str
    patient_key: str
    lesion: str
    site: str
    side: Side | None
    n_visits: int
    last_seen_on: date


def patient_keys(session: Session, part: str, limit: int = MOST_KEYS) -> tuple[str, ...]:
    """Keys that hold what was typed, whatever its capitals; those that begin with it first. () for nothing typed."""
    typed = part.strip()
    if not typed:
        return ()
    begins = Case.patient_key.istartswith(typed, autoescape=True)
    query = (
        select(Case.patient_key)
        .where(Case.patient_key.icontains(typed, autoescape=True))
        .group_by(Case.patient_key)
        .order_by(begins.desc(), Case.patient_key)
        .limit(limit)
    )
    return tuple(session.scalars(query))


def known_lesions(session: Session, patient_key: str) -> tuple[KnownLesion, ...]:
    """Lesions of a patient, by name."""
    query = (
        select(Case, func.count(Visit.id), func.max(Visit.seen_on))
        .join(Visit, Visit.case_id == Case.id)
        .where(Case.patient_key == patient_key.strip())
        .group_by(Case.id)
        .order_by(Case.lesion)
    )
    return tuple(
        KnownLesion(
            case_id=case.id,
            patient_key=case.patient_key,
            lesion=case.lesion,
            site=case.site,
            side=None if case.side is None else Side(case.side),
            n_visits=n_visits,
            last_seen_on=last_seen_on,
        )
        for case, n_visits, last_seen_on in session.execute(query)
    )


def image_hashes(images: Iterable[NewImage]) -> tuple[str, ...]:
    """SHA-256 of each image as `save_visit` would store it."""
    return tuple(hashlib.sha256(encode_pixels(image.pixels)).hexdigest() for image in images)


def same_visits(
    session: Session, patient_key: str, lesion: str, seen_on: date, hashes: Collection[str]
) -> tuple[str, ...]:
    """Ids of the lesion's visits of that day that show all of these images already."""
    wanted = set(hashes)
    query = (
        select(VisitImage.visit_id, VisitImage.sha256)
        .join(Visit, Visit.id == VisitImage.visit_id)
        .join(Case, Case.id == Visit.case_id)
        .where(Case.patient_key == patient_key.strip(), Case.lesion == lesion.strip(), Visit.seen_on == seen_on)
        .order_by(Visit.created_at)
    )
    shown: dict[str, set[str]] = {}
    for visit_id, sha256 in session.execute(query):
        shown.setdefault(visit_id, set()).add(sha256)
    return tuple(visit_id for visit_id, found in shown.items() if wanted and wanted <= found)


def bundles_that_answered(session: Session) -> tuple[str, ...]:
    """Ids of the bundles whose answers are saved, the one with the newest answer first."""
    query = (
        select(Prediction.bundle_id)
        .group_by(Prediction.bundle_id)
        .order_by(func.max(Prediction.created_at).desc(), Prediction.bundle_id)
    )
    return tuple(session.scalars(query))
