"""One affine resampling instead of rotate, crop, flip and resize."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from derm_model.data.drawings import KINDS, draw_lesion
from derm_model.net.augmentation import View, affine_coefficients, inscribed_rectangle, resample, sample_points
from derm_model.net.preprocessing import Preprocessing

Floats = NDArray[np.float64]

ANGLES = st.floats(min_value=-10, max_value=10, allow_nan=False)
VIEWS = st.builds(View, ANGLES | st.integers(-720, 720).map(math.radians), st.booleans())


@st.composite
def shapes(draw: st.DrawFn, longest: int = 2000, flattest: int = 12) -> tuple[int, int]:
    """Width and height, at most 1 : 12 or 12 : 1."""
    long = draw(st.integers(flattest, longest))
    short = draw(st.integers(max(1, math.ceil(long / flattest)), long))
    return (long, short) if draw(st.booleans()) else (short, long)


@cache
def drawn(height: int, width: int, kind: str = "irregular") -> NDArray[np.uint8]:
    """A drawn lesion with hairs, furrows and sensor noise."""
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    return draw_lesion(3, side, kind)[top : top + height, left : left + width]


def points_read(width: int, height: int, size_px: int, view: View) -> tuple[Floats, Floats]:
    """Source x and y of each output pixel's centre, each (size_px, size_px), step by step as the paper has it."""
    along = (np.arange(size_px) + 0.5) / size_px - 0.5
    crop_w, crop_h = inscribed_rectangle(width, height, view.angle_rad)
    u, v = np.meshgrid(along * crop_w, (-along if view.flip else along) * crop_h)
    sin, cos = math.sin(view.angle_rad), math.cos(view.angle_rad)
    return width / 2 + u * cos - v * sin, height / 2 + u * sin + v * cos


def three_steps(pixels: NDArray[np.uint8], size_px: int, view: View) -> Floats:
    """The slow way: rotate (bicubic), cut out the rectangle and resize (antialiased), flip; in floating point."""
    crop_w, crop_h = inscribed_rectangle(pixels.shape[1], pixels.shape[0], view.angle_rad)
    channels = []
    for channel in range(3):
        image = Image.fromarray(pixels[..., channel].astype(np.float32))
        rotated = image.rotate(math.degrees(view.angle_rad), resample=Image.Resampling.BICUBIC, expand=True)
        x, y = rotated.width / 2, rotated.height / 2
        box = (x - crop_w / 2, y - crop_h / 2, x + crop_w / 2, y + crop_h / 2)
        cut = rotated.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)
        channels.append(np.asarray(cut.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if view.flip else cut, dtype=float))
    return np.stack(channels, axis=-1)


def finely_sampled(pixels: NDArray[np.uint8], size_px: int, view: View) -> Floats:
    """The ideal: the band-limited picture read at three points a pixel each way, under the triangle of antialiasing."""
    height, width = pixels.shape[:2]
    enlarged = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize((3 * width, 3 * height), Image.Resampling.LANCZOS))
        for plane in np.moveaxis(pixels, -1, 0)
    ]
    fine = 3 * math.ceil(max(size_px, *inscribed_rectangle(width, height, view.angle_rad)))
    x, y = points_read(width, height, fine, view)
    grid = torch.from_numpy(np.stack([2 * x / width - 1, 2 * y / height - 1], axis=-1))[None]
    source = torch.from_numpy(np.stack(enlarged))[None].double()
    sampled = F.grid_sample(source, grid, mode="bicubic", padding_mode="border", align_corners=False)
    square = F.interpolate(sampled, (size_px, size_px), mode="bilinear", antialias=True)
    return np.asarray(square[0].permute(1, 2, 0).numpy())


@given(shapes(), ANGLES)
@example((100, 100), math.pi / 4 + 3e-7)
def test_the_inscribed_rectangle_lies_inside_the_rotated_image(shape: tuple[int, int], angle: float) -> None:
    width, height = shape
    w, h = inscribed_rectangle(width, height, angle)
    assert w > 0
    assert h > 0
    for x, y in ((w, h), (w, -h)):  # corners, turned back into the image's own axes
        u = x * math.cos(angle) + y * math.sin(angle)
        v = -x * math.sin(angle) + y * math.cos(angle)
        assert abs(u) <= width * (1 + 1e-9)
        assert abs(v) <= height * (1 + 1e-9)


@given(shapes(longest=400), ANGLES)
def test_no_upright_rectangle_inside_has_a_larger_area(shape: tuple[int, int], angle: float) -> None:
    width, height = shape
    w, h = inscribed_rectangle(width, height, angle)
    sin, cos = abs(math.sin(angle)), abs(math.cos(angle))
    wide = np.linspace(1, width + height, 2000)
    # For each width, the largest height that fits: w cos + h sin <= width and w sin + h cos <= height.
    limits = [(width - wide * cos) / sin if sin > 1e-9 else np.where(wide <= width + 1e-9, np.inf, -1)]
    limits += [(height - wide * sin) / cos if cos > 1e-9 else np.where(wide <= height + 1e-9, np.inf, -1)]
    tall = np.minimum(*limits)
    if sin <= 1e-9:
        tall = np.minimum(tall, height)
    if cos <= 1e-9:
        tall = np.minimum(tall, width)
    assert w * h >= (wide * tall).max() * (1 - 1e-6)


def test_an_upright_square_is_its_own_rectangle_and_at_45_degrees_half_of_it_is_left() -> None:
    assert inscribed_rectangle(100, 100, 0.0) == pytest.approx((100, 100))
    assert inscribed_rectangle(100, 100, math.pi / 4) == pytest.approx((100 / math.sqrt(2),) * 2)
    assert inscribed_rectangle(200, 100, math.pi / 2) == pytest.approx((100, 200))


@given(shapes(), VIEWS, st.integers(1, 320), st.integers(1, 320))
def test_no_point_outside_the_image_is_ever_sampled(
    shape: tuple[int, int], view: View, grid_w: int, grid_h: int
) -> None:
    width, height = shape
    a, b, c, d, e, f = affine_coefficients(width, height, grid_w, grid_h, view)
    for x in (0.5, grid_w - 0.5):  # centres of the corner pixels; all others lie between
        for y in (0.5, grid_h - 0.5):
            assert -1e-9 * width <= a * x + b * y + c <= width * (1 + 1e-9)
            assert -1e-9 * height <= d * x + e * y + f <= height * (1 + 1e-9)
    assert sample_points(width, height, grid_w, grid_h, view).abs().max() <= 1 + 1e-6


@given(shapes(longest=255), VIEWS, st.integers(8, 160))
def test_every_output_pixel_shows_the_place_of_the_image_that_it_should(
    shape: tuple[int, int], view: View, size_px: int
) -> None:
    width, height = shape
    size_px = max(size_px, math.ceil(max(inscribed_rectangle(width, height, view.angle_rad)) / 1.25))
    pixels = np.zeros((height, width, 3), np.uint8)  # colours tell the place: red = x, green = y
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    seen = resample(pixels, size_px, view)
    x, y = points_read(width, height, size_px, view)
    # Half a pixel from the edge there is nothing to interpolate with; half a level is lost in rounding to bytes.
    assert np.abs(seen[..., 0] - (x - 0.5).clip(0, width - 1)).max() <= 0.51
    assert np.abs(seen[..., 1] - (y - 0.5).clip(0, height - 1)).max() <= 0.51


@given(shapes(longest=500), VIEWS, st.integers(16, 96))
@example((8, 500), View(math.radians(45), True), 75)
@example((500, 8), View(0.0, False), 75)
@example((1, 12), View(math.radians(17), False), 75)
def test_a_white_image_stays_white_whatever_lies_around_it_in_memory(
    shape: tuple[int, int], view: View, size_px: int
) -> None:
    width, height = shape
    canvas = np.zeros((height + 20, width + 20, 3), np.uint8)
    white = canvas[10 : 10 + height, 10 : 10 + width]
    white[:] = 255
    assert resample(white, size_px, view).min() == 255


@given(VIEWS, st.sampled_from([(96, 96), (80, 120), (300, 75), (75, 400)]), st.integers(20, 150))
def test_what_is_in_the_middle_of_the_image_stays_in_the_middle(
    view: View, shape: tuple[int, int], size_px: int
) -> None:
    height, width = shape
    crop_w, crop_h = inscribed_rectangle(width, height, view.angle_rad)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    sigma = min(crop_w, crop_h) / 10
    dot = 250 * np.exp(-((x - width / 2) ** 2 + (y - height / 2) ** 2) / (2 * sigma**2))
    seen = resample(np.repeat(dot[..., None], 3, axis=2).round().astype(np.uint8), size_px, view)[..., 0].astype(float)
    at = np.arange(size_px) + 0.5 - size_px / 2
    assert abs((seen.sum(0) * at).sum() / seen.sum()) < 0.06  # output pixels
    assert abs((seen.sum(1) * at).sum() / seen.sum()) < 0.06


@given(VIEWS, st.sampled_from([(90, 120), (200, 200), (64, 500)]), st.integers(30, 130))
def test_no_view_is_brighter_or_darker_than_the_image(view: View, shape: tuple[int, int], size_px: int) -> None:
    height, width = shape
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    noise[height // 2 :] = 255 - noise[: height // 2][::-1, ::-1]  # every view has a point for its negative: 127.5
    assert resample(noise, size_px, view).mean() == pytest.approx(127.5, abs=0.25)


@pytest.mark.parametrize("shape", [(450, 600), (300, 300), (600, 150)])
@pytest.mark.parametrize("size_px", [299, 192, 128])
def test_it_differs_from_rotate_crop_flip_resize_by_half_a_level_of_255(shape: tuple[int, int], size_px: int) -> None:
    """Measured on drawn lesions: 0.53 of 255 on average, 0.38 (128 px from 600 x 450) to 0.68 (299 px from 300 x 300).

    Rounding to bytes alone makes 0.25. The reference interpolates twice, once by a sharper filter.
    """
    differences = []
    for i, degrees in enumerate(range(0, 360, 48)):
        view, pixels = View(math.radians(degrees), flip=i % 2 == 1), drawn(*shape, KINDS[i % len(KINDS)])
        differences.append(resample(pixels, size_px, view) - three_steps(pixels, size_px, view))
    assert np.abs(differences).mean() < 0.75
    assert abs(np.mean(differences)) < 0.05  # neither brighter nor darker


@pytest.mark.parametrize(
    "scale, lesion, noise",  # source pixels per output pixel; 1.2 times the mean differences of 255 that were measured
    [
        (1.1, 0.61, 13.8),
        (1.25, 0.71, 17.0),
        (1.4, 0.55, 6.9),
        (1.7, 0.50, 4.5),
        (2.0, 0.50, 4.3),
        (2.7, 0.60, 3.8),
        (4.0, 0.68, 2.6),
        (8.0, 1.00, 1.4),
    ],
)
def test_detail_is_antialiased_at_every_scale_as_by_sampling_finely(scale: float, lesion: float, noise: float) -> None:
    """Noise, all detail at the limit of the image's resolution, differs from its own mean by 64 of 255."""
    random = np.random.default_rng(0).integers(0, 256, (240, 240, 3), dtype=np.uint8)
    for pixels, limit in ((drawn(240, 240), lesion), (random, noise)):
        differences = []
        for degrees in (0, 15, 45, 80):
            view = View(math.radians(degrees), flip=False)
            size_px = round(inscribed_rectangle(240, 240, view.angle_rad)[0] / scale)
            difference = resample(pixels, size_px, view) - finely_sampled(pixels, size_px, view)
            differences.append(np.abs(difference).mean())
        assert np.mean(differences) < limit


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_fine_stripes_become_grey_instead_of_a_pattern(degrees: int) -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resample(stripes, 100, View(math.radians(degrees), flip=False))
    assert np.abs(small - 127.5).max() < 6


@pytest.mark.parametrize("shape", [(450, 600), (600, 400), (700, 700)])
def test_an_upright_view_is_the_image_as_the_app_reads_it(shape: tuple[int, int]) -> None:
    pixels = drawn(*shape)
    read = Preprocessing(size_px=299).prepare(pixels).permute(1, 2, 0).numpy()
    assert np.abs(resample(pixels, 299, View(0.0, flip=False)).astype(int) - read).max() <= 1


def test_drawn_views_are_whole_degrees_and_both_flips() -> None:
    rng = np.random.default_rng(0)
    views = [View.draw(rng) for _ in range(4000)]
    assert len({(round(math.degrees(v.angle_rad)), v.flip) for v in views}) > 680  # of the paper's 720
    assert all(0 <= v.angle_rad < 2 * math.pi for v in views)
