"""What shall be explained, in words that an address can hold, and the engine's target for it. No Streamlit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from derm_model.errors import DermTreeError
from derm_model.taxonomy import Resolution
from pages.ui.reading import explained_node

if TYPE_CHECKING:
    from derm_model.net.saliency import Of, Target
    from pages.ui.resources import Model


class Kind(StrEnum):
    """What a map may explain; the value stands in the address."""

    PREDICTED = "predicted"
    CLASS = "class"
    NODE = "node"
    QUESTION = "question"
    DIFFERENCE = "difference"
    LABEL = "label"


LABELS = {
    Kind.PREDICTED: "The predicted class",
    Kind.CLASS: "A training class",
    Kind.NODE: "Any node of the taxonomy",
    Kind.QUESTION: "A question's score",
    Kind.DIFFERENCE: "One node rather than another",
    Kind.LABEL: "The loss of the true label",
}
OF = {"loss": "log P: the loss, as in the paper", "score": "P: the probability itself"}


@dataclass(frozen=True)
class Wish:
    """A choice; of the ids only that of its kind is read.

    Attributes
    ----------
    node, other
        Taxonomy ids: of the node or the label, and of what a difference compares with.
    class_id, task_id
    of
        "loss" or "score".
    """

    kind: Kind = Kind.PREDICTED
    node: str | None = None
    other: str | None = None
    class_id: str | None = None
    task_id: str | None = None
    of: str = "loss"


def target_of(wish: Wish, model: Model, of: Of) -> Target:
    """The engine's word for it.

    Raises
    ------
    DermTreeError
        Something is not chosen yet, or the model cannot tell it.
    """
    from derm_model.net.saliency import Target  # torch: imported when an engine is there

    if wish.kind is Kind.PREDICTED:
        return Target.predicted(of)
    if wish.kind is Kind.CLASS:
        ids = [c.id for c in model.card.classes]
        if wish.class_id not in ids:
            raise DermTreeError("Choose a training class.")
        return Target.of_class(ids.index(wish.class_id), of)
    if wish.kind is Kind.QUESTION:
        if wish.task_id not in model.tasks:
            raise DermTreeError("This model has not learnt both sides of a question. Explain a class or a node.")
        return Target.of_task(model.tasks[wish.task_id], of)
    if wish.kind is Kind.DIFFERENCE:
        if wish.node is None or wish.other is None:
            raise DermTreeError("Choose two nodes to compare.")
        names = model.taxonomy.node(wish.node).name, model.taxonomy.node(wish.other).name
        return Target.of_difference(model.aggregator, wish.node, wish.other, of, names)
    return _target_of_node(wish, model, "loss" if wish.kind is Kind.LABEL else of)


def _target_of_node(wish: Wish, model: Model, of: Of) -> Target:
    from derm_model.net.saliency import Target

    if wish.node is None:
        raise DermTreeError(
            "Choose the true label." if wish.kind is Kind.LABEL else "Pick a node: search for it below."
        )
    covering = explained_node(model.aggregator, model.card.classes, wish.node)
    name = model.taxonomy.node(wish.node).name
    if covering is None:
        raise DermTreeError(f"The model learnt no images of {name}, so nothing of it can be explained. Pick another.")
    return Target.of_node(model.aggregator, covering, of, label=model.taxonomy.node(covering).name)


def resolved_nodes(model: Model) -> dict[str, str]:
    """Nodes whose probability the model knows, in the order of the tree, set in by their depth."""
    tree = model.taxonomy
    known = [node for node in tree.nodes if model.aggregator.resolution(node.id) is Resolution.RESOLVED]
    return {node.id: "\u2003" * (tree.level(node.id) - 1) + node.name for node in known}
