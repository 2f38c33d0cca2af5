"""The paper's augmentation as one affine resampling (Methods, "Training algorithm").

Each training image is rotated by a random angle in [0, 360), the largest upright rectangle inscribed in the rotated
image is cut out, flipped vertically with probability 0.5 and resized to a square. Done in three steps that means three
interpolations; here the three maps are composed and the pixels are interpolated once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image


def inscribed_rectangle(width: float, height: float, angle_rad: float) -> tuple[float, float]:
    """Sides of the largest upright rectangle inside a rotated image.

    Parameters
    ----------
    width, height : float
        Sides of the image in pixels, > 0.
    angle_rad : float
        Rotation in radians, any value.

    Returns
    -------
    tuple of float
        Width and height in pixels of the axis-parallel rectangle of largest area, centred, inside the rotated image.
    """
    sin, cos = abs(math.sin(angle_rad)), abs(math.cos(angle_rad))
    long, short = max(width, height), min(width, height)
    if short <= 2 * sin * cos * long or abs(sin - cos) < 1e-12:
        # Half constrained: two corners touch the long sides, the other two lie inside.
        half = short / 2
        pair = (half / sin, half / cos)
        return pair if width >= height else (pair[1], pair[0])
    double = cos * cos - sin * sin
    return (width * cos - height * sin) / double, (height * cos - width * sin) / double


@dataclass(frozen=True)
class View:
    """One augmented view: the rotation in radians and whether it is flipped vertically."""

    angle_rad: float
    flip: bool

    @staticmethod
    def draw(rng: np.random.Generator) -> View:
        """Uniform whole degrees 0-359 and a fair coin: the paper's factor of 720."""
        return View(math.radians(int(rng.integers(360))), bool(rng.integers(2)))


def affine_coefficients(width: int, height: int, size_px: int, view: View) -> tuple[float, ...]:
    """Output pixel -> source pixel, as (a, b, c, d, e, f): x' = a x + b y + c, y' = d x + e y + f.

    Coordinates are continuous: pixel i covers [i, i + 1). The corners of the output square fall on the corners of the
    inscribed rectangle, so no point outside the image is ever read.
    """
    crop_w, crop_h = inscribed_rectangle(width, height, view.angle_rad)
    step_x, step_y = crop_w / size_px, crop_h / size_px * (-1 if view.flip else 1)
    sin, cos = math.sin(view.angle_rad), math.cos(view.angle_rad)
    a, b, d, e = cos * step_x, -sin * step_y, sin * step_x, cos * step_y
    half = size_px / 2
    return a, b, width / 2 - (a + b) * half, d, e, height / 2 - (d + e) * half


def resample(pixels: npt.NDArray[np.uint8], size_px: int, view: View) -> npt.NDArray[np.uint8]:
    """The view of an image, resampled once.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w, 3)
    size_px : int
        Side of the square that comes back.
    view : View

    Returns
    -------
    ndarray of uint8, shape (size_px, size_px, 3)
        Bilinear; where several source pixels fall on one output pixel, the mean over an oversampled grid, which keeps
        fine structure from aliasing.
    """
    height, width = pixels.shape[:2]
    crop = inscribed_rectangle(width, height, view.angle_rad)
    over = max(1, math.ceil(max(crop) / size_px - 0.25))  # up to 1.25 source pixels per output pixel bilinear is enough
    fine = size_px * over
    picture = Image.fromarray(pixels).transform(
        (fine, fine),
        Image.Transform.AFFINE,
        affine_coefficients(width, height, fine, view),
        resample=Image.Resampling.BILINEAR,
    )
    return np.asarray(picture.reduce(over) if over > 1 else picture)
