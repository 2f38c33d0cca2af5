"""What a model says about nodes of the taxonomy, as rows to show: functions of its class probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from derm_model.palette import Role
from derm_model.taxonomy import Aggregator, Resolution, TaskClasses, Taxonomy, TrainingClass

MELANOMA = "melanoma"  # the paper draws melanoma apart from the other malignant nodes
STATUS_ROLES = {
    "malignant": Role.MALIGNANT,
    "malignant in situ": Role.MALIGNANT,
    "premalignant": Role.MALIGNANT,
    "benign": Role.BENIGN,
    "non-neoplastic": Role.NON_NEOPLASTIC,
    "indeterminate": Role.NON_NEOPLASTIC,
}
ROOT_ROLES = {
    "malignant": Role.MALIGNANT,
    "benign": Role.BENIGN,
    "non-neoplastic": Role.NON_NEOPLASTIC,
}


class Level(StrEnum):
    """Cuts of the tree a page offers; the value is the label."""

    ROOTS = "3 roots"
    NINE = "9 classes"
    CLASSES = "Training classes"


@dataclass(frozen=True)
class NodeAnswer:
    """One node with its probability.

    Parameters
    ----------
    key : str
        Unique in a list of rows: the node id, or the id of a training class.
    node : str
        Node id.
    probability : float or None
        None where the model does not resolve the node; `resolution` says why.
    covering : str or None
        For a node finer than the model: name of the class that covers it, with `covering_probability`.
    """

    key: str
    node: str
    name: str
    role: Role
    probability: float | None
    resolution: Resolution
    covering: str | None = None
    covering_probability: float | None = None


def role_of(taxonomy: Taxonomy, node_id: str) -> Role:
    """Role by malignancy status; where that is mixed, by the root the node stands under."""
    line = (node_id, *taxonomy.ancestors(node_id))
    if MELANOMA in line:
        return Role.MELANOMA
    status = taxonomy.node(node_id).malignancy_status
    if status in STATUS_ROLES:
        return STATUS_ROLES[status]
    return ROOT_ROLES.get(line[-1], Role.NON_NEOPLASTIC)


def node_answer(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Sequence[TrainingClass], probs: NDArray[np.float64], node: str
) -> NodeAnswer:
    """Answer for any node; `probs` is (n_classes,)."""
    resolution = aggregator.resolution(node)
    index = aggregator.covering_class(node) if resolution is Resolution.FINER_THAN_MODEL else None
    return NodeAnswer(
        key=node,
        node=node,
        name=taxonomy.node(node).name,
        role=role_of(taxonomy, node) if resolution is Resolution.RESOLVED else Role.UNRESOLVED,
        probability=aggregator.probability(probs, node) if resolution is Resolution.RESOLVED else None,
        resolution=resolution,
        covering=None if index is None else classes[index].name,
        covering_probability=None if index is None else float(probs[index]),
    )


def level_answers(
    taxonomy: Taxonomy,
    aggregator: Aggregator,
    classes: Sequence[TrainingClass],
    probs: NDArray[np.float64],
    level: Level,
) -> list[NodeAnswer]:
    """Rows of a level, most probable first, unresolved last; equals keep the order of the tree."""
    if level is Level.CLASSES:
        rows = [
            NodeAnswer(
                key=c.id,
                node=c.node,
                name=c.name,
                role=role_of(taxonomy, c.node),
                probability=float(p),
                resolution=Resolution.RESOLVED,
            )
            for c, p in zip(classes, probs, strict=True)
        ]
    else:
        nodes = taxonomy.cut(1 if level is Level.ROOTS else 2)
        rows = [node_answer(taxonomy, aggregator, classes, probs, node) for node in nodes]
    return sorted(rows, key=lambda row: (row.probability is None, -(row.probability or 0.0)))


@dataclass(frozen=True)
class Slice:
    """A node of the drawn tree; `parent` is the id of a drawn node, None for the one at the top."""

    answer: NodeAnswer
    parent: str | None


def tree_slices(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Sequence[TrainingClass], probs: NDArray[np.float64]
) -> list[Slice]:
    """The part of the tree that the model tells apart, in the order of the tree.

    Roots and nine classes are always drawn, also where nothing was learnt. Below them a node is drawn only if it holds
    fewer training classes than the drawn node above it, so that a chain of nodes with the same probability is one box.
    """
    slices: list[Slice] = []

    def visit(nodes: Iterable[str], parent: str | None, parent_classes: frozenset[int]) -> None:
        for node in nodes:
            held = frozenset(aggregator.class_indices(node))
            drawn = taxonomy.level(node) <= 2 or (bool(held) and held != parent_classes)
            if drawn:
                slices.append(Slice(node_answer(taxonomy, aggregator, classes, probs, node), parent))
            if held or taxonomy.level(node) < 2:
                visit(taxonomy.children(node), *((node, held) if drawn else (parent, parent_classes)))

    visit(taxonomy.children(None), None, frozenset())
    return slices


def region_mass(probs: NDArray[np.float64], task_classes: TaskClasses) -> float:
    """Probability in [0, 1] that the image belongs to either side of the question at all."""
    return float(probs[list(task_classes.positive + task_classes.negative)].sum())
