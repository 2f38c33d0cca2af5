"""The inference rule as a tree to draw: training classes at the ends, and every node the sum of what is drawn below it.

Source: Esteva et al. 2017, Extended Data Figure 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.answer import role_of, tree_slices
from derm_model.palette import Role
from derm_model.taxonomy import Aggregator, Taxonomy, TrainingClass

ROOT = "all"
MOST_CLASSES = 24  # more do not fit on a page: the least probable are drawn together


@dataclass(frozen=True)
class InferenceNode:
    """A node of the drawing.

    Attributes
    ----------
    key
        Unique in the drawing.
    parent
        Key of the node above; None for the one that holds all.
    classes
        Outputs of the network at or below it.
    is_class
        An end of the tree: one training class, or several of the least probable together.
    probability
        In [0, 1]: of an end that of its classes, of any other node the sum over its children.
    """

    key: str
    name: str
    role: Role
    parent: str | None
    classes: tuple[int, ...]
    is_class: bool
    probability: float


def inference_tree(
    taxonomy: Taxonomy,
    aggregator: Aggregator,
    classes: Sequence[TrainingClass],
    probs: NDArray[np.float64],
    most: int = MOST_CLASSES,
) -> tuple[InferenceNode, ...]:
    """Nodes from the top down, each before its children, in the order of the tree.

    Parameters
    ----------
    probs : (n_classes,)
    most
        Training classes that are drawn one by one.

    Notes
    -----
    Nodes with the same training classes are drawn once, as in `tree_slices`; nodes without any are not drawn.
    """
    kept = {int(i) for i in np.argsort(-probs, kind="stable")[:most]}
    inner: dict[str, tuple[str | None, tuple[int, ...]]] = {}
    for drawn in tree_slices(taxonomy, aggregator, classes, probs):
        node = drawn.answer.node
        held = aggregator.class_indices(node)
        if held and (taxonomy.level(node) <= 2 or kept.intersection(held)):
            inner[node] = (drawn.parent, held)
    ends: dict[str, list[int]] = {}
    for i, c in enumerate(classes):
        line = (c.node, *taxonomy.ancestors(c.node))
        ends.setdefault(next(node for node in line if node in inner), []).append(i)
    found = [
        InferenceNode(ROOT, "All diagnoses", Role.ALL, None, tuple(range(len(classes))), False, float(probs.sum()))
    ]
    for node, (parent, held) in inner.items():
        named = taxonomy.node(node).name
        found.append(
            InferenceNode(
                node, named, role_of(taxonomy, node), parent or ROOT, held, False, float(probs[list(held)].sum())
            )
        )
        found += _ends(taxonomy, classes, probs, node, ends.get(node, []), kept)
    return tuple(found)


def _ends(
    taxonomy: Taxonomy,
    classes: Sequence[TrainingClass],
    probs: NDArray[np.float64],
    parent: str,
    indices: Sequence[int],
    kept: set[int],
) -> list[InferenceNode]:
    """The training classes that hang on a drawn node."""
    found = [
        InferenceNode(
            f"class {classes[i].id}",
            classes[i].name,
            role_of(taxonomy, classes[i].node),
            parent,
            (i,),
            True,
            float(probs[i]),
        )
        for i in indices
        if i in kept
    ]
    rest = tuple(i for i in indices if i not in kept)
    if rest:
        many = "class" if len(rest) == 1 else "classes"
        name, together = f"{len(rest)} more {many}, less probable", float(probs[list(rest)].sum())
        found.append(InferenceNode(f"rest {parent}", name, role_of(taxonomy, parent), parent, rest, True, together))
    return found


def sums(nodes: Sequence[InferenceNode]) -> dict[str, tuple[InferenceNode, ...]]:
    """The children of every inner node, by its key, in the order of the drawing."""
    found: dict[str, list[InferenceNode]] = {node.key: [] for node in nodes if not node.is_class}
    for node in nodes:
        if node.parent is not None:
            found[node.parent].append(node)
    return {key: tuple(children) for key, children in found.items()}
