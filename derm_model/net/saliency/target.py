"""What a map explains: a function of the logits, to which every method of explaining is put."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from derm_model.errors import DermTreeError
from derm_model.taxonomy import Aggregator, Resolution, TaskClasses

Of = Literal["loss", "score"]
GRADIENT_OF: dict[Of, str] = {
    "loss": "L1 norm over RGB of the input gradient of the loss, -log P (Esteva et al. 2017)",
    "score": "L1 norm over RGB of the input gradient of the probability",
}


@dataclass(frozen=True)
class Target:
    """What a map explains: the probability of `positive`, renormalised over both sides where `negative` is given.

    Parameters
    ----------
    positive : tuple of int
        Logit indices whose probabilities are summed. Empty: the most probable class of each image, found in the same
        forward pass.
    negative : tuple of int, optional
        Logit indices the sum competes with; None: all classes.
    label : str
        What is explained, in words; empty for a class, whose name the engine knows.
    of : "loss" or "score"
        Gradient of -log P (the paper's, the default) or of P itself.
    contrast : bool
        Explain what speaks for `positive` rather than for `negative`: log P(positive) - log P(negative), or with
        "score" the difference of the two probabilities. Other classes count, as nothing is renormalised.
    """

    positive: tuple[int, ...]
    negative: tuple[int, ...] | None = None
    label: str = ""
    of: Of = "loss"
    contrast: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no gradient by construction."""
        if self.of not in GRADIENT_OF:
            raise DermTreeError(f"A saliency map is of 'loss' or 'score', not {self.of!r}.")
        if self.negative is not None and not (self.positive and self.negative):
            raise DermTreeError("A map of a binary question needs classes on both sides; this model lacks one of them.")
        if self.contrast and (self.negative is None or set(self.positive) & set(self.negative)):
            raise DermTreeError("A difference needs two nodes of which neither lies below the other. Choose others.")

    @classmethod
    def predicted(cls, of: Of = "loss") -> Target:
        """The most probable class of each image."""
        return cls((), None, "", of)

    @classmethod
    def of_class(cls, index: int, of: Of = "loss") -> Target:
        """One training class, by logit index."""
        return cls((index,), None, "", of)

    @classmethod
    def of_node(cls, aggregator: Aggregator, node_id: str, of: Of = "loss", label: str = "") -> Target:
        """A node of the taxonomy: the sum of the training classes at or below it.

        Raises
        ------
        DermTreeError
            The model does not resolve the node, so its probability is unknown and has no gradient.
        """
        resolution = aggregator.resolution(node_id)
        if resolution is not Resolution.RESOLVED:
            why = {
                Resolution.FINER_THAN_MODEL: "the model has no class this fine; explain the node above it",
                Resolution.NO_CLASS: "the model learnt no class there; choose another node",
            }[resolution]
            raise DermTreeError(f"A map needs a node that the model resolves; {label or node_id} is not: {why}.")
        return cls(tuple(aggregator.class_indices(node_id)), None, label or node_id, of)

    @classmethod
    def of_task(cls, task_classes: TaskClasses, of: Of = "loss") -> Target:
        """The renormalised score of a binary question."""
        return cls(task_classes.positive, task_classes.negative, task_classes.task.positive_name, of)

    @classmethod
    def of_difference(
        cls, aggregator: Aggregator, node_id: str, other_id: str, of: Of = "loss", labels: tuple[str, str] = ("", "")
    ) -> Target:
        """Why one node rather than another.

        Raises
        ------
        DermTreeError
            The model does not resolve a node, or one lies below the other.
        """
        one = cls.of_node(aggregator, node_id, of, labels[0])
        other = cls.of_node(aggregator, other_id, of, labels[1])
        return cls(one.positive, other.positive, f"{one.label} rather than {other.label}", of, contrast=True)

    def settled(self, top: int) -> Target:
        """The same for one image whose most probable class is `top`: methods that change the image must not change
        what is explained with it.
        """
        return self if self.positive else replace(self, positive=(top,))

    def evidence(self, logits: Tensor) -> Tensor:
        """What every method explains: larger where the network holds more of it. For "loss" it is the loss, negated.

        Parameters
        ----------
        logits : (n, n_classes)
            Already divided by the temperature.

        Returns
        -------
        (n,)
            Log probability, or with "score" the probability; of a contrast the difference of two of them.
        """
        if not self.contrast:
            found = self.log_probability(logits)
            return found if self.of == "loss" else found.exp()
        assert self.negative is not None  # __post_init__ has seen to it
        sides = [Target(side).log_probability(logits) for side in (self.positive, self.negative)]
        one, other = sides if self.of == "loss" else [side.exp() for side in sides]
        return one - other

    def log_probability(self, logits: Tensor) -> Tensor:
        """Log of the explained probability.

        Parameters
        ----------
        logits : (n, n_classes)
            Already divided by the temperature.

        Returns
        -------
        (n,), <= 0
        """
        if not self.positive:
            return logits.log_softmax(dim=1).amax(dim=1)
        sides = slice(None) if self.negative is None else [*self.positive, *self.negative]
        return logits[:, list(self.positive)].logsumexp(dim=1) - logits[:, sides].logsumexp(dim=1)
