"""A bundle's network as the methods of explaining see it: in full precision, in steps that bound memory, turn by turn.

The network belongs to every session. Nothing here registers a hook on it, leaves a gradient at it or changes it;
methods that need hooks work on `Explainer.hooked`, which shares the weights and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derm_model.net.engine import Engine
from derm_model.net.network import AnyNetwork
from derm_model.net.saliency.hooked import Hooked, block_names, private_copy
from derm_model.net.saliency.maps import SaliencyMap
from derm_model.net.saliency.method import Method, Pace, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report, quiet

MAX_BATCH = 4  # images whose activations are kept for a backward pass: some 150 MB each at 299 px
MAX_FORWARD_BATCH = 8  # without a backward pass nothing is kept


class Explainer:
    """Explains answers of an engine's bundle.

    Parameters
    ----------
    engine : Engine
        Its turn is taken for each step, so that an answer on another page waits for one step at most.
    network : AnyNetwork, optional
        Explained in place of the engine's, with the same preprocessing and temperature; on the engine's device.
    """

    def __init__(self, engine: Engine, network: AnyNetwork | None = None) -> None:
        self.engine = engine
        self.network = engine.network if network is None else network
        self.bundle = engine.bundle
        self.device = engine.device

    def with_network(self, network: AnyNetwork) -> Explainer:
        """The same for another network, such as one whose weights were randomised."""
        return Explainer(self.engine, network)

    def unit(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Image (h, w, 3) uint8 as the network reads it: (1, 3, size, size) in [0, 1], on the device."""
        prepared = self.bundle.preprocessing.prepare(pixels)[None]
        return self.bundle.preprocessing.to_unit(prepared.to(self.device))

    def scaled_logits(self, unit: Tensor) -> Tensor:
        """(n, 3, h, w) in [0, 1] to logits (n, n_classes), double, divided by the temperature; keeps the graph."""
        unit = unit.contiguous(memory_format=torch.channels_last)  # convolutions are faster so
        features = self.network.features(self.bundle.preprocessing.standardise(unit))
        return self.network.head(features).double() / self.bundle.temperature

    def evidence(self, target: Target) -> Callable[[Tensor], Tensor]:
        """Forward function for Captum: (n, 3, h, w) to the evidence (n,) for the target, double."""
        return lambda unit: target.evidence(self.scaled_logits(unit))

    def logits(self, units: Tensor) -> Tensor:
        """(n, 3, h, w) in [0, 1] to logits divided by the temperature, (n, n_classes) double, on the CPU."""
        found = []
        for part in steps(units, MAX_FORWARD_BATCH):
            with self.engine.turn(), torch.inference_mode():
                found.append(self.scaled_logits(part.to(self.device)).cpu())
        return torch.cat(found)

    def values(self, units: Tensor, target: Target) -> Tensor:
        """Evidence of each image, (n,) double, on the CPU; no gradient."""
        return target.evidence(self.logits(units))

    def gradients(self, units: Tensor, target: Target) -> Tensor:
        """Gradient of each image's evidence with respect to its pixels: (n, 3, h, w), on the CPU."""
        found = []
        for part in steps(units, MAX_BATCH):
            with self.engine.turn(), torch.enable_grad():
                inputs = part.to(self.device).detach().clone().requires_grad_(True)
                (gradient,) = torch.autograd.grad(self.evidence(target)(inputs).sum(), inputs)
            found.append(gradient.detach().cpu())
        return torch.cat(found)

    def hooked(self) -> Hooked:
        """New modules on the shared weights, for one piece of work: hooks may be registered there."""
        return private_copy(self.network, self.bundle.preprocessing, self.bundle.temperature)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks Grad-CAM may look at, from the input to the features."""
        return block_names(self.network)

    def pace(self, unit: Tensor) -> Pace:
        """Seconds per image, measured on two full steps of each kind; the first of them is not counted."""
        target, spent = Target.of_class(0), []
        for size, run in ((MAX_FORWARD_BATCH, self.values), (MAX_BATCH, self.gradients)):
            units = unit.expand(size, -1, -1, -1)
            for _ in range(2):
                start = time.perf_counter()
                run(units, target)
                seconds = time.perf_counter() - start
            spent.append(seconds / size)
        return Pace(*spent)

    def settle(self, unit: Tensor, target: Target) -> tuple[Target, str]:
        """Target of this image, with what it explains in words."""
        settled = target if target.positive else target.settled(int(self.logits(unit)[0].argmax()))
        return settled, settled.label or " or ".join(self.bundle.classes[i].name for i in settled.positive)

    def explain(
        self,
        pixels: NDArray[np.uint8],
        method: Method,
        target: Target,
        settings: Settings | None = None,
        report: Report = quiet,
    ) -> SaliencyMap | None:
        """Map of one image; None where it is zero everywhere or not finite, and not defined.

        Parameters
        ----------
        pixels : (h, w, 3) uint8 RGB
        method, target
        settings
            Default: `Settings()`.
        report
            May raise `Cancelled`: the work stops between two steps and leaves nothing behind.

        Raises
        ------
        DermTreeError
            A setting does not suit this network: no such block, a patch larger than the image.
        """
        unit = self.unit(pixels)
        settled, label = self.settle(unit, target)
        raw = method.run(self, unit, settled, settings or Settings(), report)
        values = raw.values.detach().cpu().float().numpy()
        if not np.isfinite(values).all() or not (values > 0).any():
            return None
        signed = None if raw.signed is None else raw.signed.detach().cpu().float().numpy()
        return SaliencyMap(values, label, method.title(settled), signed, raw.note)


def steps(units: Tensor, size: int) -> Iterator[Tensor]:
    """Parts of (n, ...) of at most `size`."""
    for start in range(0, len(units), size):
        yield units[start : start + size]
