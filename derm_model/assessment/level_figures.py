"""How often a bundle names the right node, at the training classes and at the paper's two levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import Answers
from derm_model.data.manifest import Record
from derm_model.evaluation.confusion import ConfusionMatrix, TopK, confusion_matrix, most_confused, top_k
from derm_model.evaluation.levels import answers_at_level
from derm_model.evaluation.metrics import ClassRow, Interval, balanced_accuracy, class_table
from derm_model.taxonomy import Partition, Taxonomy
from derm_model.taxonomy.targets import LEVELS

CLASSES = "classes"  # the training classes; the others are the keys of LEVELS
# The paper numbers its nine classes 0 to 8 (Extended Data Table 2b) and draws its matrices in that order.
PAPERS_ORDER = (
    "cutaneous-lymphoma",
    "benign-dermal",
    "malignant-dermal",
    "benign-epidermal",
    "malignant-epidermal",
    "genodermatosis",
    "inflammatory",
    "benign-melanocytic",
    "melanoma",
)
TOP_K = (1, 2, 3)
N_CONFUSED = 8  # pairs named: what follows are mostly single images
N_EXAMPLES = 12  # images kept of each pair, the surest mistakes first


@dataclass(frozen=True)
class Confusion:
    """Images of one node that were taken for another.

    Attributes
    ----------
    truth, said
        Node ids.
    n, n_of_node
        Such images, and all of the true node.
    examples
        (source, image_id), the surest mistakes first.
    """

    truth: str
    said: str
    n: int
    n_of_node: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class LevelFigures:
    """Accuracy at one level.

    Attributes
    ----------
    level
        "classes", "nine" or "three".
    nodes, names
        In the order of rows and columns of `matrix`.
    accuracy
        Mean of the accuracies of the nodes that have images (the paper's overall accuracy).
    rows
        One per node; None where it has no images.
    top
        Only of the training classes.
    n_unjudged
        Images that no node of the level can be right for: labelled above it or, at the training classes, in none.
    """

    level: str
    nodes: tuple[str, ...]
    names: tuple[str, ...]
    accuracy: Interval
    rows: tuple[ClassRow, ...]
    matrix: ConfusionMatrix
    confused: tuple[Confusion, ...]
    top: tuple[TopK, ...]
    n_unjudged: int

    @property
    def n(self) -> int:
        """Images that were judged."""
        return int(self.matrix.counts.sum())

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dict for JSON; what is undefined is None."""
        return {
            "level": self.level,
            "n": self.n,
            "n_unjudged": self.n_unjudged,
            "accuracy": self.accuracy.to_json(),
            "nodes": [
                {
                    "node": node,
                    "name": name,
                    "n": row.n,
                    "accuracy": row.accuracy.to_json() if row.accuracy is not None else None,
                }
                for node, name, row in zip(self.nodes, self.names, self.rows, strict=True)
            ],
            "top": [{"k": t.k, "images": t.images.to_json(), "mean_of_classes": t.mean_of_classes} for t in self.top],
            "confusion": self.matrix.to_json(),
            "most_confused": [pair.__dict__ for pair in self.confused],
        }


def level_figures(answers: Answers, taxonomy: Taxonomy, partition: Partition) -> tuple[LevelFigures, ...]:
    """Figures of every level the classes can be judged at: training classes, nine, three."""
    found = [_of_classes(answers, partition)]
    found += [_of_level(answers, taxonomy, partition, name) for name in ("nine", "three")]
    return tuple(figures for figures in found if figures is not None)


def _of_classes(answers: Answers, partition: Partition) -> LevelFigures | None:
    labels = [partition.class_index(r.node) for r in answers.records]
    truth = np.array([-1 if label is None else label for label in labels], dtype=np.int64)
    classes = partition.classes
    nodes, names = tuple(c.id for c in classes), tuple(c.name for c in classes)
    return _figures(CLASSES, nodes, names, answers.records, truth, answers.probs.argmax(axis=1), answers.probs)


def _of_level(answers: Answers, taxonomy: Taxonomy, partition: Partition, name: str) -> LevelFigures | None:
    found = answers_at_level(
        taxonomy, partition.classes, [r.node for r in answers.records], answers.probs, LEVELS[name]
    )
    if found is None:
        return None
    nodes, truth, said = found.nodes, found.truth, found.said
    if name == "nine":
        nodes = tuple(sorted(nodes, key=lambda node: PAPERS_ORDER.index(node) if node in PAPERS_ORDER else len(nodes)))
        place = np.array([nodes.index(node) for node in found.nodes] + [-1])  # -1 stays -1
        truth, said = place[truth], place[said]
    names = tuple(taxonomy.node(node).name for node in nodes)
    return _figures(name, nodes, names, answers.records, truth, said, None)


def _figures(
    level: str,
    nodes: tuple[str, ...],
    names: tuple[str, ...],
    records: Sequence[Record],
    truth: NDArray[np.int64],
    said: NDArray[np.int64],
    probs: NDArray[np.float64] | None,
) -> LevelFigures | None:
    judged = np.flatnonzero(truth >= 0)
    true, answer = truth[judged], said[judged]
    accuracy = balanced_accuracy(true, answer, len(nodes))
    if accuracy is None:
        return None
    ranked = answer if probs is None else probs[judged]
    top = () if probs is None else tuple(top_k(true, ranked, k) for k in TOP_K if k < len(nodes))
    return LevelFigures(
        level=level,
        nodes=nodes,
        names=names,
        accuracy=accuracy,
        rows=tuple(class_table(true, answer, len(nodes))),
        matrix=confusion_matrix(true, answer, nodes),
        confused=tuple(
            Confusion(
                nodes[pair.truth],
                nodes[pair.answer],
                pair.n,
                pair.n_of_class,
                tuple((records[judged[i]].source, records[judged[i]].image_id) for i in pair.positions[:N_EXAMPLES]),
            )
            for pair in most_confused(true, ranked, len(nodes), limit=N_CONFUSED)
        ),
        top=tuple(t for t in top if t is not None),
        n_unjudged=int((truth < 0).sum()),
    )
