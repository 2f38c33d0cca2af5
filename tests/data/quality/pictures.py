"""Pictures whose truth is known: a lesion of known area, a surround of known area, lines and ink of known place."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from derm_model.data.images import DecodedImage
from derm_model.data.quality import QualityMeasures, measure_quality

SKIN_TONES = ((236, 198, 172), (208, 160, 128), (172, 122, 92), (128, 86, 64))


def skin(size_px: int = 300, tone: tuple[int, int, int] = SKIN_TONES[1], seed: int = 0) -> np.ndarray:
    """Skin with fine structure and light that falls off to one side, (size, size, 3) float."""
    rng = np.random.default_rng(seed)
    texture = rng.normal(1, 0.02, (size_px, size_px, 1))
    side = 1 + 0.06 * np.linspace(-1, 1, size_px)[:, None, None]
    return np.array(tone, dtype=float) * texture * side


def ellipse(size_px: int, share: float, *, centre=(0.5, 0.5), stretch: float = 1.0) -> np.ndarray:
    """(size, size) bool: an ellipse that covers `share` of the frame when it lies within."""
    axis = (np.arange(size_px) + 0.5) / size_px
    x, y = np.meshgrid(axis - centre[1], axis - centre[0])
    return (x * stretch) ** 2 + (y / stretch) ** 2 < share / np.pi


def with_lesion(pixels: np.ndarray, mask: np.ndarray, darkness: float = 0.5) -> np.ndarray:
    """Pigment where the mask is: the given share of the light is left, of red a little more."""
    left = np.where(mask[..., None], np.array([darkness + 0.1, darkness, darkness]), 1.0)
    return pixels * left


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    return pixels.round().clip(0, 255).astype(np.uint8)


def blurred(pixels: np.ndarray, sigma_px: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma_px)))


def strokes(pixels: np.ndarray, lines, colour, width_px: int) -> np.ndarray:
    """Lines between points given as shares of the frame, (x0, y0, x1, y1)."""
    picture = Image.fromarray(as_bytes(pixels))
    side = picture.width
    for line in lines:
        ImageDraw.Draw(picture).line([value * side for value in line], fill=colour, width=width_px)
    return np.asarray(picture).astype(float)


def measured(pixels: np.ndarray) -> QualityMeasures:
    height, width = pixels.shape[:2]
    return measure_quality(DecodedImage(as_bytes(pixels), width, height, "PNG"))
