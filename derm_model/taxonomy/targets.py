"""What a network's outputs stand for: a partition's classes, or one level of the tree (Extended Data Table 2).

And what a label above the outputs means: an image known only to be "malignant epidermal" is one of several outputs, so
that the loss can ask for their sum (Methods, "Inference algorithm", read backwards).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from derm_model.errors import PartitionError
from derm_model.taxonomy.partition import Partition, TrainingClass, partition
from derm_model.taxonomy.tree import Taxonomy

LEVELS = {"three": 1, "nine": 2}  # levels of the paper's three-way and nine-way comparisons
TARGETS = ("partition", *LEVELS)


@dataclass(frozen=True)
class CoarseLabel:
    """A label that stands for several outputs: a node, and the indices of the classes within it, at least one."""

    node: str
    classes: tuple[int, ...]
    n_images: int


@dataclass(frozen=True, eq=False)
class Targets:
    """What a network is trained to say.

    Attributes
    ----------
    partition
        The classes, in the order of the outputs.
    coarse
        Labels above the classes that train their sum; () where such images are left out or are classes themselves.
    """

    partition: Partition
    coarse: tuple[CoarseLabel, ...] = ()

    @property
    def n_classes(self) -> int:
        """Outputs of the network."""
        return len(self.partition.classes)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the classes, in the order of the outputs."""
        return tuple(c.id for c in self.partition.classes)

    @property
    def n_labels(self) -> int:
        """Outputs and coarse labels."""
        return self.n_classes + len(self.coarse)

    def label(self, node: str) -> int | None:
        """Number of the label an image of this node trains.

        Below `n_classes` it is an output, from there on a coarse label; None where the image trains nothing.
        """
        found = self.partition.class_index(node)
        if found is not None:
            return found
        for i, coarse in enumerate(self.coarse):
            if coarse.node == node:
                return self.n_classes + i
        return None

    def membership(self) -> NDArray[np.bool_]:
        """Outputs each label stands for, (n_labels, n_classes)."""
        rows = np.eye(self.n_labels, self.n_classes, dtype=np.bool_)
        for i, coarse in enumerate(self.coarse):
            rows[self.n_classes + i, list(coarse.classes)] = True
        return rows


def make_targets(
    taxonomy: Taxonomy,
    counts: Mapping[str, int],
    *,
    targets: str = "partition",
    max_class_size: int = 1000,
    mode: str = "practical",
    coarse: bool = False,
) -> Targets:
    """Choose the outputs for images that were counted per node.

    Parameters
    ----------
    taxonomy
    counts
        Images labelled with exactly this node, >= 0, counted without the test set.
    targets : {"partition", "nine", "three"}
        The disease partition, or the nodes of level 2 or 1 directly: the paper's ablation.
    max_class_size, mode
        Of the partition.
    coarse
        Whether an image labelled above the classes trains the sum of those below it (hierarchical loss). Otherwise it
        is in the partition's residual class ("practical"), or trains nothing.

    Raises
    ------
    PartitionError
        Unknown targets, or counts from which no class can be made.
    """
    if targets not in TARGETS:
        raise PartitionError(f"Outputs are one of {', '.join(TARGETS)}, not {targets!r}.")
    if targets == "partition":
        chosen = partition(taxonomy, counts, max_class_size, mode)
        if coarse:
            chosen = replace(chosen, classes=_without_residuals(taxonomy, chosen.classes))
    else:
        chosen = level_classes(taxonomy, counts, targets)
    if not coarse:
        return Targets(chosen)
    covered = {member for training_class in chosen.classes for member in training_class.members}
    labels = []
    for node in taxonomy.nodes:
        if not counts.get(node.id) or node.id in covered:
            continue
        below = tuple(i for i, c in enumerate(chosen.classes) if taxonomy.is_within(c.node, node.id))
        if below:
            labels.append(CoarseLabel(node.id, below, counts[node.id]))
    return Targets(chosen, tuple(labels))


def _without_residuals(taxonomy: Taxonomy, classes: tuple[TrainingClass, ...]) -> tuple[TrainingClass, ...]:
    """The classes without the residual ones, whose images train a sum; with those that have nothing below to sum."""
    nodes = [c.node for c in classes if not c.residual]
    return tuple(c for c in classes if not c.residual or not any(taxonomy.is_within(node, c.node) for node in nodes))


def level_classes(taxonomy: Taxonomy, counts: Mapping[str, int], targets: str) -> Partition:
    """The nodes of a level that have images, each with all its descendants, as classes.

    Parameters
    ----------
    targets : {"nine", "three"}

    Returns
    -------
    Partition
        Its `mode` is `targets` and its `max_class_size` 0, because there is no limit.

    Raises
    ------
    PartitionError
        No image lies at or below the level.
    """
    level = LEVELS[targets]
    classes = []
    for node in taxonomy.nodes:
        if taxonomy.level(node.id) != level:
            continue
        members = taxonomy.descendants(node.id)
        n = sum(counts.get(member, 0) for member in members)
        if n:
            classes.append(TrainingClass(node.id, node.name, node.id, members, n))
    if not classes:
        raise PartitionError(f"No image lies at or below level {level} of the taxonomy; label images more finely.")
    return Partition(tuple(classes), targets, 0, taxonomy.digest)
