"""What chance does to an image after it was read: colours, mixing, dropout.

Every draw depends on (seed, epoch, place of the image in the epoch's order) and nothing else. So a resumed run sees the
same, and a batch that is divided among processes or worked through in parts is the batch it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from derm_model.net.losses import neighbours
from derm_model.recipe.config import TrainConfig

# RGB -> YIQ (brightness, two axes of colour) of the NTSC standard; a hue is turned by turning the colour plane.
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
GREY = YIQ[0]
PAIR = 1 << 62  # keeps the draws of pairs apart from those of images


@dataclass(frozen=True, eq=False)
class Noise:
    """Draws for the n images of a batch.

    Attributes
    ----------
    brightness, contrast, saturation : (n,) float32
        Factors, 1 for none.
    hue : (n,) float32
        Turn of the colours in radians.
    shares : (n,) float32 or None
        Share of the image itself in its mixture with its neighbour, >= 0.5; None without mixup.
    keep : (n, n_features) float32 or None
        What features are multiplied with: 0, or 1 / (1 - dropout); None without dropout.
    """

    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    shares: Tensor | None
    keep: Tensor | None


def draw_noise(config: TrainConfig, epoch: int, draws: Tensor, n_features: int) -> Noise:
    """Noise of the images at places `draws` (n,) of an epoch."""
    places = draws.tolist()
    colour = np.empty((4, len(places)), dtype=np.float32)
    keep = np.ones((len(places), n_features), dtype=np.float32) if config.dropout else None
    for i, place in enumerate(places):
        rng = np.random.default_rng((config.seed, epoch, place, 1))  # 1: apart from the draws of the view
        colour[:, i] = rng.uniform(-1, 1, 4)
        if keep is not None:
            keep[i] = (rng.random(n_features, dtype=np.float32) >= config.dropout) / (1 - config.dropout)
    spread = np.array([config.brightness, config.contrast, config.saturation], dtype=np.float32)
    factors = torch.from_numpy(1 + colour[:3] * spread[:, None])
    shares = None
    if config.mixup:
        own = [
            np.random.default_rng((config.seed, epoch, PAIR + place // 2)).beta(config.mixup, config.mixup)
            for place in places
        ]
        # The larger share is the image's own: with the smaller, the pair would only have changed places.
        shares = torch.tensor([max(share, 1 - share) for share in own], dtype=torch.float32)
    return Noise(
        brightness=factors[0],
        contrast=factors[1],
        saturation=factors[2],
        hue=torch.from_numpy(colour[3] * np.float32(2 * math.pi * config.hue)),
        shares=shares,
        keep=None if keep is None else torch.from_numpy(keep),
    )


def colour_jitter(unit: Tensor, noise: Noise, config: TrainConfig) -> Tensor:
    """Contrast, brightness, saturation and hue of each image, (n, 3, s, s) in [0, 1]; untouched by what is off."""

    def factor(values: Tensor) -> Tensor:
        return values.to(unit.device, non_blocking=True).view(-1, 1, 1, 1)

    jittered = unit
    if config.contrast or config.brightness:
        mean = jittered.mean((1, 2, 3), keepdim=True)
        jittered = ((jittered - mean) * factor(noise.contrast) + mean) * factor(noise.brightness)
    if config.saturation:
        grey = (jittered * GREY.to(unit.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
        jittered = grey + (jittered - grey) * factor(noise.saturation)
    if config.hue:
        jittered = torch.einsum("nij,njhw->nihw", hue_matrices(noise.hue).to(unit.device), jittered)
    return unit if jittered is unit else torch.clamp(jittered, 0, 1)


def hue_matrices(angles: Tensor) -> Tensor:
    """Matrices (n, 3, 3) that turn the colours of RGB by `angles` (n,) in radians and keep brightness."""
    cos, sin = torch.cos(angles), torch.sin(angles)
    turn = torch.zeros(len(angles), 3, 3)
    turn[:, 0, 0] = 1
    turn[:, 1, 1], turn[:, 1, 2] = cos, -sin
    turn[:, 2, 1], turn[:, 2, 2] = sin, cos
    matrices: Tensor = torch.linalg.inv(YIQ) @ turn @ YIQ
    return matrices


def mix(unit: Tensor, shares: Tensor | None) -> Tensor:
    """Each image mixed with its neighbour: own share times itself and the rest of the other (Zhang et al. 2018)."""
    if shares is None:
        return unit
    own = shares.to(unit.device, non_blocking=True).view(-1, 1, 1, 1)
    return own * unit + (1 - own) * neighbours(unit)
