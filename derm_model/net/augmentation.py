"""The paper's augmentation as one affine resampling (Methods, "Training algorithm").

Each training image is rotated by a random angle in [0, 360), the largest upright rectangle inscribed in the rotated
image is cut out, flipped vertically with probability 0.5 and resized to a square. Here the four maps are composed and
the image is interpolated once, at its own resolution where the square is coarser, which is then averaged down with the
filter that the app resizes whole images with (`Preprocessing`): networks are trained and used on pictures of one kind.

Mean absolute difference, of 255, to the same picture made in floating point with three samples a pixel (a drawn lesion
of 600 x 450 px, every 24 degrees): 0.39 at 299 px, 0.36 at 192 px, 0.34 at 128 px, where rounding alone gives 0.25.
Pillow's transform truncates instead, which makes every picture darker by 0.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

# Up to 1.25 source pixels per output pixel, sampling directly differs less from the ideal than sampling and averaging
# does, which blurs twice: 0.46 against 0.51 of 255 at 1.15, 0.51 against 0.48 at 1.25, 0.58 against 0.45 at 1.35.
_DIRECT_UP_TO = 1.25
# A larger image is first brought to about twice the output's resolution: 12 ms instead of 22 for 1500 x 1000 px, at a
# difference of 0.45 instead of 0.31 of 255. Not where that would gain little, and not to exactly twice: the mean of
# two bytes often ends in one half, which is rounded up (0.3 of 255 brighter in the worst case).
_SHRINK_ABOVE, _SHRINK_TO = 2.4, 2.1


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
    # Next to 45 degrees the other formula divides rounding errors by almost 0, and this one is off by 2e-12 at most.
    if short <= 2 * sin * cos * long or abs(sin - cos) < 1e-6:
        # Half constrained: two corners touch the long sides, the other two lie inside.
        half = short / 2
        pair = (half / sin, half / cos)
        return pair if width >= height else (pair[1], pair[0])
    double = cos * cos - sin * sin
    return (width * cos - height * sin) / double, (height * cos - width * sin) / double


def fits(width: float, height: float, angle_rad: float, crop: tuple[float, float]) -> bool:
    """Whether a centred upright rectangle lies inside a rotated image, but for rounding."""
    sin, cos = abs(math.sin(angle_rad)), abs(math.cos(angle_rad))
    crop_w, crop_h = crop
    return crop_w * cos + crop_h * sin <= width * (1 + 1e-9) and crop_w * sin + crop_h * cos <= height * (1 + 1e-9)


@dataclass(frozen=True)
class View:
    """One augmented view: the rotation in radians and whether it is flipped vertically."""

    angle_rad: float
    flip: bool

    @staticmethod
    def draw(rng: np.random.Generator) -> View:
        """Uniform whole degrees 0-359 and a fair coin: the paper's factor of 720."""
        return View(math.radians(int(rng.integers(360))), bool(rng.integers(2)))


def affine_coefficients(
    width: float, height: float, grid_w: int, grid_h: int, view: View, crop: tuple[float, float] | None = None
) -> tuple[float, float, float, float, float, float]:
    """Point of the output -> point of the source, as (a, b, c, d, e, f): x' = a x + b y + c, y' = d x + e y + f.

    Coordinates are continuous: pixel i covers [i, i + 1). The corners of the grid_w x grid_h output fall on the corners
    of the inscribed rectangle of the width x height source (or of `crop`, centred as it is), so no point outside the
    image is ever read.
    """
    crop_w, crop_h = crop or inscribed_rectangle(width, height, view.angle_rad)
    step_x, step_y = crop_w / grid_w, crop_h / grid_h * (-1 if view.flip else 1)
    sin, cos = math.sin(view.angle_rad), math.cos(view.angle_rad)
    a, b, d, e = cos * step_x, -sin * step_y, sin * step_x, cos * step_y
    return a, b, (width - a * grid_w - b * grid_h) / 2, d, e, (height - d * grid_w - e * grid_h) / 2


def sample_points(
    width: int, height: int, grid_w: int, grid_h: int, view: View, crop: tuple[float, float] | None = None
) -> Tensor:
    """Where the source is read: float32 (grid_h, grid_w, 2), x and y from -1 to 1 between the image's outer edges."""
    a, b, c, d, e, f = affine_coefficients(width, height, grid_w, grid_h, view, crop)
    x = torch.arange(grid_w, dtype=torch.float32) + 0.5
    y = (torch.arange(grid_h, dtype=torch.float32) + 0.5)[:, None]
    points = torch.empty(grid_h, grid_w, 2)
    torch.add(x * (2 * a / width) + (2 * c / width - 1), y * (2 * b / width), out=points[..., 0])
    torch.add(x * (2 * d / height) + (2 * f / height - 1), y * (2 * e / height), out=points[..., 1])
    return points


def resample(
    pixels: npt.NDArray[np.uint8], size_px: int, view: View, crop: tuple[float, float] | None = None
) -> npt.NDArray[np.uint8]:
    """The view of an image, interpolated once.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w, 3)
    size_px : int
        Side of the square that comes back.
    view : View
    crop : tuple of float, optional
        Width and height of what is cut out, in pixels of the image; default: the largest that fits.

    Returns
    -------
    ndarray of uint8, shape (size_px, size_px, 3)
        Bilinear; along a side where several source pixels fall on one output pixel, the mean of samples one source
        pixel apart under a triangle two output pixels wide, which keeps fine structure from aliasing.

    Raises
    ------
    ValueError
        `crop` would show what lies outside the image.
    """
    height, width = pixels.shape[:2]
    if crop is not None and not fits(width, height, view.angle_rad, crop):
        raise ValueError(f"{crop} does not fit into {width} x {height} turned by {view.angle_rad} radians")
    crop = crop or inscribed_rectangle(width, height, view.angle_rad)
    scale = min(crop) / size_px
    shrink = _SHRINK_TO / scale if scale > _SHRINK_ABOVE else 1.0
    source = _planes(pixels)
    if shrink < 1:  # points count from edge to edge, and so stay the same
        source = _resize(source, math.ceil(height * shrink), math.ceil(width * shrink))
    grid_w, grid_h = (size_px if c <= _DIRECT_UP_TO * size_px else math.ceil(c * shrink) for c in crop)
    # "border" concerns the outermost half pixel only, where one of the four neighbours would lie outside.
    sampled = F.grid_sample(
        source.to(torch.float32),
        sample_points(width, height, grid_w, grid_h, view, crop)[None],
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    fine = torch.empty(sampled.shape, dtype=torch.uint8, memory_format=torch.channels_last)
    fine.copy_(sampled.add_(0.5))  # the conversion truncates
    square = fine if grid_w == grid_h == size_px else _resize(fine, size_px, size_px)
    return np.asarray(square[0].permute(1, 2, 0).numpy(), dtype=np.uint8)


def _planes(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """(h, w, 3) as (1, 3, h, w), channels last, over the same memory where that is writable: torch insists."""
    return torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy()).permute(2, 0, 1)[None]


def _resize(image: Tensor, height: int, width: int) -> Tensor:
    """uint8 (1, 3, h, w) with a triangle filter as wide as the reduction, like Pillow's."""
    return F.interpolate(image, (height, width), mode="bilinear", antialias=True, align_corners=False)
