"""The two yes-or-no questions of the paper, asked of any set of training classes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.partition import TrainingClass
from derm_model.taxonomy.reading import ASSETS
from derm_model.taxonomy.tree import Taxonomy

ScoreMode = Literal["renormalised", "raw"]


@dataclass(frozen=True)
class Task:
    """A question with two sides, each a list of taxonomy nodes.

    Attributes
    ----------
    id, name, question : str
        For files, for headings, and as asked on screen.
    positive_name, negative_name : str
        What the sides are called.
    positive, negative : tuple of str
        Node ids; a class belongs to a side when it lies at or below one of them.
    """

    id: str
    name: str
    question: str
    positive_name: str
    negative_name: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


@dataclass(frozen=True)
class TaskClasses:
    """A task and the network outputs that stand on its two sides; both are non-empty."""

    task: Task
    positive: tuple[int, ...]
    negative: tuple[int, ...]


def read_tasks(path: Path | None = None) -> dict[str, Task]:
    """Read the tasks, by id; by default those that ship with DermTree: "epidermal" and "melanocytic".

    Raises
    ------
    TaxonomyError
        When the file cannot be read or a task lacks a field.
    """
    path = path or ASSETS / "tasks.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        tasks = [
            Task(**{**entry, "positive": tuple(entry["positive"]), "negative": tuple(entry["negative"])})
            for entry in entries
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TaxonomyError(f"{path.name} is no list of tasks: {error}") from error
    return {task.id: task for task in tasks}


def restrict(task: Task, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> TaskClasses | None:
    """Return the classes on each side of a task; None when these classes cannot answer it.

    They cannot when a side has no class, or when a class straddles: it covers the subtree of a strict ancestor of
    one of the sides' nodes, so that part of a side is hidden in it. A residual class above the sides does not straddle:
    it was learnt from images with a coarser label, belongs to no side and stays outside, as all other classes do.

    Raises
    ------
    TaxonomyError
        When the task names a node the taxonomy does not have.
    """
    side_nodes = (*task.positive, *task.negative)
    above = {ancestor for node_id in side_nodes for ancestor in taxonomy.ancestors(node_id)}
    if any(training_class.node in above and not training_class.residual for training_class in classes):
        return None
    positive, negative = (
        tuple(
            index
            for index, training_class in enumerate(classes)
            if any(taxonomy.is_within(training_class.node, node_id) for node_id in side)
        )
        for side in (task.positive, task.negative)
    )
    return TaskClasses(task, positive, negative) if positive and negative else None


def task_score(
    class_probs: npt.ArrayLike, task_classes: TaskClasses, mode: ScoreMode = "renormalised"
) -> npt.NDArray[np.float64]:
    """Return the score of the positive side, in [0, 1].

    Parameters
    ----------
    class_probs : array (..., n_classes)
    task_classes : TaskClasses
    mode : {"renormalised", "raw"}
        P(positive) / (P(positive) + P(negative)), or P(positive) alone. The paper uses only the classes inside the
        task's region but does not say which of the two; they give different curves.

    Returns
    -------
    ndarray (...)
        NaN where both sides have probability zero (renormalised): the question does not arise.
    """
    probs = np.asarray(class_probs, dtype=np.float64)
    positive = np.asarray(probs[..., list(task_classes.positive)].sum(axis=-1))
    if mode == "raw":
        return positive
    if mode != "renormalised":
        raise ValueError(f"the mode must be 'renormalised' or 'raw', got {mode!r}")
    region = positive + probs[..., list(task_classes.negative)].sum(axis=-1)
    score = np.full(positive.shape, np.nan)
    np.divide(positive, region, out=score, where=region > 0)
    return score
