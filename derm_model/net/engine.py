"""Inference: one engine per process, shared by every session."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derm_model.errors import DermTreeError
from derm_model.net import saliency
from derm_model.net.bundle import ModelBundle
from derm_model.net.precision import autocast_dtype

MAX_BATCH = 8  # on two cores a larger batch is no faster per image, only later
MAX_DEVIATION = 0.01  # of any probability, before reduced precision is given up
Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says about one image. Node probabilities and decisions are functions of it, never stored.

    Parameters
    ----------
    class_probs : (n_classes,) float64, sums to 1
    features : (2048,) float32
        Input of the last layer.
    ood_percentile : float, optional
        Share of validation images (per cent) whose features are nearer to the training set; None: the bundle has no
        reference.
    saliency : SaliencyMap, optional
        None when none was asked for, or where the gradient is zero everywhere and a map is not defined.
    bundle_id : str
    """

    class_probs: NDArray[np.float64]
    features: NDArray[np.float32]
    ood_percentile: float | None
    saliency: saliency.SaliencyMap | None
    bundle_id: str


class Engine:
    """Predicts with a bundle; safe to call from several threads, which take turns.

    Parameters
    ----------
    bundle : ModelBundle
    device : str
        "cpu", "cuda", "cuda:1", ...; on another device than the CPU the engine works on a copy of the network.
    precision : "auto", "fp32", "bf16" or "fp16"
        "auto" takes the reduced precision the hardware gains from, and goes back to fp32 if a self-check finds any
        probability more than 0.01 away. A map is computed in the same precision, so asking for one never changes the
        answer; in bf16 the displayed map correlates with that of fp32 to 0.97-0.99 (dermoscopic images, Inception v3).

    Raises
    ------
    DermTreeError
        The device does not exist.
    """

    def __init__(
        self, bundle: ModelBundle, device: str = "cpu", precision: Precision | Literal["auto"] = "auto"
    ) -> None:
        self.bundle = bundle
        self.device = _device(device)
        network = bundle.network if self.device.type == "cpu" else copy.deepcopy(bundle.network).to(self.device)
        self.network = network
        self._lock = threading.Lock()
        self._class_names = [c.name for c in bundle.classes]
        self.precision: Precision = "fp32"
        self.precision = self._checked_precision() if precision == "auto" else precision
        log.info("bundle %s on %s in %s", bundle.card.bundle_id, self.device, self.precision)

    def predict(self, images: Sequence[NDArray[np.uint8]], explain: saliency.Target | None = None) -> list[Prediction]:
        """Predictions in the order of the images.

        Parameters
        ----------
        images : sequence of (h, w, 3) uint8 RGB, sizes may differ
        explain : Target, optional
            Also compute a saliency map of this, from the same forward pass.
        """
        return list(self.predict_each(images, explain))

    def predict_each(
        self, images: Iterable[NDArray[np.uint8]], explain: saliency.Target | None = None
    ) -> Iterator[Prediction]:
        """As `predict`, one prediction after the other; at most eight images are taken from the iterable at a time."""
        rest = iter(images)
        while some := list(islice(rest, MAX_BATCH)):
            batch = torch.stack([self.bundle.preprocessing.prepare(pixels) for pixels in some])
            yield from self._predict_batch(batch, explain)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the network to oneself, for one step of longer work; whoever else asks waits."""
        with self._lock:
            yield

    def _predict_batch(self, batch: Tensor, target: saliency.Target | None) -> list[Prediction]:
        logits, features, maps = self._run(batch, target)
        probs = _softmax(logits / self.bundle.temperature)
        reference = self.bundle.feature_reference
        percentiles = None if reference is None else reference.percentile(reference.distance(features))
        return [
            Prediction(
                class_probs=probs[i],
                features=features[i],
                ood_percentile=None if percentiles is None else float(percentiles[i]),
                saliency=None
                if maps is None or target is None
                else saliency.saliency_map(maps[i], target, self._class_names, int(probs[i].argmax())),
                bundle_id=self.bundle.card.bundle_id,
            )
            for i in range(len(batch))
        ]

    def _run(
        self, batch: Tensor, target: saliency.Target | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32] | None]:
        """Logits, features and, if asked, raw maps of bytes (n, 3, size, size)."""
        with self._lock:
            unit = self.bundle.preprocessing.to_unit(batch.to(self.device)).contiguous(
                memory_format=torch.channels_last
            )
            if target is None:
                with torch.inference_mode():
                    logits, features = self._forward(unit)
                maps = None
            else:
                explained = saliency.explain(self._forward, unit, target, self.bundle.temperature)
                logits, features = explained.logits, explained.features
                maps = explained.maps.cpu().numpy()
            return logits.cpu().double().numpy(), features.cpu().numpy(), maps

    def _forward(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Input in [0, 1] to logits and features, both fp32: the last layer is never computed in reduced precision."""
        with self._autocast():
            features = self.network.features(self.bundle.preprocessing.standardise(unit))
        features = features.float()
        return self.network.head(features), features

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.precision])

    def _checked_precision(self) -> Precision:
        """Reduced precision where the hardware gains and the probabilities stay; fp32 otherwise."""
        gained = next((name for name, dtype in DTYPES.items() if dtype is autocast_dtype(self.device)), None)
        if gained is None:
            return "fp32"
        exact, reduced = (self._self_check(precision) for precision in ("fp32", gained))
        deviation = float(np.abs(exact - reduced).max())
        if deviation <= MAX_DEVIATION:  # also False for NaN
            return gained
        log.warning("%s moves a probability by %.3f on %s: fp32 is used", gained, deviation, self.device)
        return "fp32"

    def _self_check(self, precision: Precision) -> NDArray[np.float64]:
        """Probabilities of two made-up images in this precision."""
        self.precision = precision
        size = self.bundle.preprocessing.size_px
        logits, _, _ = self._run(torch.stack([_noise(size), _disc(size)]), None)
        return _softmax(logits / self.bundle.temperature)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DermTreeError(f"Device {name!r} cannot be used here ({error}). Use 'cpu'.") from error
    return device


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of (n, n_classes) to probabilities that sum to 1, in double precision."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _noise(size: int) -> Tensor:
    """Self-check image: uniform noise, (3, size, size) uint8."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=generator)


def _disc(size: int) -> Tensor:
    """Self-check image: a dark disc on a skin-coloured ground, (3, size, size) uint8."""
    axis = torch.linspace(-1, 1, size)
    inside = axis[:, None] ** 2 + axis[None, :] ** 2 < 0.25
    skin, lesion = torch.tensor([224, 172, 150]), torch.tensor([92, 56, 44])
    return torch.where(inside, lesion.view(3, 1, 1), skin.view(3, 1, 1)).to(torch.uint8)
