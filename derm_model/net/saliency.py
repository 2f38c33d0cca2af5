"""Saliency maps: the L1 norm over RGB of the input gradient of the loss (the paper's Methods, "Saliency maps").

Captum's Saliency takes the gradient of whatever its forward function returns, so network and loss are wrapped into one
forward function. The same forward pass yields logits and features: a map costs one backward pass and no second forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from captum.attr import Saliency
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor

from derm_model.errors import DermTreeError
from derm_model.taxonomy import Aggregator, Resolution, TaskClasses

Of = Literal["loss", "score"]
METHODS: dict[Of, str] = {
    "loss": "L1 norm over RGB of the input gradient of the loss, -log P (Esteva et al. 2017)",
    "score": "L1 norm over RGB of the input gradient of the probability",
}
CLIP_PERCENTILE = 99.5  # a handful of extreme pixels would leave all others invisible
GRADIENT_SCALE = 1024.0  # half-precision gradients would round to zero; a power of two changes nothing in fp32
SMOOTHING = 0.01  # sigma as a share of the map's side; display only, the eye reads areas and not single pixels


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
    """

    positive: tuple[int, ...]
    negative: tuple[int, ...] | None = None
    label: str = ""
    of: Of = "loss"

    def __post_init__(self) -> None:
        """Refuse what has no gradient by construction."""
        if self.of not in METHODS:
            raise DermTreeError(f"A saliency map is of 'loss' or 'score', not {self.of!r}.")
        if self.negative is not None and not (self.positive and self.negative):
            raise DermTreeError("A map of a binary question needs classes on both sides; this model lacks one of them.")

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


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """Map of one image.

    Parameters
    ----------
    values : (size, size) float32, >= 0, some > 0
        L1 norm over RGB of the gradient, raw; input in [0, 1], so the unit is nats (loss) or probability (score) per
        full range of a channel.
    label : str
        What is explained.
    method : str
        How, in words.
    """

    values: NDArray[np.float32]
    label: str
    method: str

    def resized(self, height_px: int, width_px: int) -> NDArray[np.float32]:
        """Map for display, aligned to the original image.

        Smoothed with a Gaussian (sigma 1 % of the side), divided by its 99.5th percentile and clipped, then resized
        bilinearly. `values` stays raw.

        Returns
        -------
        (height_px, width_px) float32 in [0, 1]
        """
        smooth = ndimage.gaussian_filter(self.values.astype(np.float64), SMOOTHING * len(self.values))
        # With fewer than 0.5 % of the pixels above zero the percentile is 0, and the maximum has to serve.
        strongest = float(np.percentile(smooth, CLIP_PERCENTILE)) or float(smooth.max())
        shown = np.clip(smooth / strongest, 0.0, 1.0).astype(np.float32)
        resized = Image.fromarray(shown).resize((width_px, height_px), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Explained:
    """One forward and one backward pass: logits (n, n_classes), features (n, d) and raw maps (n, h, w)."""

    logits: Tensor
    features: Tensor
    maps: Tensor


def explain(
    forward: Callable[[Tensor], tuple[Tensor, Tensor]], unit: Tensor, target: Target, temperature: float
) -> Explained:
    """Maps, logits and features of a batch from one forward pass.

    Parameters
    ----------
    forward : callable
        Input (n, 3, h, w) in [0, 1] to (logits, features).
    unit : (n, 3, h, w) float
        In [0, 1]; the gradient is with respect to these numbers. Not changed.
    target : Target
    temperature : float
        Of the bundle: the map explains the probability that is shown.
    """
    stash: dict[str, Tensor] = {}

    def network_and_loss(batch: Tensor) -> Tensor:
        logits, features = forward(batch)
        stash["logits"], stash["features"] = logits.detach(), features.detach()
        # Double precision: near P = 1 the gradient of single-precision logits would round to zero.
        log_p = target.log_probability(logits.double() / temperature)
        return GRADIENT_SCALE * (-log_p if target.of == "loss" else log_p.exp())

    inputs = unit.detach().clone().requires_grad_(True)
    gradient = Saliency(network_and_loss).attribute(inputs, abs=False)
    return Explained(stash["logits"], stash["features"], gradient.abs().sum(dim=1) / GRADIENT_SCALE)


def saliency_map(
    values: NDArray[np.floating], target: Target, class_names: Sequence[str], top: int
) -> SaliencyMap | None:
    """Raw values as a labelled map; None where the gradient is zero everywhere or not finite, and no map is defined.

    Parameters
    ----------
    values : (size, size)
    class_names : in logit order
    top : int
        Index of the image's most probable class.
    """
    if not np.isfinite(values).all() or not (values > 0).any():
        return None
    label = target.label
    if not target.positive:
        label = class_names[top]
    elif not label:
        label = " or ".join(class_names[i] for i in target.positive)
    return SaliencyMap(np.asarray(values, dtype=np.float32), label, METHODS[target.of])
