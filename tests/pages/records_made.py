"""Cases that tests of pages find in the records."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from derm_model.card import BundleCard
from derm_model.records.body import Side
from derm_model.records.engine import records_engine, writing
from derm_model.records.image_store import image_store
from derm_model.records.saving import (
    Lesion,
    NewAnswer,
    NewImage,
    NewPrediction,
    NewVisit,
    save_visit,
    set_outcome,
)
from derm_model.taxonomy import read_taxonomy
from tests.support import noise_image

DAY = date(2026, 3, 1)
TASK = "melanocytic"


def prediction(card: BundleCard, score: float, threshold: float | None = 0.35) -> NewPrediction:
    share = 1 / len(card.classes)
    return NewPrediction(
        image=0,
        bundle_id=card.bundle_id,
        bundle_digest=card.weights_sha256,
        taxonomy_digest=card.taxonomy_digest,
        class_probs={c.id: share for c in card.classes},
        ood_percentile=12.0,
        quality_notes=(),
        answers=(NewAnswer(TASK, score, threshold, "Sensitivity 90%"),),
    )


def save_lesion(
    card: BundleCard,
    patient: str = "P-17",
    name: str = "A",
    *,
    scores: tuple[float, ...] = (0.4,),
    outcome: str | None = None,
    site: str = "upper back",
    seed: int = 0,
    note: str = "",
) -> str:
    """Save a visit per score, a month apart, and the outcome by name; return the id of the case."""
    engine, store = records_engine(), image_store()
    case_id = ""
    for number, score in enumerate(scores):
        pixels = np.ascontiguousarray(noise_image(100 * seed + number, 320, 320))
        new = NewVisit(
            DAY + timedelta(days=30 * number),
            (NewImage(pixels, "dermoscopic"),),
            (prediction(card, score),),
            note,
        )
        case_id = save_visit(engine, store, Lesion(patient, name, site, Side.LEFT), new, "dr").case_id
    if outcome is not None:
        record_outcome(case_id, outcome)
    return case_id


def record_outcome(case_id: str, name: str) -> None:
    taxonomy = read_taxonomy()
    node = taxonomy.find(name)
    assert node is not None
    with writing(records_engine()) as session:
        set_outcome(
            session,
            case_id,
            node,
            taxonomy_digest=taxonomy.digest,
            confirmed_by="histopathology",
            diagnosed_on=DAY + timedelta(days=200),
            who="dr",
        )
