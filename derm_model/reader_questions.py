"""What readers of a study are asked, the answers they may give, and which of them is right for a node of the taxonomy.

The network is put to the same question: each of its classes stands for one of the answers, or for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derm_model.errors import EvaluationError
from derm_model.taxonomy import Task, Taxonomy, TrainingClass, read_tasks

BIOPSY, REASSURE, MALIGNANT, BENIGN = "biopsy", "reassure", "malignant", "benign"
# "reassure" is the paper's question to dermatologists (Esteva et al., Nature 542 (2017) 115, Figure 3); no page of
# the app ever says it as advice
ANY = "any"
_STATUS_SIDES = {"malignant": 0, "premalignant": 0, "benign": 1, "non-neoplastic": 1}  # "indeterminate": neither


@dataclass(frozen=True)
class Choice:
    """One answer: its id, kept with every reading, and its words, which stand on a button."""

    id: str
    words: str


@dataclass(frozen=True)
class StudyQuestion:
    """A question and its answers.

    Attributes
    ----------
    id
        Kept with the study.
    name
        In lists: what is asked of which lesions.
    prompt
        Above the buttons.
    choices
        Of a question with two, the first is the positive one.
    task
        Whose two sides the two choices are; None for any lesion and for levels.
    level
        Of the taxonomy, whose nodes the choices are: 1 for three-way, 2 for nine-way; None for a question with two.
    """

    id: str
    name: str
    prompt: str
    choices: tuple[Choice, ...]
    task: Task | None = None
    level: int | None = None

    @property
    def choice_ids(self) -> tuple[str, ...]:
        """Ids of the choices, in their order."""
        return tuple(choice.id for choice in self.choices)

    @property
    def positive(self) -> str | None:
        """The choice that finds disease; None where there are more than two."""
        return self.choices[0].id if len(self.choices) == 2 else None

    def words(self, choice_id: str) -> str:
        """Words of a choice; an id of another version of the taxonomy stands for itself."""
        return next((choice.words for choice in self.choices if choice.id == choice_id), choice_id)

    def truth(self, taxonomy: Taxonomy, node: str) -> str | None:
        """Return the right answer for an image labelled `node`.

        Returns
        -------
        str or None
            Id of a choice; None where the label does not say: it is too coarse, of indeterminate status, or none of
            the lesions that are asked about.

        Raises
        ------
        TaxonomyError
            The taxonomy has no such node.
        """
        side = self._side(taxonomy, (node,))
        return None if side is None else self.choices[side].id

    def columns(self, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> tuple[tuple[int, ...], ...] | None:
        """Return the network's classes that stand for each choice.

        Returns
        -------
        tuple or None
            For each choice the positions of its classes; a class that lies outside the question is in none. None where
            the network cannot be asked: a class covers parts of two choices, or fewer than two choices have a class.
        """
        found: list[list[int]] = [[] for _ in self.choices]
        for index, training_class in enumerate(classes):
            if self._straddles(taxonomy, training_class):
                return None
            side = self._side(taxonomy, training_class.members)
            if side is not None:
                found[side].append(index)
        return tuple(map(tuple, found)) if sum(bool(columns) for columns in found) >= 2 else None

    def _side(self, taxonomy: Taxonomy, nodes: Iterable[str]) -> int | None:
        sides = {side for node in nodes for side in self._sides_below(taxonomy, node)}
        return sides.pop() if len(sides) == 1 else None

    def _sides_below(self, taxonomy: Taxonomy, node: str) -> set[int]:
        """Choices that a node may turn out to be."""
        if self.level is not None:
            here = taxonomy.at_level(node, self.level)
            ids = self.choice_ids
            below = (choice for choice in ids if taxonomy.is_within(choice, node))
            return {ids.index(here)} if here in ids else {ids.index(choice) for choice in below}
        if self.task is not None:
            tops = (self.task.positive, self.task.negative)
            return {s for s, side in enumerate(tops) if any(taxonomy.is_within(node, top) for top in side)}
        return {
            _STATUS_SIDES[status]
            for leaf in taxonomy.leaves(node)
            if (status := taxonomy.node(leaf).malignancy_status) in _STATUS_SIDES
        }

    def _straddles(self, taxonomy: Taxonomy, training_class: TrainingClass) -> bool:
        # images that train a residual class have a coarser label, which says nothing about what lies below it
        if training_class.residual:
            return False
        if self.task is not None:
            sides = (*self.task.positive, *self.task.negative)
            return any(training_class.node in taxonomy.ancestors(top) for top in sides)
        return len(self._sides_below(taxonomy, training_class.node)) > 1


def choice_probs(class_probs: npt.ArrayLike, columns: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """Probability of each choice, among the choices.

    Parameters
    ----------
    class_probs : array (..., n_classes)
    columns
        `StudyQuestion.columns`.

    Returns
    -------
    ndarray (..., n_choices)
        Sums to 1 over the choices, and is NaN where none of them has any probability. Of two choices of a task the
        first is `task_score`, renormalised.
    """
    probs = np.asarray(class_probs, dtype=np.float64)
    summed = np.stack([probs[..., list(c)].sum(axis=-1) for c in columns], axis=-1)
    region = summed.sum(axis=-1, keepdims=True)
    shares: npt.NDArray[np.float64] = np.divide(summed, region, out=np.full_like(summed, np.nan), where=region > 0)
    return shares


def study_questions(taxonomy: Taxonomy) -> dict[str, StudyQuestion]:
    """Every question a study can ask, by id."""
    tasks = read_tasks()
    found = []
    for region, lesions in (("epidermal", "epidermal lesions"), ("melanocytic", "melanocytic lesions"), (ANY, "any")):
        about = "any lesion" if region == ANY else lesions
        task = tasks.get(region)
        manage = (Choice(BIOPSY, "Biopsy or treat"), Choice(REASSURE, "Reassure"))
        # actinic keratoses are on the positive side
        malignant = "Malignant" if region == "melanocytic" else "Malignant or premalignant"
        judge = (Choice(MALIGNANT, malignant), Choice(BENIGN, "Benign"))
        name = f"Biopsy or treat, or reassure: {about}"
        found.append(StudyQuestion(f"biopsy-{region}", name, "What would you do?", manage, task))
        found.append(StudyQuestion(f"malignant-{region}", f"Malignant or benign: {about}", "What is it?", judge, task))
    for level, word in ((1, "Three-way"), (2, "Nine-way")):
        choices = tuple(Choice(node, taxonomy.node(node).name) for node in taxonomy.cut(level))
        name = f"{word}: {'the roots' if level == 1 else 'the second level'} of the taxonomy"
        found.append(StudyQuestion(word.lower(), name, "What is it?", choices, level=level))
    return {question.id: question for question in found}


def study_question(question_id: str, taxonomy: Taxonomy) -> StudyQuestion:
    """One question.

    Raises
    ------
    EvaluationError
        This version knows no such question.
    """
    questions = study_questions(taxonomy)
    if question_id not in questions:
        raise EvaluationError(
            f"The study asks {question_id!r}, and this version knows {', '.join(questions)}. Update DermTree."
        )
    return questions[question_id]
