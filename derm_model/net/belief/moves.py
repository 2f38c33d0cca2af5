"""An image turned or cropped a little, and its map laid back on the original."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Move:
    """A rotation about the middle, or a crop of the same shape.

    Parameters
    ----------
    name : str
        As the user reads it.
    kind : "rotation" or "crop"
    angle_deg : float
        Counter-clockwise.
    side : float
        Share of the sides that is kept, above 0 and at most 1.
    corner : (float, float)
        Where a crop lies: -1 is the left or upper edge, 1 the right or lower one, 0 the middle.
    """

    name: str
    kind: Literal["rotation", "crop"]
    angle_deg: float = 0.0
    side: float = 1.0
    corner: tuple[float, float] = (0.0, 0.0)

    def matrix(self, height: float, width: float) -> NDArray[np.float64]:
        """Places of the moved image to places of the original, (3, 3), both from -1 to 1 with x first.

        A rotation turns the image as it was taken, not the square the network reads it as.
        """
        angle = math.radians(self.angle_deg)
        scale = np.diag([width, height])
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        found = np.eye(3)
        found[:2, :2] = self.side * np.linalg.inv(scale) @ turn @ scale
        found[:2, 2] = (1 - self.side) * np.array(self.corner)
        return found

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The moved image, of the same size; what a rotation brings in at the corners is mirrored."""
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
        moved = _sampled(image, self.matrix(*pixels.shape[:2]), "bicubic")
        return moved[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()

    def undo(
        self, values: NDArray[np.floating], height: float, width: float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """A map of the moved image, laid on the original.

        Parameters
        ----------
        values : (s, s)
        height, width
            Of the original image.

        Returns
        -------
        (s, s) float64, and (s, s) bool: where the moved image shows the original at all
        """
        back = np.asarray(np.linalg.inv(self.matrix(height, width)), dtype=np.float64)
        found = _sampled(torch.from_numpy(values.astype(np.float64))[None, None], back, "bilinear")[0, 0].numpy()
        rows, columns = (2 * (np.arange(n) + 0.5) / n - 1 for n in values.shape)
        x, y = np.meshgrid(columns, rows)
        there = np.einsum("ij,jhw->ihw", back, np.stack([x, y, np.ones_like(x)]))
        return found, (np.abs(there[:2]) <= 1).all(axis=0)


MOVES = (
    *(Move(f"{angle:+d}°".replace("-", "−"), "rotation", angle_deg=angle) for angle in (-15, -10, -5, 5, 10, 15)),
    Move("90% middle", "crop", side=0.9),
    Move("90% top left", "crop", side=0.9, corner=(-1, -1)),
    Move("90% bottom right", "crop", side=0.9, corner=(1, 1)),
    Move("80% middle", "crop", side=0.8),
)


def fitted(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """The image with no side longer than `side_px`; sides are shortened each by itself, as the network's square is."""
    height, width = (min(n, side_px) for n in pixels.shape[:2])
    if (height, width) == pixels.shape[:2]:
        return pixels
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def _sampled(image: Tensor, matrix: NDArray[np.float64], mode: str) -> Tensor:
    theta = torch.from_numpy(matrix[None, :2]).to(image.dtype)
    grid = F.affine_grid(theta, list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, mode=mode, padding_mode="reflection", align_corners=False)
