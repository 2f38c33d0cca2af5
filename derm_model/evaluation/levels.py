"""Accuracy at a level of the taxonomy, from the probabilities of training classes: the paper's three- and nine-way
comparison (Methods, "Inference algorithm"; Extended Data Table 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.taxonomy import Taxonomy, TrainingClass


@dataclass(frozen=True)
class LevelRow:
    """How one node of the level fared: `n_correct` of its `n` images; `accuracy` is None without an image."""

    node: str
    name: str
    n: int
    n_correct: int

    @property
    def accuracy(self) -> float | None:
        """Share of its images that were answered with it."""
        return self.n_correct / self.n if self.n else None


@dataclass(frozen=True)
class LevelAccuracy:
    """Accuracy at a level.

    Attributes
    ----------
    rows
        One per node of the level that the classes can say or an image has, in the order of the taxonomy.
    n_unjudged
        Images labelled above the level: nobody can say which answer is right.
    """

    rows: tuple[LevelRow, ...]
    n_unjudged: int

    @property
    def mean(self) -> float | None:
        """Mean of the accuracies of the single nodes (the paper's overall accuracy); None without an image."""
        seen = [row.accuracy for row in self.rows if row.accuracy is not None]
        return sum(seen) / len(seen) if seen else None


@dataclass(frozen=True, eq=False)
class LevelAnswers:
    """Truth and answer of each image at a level.

    Attributes
    ----------
    nodes
        Those that the classes can say or an image has, in the order of the taxonomy.
    truth, said
        (n,) positions in `nodes`; truth is -1 where the image is labelled above the level.
    """

    nodes: tuple[str, ...]
    truth: NDArray[np.int64]
    said: NDArray[np.int64]


def answers_at_level(
    taxonomy: Taxonomy, classes: Sequence[TrainingClass], nodes: Sequence[str], probs: NDArray[np.float64], level: int
) -> LevelAnswers | None:
    """Answer each image with the node of the level that has the highest summed probability.

    Parameters
    ----------
    taxonomy
    classes
        In the order of the columns of `probs`.
    nodes
        True node of each image, (n,).
    probs
        (n, n_classes), >= 0.
    level
        1: roots, 2: the nine classes.

    Returns
    -------
    LevelAnswers or None
        None where a class lies above the level: its probability cannot be divided. An image whose node of the level no
        class covers is answered wrongly, as it is in practice.
    """
    if any(taxonomy.level(c.node) < level for c in classes):
        return None
    columns: dict[str, list[int]] = {}
    for i, training_class in enumerate(classes):
        columns.setdefault(taxonomy.at_level(training_class.node, level), []).append(i)
    answers = sorted(columns, key=taxonomy.position)
    level_of = {node: taxonomy.at_level(node, level) for node in set(nodes) if taxonomy.level(node) >= level}
    shown = sorted({*answers, *level_of.values()}, key=taxonomy.position)
    place = {node: i for i, node in enumerate(shown)}
    truth = np.array([place[level_of[node]] if node in level_of else -1 for node in nodes], dtype=np.int64)
    summed = np.stack([probs[:, columns[node]].sum(axis=1) for node in answers], axis=1)
    said = np.array([place[node] for node in answers], dtype=np.int64)[summed.argmax(axis=1)]
    return LevelAnswers(tuple(shown), truth, said)


def accuracy_at_level(
    taxonomy: Taxonomy, classes: Sequence[TrainingClass], nodes: Sequence[str], probs: NDArray[np.float64], level: int
) -> LevelAccuracy | None:
    """Count how often the answers of `answers_at_level` are right; parameters and None as there."""
    found = answers_at_level(taxonomy, classes, nodes, probs, level)
    if found is None:
        return None
    judged = found.truth >= 0
    truth, right = found.truth[judged], (found.truth == found.said)[judged]
    rows = tuple(
        LevelRow(node, taxonomy.node(node).name, int((truth == i).sum()), int(right[truth == i].sum()))
        for i, node in enumerate(found.nodes)
    )
    return LevelAccuracy(rows, int((~judged).sum()))
