"""The images whose curve the desk shows: those of the card, or of an evaluation that was kept. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model import words
from derm_model.assessment.answers import Answers, list_answers, read_answers
from derm_model.card import TaskCard
from derm_model.data.manifest import Record
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.taxonomy import TaskClasses, Taxonomy, TrainingClass, task_score

HOLDOUT, VALIDATION = "holdout", "validation"
CARD_NAMES = {HOLDOUT: "held-out images of the card", VALIDATION: "validation images of the card"}
HELD_OUT, TRAIN = "held out", "train"  # words of About.seen, with "validation" and "not known"


@dataclass(frozen=True)
class Choice:
    """Images that can be chosen.

    Attributes
    ----------
    key
        For addresses and saved points: "holdout", "validation" or the digest of kept images.
    name
        In words, as part of a sentence.
    seen
        What the model saw of them, in the words of `About.seen`.
    folder
        Of the kept answers; None for the card's.
    """

    key: str
    name: str
    seen: str
    folder: Path | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """Images one by one: records, truth (n,) and score (n,); `n_unscored` have no score and are left out."""

    records: tuple[Record, ...]
    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    n_unscored: int = 0


@dataclass(frozen=True, eq=False)
class Images:
    """Chosen images with their curve, and one by one where their answers were kept."""

    choice: Choice
    curve: OperatingCurve
    scored: Scored | None = None


def choices(bundle_id: str, card: TaskCard | None, class_ids: Sequence[str]) -> list[Choice]:
    """What can be chosen, the best to judge by first: held-out images of the card, validation, kept evaluations."""
    found = []
    if card is not None and card.holdout is not None:
        found.append(Choice(HOLDOUT, CARD_NAMES[HOLDOUT], HELD_OUT))
    if card is not None:
        found.append(Choice(VALIDATION, CARD_NAMES[VALIDATION], VALIDATION))
    for folder, about in list_answers(bundle_id):
        if tuple(about.classes) == tuple(class_ids):
            name = f"{about.name} ({words.plural(about.n_images, 'image')}, evaluated {about.created_at[:10]})"
            found.append(Choice(about.digest, name, about.seen, folder))
    return found


def of_card(choice: Choice, card: TaskCard) -> Images:
    """Images of the card: their curve is all that is known of them."""
    curve = card.validation if choice.key == VALIDATION else card.holdout
    assert curve is not None  # `choices` offers no other
    return Images(choice, curve)


def of_answers(choice: Choice, scored: Scored) -> Images | None:
    """Images of a kept evaluation; None where one side of the question has none."""
    if not scored.labels.any() or scored.labels.all():
        return None
    return Images(choice, operating_curve(scored.labels, scored.scores), scored)


def read_scored(folder: Path, taxonomy: Taxonomy, sides: TaskClasses) -> Scored:
    """Read a kept evaluation as one question sees it.

    Raises
    ------
    EvaluationError
        It cannot be read.
    """
    return score(read_answers(folder), taxonomy, sides)


def score(answers: Answers, taxonomy: Taxonomy, sides: TaskClasses) -> Scored:
    """Truth and score of the images whose truth lies on one of the question's sides."""
    truth = [_side(record.node, taxonomy, sides) for record in answers.records]
    scores = task_score(answers.probs, sides)
    inside = np.array([side is not None for side in truth], dtype=bool)
    usable = inside & np.isfinite(scores)
    return Scored(
        records=tuple(r for r, keep in zip(answers.records, usable.tolist(), strict=True) if keep),
        labels=np.array([bool(side) for side in truth], dtype=bool)[usable],
        scores=scores[usable],
        n_unscored=int((inside & ~usable).sum()),
    )


def _side(node: str, taxonomy: Taxonomy, sides: TaskClasses) -> bool | None:
    if any(taxonomy.is_within(node, top) for top in sides.task.positive):
        return True
    return False if any(taxonomy.is_within(node, top) for top in sides.task.negative) else None


def class_ids(classes: Sequence[TrainingClass]) -> tuple[str, ...]:
    """Ids of the classes in the order of the network's outputs."""
    return tuple(c.id for c in classes)
