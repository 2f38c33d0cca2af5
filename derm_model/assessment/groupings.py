"""What labelled images can be told apart by in a picture: disease, level, data set, modality, right or wrong."""

from __future__ import annotations

from dataclasses import dataclass

from derm_model.assessment.answers import Answers
from derm_model.evaluation.levels import answers_at_level
from derm_model.taxonomy import Partition, Taxonomy
from derm_model.taxonomy.targets import LEVELS

DISEASES, CLASSES, NINE, THREE, SOURCE, MODALITY, CORRECT = (
    *("diseases", "classes", "nine", "three"),
    *("source", "modality", "correct"),
)
NAMES = {
    DISEASES: "Four disease classes",
    NINE: "Nine classes",
    THREE: "Three roots",
    CLASSES: "Training classes",
    SOURCE: "Data set",
    MODALITY: "Modality",
    CORRECT: "Right or wrong",
}
# The four of the paper's Figure 4, as nodes of the second level.
FOUR = ("malignant-epidermal", "benign-epidermal", "melanoma", "benign-melanocytic")
RIGHT, WRONG = "answered rightly", "answered wrongly"


@dataclass(frozen=True)
class Grouping:
    """A name for each image.

    Attributes
    ----------
    key
    labels
        One per image, in words; None where nothing can be said.
    nodes
        Node of each name, where names are of nodes.
    """

    key: str
    labels: tuple[str | None, ...]
    nodes: dict[str, str]


def grouping(key: str, answers: Answers, partition: Partition, taxonomy: Taxonomy) -> Grouping:
    """Name the images by `key`, one of `NAMES`.

    Nodes are those of the truth. Right or wrong is judged at the nine classes, or at the training classes where these
    lie above them.
    """
    if key == SOURCE:
        return Grouping(key, tuple(r.source for r in answers.records), {})
    if key == MODALITY:
        return Grouping(key, tuple(r.modality for r in answers.records), {})
    if key == CORRECT:
        return Grouping(key, _correct(answers, partition, taxonomy), {})
    nodes = [_node(key, r.node, partition, taxonomy) for r in answers.records]
    names = {node: name for node, name in nodes if node is not None and name is not None}
    return Grouping(key, tuple(name for _, name in nodes), {name: node for node, name in names.items()})


def _node(key: str, label: str, partition: Partition, taxonomy: Taxonomy) -> tuple[str | None, str | None]:
    """Node and name a label has in a grouping by diagnosis."""
    if key == CLASSES:
        index = partition.class_index(label)
        return (None, None) if index is None else (partition.classes[index].node, partition.classes[index].name)
    level = LEVELS[THREE if key == THREE else NINE]
    if taxonomy.level(label) < level:
        return None, None
    node = taxonomy.at_level(label, level)
    return (None, None) if key == DISEASES and node not in FOUR else (node, taxonomy.node(node).name)


def _correct(answers: Answers, partition: Partition, taxonomy: Taxonomy) -> tuple[str | None, ...]:
    found = answers_at_level(
        taxonomy, partition.classes, [r.node for r in answers.records], answers.probs, LEVELS[NINE]
    )
    if found is not None:
        pairs = zip(found.truth.tolist(), found.said.tolist(), strict=True)
        return tuple(None if truth < 0 else RIGHT if truth == said else WRONG for truth, said in pairs)
    labels = [partition.class_index(r.node) for r in answers.records]
    pairs = zip(labels, answers.probs.argmax(axis=1).tolist(), strict=True)
    return tuple(None if truth is None else RIGHT if truth == said else WRONG for truth, said in pairs)
