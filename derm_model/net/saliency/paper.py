"""The paper's map: the L1 norm over RGB of the input gradient of the loss (Methods, "Saliency maps").

Captum's Saliency takes the gradient of whatever its forward function returns, so network and loss are wrapped into one
forward function. The same forward pass yields logits and features: a map costs one backward pass and no second forward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from captum.attr import Saliency
from torch import Tensor

from derm_model.net.saliency.target import Target

GRADIENT_SCALE = 1024.0  # half-precision gradients would round to zero; a power of two changes nothing in fp32


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
        # Of "loss" this is the loss with its sign turned, which its L1 norm does not see.
        return GRADIENT_SCALE * target.evidence(logits.double() / temperature)

    inputs = unit.detach().clone().requires_grad_(True)
    gradient = Saliency(network_and_loss).attribute(inputs, abs=False)
    return Explained(stash["logits"], stash["features"], gradient.abs().sum(dim=1) / GRADIENT_SCALE)
