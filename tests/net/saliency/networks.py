"""Networks whose maps are known, put in the place of a bundle's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Method, Raw, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report, quiet
from derm_model.taxonomy import Taxonomy

SIDE = 96
N_CLASSES = 8  # of the tiny bundle
QUICK = Settings(samples=6, steps=6, masks=20, patch_px=32)  # for what holds at any length


class Linear(nn.Module):
    """Logits that are linear in the pixels, so that every attribution is known in closed form."""

    def __init__(self, side: int = SIDE) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * side * side, N_CLASSES, bias=False).requires_grad_(False)
        weights = torch.randn(self.fc.weight.shape, generator=torch.Generator().manual_seed(3))
        self.fc.weight.copy_(weights / side)

    def weights(self, index: int) -> Tensor:
        """Of one logit, (3, h, w) double."""
        side = round((self.fc.in_features / 3) ** 0.5)
        return self.fc.weight[index].double().view(3, side, side)

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def head(self, features: Tensor) -> Tensor:
        return self.fc(features)


class Detector(nn.Module):
    """Class 0 is what is brighter than three quarters; found at full resolution, summed up at a quarter of it."""

    def __init__(self) -> None:
        super().__init__()
        bright = nn.Conv2d(3, 1, 1)
        bright.weight.data.fill_(1 / 3)
        bright.bias.data.fill_(-0.75)
        coarse = nn.Conv2d(1, 1, 5, stride=4, padding=2, bias=False)
        coarse.weight.data.fill_(1 / 25)
        self.body = nn.Sequential(bright, nn.ReLU(), coarse, nn.ReLU())
        self.requires_grad_(False).eval()

    def features(self, x: Tensor) -> Tensor:
        return self.body(x).sum((1, 2, 3))[:, None]

    def head(self, features: Tensor) -> Tensor:
        return torch.cat([2 * features, torch.zeros(len(features), N_CLASSES - 1, device=features.device)], dim=1)

    def blocks(self) -> list[nn.ModuleList]:
        layers = list(self.body)
        return [nn.ModuleList(layers[:2]), nn.ModuleList(layers[2:])]


class Counting(nn.Module):
    """Another network, and how many images came at a time; `seen` holds (images, whether a graph was kept)."""

    def __init__(self, of: nn.Module, seen: list[tuple[int, bool]]) -> None:
        super().__init__()
        self.of, self.seen = of, seen

    def __deepcopy__(self, memo: dict[int, object]) -> Counting:
        return Counting(self.of, self.seen)

    def features(self, x: Tensor) -> Tensor:
        found = self.of.features(x)
        self.seen.append((len(x), found.requires_grad))
        return found

    def head(self, features: Tensor) -> Tensor:
        return self.of.head(features)

    def blocks(self) -> list[nn.ModuleList]:
        return self.of.blocks()


def make_explainer(bundle: Path, taxonomy: Taxonomy, network: nn.Module | None = None) -> Explainer:
    engine = Engine(load_bundle(bundle, taxonomy))
    return Explainer(engine, network)


def noise_unit(seed: int = 0, side: int = SIDE) -> Tensor:
    """Image of noise, (1, 3, side, side) in [0, 1]."""
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def noise_pixels(seed: int = 0, side: int = SIDE) -> NDArray[np.uint8]:
    """The same as an image, (side, side, 3)."""
    return np.round(255 * noise_unit(seed, side)[0].permute(1, 2, 0).numpy()).astype(np.uint8)


def run(
    explainer: Explainer,
    method: Method,
    unit: Tensor,
    target: Target,
    settings: Settings = QUICK,
    report: Report = quiet,
) -> Raw:
    return method.run(explainer, unit, target, settings, report)
