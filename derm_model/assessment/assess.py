"""Everything a bundle's answers to labelled images say about it, as one object for command, report and page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derm_model.assessment.answers import About, Answers
from derm_model.assessment.foreign import Foreign
from derm_model.assessment.level_figures import LevelFigures, level_figures
from derm_model.assessment.question_figures import QuestionFigures, image_sets, question_figures, score_images
from derm_model.assessment.seen import HELD_OUT, UNKNOWN
from derm_model.assessment.separation import UnusualFigures, unusual_figures
from derm_model.card import BundleCard
from derm_model.errors import EvaluationError
from derm_model.evaluation.calibration import brier_score
from derm_model.evaluation.reliability import Reliability, reliability
from derm_model.measuring import HISTOLOGY
from derm_model.taxonomy import Task, Taxonomy, read_tasks, restrict
from derm_model.words import NOTICE

FORMAT = 1


@dataclass(frozen=True)
class Composition:
    """What the images are.

    Attributes
    ----------
    sources, modalities
        Images of each; "not stated" where nobody says.
    n_patients, n_lesions
        Different ones among the images that name theirs.
    n_proven
        Images whose label a histopathologist confirmed.
    """

    n: int
    sources: Mapping[str, int]
    modalities: Mapping[str, int]
    n_patients: int
    n_lesions: int
    n_proven: int


@dataclass(frozen=True, eq=False)
class Assessment:
    """A bundle on labelled images.

    Attributes
    ----------
    about
    bundle_name
    composition
    levels
        Training classes, nine, three: those that can be judged.
    questions
        Of each question all images, then modalities and data sets with both sides.
    certainty
        Reliability of the most probable class: how often an answer of that probability is right.
    brier
        Of the training classes, 0 to 2; None without an image of one.
    n_outside
        Images with a diagnosis that no training class covers: the bundle cannot be right about them.
    unusual
        How well unusual pictures are noticed; None where the bundle cannot say how unusual a picture is.
    """

    about: About
    bundle_name: str
    composition: Composition
    levels: tuple[LevelFigures, ...]
    questions: tuple[QuestionFigures, ...]
    certainty: Reliability | None
    brier: float | None
    n_outside: int
    unusual: UnusualFigures | None = None

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before any figure."""
        found = []
        n, n_proven = self.composition.n, self.composition.n_proven
        if self.about.seen == UNKNOWN:
            found.append(
                "Whether the model learnt from these images is not known; if it did, every figure flatters it."
            )
        elif self.about.seen != HELD_OUT:
            found.append(f"These are {self.about.seen} images of the model: every figure flatters it.")
        if self.n_outside:
            found.append(
                f"{self.n_outside:,} of {n:,} images show something no training class covers. The model cannot be "
                "right about them."
            )
        if n_proven < n:
            found.append(f"{n_proven:,} of {n:,} labels are known to be biopsy-proven.")
        return found

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dict for JSON; what is undefined is None."""
        return {
            "format_version": FORMAT,
            "about": {**self.about.__dict__, "classes": list(self.about.classes), "bundle_name": self.bundle_name},
            "notice": NOTICE,
            "warnings": self.warnings,
            "images": self.composition.__dict__,
            "n_outside": self.n_outside,
            "levels": [level.to_json() for level in self.levels],
            "questions": [question.to_json() for question in self.questions],
            "brier_score": self.brier,
            "expected_calibration_error": None if self.certainty is None else self.certainty.error,
            "unusual": None if self.unusual is None else self.unusual.to_json(),
        }


def assess(
    answers: Answers,
    card: BundleCard,
    taxonomy: Taxonomy,
    questions: Iterable[Task] | None = None,
    foreign: Foreign | None = None,
) -> Assessment:
    """Make every figure.

    Parameters
    ----------
    answers
    card
        Of the bundle that answered.
    taxonomy
        The bundle's.
    questions
        Default: the two of the paper.
    foreign
        What the bundle said of pictures that show no lesion, where it was asked.

    Raises
    ------
    EvaluationError
        The answers are another bundle's.
    """
    classes = tuple(c.id for c in card.classes)
    if answers.about.bundle_id != card.bundle_id or answers.about.classes != classes:
        raise EvaluationError(
            f"These answers are of bundle {answers.about.bundle_id}. Evaluate {card.bundle_id} on the images, too."
        )
    labels = [card.partition.class_index(r.node) for r in answers.records]
    known = np.array([label is not None for label in labels], dtype=bool)
    truth = np.array([label for label in labels if label is not None], dtype=np.int64)
    probs = answers.probs[known]
    certain = reliability(probs.argmax(axis=1) == truth, probs.max(axis=1)) if len(truth) else None
    return Assessment(
        about=answers.about,
        bundle_name=card.name,
        composition=_composition(answers),
        levels=level_figures(answers, taxonomy, card.partition),
        questions=tuple(_questions(answers, card, taxonomy, read_tasks().values() if questions is None else questions)),
        certainty=certain,
        brier=brier_score(probs, truth) if len(truth) else None,
        n_outside=sum(_is_outside(r.node, card, taxonomy) for r in answers.records),
        unusual=unusual_figures(answers, foreign),
    )


def _questions(
    answers: Answers, card: BundleCard, taxonomy: Taxonomy, questions: Iterable[Task]
) -> Iterable[QuestionFigures]:
    for question in questions:
        sides = restrict(question, taxonomy, card.classes)
        if sides is None:
            continue
        task = card.tasks.get(question.id)
        for name, scored in image_sets(score_images(answers, sides, taxonomy)):
            figures = question_figures(scored, sides, name, () if task is None else task.presets)
            if figures is not None:
                yield figures


def _is_outside(node: str, card: BundleCard, taxonomy: Taxonomy) -> bool:
    """Whether no class lies on the line from the root through a label down to its leaves."""
    return not any(taxonomy.is_within(node, c.node) or taxonomy.is_within(c.node, node) for c in card.classes)


def _composition(answers: Answers) -> Composition:
    records = answers.records
    return Composition(
        n=len(records),
        sources=dict(Counter(r.source for r in records).most_common()),
        modalities=dict(Counter(r.modality or "not stated" for r in records).most_common()),
        n_patients=len({(r.source, r.patient_id) for r in records if r.patient_id}),
        n_lesions=len({(r.source, r.lesion_id) for r in records if r.lesion_id}),
        n_proven=sum((r.confirmed_by or "").lower() in HISTOLOGY for r in records),
    )
