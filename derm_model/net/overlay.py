"""Saliency maps as pictures: the coloured overlay, the plain grey map and the blend with the image. No torch.

Pale cyan to violet: it stands out on light and dark skin and is no alarm colour. Darkest is strongest, as in the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from derm_model.net.saliency import SaliencyMap

PALETTE = np.array([(190, 245, 255), (60, 200, 255), (40, 90, 255), (70, 0, 190)], dtype=np.float32)
FAINTEST = 0.08  # below this strength the overlay is transparent
FULL_AT = 0.75  # and from here on opaque
DEFAULT_OPACITY = 0.7


def overlay_rgba(saliency: SaliencyMap, height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Coloured map with transparency, to lay over the image.

    Returns
    -------
    (height_px, width_px, 4) uint8 RGBA, alpha rising with strength
    """
    levels = np.round(saliency.resized(height_px, width_px) * 255).astype(np.uint8)
    return np.asarray(_COLOURS[levels])


def plain_grey(saliency: SaliencyMap, height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Map for print, as in the paper's figure: white is nothing, black is strongest; (height_px, width_px) uint8."""
    return np.round((1.0 - saliency.resized(height_px, width_px)) * 255).astype(np.uint8)


def blend(pixels: NDArray[np.uint8], saliency: SaliencyMap, opacity: float = DEFAULT_OPACITY) -> NDArray[np.uint8]:
    """Image with the overlay on it.

    Parameters
    ----------
    pixels : (h, w, 3) uint8
    saliency : SaliencyMap
    opacity : float in [0, 1]
        0 gives the image, 1 the overlay at its full strength.

    Returns
    -------
    (h, w, 3) uint8

    Raises
    ------
    ValueError
        Opacity outside [0, 1].
    """
    if not 0.0 <= opacity <= 1.0:
        raise ValueError(f"opacity must be in [0, 1], not {opacity}")
    rgba = overlay_rgba(saliency, *pixels.shape[:2])
    alpha = rgba[..., 3:].astype(np.float32) * (opacity / 255.0)
    mixed = pixels.astype(np.float32) * (1.0 - alpha) + rgba[..., :3].astype(np.float32) * alpha
    return np.round(mixed).astype(np.uint8)


def _colour_table() -> NDArray[np.uint8]:
    """Colour and alpha of each of 256 strengths; (256, 4) uint8."""
    strength = np.linspace(0.0, 1.0, 256)
    stops = np.linspace(0.0, 1.0, len(PALETTE))
    channels = [np.interp(strength, stops, PALETTE[:, c]) for c in range(3)]
    alpha = 255 * np.clip((strength - FAINTEST) / (FULL_AT - FAINTEST), 0.0, 1.0)
    return np.round(np.stack([*channels, alpha], axis=1)).astype(np.uint8)


_COLOURS = _colour_table()
