"""From the probabilities of the training classes to those of every node: P(u) is the sum over its children."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.partition import TrainingClass
from derm_model.taxonomy.tree import Taxonomy

FloatArray = npt.NDArray[np.float64]

BLOCK_ROWS = 2048  # x 2,226 nodes x 8 bytes = 36 MB a block, whatever the number of images


class Resolution(Enum):
    """Whether a model can say anything about a node, and if not, why."""

    RESOLVED = "resolved"
    FINER_THAN_MODEL = "finer than the model"  # strictly below a training class
    NO_CLASS = "no class"  # nothing in this part of the tree was learnt


class Aggregator:
    """Sums class probabilities up the tree with one matrix product.

    Parameters
    ----------
    taxonomy : Taxonomy
    classes : sequence of TrainingClass
        In the order of the network's outputs; at least one.

    Attributes
    ----------
    matrix : ndarray (n_classes, n_nodes) of float64
        1 where the class lies at or below the node, else 0.
    resolved : ndarray (n_nodes,) of bool
        Nodes with at least one class at or below them.

    Notes
    -----
    P(node) = sum over its children of P(child) + P(own residual class), over what is resolved.
    Source: Esteva et al. 2017, Methods, "Inference algorithm" and Extended Data Figure 1.
    """

    def __init__(self, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> None:
        if not classes:
            raise TaxonomyError("probabilities cannot be summed up the taxonomy without training classes")
        self.taxonomy = taxonomy
        self.classes = tuple(classes)
        self.matrix: FloatArray = np.zeros((len(self.classes), len(taxonomy)))
        self._class_at: dict[str, int] = {}
        for row, training_class in enumerate(self.classes):
            if training_class.node in self._class_at:
                raise TaxonomyError(f"two training classes stand for the node {training_class.node!r}")
            self._class_at[training_class.node] = row
            for node_id in (training_class.node, *taxonomy.ancestors(training_class.node)):
                self.matrix[row, taxonomy.index[node_id]] = 1.0
        self.resolved: npt.NDArray[np.bool_] = np.any(self.matrix > 0, axis=0)
        self.matrix.setflags(write=False)
        self.resolved.setflags(write=False)

    def node_probs(self, class_probs: npt.ArrayLike) -> FloatArray:
        """Return the probability of every node.

        Parameters
        ----------
        class_probs : array (n, n_classes) or (n_classes,)

        Returns
        -------
        ndarray (n, n_nodes) or (n_nodes,)
            In the order of `taxonomy.nodes`; NaN where the node is not resolved.
        """
        probs = self._checked(class_probs)
        nodes: FloatArray = probs @ self.matrix
        nodes[..., ~self.resolved] = np.nan
        return nodes

    def blocks(self, class_probs: npt.ArrayLike, block_rows: int = BLOCK_ROWS) -> Iterator[FloatArray]:
        """Yield `node_probs` of (n, n_classes) probabilities in blocks of at most `block_rows` rows.

        A million distributions over 2,226 nodes would fill 18 GB at once; this needs one block.
        """
        if block_rows < 1:
            raise ValueError(f"block_rows must be at least 1, got {block_rows}")
        probs = self._checked(class_probs, dimensions=(2,))
        for start in range(0, len(probs), block_rows):
            yield self.node_probs(probs[start : start + block_rows])

    def probability(self, class_probs: npt.ArrayLike, node_id: str) -> float | None:
        """Return the probability of one node for one image's (n_classes,) probabilities; None if not resolved."""
        probs = self._checked(class_probs, dimensions=(1,))
        indices = self.class_indices(node_id)
        return float(probs[list(indices)].sum()) if indices else None

    def resolution(self, node_id: str) -> Resolution:
        """Return whether the model resolves a node, or why not."""
        if self.resolved[self.taxonomy.position(node_id)]:
            return Resolution.RESOLVED
        return Resolution.NO_CLASS if self.covering_class(node_id) is None else Resolution.FINER_THAN_MODEL

    def covering_class(self, node_id: str) -> int | None:
        """Return the class at the node itself or at its nearest ancestor that has one; None when there is none."""
        for step in (node_id, *self.taxonomy.ancestors(node_id)):
            if step in self._class_at:
                return self._class_at[step]
        return None

    def class_indices(self, node_id: str) -> tuple[int, ...]:
        """Return the classes at or below a node; empty if it is not resolved."""
        column = self.matrix[:, self.taxonomy.position(node_id)]
        return tuple(int(index) for index in np.flatnonzero(column))

    def _checked(self, class_probs: npt.ArrayLike, dimensions: tuple[int, ...] = (1, 2)) -> FloatArray:
        probs = np.asarray(class_probs)
        if probs.ndim not in dimensions or probs.shape[-1] != len(self.classes):
            raise ValueError(
                f"class_probs must end in {len(self.classes)} classes and have "
                f"{' or '.join(map(str, dimensions))} dimension(s), got shape {probs.shape}"
            )
        return probs
