"""Kept answers of a bundle to labelled images, made up: figures mean nothing; files are drawn where they are wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from derm_model.assessment.answers import Answers, about, write_answers
from derm_model.card import read_card
from derm_model.data.manifest import Record
from tests.support import noise_image

NODES = ("melanoma-nos", "melanocytic-nevus-nos", "seborrheic-keratosis", "basal-cell-carcinoma-nos")
N = 80
SEXES = ("female", "male", None)


def make_answers(
    bundle: Path,
    *,
    nodes: tuple[str, ...] = NODES,
    n: int = N,
    name: str = "drawn",
    seen: str = "held out",
    pictures: Path | None = None,
    features: bool = True,
    seed: int = 0,
    sure: float = 0.0,
) -> Path:
    """Keep them and return their folder.

    `pictures` is a folder that gets a file per image; `sure` moves probability to the class of the truth.
    """
    card = read_card(bundle)
    rng = np.random.default_rng(seed)
    records = tuple(
        Record(
            str(i),
            (pictures or Path("/nowhere")) / f"{i}.png",
            nodes[i % len(nodes)],
            None,
            "own",
            ("clinical", "dermoscopic")[i // 4 % 2],
            patient_id=f"P{i // 8}",
            sex=SEXES[i % 3],
        )
        for i in range(n)
    )
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for i, record in enumerate(records):
            Image.fromarray(noise_image(i, 40, 40)).save(record.path)
    probs = rng.dirichlet(np.ones(len(card.classes)), n)
    if sure:
        for row, record in zip(probs, records, strict=True):
            index = card.partition.class_index(record.node)
            row *= 1 - sure
            row[index] += sure
    kinds = np.array([nodes.index(r.node) for r in records])
    vectors = (rng.normal(0, 1, (n, 24)) + 6 * np.eye(24)[kinds]).astype(np.float32) if features else None
    what = about(name, card.bundle_id, [c.id for c in card.classes], records, seen)
    return write_answers(Answers(what, records, probs, vectors))
