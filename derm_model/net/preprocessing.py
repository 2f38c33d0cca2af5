"""From the pixels of an image to the tensor the network reads. The settings are stored in the bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from derm_model.errors import BundleError
from derm_model.typed_json import FieldError, decode_dataclass

INTERPOLATION = "bilinear, antialiased"
RESIZE = "squash"


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes network input.

    The whole image is squashed to a square: nothing at the border is cut away, the paper's test images are whole images
    too, and a saliency map lies on the original after plain resizing. (A crop would lose lesions at the border,
    padding would show the network edges it never learnt.)

    Parameters
    ----------
    size_px : int
        Side of the square the network reads, >= 75 for Inception v3; 299 in the paper.
    mean, std : three floats
        Subtracted from, and dividing, the channels in [0, 1]. (0, 0, 0) and (1, 1, 1): plain x / 255.
    interpolation, resize : str
        Written into the bundle for the reader; only the one implemented way is accepted.
    """

    size_px: int = 299
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    interpolation: str = INTERPOLATION
    resize: str = RESIZE

    def __post_init__(self) -> None:
        """Refuse settings this version cannot follow."""
        if self.interpolation != INTERPOLATION or self.resize != RESIZE:
            raise BundleError(
                f"This DermTree resizes with {RESIZE!r} and {INTERPOLATION!r}; the bundle asks for {self.resize!r} and "
                f"{self.interpolation!r}. Update DermTree."
            )
        if self.size_px < 75 or min(self.std) <= 0:
            raise BundleError(
                f"Inception v3 reads squares of at least 75 px and std must be above 0; found size_px={self.size_px}, "
                f"std={self.std}. Train the bundle again."
            )

    def prepare(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Squash to the network's square.

        Parameters
        ----------
        pixels : (h, w, 3) uint8, RGB

        Returns
        -------
        (3, size_px, size_px) uint8

        Raises
        ------
        ValueError
            Not an RGB array of bytes.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
            raise ValueError(f"pixels must be (h, w, 3) uint8, not {pixels.shape} {pixels.dtype}")
        size = (self.size_px, self.size_px)
        image = Image.fromarray(np.ascontiguousarray(pixels))
        # No reducing_gap: the shortcut changes pixels, and evaluation during training does not take it.
        square = np.array(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=None))
        return torch.from_numpy(square).permute(2, 0, 1).contiguous()

    def to_unit(self, batch: Tensor) -> Tensor:
        """Bytes (n, 3, h, w) as float32 in [0, 1] on the batch's device; a saliency map is the gradient in these."""
        return batch.to(torch.float32) / 255.0

    def standardise(self, unit: Tensor) -> Tensor:
        """Subtract the mean, divide by the standard deviation; (n, 3, h, w) in [0, 1] to network input."""
        if self.mean == (0.0, 0.0, 0.0) and self.std == (1.0, 1.0, 1.0):
            return unit
        mean = torch.tensor(self.mean, dtype=unit.dtype, device=unit.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=unit.dtype, device=unit.device).view(1, 3, 1, 1)
        return (unit - mean) / std

    def normalise(self, batch: Tensor) -> Tensor:
        """Bytes (n, 3, size_px, size_px) as float32 network input on the batch's device."""
        return self.standardise(self.to_unit(batch))

    def to_json(self) -> dict[str, Any]:
        """Settings as JSON types."""
        return {
            "size_px": self.size_px,
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": self.interpolation,
            "resize": self.resize,
        }

    @staticmethod
    def from_json(content: Any) -> Preprocessing:
        """Settings from a bundle's card.

        Raises
        ------
        BundleError
            A field is missing or unknown, or this version cannot follow it.
        """
        try:
            settings: Preprocessing = decode_dataclass(Preprocessing, content, "preprocessing", complete=True)
        except FieldError as error:
            raise BundleError(f"The bundle's preprocessing cannot be read: {error}. Copy the bundle again.") from error
        return settings
