"""Cases and studies made by a program."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import numpy as np

from derm_model.records.saving import Lesion, NewAnswer, NewImage, NewPrediction, NewVisit
from derm_model.records.studies import FrozenImage, NewStudy, StudySettings

DIGEST, TAXONOMY = "b" * 64, "7" * 64
BUNDLE = "demo-1"
CHOICES = ("biopsy", "reassure")
DAY = date(2026, 3, 1)


def image(seed: int = 0, modality: str | None = "dermoscopic") -> NewImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return NewImage(pixels, modality)


def prediction(
    score: float | None = 0.7,
    threshold: float | None = 0.5,
    *,
    of: int | None = None,
    task: str = "melanocytic",
    bundle: str = BUNDLE,
) -> NewPrediction:
    return NewPrediction(
        image=of,
        bundle_id=bundle,
        bundle_digest=DIGEST,
        taxonomy_digest=TAXONOMY,
        class_probs={"melanoma": 0.6, "nevus": 0.4},
        ood_percentile=12.5,
        quality_notes=("The image is blurred.",),
        answers=(NewAnswer(task, score, threshold, "Sensitivity 90%"),),
    )


def lesion(patient: str = "P-17", name: str = "A", **where: object) -> Lesion:
    return Lesion(patient, name, **{"site": "upper back", **where})  # type: ignore[arg-type]


def visit(
    *seeds: int, day: date = DAY, note: str = "", predictions: tuple[NewPrediction, ...] | None = None
) -> NewVisit:
    own = (prediction(of=0),) if predictions is None else predictions
    return NewVisit(day, tuple(image(seed) for seed in seeds or (0,)), own, note)


def study_files(folder: Path, n: int = 6) -> tuple[FrozenImage, ...]:
    """Files of a study; the truth stands in names and folders, as in some data sets."""
    images = []
    for number in range(n):
        node = ("melanoma", "nevus")[number % 2]
        path = folder / node / f"{node}-{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"picture {number}".encode())
        images.append(
            FrozenImage("set", f"{node}-{number}", hashlib.sha256(path.read_bytes()).hexdigest(), str(path), node)
        )
    return tuple(images)


def study(folder: Path, n: int = 6, name: str = "Autumn", **settings: object) -> NewStudy:
    return NewStudy(
        name=name,
        question="biopsy",
        choices=CHOICES,
        images=study_files(folder, n),
        seed=7,
        settings=StudySettings(**settings),  # type: ignore[arg-type]
        bundle_id=BUNDLE,
        bundle_digest=DIGEST,
    )
