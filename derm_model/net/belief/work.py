"""What the four tests share: the map in question, further maps with the same settings, and how far the work is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from derm_model.errors import DermTreeError
from derm_model.net.saliency.explainer import MAX_FORWARD_BATCH, Explainer, steps
from derm_model.net.saliency.maps import SMOOTHING, SaliencyMap
from derm_model.net.saliency.method import Method, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Progress, Report

THUMBNAIL_PX = 128  # side of the maps that are kept to be looked at


class Work:
    """One test of one map.

    Parameters
    ----------
    explainer : Explainer
    pixels : (h, w, 3) uint8 RGB
    method, target, settings
        Of the map in question; the target is settled on this image, so that no test changes what is explained.
    stage : str
        What is being done, as the user reads it.
    report
        Called between the steps; what it raises ends the work.
    """

    def __init__(
        self,
        explainer: Explainer,
        pixels: NDArray[np.uint8],
        method: Method,
        target: Target,
        settings: Settings,
        stage: str,
        report: Report,
    ) -> None:
        self.explainer, self.pixels, self.method, self.settings = explainer, pixels, method, settings
        self.unit = explainer.unit(pixels)
        self.target, self.label = explainer.settle(self.unit, target)
        self._stage, self._report, self._done, self._total = stage, report, 0, 0
        self._per_map = method.cost(settings, self.unit.shape[-1]).passes

    def begin(self, n_maps: int, n_forward: int = 0) -> None:
        """Say how many maps there will be, and how many images the network is asked about besides."""
        self._total = n_maps * self._per_map + n_forward
        self._tell(0)

    def own_map(self, known: SaliencyMap | None) -> SaliencyMap:
        """The map in question.

        Raises
        ------
        DermTreeError
            It is not defined.
        """
        found = self.map() if known is None else known
        if found is None:
            raise DermTreeError(
                "Only a map can be tested, and this image has none: it is zero everywhere. Choose another method, or "
                "explain something else."
            )
        if known is not None:
            self._advance(self._per_map)
        return found

    def map(
        self,
        explainer: Explainer | None = None,
        pixels: NDArray[np.uint8] | None = None,
        target: Target | None = None,
    ) -> SaliencyMap | None:
        """Map with another network, of another image, or of another target; the rest is the map's in question."""

        def tell(inner: Progress) -> None:
            self._tell(min(inner.done, self._per_map))

        found = (explainer or self.explainer).explain(
            self.pixels if pixels is None else pixels, self.method, target or self.target, self.settings, tell
        )
        self._advance(self._per_map)
        return found

    def probabilities(self, units: Tensor) -> NDArray[np.float64]:
        """Of what is explained, for each of (n, 3, h, w) in [0, 1]: (n,)."""
        found = []
        for part in steps(units, MAX_FORWARD_BATCH):
            found.append(probability(self.target, self.explainer.logits(part)))
            self._advance(len(part))
        return np.concatenate(found)

    def _advance(self, n_passes: int) -> None:
        self._done += n_passes
        self._tell(0)

    def _tell(self, beyond: int) -> None:
        self._report(Progress(self._stage, self._done + beyond, self._total, "passes"))


def probability(target: Target, logits: Tensor) -> NDArray[np.float64]:
    """What is explained as a probability, (n,); of a difference of two nodes, the share of the first in both."""
    return replace(target, contrast=False).log_probability(logits).exp().numpy()


def smoothed(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """A map as it is displayed, before clipping: the eye compares areas and not single pixels."""
    return np.asarray(ndimage.gaussian_filter(values.astype(np.float64), SMOOTHING * len(values)))


def thumbnail(found: SaliencyMap | None) -> NDArray[np.float32] | None:
    """A map as it is displayed, small."""
    return None if found is None else found.resized(THUMBNAIL_PX, THUMBNAIL_PX)


def generator(seed: int) -> torch.Generator:
    """Randomness of its own: the process's belongs to all threads."""
    return torch.Generator().manual_seed(seed)
