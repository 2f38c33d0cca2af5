"""Private modules on shared weights, for the methods that must hook into a network.

Captum finds activations and changes gradients by hooks on modules. On a network that serves every session they would
be seen by all; so such a method gets its own tree of modules, whose parameters and buffers are the very same tensors.
"""

from __future__ import annotations

import copy
from typing import cast

from torch import Tensor, nn
from torchvision.models.inception import BasicConv2d

from derm_model.errors import DermTreeError
from derm_model.net.network import MIXED, AnyNetwork, InceptionV3
from derm_model.net.preprocessing import Preprocessing


class _ConvolutionWithModules(nn.Module):
    """torchvision's BasicConv2d with its ReLU as a module: the method of guided gradients looks for modules."""

    def __init__(self, of: BasicConv2d) -> None:
        super().__init__()
        self.conv, self.bn, self.relu = of.conv, of.bn, nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))  # type: ignore[no-any-return]  # nn.Module is untyped here


def block_names(network: AnyNetwork) -> tuple[str, ...]:
    """Names of the blocks of the body whose outputs are maps, from the input to the features."""
    if isinstance(network, InceptionV3):
        return tuple(f"Mixed_{name}" for name in MIXED)
    return tuple(f"Block {i + 1}" for i in range(len(network.blocks())))


class Hooked(nn.Module):
    """Image in [0, 1] to scaled logits, on modules that nobody else has.

    Attributes
    ----------
    blocks
        Names of the blocks of the body whose outputs are maps, from the input to the features.
    """

    def __init__(self, network: AnyNetwork, preprocessing: Preprocessing, temperature: float) -> None:
        super().__init__()
        self.network = network
        self._preprocessing, self._temperature = preprocessing, temperature
        self.blocks = block_names(network)

    def forward(self, unit: Tensor) -> Tensor:
        """(n, 3, h, w) in [0, 1] to logits (n, n_classes), double, divided by the temperature."""
        features = self.network.features(self._preprocessing.standardise(unit))
        return self.network.head(features).double() / self._temperature

    def block(self, name: str | None) -> nn.Module:
        """Module whose output is the block's; None: the last one.

        Raises
        ------
        DermTreeError
            There is no such block.
        """
        name = self.blocks[-1] if name is None else name
        if name not in self.blocks:
            raise DermTreeError(
                f"Grad-CAM needs a block of this network, and it has none called {name!r}. "
                f"Choose one of {', '.join(self.blocks)}."
            )
        if isinstance(self.network, InceptionV3):
            return cast(nn.Module, self.network.get_submodule(name))
        return self.network.blocks()[self.blocks.index(name)][-1]


def private_copy(network: AnyNetwork, preprocessing: Preprocessing, temperature: float) -> Hooked:
    """Own modules, shared weights."""
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    mine = copy.deepcopy(network, dict(shared))
    for module in list(mine.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, BasicConv2d):
                setattr(module, name, _ConvolutionWithModules(child))
    return Hooked(mine, preprocessing, temperature).eval()
