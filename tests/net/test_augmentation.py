"""One affine resampling instead of rotate, crop, flip and resize."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from derm_model.net.augmentation import View, affine_coefficients, inscribed_rectangle, resample

SIDES = st.integers(min_value=8, max_value=2000)
ANGLES = st.floats(min_value=-10, max_value=10, allow_nan=False)


def smooth_picture(height: int, width: int) -> np.ndarray:
    """Waves of a long wavelength: every correct resampling of them looks the same."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    waves = [np.sin(x / 17 + c) * np.cos(y / 23 - c) for c in range(3)]
    return np.stack([127 + 100 * w for w in waves], axis=-1).astype(np.uint8)


def three_steps(pixels: np.ndarray, size_px: int, view: View) -> np.ndarray:
    """The slow reference: rotate, cut out the rectangle, flip, resize."""
    image = Image.fromarray(pixels)
    width, height = image.size
    rotated = image.rotate(math.degrees(view.angle_rad), resample=Image.Resampling.BICUBIC, expand=True)
    crop_w, crop_h = inscribed_rectangle(width, height, view.angle_rad)
    x, y = rotated.width / 2, rotated.height / 2
    box = (x - crop_w / 2, y - crop_h / 2, x + crop_w / 2, y + crop_h / 2)
    cut = rotated.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)
    return np.asarray(cut.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if view.flip else cut)


@given(SIDES, SIDES, ANGLES)
def test_the_inscribed_rectangle_lies_inside_the_rotated_image(width: int, height: int, angle: float) -> None:
    w, h = inscribed_rectangle(width, height, angle)
    assert w > 0
    assert h > 0
    for x, y in ((w, h), (w, -h)):  # corners, turned back into the image's own axes
        u = x * math.cos(angle) + y * math.sin(angle)
        v = -x * math.sin(angle) + y * math.cos(angle)
        assert abs(u) <= width * (1 + 1e-9)
        assert abs(v) <= height * (1 + 1e-9)


@given(st.integers(50, 400), st.integers(50, 400), ANGLES)
def test_no_upright_rectangle_inside_has_a_larger_area(width: int, height: int, angle: float) -> None:
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


@given(SIDES, SIDES, st.integers(16, 320), ANGLES, st.booleans())
def test_no_pixel_from_outside_the_image_is_ever_sampled(w: int, h: int, size: int, angle: float, flip: bool) -> None:
    a, b, c, d, e, f = affine_coefficients(w, h, size, View(angle, flip))
    for x in (0.5, size - 0.5):  # centres of the corner pixels; all others lie between
        for y in (0.5, size - 0.5):
            assert -1e-6 * w <= a * x + b * y + c <= w * (1 + 1e-6)
            assert -1e-6 * h <= d * x + e * y + f <= h * (1 + 1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 359), st.booleans(), st.sampled_from([(90, 90), (150, 220), (300, 180)]))
def test_no_border_colour_appears_in_any_view_of_a_white_image(
    degrees: int, flip: bool, shape: tuple[int, int]
) -> None:
    white = np.full((*shape, 3), 255, np.uint8)
    assert resample(white, 64, View(math.radians(degrees), flip)).min() == 255


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135, 200, 301])
@pytest.mark.parametrize("shape", [(224, 224), (180, 300), (600, 450)])
@pytest.mark.parametrize("flip", [False, True])
def test_it_agrees_with_rotate_crop_flip_resize(degrees: int, shape: tuple[int, int], flip: bool) -> None:
    pixels, view = smooth_picture(*shape), View(math.radians(degrees), flip)
    difference = np.abs(resample(pixels, 128, view).astype(int) - three_steps(pixels, 128, view))
    assert difference.mean() < 1.5  # of 255; the reference interpolates twice


def test_fine_stripes_become_grey_instead_of_a_pattern() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resample(stripes, 100, View(0.0, False))
    assert np.abs(small.astype(int) - 127).max() <= 2


def test_drawn_views_are_whole_degrees_and_both_flips() -> None:
    rng = np.random.default_rng(0)
    views = [View.draw(rng) for _ in range(4000)]
    assert len({(round(math.degrees(v.angle_rad)), v.flip) for v in views}) > 680  # of the paper's 720
    assert all(0 <= v.angle_rad < 2 * math.pi for v in views)
