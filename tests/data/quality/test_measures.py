"""Each measure against pictures with a known truth."""

from __future__ import annotations

import math
from dataclasses import astuple, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from derm_model.data.drawings import KINDS, draw_lesion
from derm_model.data.images import DecodedImage
from derm_model.data.quality import MEASURES, QualityMeasures, measure_quality
from tests.data.quality.pictures import SKIN_TONES, blurred, ellipse, measured, skin, strokes, with_lesion

SIDE = 300


def test_every_measure_is_a_number_or_not_known():
    assert tuple(field.name for field in fields(QualityMeasures)) == MEASURES
    assert all(isinstance(value, float) and math.isfinite(value) for value in astuple(measured(draw_lesion(1, 300))))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 2), (223, 225), (299, 1000)])
def test_odd_shapes_are_measured_without_failing(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert measured(pixels).short_side_px == min(shape)


def test_the_size_is_that_of_the_file_and_not_of_a_reduced_decode():
    assert measure_quality(DecodedImage(draw_lesion(1, 256), 4000, 3000, "JPEG")).short_side_px == 3000


def test_a_black_picture_is_black_and_nothing_else_is_told_of_it():
    found = measured(np.zeros((300, 300, 3)))
    assert found.black_share == 1
    assert found.sharpness is None
    assert found.lesion_share is None


# sharpness


@settings(max_examples=5)
@given(seed=st.integers(0, 1000), kind=st.sampled_from(KINDS))
def test_the_more_a_picture_is_blurred_the_less_sharp_it_is(seed, kind):
    picture = draw_lesion(seed, 224, kind)
    values = [measured(blurred(picture, sigma)).sharpness for sigma in (0, 0.7, 1.0, 1.5, 2.5)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * values[-1]


def test_sharpness_is_nearly_the_same_in_every_size():
    large = draw_lesion(3, 1000)
    whole = measured(large.repeat(4, axis=0).repeat(4, axis=1)).sharpness  # 4,000 pixels
    for side in (224, 299, 500, 1000):
        reduced = np.asarray(Image.fromarray(large).resize((side, side), Image.Resampling.BOX))
        assert measured(reduced).sharpness == pytest.approx(whole, rel=0.12), side


@pytest.mark.parametrize("sigma", [0, 1.5])
def test_sharpness_does_not_change_with_brightness_and_contrast(sigma):
    picture = blurred(draw_lesion(3, 224, "keratosis"), sigma)
    paler = 120 + 0.6 * (picture.astype(float) - 120)
    assert measured(paler).sharpness == pytest.approx(measured(picture).sharpness, rel=0.12)


def test_a_background_out_of_focus_does_not_make_a_sharp_lesion_blurred():
    sharp = draw_lesion(5, 224)
    mask = ellipse(224, 0.3)[..., None]
    half = np.where(mask, sharp, blurred(sharp, 3))
    assert measured(half).sharpness > 0.75 * measured(sharp).sharpness
    assert measured(half).sharpness > 2 * measured(blurred(sharp, 3)).sharpness


# lesion


@settings(max_examples=25)
@given(
    share=st.floats(0.008, 0.30),
    row=st.floats(0.42, 0.58),
    column=st.floats(0.42, 0.58),
    stretch=st.floats(0.8, 1.25),
    tone=st.sampled_from(SKIN_TONES),
    darkness=st.floats(0.2, 0.65),
)
def test_a_lesion_of_known_area_is_measured_within_a_tenth_and_half_a_per_cent(
    share, row, column, stretch, tone, darkness
):
    mask = ellipse(SIDE, share, centre=(row, column), stretch=stretch)
    found = measured(with_lesion(skin(SIDE, tone), mask, darkness)).lesion_share
    assert found == pytest.approx(mask.mean(), rel=0.10, abs=0.005)


def test_a_larger_lesion_has_a_larger_share():
    values = [measured(with_lesion(skin(), ellipse(SIDE, share))).lesion_share for share in np.geomspace(0.005, 0.4, 9)]
    assert values == sorted(values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_is_the_same_in_every_size(kind):
    drawing = draw_lesion(1, 900, kind)
    shares = [
        measured(np.asarray(Image.fromarray(drawing).resize((side, side), Image.Resampling.BOX))).lesion_share
        for side in (224, 450, 900)
    ]
    assert shares == pytest.approx([shares[0]] * 3, rel=0.05)


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_plain_skin_has_no_lesion(tone):
    assert measured(skin(SIDE, tone)).lesion_share is None


def test_of_two_equal_lesions_none_is_the_lesion():
    two = ellipse(SIDE, 0.03, centre=(0.5, 0.28)) | ellipse(SIDE, 0.03, centre=(0.5, 0.72))
    assert measured(with_lesion(skin(), two)).lesion_share is None


def test_the_lesion_in_the_middle_counts_and_not_the_one_at_the_side():
    middle = ellipse(SIDE, 0.04)
    both = middle | ellipse(SIDE, 0.02, centre=(0.2, 0.2))
    assert measured(with_lesion(skin(), both)).lesion_share == pytest.approx(middle.mean(), rel=0.1)


def test_a_small_thing_that_the_edge_cuts_is_no_lesion():
    assert measured(with_lesion(skin(), ellipse(SIDE, 0.05, centre=(0.5, 0.02)))).lesion_share is None


def test_an_arc_is_no_lesion():
    ring = ellipse(SIDE, 0.20) & ~ellipse(SIDE, 0.15)
    ring[: SIDE // 2] = False
    assert measured(with_lesion(skin(), ring)).lesion_share is None


def test_a_pens_mark_is_no_lesion():
    violet = np.where(ellipse(SIDE, 0.04)[..., None], (70, 50, 130), skin())
    assert measured(violet).lesion_share is None


def test_hairs_hardly_change_the_lesions_share():
    lesion = with_lesion(skin(), ellipse(SIDE, 0.1))
    hairs = [(0.05 * k, 0, 0.05 * k + 0.3, 1) for k in range(1, 15, 2)]
    shaggy = measured(strokes(lesion, hairs, (60, 40, 30), 2)).lesion_share
    assert shaggy == pytest.approx(measured(lesion).lesion_share, rel=0.1)


# surround


@pytest.mark.parametrize("share", [0.55, 0.65, 0.75])
def test_the_dark_surround_is_measured_and_neither_skin_nor_lesion(share):
    lesion = ellipse(SIDE, 0.08)
    inside = ellipse(SIDE, share)
    picture = np.where(inside[..., None], with_lesion(skin(), lesion), 8.0)
    found = measured(picture)
    assert found.surround_share == pytest.approx(1 - inside.mean(), abs=0.01)
    assert found.black_share == 0
    assert found.lesion_share == pytest.approx(0.08, rel=0.12)


@pytest.mark.parametrize("tone", SKIN_TONES)
@pytest.mark.parametrize("light", [1.0, 0.6])
def test_dark_skin_is_no_surround(tone, light):
    assert measured(light * with_lesion(skin(SIDE, tone), ellipse(SIDE, 0.2))).surround_share == 0


# lines, ink, colour, clipping


def test_skin_and_a_lesion_have_no_lines():
    assert measured(with_lesion(skin(), ellipse(SIDE, 0.1))).line_share == 0


def test_more_hairs_cover_more():
    values = []
    for n in (1, 3, 6, 10):
        hairs = [(k / 11, 0.05, k / 11 + 0.08, 0.95) for k in range(1, n + 1)]
        values.append(measured(strokes(skin(), hairs, (60, 40, 30), 3)).line_share)
    assert values == sorted(values)
    assert values[-1] == pytest.approx(10 * 0.9 * 3 / SIDE, rel=0.4)


def test_crossing_hairs_are_lines_and_short_dots_are_not():
    crossing = [(0.1, 0.1, 0.9, 0.9), (0.9, 0.1, 0.1, 0.9), (0.5, 0.0, 0.5, 1.0)]
    dots = [(x, y, x + 0.02, y) for x in np.arange(0.1, 0.9, 0.1) for y in np.arange(0.1, 0.9, 0.1)]
    assert measured(strokes(skin(), crossing, (60, 40, 30), 3)).line_share > 0.015
    assert measured(strokes(skin(), dots, (60, 40, 30), 3)).line_share == 0


def test_red_vessels_are_no_lines():
    vessels = [(0.1, 0.1, 0.9, 0.9), (0.9, 0.1, 0.1, 0.9)]
    assert measured(strokes(skin(), vessels, (208, 90, 80), 3)).line_share == 0


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_ink_is_measured_by_its_area_and_brown_is_no_ink(tone):
    ring = ellipse(SIDE, 0.40) & ~ellipse(SIDE, 0.34)
    pen = np.where(ring[..., None], np.array([60, 40, 120]) * np.mean(tone) / 160, skin(SIDE, tone))
    assert measured(pen).ink_share == pytest.approx(ring.mean(), rel=0.25)
    assert measured(with_lesion(skin(SIDE, tone), ring)).ink_share == 0


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("tone", SKIN_TONES)
def test_the_more_coloured_the_light_the_larger_the_cast(channel, tone):
    # Coloured light beyond that in which skin has the reference's colour, and no channel above 255.
    values = []
    for gain in (1.6, 2.0, 3.0):
        light = np.full(3, 1 / gain)
        light[channel] = 1.0
        values.append(measured(skin(SIDE, tone) * light).colour_cast)
    assert values == sorted(values)
    assert values[-1] > measured(skin(SIDE, tone)).colour_cast


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
def test_white_and_black_pixels_are_counted(share):
    spot = ellipse(SIDE, share)[..., None] if share else np.zeros((SIDE, SIDE, 1), dtype=bool)
    assert measured(np.where(spot, 255.0, skin())).burnt_share == pytest.approx(share, abs=0.006)
    assert measured(np.where(spot, 0.0, skin())).black_share == pytest.approx(share, abs=0.006)
