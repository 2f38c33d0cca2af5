"""What the networks of a cross-validation say of the images their folds validate: read, and judged at both levels."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.errors import PartitionError, TrainingError
from derm_model.evaluation.cross_validation import ClassFolds, CrossValidation, LevelResult, TargetsResult
from derm_model.evaluation.levels import accuracy_at_level
from derm_model.taxonomy import Partition, Taxonomy, TrainingClass
from derm_model.taxonomy.targets import LEVELS, TARGETS

ANSWERS, RECIPE = "validation.csv", "config.json"  # of a run folder
KEYS = ["source", "image_id", "node"]  # first columns of the answers


@dataclass(frozen=True, eq=False)
class FoldAnswers:
    """What the network of one fold says of the images that fold validates.

    Attributes
    ----------
    targets
        What it was trained on: "partition", "nine" or "three".
    fold
        0-based.
    images
        (source, image_id) of n images, each once.
    nodes
        True node of each, (n,).
    probs
        (n, n_classes), >= 0.
    classes
        In the order of the columns.
    """

    targets: str
    fold: int
    images: tuple[tuple[str, str], ...]
    nodes: tuple[str, ...]
    probs: NDArray[np.float64]
    classes: tuple[TrainingClass, ...]

    def __post_init__(self) -> None:
        shape = (len(self.images), len(self.classes))
        if self.targets not in TARGETS:
            raise ValueError(f"targets are one of {', '.join(TARGETS)}, not {self.targets!r}")
        if self.probs.shape != shape or len(self.nodes) != shape[0]:
            raise ValueError(f"{shape} probabilities are needed, got {self.probs.shape} and {len(self.nodes)} nodes")
        if len(set(self.images)) != len(self.images):
            raise ValueError(f"fold {self.fold} answers an image twice")

    def only(self, images: frozenset[tuple[str, str]]) -> FoldAnswers:
        """The answers to these images."""
        keep = [i for i, image in enumerate(self.images) if image in images]
        images_kept, nodes = tuple(self.images[i] for i in keep), tuple(self.nodes[i] for i in keep)
        return FoldAnswers(self.targets, self.fold, images_kept, nodes, self.probs[keep], self.classes)


def read_answers(folder: Path, targets: str, fold: int) -> FoldAnswers:
    """Read what a finished run wrote into its folder.

    Raises
    ------
    TrainingError
        The files are not there, damaged, or do not fit each other.
    """
    try:
        recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        classes = Partition.from_json(recipe["partition"]).classes
        with (folder / ANSWERS).open(newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        if head != [*KEYS, *(c.id for c in classes)]:
            raise ValueError(f"the columns of {ANSWERS} are not the classes of {RECIPE}")
        probs = np.array([row[len(KEYS) :] for row in rows], dtype=np.float64).reshape(len(rows), len(classes))
        images = tuple((row[0], row[1]) for row in rows)
        return FoldAnswers(targets, fold, images, tuple(row[2] for row in rows), probs, classes)
    except (OSError, ValueError, KeyError, TypeError, PartitionError) as error:
        raise TrainingError(
            f"A finished fold leaves {RECIPE} and {ANSWERS} in its folder. Those of fold {fold} ({targets}) in "
            f"{folder} cannot be used: {error}. Delete that job, and start the cross-validation again."
        ) from error


def summarise(taxonomy: Taxonomy, answers: Iterable[FoldAnswers], n_folds: int) -> CrossValidation:
    """Judge the answers of any number of folds, at both levels.

    Within a fold, all networks are judged on the images that all of them answered, so that they can be compared.

    Parameters
    ----------
    taxonomy
    answers
        In any order; at most one for each fold and kind of outputs.
    n_folds
        Of the whole cross-validation.

    Raises
    ------
    ValueError
        Two answers for one fold and kind, a fold outside 0 ... n_folds - 1, or an image with two true nodes.
    """
    found: dict[int, dict[str, FoldAnswers]] = {}
    for answer in answers:
        own = found.setdefault(answer.fold, {})
        if not 0 <= answer.fold < n_folds:
            raise ValueError(f"folds are numbered 0 to {n_folds - 1}, not {answer.fold}")
        if answer.targets in own:
            raise ValueError(f"one answer per fold and kind is needed; fold {answer.fold}, {answer.targets}, has two")
        own[answer.targets] = answer
    judged: dict[str, list[FoldAnswers]] = {}
    n_left_out = 0
    for _, own in sorted(found.items()):
        truth = {pair for answer in own.values() for pair in zip(answer.images, answer.nodes, strict=True)}
        known = {image for image, _ in truth}
        if len(truth) != len(known):
            raise ValueError(f"{len(truth) - len(known)} images have two true nodes: the labels changed in between")
        common = frozenset.intersection(*(frozenset(answer.images) for answer in own.values()))
        n_left_out += len(known) - len(common)
        for targets, answer in own.items():
            judged.setdefault(targets, []).append(answer.only(common))
    results = (_judge(taxonomy, judged[targets]) for targets in TARGETS if targets in judged)
    return CrossValidation(n_folds, tuple(results), n_left_out)


def _judge(taxonomy: Taxonomy, folds: Sequence[FoldAnswers]) -> TargetsResult:
    """All folds of one kind of outputs."""
    return TargetsResult(
        folds[0].targets,
        max(len(answer.classes) for answer in folds),
        tuple(answer.fold for answer in folds),
        tuple(len(answer.images) for answer in folds),
        **{name: _at_level(taxonomy, folds, level) for name, level in LEVELS.items()},
    )


def _at_level(taxonomy: Taxonomy, folds: Sequence[FoldAnswers], level: int) -> LevelResult | None:
    found = []
    for answer in folds:
        judged = accuracy_at_level(taxonomy, answer.classes, answer.nodes, answer.probs, level)
        if judged is None:
            return None
        found.append({row.node: row for row in judged.rows})
    nodes = sorted({node for rows in found for node in rows}, key=taxonomy.position)
    classes = tuple(
        ClassFolds(
            node,
            taxonomy.node(node).name,
            tuple(rows[node].n if node in rows else 0 for rows in found),
            tuple(rows[node].n_correct if node in rows else 0 for rows in found),
        )
        for node in nodes
    )
    return LevelResult(tuple(answer.fold for answer in folds), classes)
