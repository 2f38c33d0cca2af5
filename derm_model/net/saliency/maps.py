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
        L1 norm over RGB of the gradient, raw; input in [0, 1], so the unit is nats (loss) or probability (score) per
        full range of a channel.
    label : str
        What is explained.
    method : str
        How, in words.
    signed : (size, size) float32, optional
        Of methods that know a direction: > 0 speaks for what is explained, < 0 against it.
    """

    values: NDArray[np.float32]
    label: str
    method: str
    signed: NDArray[np.float32] | None = None

    def resized(self, height_px: int, width_px: int) -> NDArray[np.float32]:
        """Map for display, aligned to the original image.

        Smoothed with a Gaussian (sigma 1 % of the side), divided by its 99.5th percentile and clipped, then resized
        bilinearly. `values` stays raw.

        Returns
        -------
        (height_px, width_px) float32 in [0, 1]
        """
        smooth = ndimage.gaussian_filter(self.values.astype(np.float64), SMOOTHING * len(self.values))
        # With fewer than 0.5 % of the pixels above zero the percentile is 0, and the maximum has to serve.
        strongest = float(np.percentile(smooth, CLIP_PERCENTILE)) or float(smooth.max())
        shown = np.clip(smooth / strongest, 0.0, 1.0).astype(np.float32)
        resized = Image.fromarray(shown).resize((width_px, height_px), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


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
