"""A map of one image, and how it is laid on the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from derm_model.net.saliency.target import GRADIENT_OF, Target

CLIP_PERCENTILE = 99.5  # a handful of extreme pixels would leave all others invisible
SMOOTHING = 0.01  # sigma as a share of the map's side; display only, the eye reads areas and not single pixels


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """Map of one image.

    Parameters
    ----------
    values : (size, size) float32, >= 0, some > 0
        Strength, raw. Of gradients the L1 norm over RGB; input in [0, 1], so the unit is nats (loss) or probability
        (score) per full range of a channel.
    label : str
        What is explained.
    method : str
        How, in words.
    signed : (size, size) float32, optional
        Of methods that know a direction: > 0 speaks for what is explained, < 0 against it.
    note : str
        What the method found out about this very map, as a sentence; empty where there is nothing to say.
    """

    values: NDArray[np.float32]
    label: str
    method: str
    signed: NDArray[np.float32] | None = None
    note: str = ""

    def resized(self, height_px: int, width_px: int, percentile: float = CLIP_PERCENTILE) -> NDArray[np.float32]:
        """Map for display, aligned to the original image.

        Smoothed with a Gaussian (sigma 1 % of the side), divided by its 99.5th percentile and clipped, then resized
        bilinearly. `values` stays raw.

        Parameters
        ----------
        height_px, width_px
        percentile : float in (0, 100]
            What counts as full strength.

        Returns
        -------
        (height_px, width_px) float32 in [0, 1]
        """
        smooth = _smoothed(self.values)
        shown = np.clip(smooth / _strongest(smooth, percentile), 0.0, 1.0)
        return np.clip(_stretched(shown, height_px, width_px), 0.0, 1.0)

    def resized_signed(
        self, height_px: int, width_px: int, percentile: float = CLIP_PERCENTILE
    ) -> NDArray[np.float32] | None:
        """The signed map for display, as `resized`: (height_px, width_px) float32 in [-1, 1].

        For and against share one scale, the percentile of the strengths; 0 stays 0. None where there is no signed map.
        """
        if self.signed is None:
            return None
        smooth = _smoothed(self.signed)
        strongest = _strongest(np.abs(smooth), percentile)
        if strongest == 0:  # what speaks for and against cancels at every place
            return np.zeros((height_px, width_px), np.float32)
        return np.clip(_stretched(np.clip(smooth / strongest, -1.0, 1.0), height_px, width_px), -1.0, 1.0)

    def on_image(self, height_px: int, width_px: int) -> NDArray[np.float32]:
        """Strength at each pixel of the original, in the map's own unit: smoothed, not clipped.

        For what is read off the map: the value under the pointer, contours (`mass_levels`).

        Returns
        -------
        (height_px, width_px) float32, >= 0
        """
        return np.maximum(_stretched(_smoothed(self.values), height_px, width_px), 0.0)


def mass_levels(values: NDArray[np.floating], shares: Sequence[float]) -> list[float]:
    """Levels for contours that enclose a share of the map's mass.

    Parameters
    ----------
    values : any shape, >= 0, some > 0
    shares : in (0, 1]

    Returns
    -------
    list of float
        For each share the level such that the pixels at or above it are the fewest that hold at least this share of
        the sum of all. (With ties at the level, all of them are taken.)

    Raises
    ------
    ValueError
        Negative or no mass, or a share out of range.
    """
    if not all(0 < share <= 1 for share in shares):
        raise ValueError(f"shares must be above 0 and at most 1, not {list(shares)}")
    falling = np.sort(values, axis=None)[::-1]
    mass = np.cumsum(falling, dtype=np.float64)
    if falling[-1] < 0 or not mass[-1] > 0:
        raise ValueError("a map must have mass and no negative values")
    # The sum is rounded: a share of 1 must still find a pixel.
    found = np.minimum(np.searchsorted(mass, np.asarray(shares) * mass[-1]), len(mass) - 1)
    return [float(falling[i]) for i in found]


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float64]:
    smooth: NDArray[np.float64] = ndimage.gaussian_filter(values.astype(np.float64), SMOOTHING * len(values))
    return smooth


def _strongest(smooth: NDArray[np.float64], percentile: float) -> float:
    if not 0 < percentile <= 100:
        raise ValueError(f"a percentile for clipping must be above 0 and at most 100, not {percentile}")
    # With fewer than 0.5 % of the pixels above zero the percentile is 0, and the maximum has to serve.
    return float(np.percentile(smooth, percentile)) or float(smooth.max())


def _stretched(values: NDArray[np.float64], height_px: int, width_px: int) -> NDArray[np.float32]:
    image = Image.fromarray(values.astype(np.float32)).resize((width_px, height_px), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32)


def saliency_map(
    values: NDArray[np.floating], target: Target, class_names: Sequence[str], top: int
) -> SaliencyMap | None:
    """Raw values as a labelled map; None where the gradient is zero everywhere or not finite, and no map is defined.

    Parameters
    ----------
    values : (size, size)
    class_names : in logit order
    top : int
        Index of the image's most probable class.
    """
    if not np.isfinite(values).all() or not (values > 0).any():
        return None
    label = target.label
    if not target.positive:
        label = class_names[top]
    elif not label:
        label = " or ".join(class_names[i] for i in target.positive)
    return SaliencyMap(np.asarray(values, dtype=np.float32), label, GRADIENT_OF[target.of])
