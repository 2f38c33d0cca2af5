"""Maps at the original's resolution: clipping, contours, signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from derm_model.net.saliency.maps import SaliencyMap, mass_levels

RAW = np.random.default_rng(0).gamma(0.3, 1e-6, (99, 99)).astype(np.float32)


def test_a_lower_percentile_saturates_more_of_the_map() -> None:
    shown = [SaliencyMap(RAW, "x", "y").resized(99, 99, percentile) for percentile in (90, 99.5, 100)]
    saturated = [float((found == 1).mean()) for found in shown]
    assert saturated[0] == pytest.approx(0.1, abs=0.01)
    assert saturated[1] == pytest.approx(0.005, abs=0.002)
    assert (shown[2] == 1).sum() == 1
    assert np.array_equal(shown[1], SaliencyMap(RAW, "x", "y").resized(99, 99))


@pytest.mark.parametrize("percentile", [0, -1, 100.1, float("nan")])
def test_a_percentile_that_is_none_is_refused(percentile: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        SaliencyMap(RAW, "x", "y").resized(9, 9, percentile)


def test_the_value_on_the_image_keeps_the_map_s_unit() -> None:
    flat = np.full((99, 99), 3e-7, np.float32)
    on_image = SaliencyMap(flat, "x", "y").on_image(40, 250)
    assert on_image.shape == (40, 250)
    assert np.allclose(on_image, 3e-7, rtol=1e-5)
    assert SaliencyMap(RAW, "x", "y").on_image(300, 400).mean() == pytest.approx(float(RAW.mean()), rel=0.02)


def test_signed_maps_share_one_scale_and_keep_zero() -> None:
    signed = np.zeros((99, 99), np.float32)
    signed[20:40, 20:40], signed[60:80, 60:80] = 4e-3, -2e-3
    shown = SaliencyMap(np.abs(signed), "x", "y", signed).resized_signed(990, 495)
    assert shown is not None
    assert shown.shape == (990, 495)
    assert shown[300, 150] == pytest.approx(1)
    assert shown[700, 350] == pytest.approx(-0.5, abs=0.01)
    assert shown[50, 450] == 0
    assert shown.min() >= -1 and shown.max() <= 1


def test_a_map_without_direction_has_no_signed_display() -> None:
    assert SaliencyMap(RAW, "x", "y").resized_signed(9, 9) is None


def test_a_contour_holds_the_fewest_pixels_with_its_share_of_the_mass() -> None:
    values = np.array([[5.0, 1, 1], [3, 0, 0]])  # sums to 10
    assert mass_levels(values, (0.01, 0.5, 0.51, 0.8, 0.9, 1)) == [5, 5, 3, 3, 1, 1]


@given(
    arrays(np.float32, (7, 9), elements=st.floats(0, 100, width=32)).filter(lambda values: values.sum() > 0),
    st.floats(0.01, 1),
)
def test_pixels_above_a_level_hold_the_share_and_one_pixel_less_does_not(
    values: NDArray[np.float32], share: float
) -> None:
    (level,) = mass_levels(values, [share])
    mass = values.astype(np.float64)
    within = np.sort(mass[mass >= level])
    assert within.sum() >= share * mass.sum() * (1 - 1e-12)
    ties = int((mass == level).sum())
    assert within[ties:].sum() <= share * mass.sum() * (1 + 1e-12)


@pytest.mark.parametrize("values", [np.zeros((3, 3)), np.array([1.0, -1.0]), np.array([np.nan, 1.0])])
def test_a_map_without_mass_has_no_contour(values: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="mass"):
        mass_levels(values, [0.1])


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="shares"):
        mass_levels(RAW, [share])
