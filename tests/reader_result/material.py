"""Studies made by a program: readers and a network whose answers follow a declared rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from derm_model.assessment.seen import HELD_OUT
from derm_model.reader_questions import StudyQuestion, study_question
from derm_model.reader_result import Material, NetworkAnswers
from derm_model.reader_result.network import HALF, Threshold
from derm_model.records.results import StudyReading
from derm_model.records.studies import FrozenImage, StudyRow, StudySettings
from derm_model.taxonomy import read_taxonomy

DAY = datetime(2026, 11, 3, tzinfo=UTC)
PRESET = Threshold("Sensitivity 90%", 0.3, "sensitivity >= 90%, chosen on validation images")
MELANOMA, NEVUS, KERATOSIS = "melanoma-nos", "melanocytic-nevus-nos", "seborrheic-keratosis"

Say = Callable[[int, str, bool], str | None]  # position, right answer, with help -> answer, None to skip


def question(question_id: str = "malignant-melanocytic") -> StudyQuestion:
    return study_question(question_id, read_taxonomy())


def frozen(nodes: Sequence[str], folder: str = "/nowhere") -> tuple[FrozenImage, ...]:
    return tuple(
        FrozenImage("set", f"image-{i:03d}", f"{i:064x}", f"{folder}/image-{i:03d}.png", node)
        for i, node in enumerate(nodes)
    )


def material(
    nodes: Sequence[str],
    readers: dict[str, Say],
    *,
    asked: str = "malignant-melanocytic",
    second_pass: bool = False,
    closed: bool = True,
    experience: dict[str, str] | None = None,
    seconds: float = 4.0,
    left_out: Sequence[int] = (),
) -> Material:
    """A study as the records would give it."""
    asks, everything = question(asked), frozen(nodes)
    truths = [asks.truth(read_taxonomy(), node) for node in nodes]
    readings = []
    for code, say in readers.items():
        for with_ai in (False, True) if second_pass else (False,):
            for i, (image, right) in enumerate(zip(everything, truths, strict=True)):
                assert right is not None
                answer = None if i in left_out else say(i, right, with_ai)
                if answer is not None:
                    group = (experience or {}).get(code)
                    readings.append(_reading(code, group, i, image, with_ai, answer, seconds))
    shown = [i for i in range(len(nodes)) if i not in left_out]
    study = StudyRow(
        study_id="5" * 32,
        name="Autumn",
        question=asks.id,
        choices=asks.choice_ids,
        settings=StudySettings(second_pass=second_pass),
        seed=1,
        bundle_id="bundle-1",
        bundle_digest="d" * 64,
        created_at=DAY,
        closed_at=DAY if closed else None,
        n_images=len(nodes),
        n_readers=len(readers),
        n_readings=len(readings),
    )
    return Material(
        study=study,
        question=asks,
        everything=everything,
        images=tuple(everything[i] for i in shown),
        truth=tuple(truth for i in shown if (truth := truths[i]) is not None),
        n_left_out=len(left_out),
        n_without_truth=0,
        readings=tuple(readings),
    )


def _reading(
    code: str, group: str | None, position: int, image: FrozenImage, with_ai: bool, answer: str, seconds: float
) -> StudyReading:
    return StudyReading(
        code=code,
        experience=group,
        position=position,
        source=image.source,
        image_id=image.image_id,
        node=image.node,
        with_ai=with_ai,
        answer=answer,
        confidence=None,
        seconds=seconds + with_ai,
        n_corrections=0,
        origin="app",
        recorded_at=DAY,
    )


def network(scores: Sequence[float] | Sequence[Sequence[float]], seen: str = HELD_OUT) -> NetworkAnswers:
    """A network by its probabilities; of a question with two answers those of the first."""
    given = np.asarray(scores, dtype=np.float64)
    if given.ndim == 1:
        given = np.stack([given, 1 - given], axis=1)
        return NetworkAnswers("bundle-1", "demo", given, (PRESET, HALF), seen)
    return NetworkAnswers("bundle-1", "demo", given, (), seen)


def made(
    n_pos: int = 30, n_neg: int = 40, n_readers: int = 5, *, second_pass: bool = False, seed: int = 0
) -> tuple[Material, NetworkAnswers]:
    """Readers with a sensitivity of 0.8 and a specificity of 0.7, 0.1 more with help, and a good network."""
    rng = np.random.default_rng(seed)
    nodes = [MELANOMA] * n_pos + [NEVUS] * n_neg

    def say(i: int, right: str, with_ai: bool) -> str:
        is_right = rng.random() < (0.8 if right == "malignant" else 0.7) + 0.1 * with_ai
        return right if is_right else {"malignant": "benign", "benign": "malignant"}[right]

    people = {f"R-{k}": say for k in range(n_readers)}
    scores = np.concatenate([rng.beta(4, 2, n_pos), rng.beta(2, 4, n_neg)])
    return material(nodes, people, second_pass=second_pass), network(scores.tolist())
