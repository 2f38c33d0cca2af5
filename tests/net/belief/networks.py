"""Networks whose maps are known, and methods that deserve a warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Cost, Method, Raw, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report
from derm_model.taxonomy import Taxonomy
from tests.support import make_tiny_bundle

SIDE = 96


def explainer_of(folder: Path, taxonomy: Taxonomy) -> Explainer:
    """Of a tiny bundle with random weights."""
    return Explainer(Engine(load_bundle(make_tiny_bundle(folder, size_px=SIDE), taxonomy), precision="fp32"))


class Linear(nn.Module):
    """Logit 0 is a weighted sum of the pixels' brightness, all others are 0."""

    def __init__(self, weights: NDArray[np.float64], n_classes: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.from_numpy(weights).float())
        self.fc = nn.Linear(1, n_classes, bias=False)
        nn.init.zeros_(self.fc.weight)
        with torch.no_grad():
            self.fc.weight[0] = 1

    def features(self, x: Tensor) -> Tensor:
        return (x.mean(1) * self.weights).sum((1, 2))[:, None]

    def head(self, features: Tensor) -> Tensor:
        return self.fc(features)

    def blocks(self) -> list[nn.ModuleList]:
        return []


class Pointwise(Linear):
    """The same for every pixel wherever it lies: brightness bends the answer, place does not."""

    def __init__(self, n_classes: int) -> None:
        super().__init__(np.ones((SIDE, SIDE)) / SIDE**2, n_classes)

    def features(self, x: Tensor) -> Tensor:
        return super().features(torch.sin(3 * x) * 4)


def _edges(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    rows, columns = torch.gradient(unit[0].mean(0))
    return Raw(torch.hypot(rows, columns))


def method(run: object = _edges) -> Method:
    """By default one that shows edges and never asks the network."""
    return Method("made", "Edges", "nobody", "Edges.", (), lambda settings, size_px: Cost(), run)  # type: ignore[arg-type]


def fixed(values: NDArray[np.floating], signed: NDArray[np.floating] | None = None) -> Method:
    """Whatever is asked, this map."""
    with_signs = None if signed is None else torch.from_numpy(signed)
    return method(lambda *_: Raw(torch.from_numpy(values), with_signs))
