"""Measures of saliency maps against independent implementations and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import spearmanr

from derm_model.evaluation.map_measures import (
    CLIP_PERCENTILE,
    area_under,
    inside,
    mirror_correlation,
    rank_correlation,
    share_inside,
    structural_similarity,
)

Floats = NDArray[np.float64]


def noise(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).gamma(0.5, 1.0, shape or (20, 24))


def blob(row: float, column: float, side: int = 40, width: float = 6) -> Floats:
    y, x = np.mgrid[0:side, 0:side]
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))


@given(
    arrays(np.int64, (4, 5), elements=st.integers(-3, 3)),  # few values: many ties
    arrays(np.int64, (4, 5), elements=st.integers(-3, 3)),
)
def test_the_rank_correlation_is_scipys_with_ties_and_with_signs_or_without(
    one: NDArray[np.int64], other: NDArray[np.int64]
) -> None:
    for magnitudes in (False, True):
        first, second = (np.abs(one), np.abs(other)) if magnitudes else (one, other)
        found = rank_correlation(one, other, magnitudes=magnitudes)
        if len(np.unique(first)) == 1 or len(np.unique(second)) == 1:
            assert found is None
        else:
            assert found == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic, abs=1e-12)


def test_the_rank_correlation_sees_order_only() -> None:
    one = noise(0)
    assert rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -(one**3)) == pytest.approx(-1)
    assert rank_correlation(one, -(one**3), magnitudes=True) == pytest.approx(1)


def slow_ssim(one: Floats, other: Floats) -> float:
    """Wang et al. 2004, equation 13, window by window."""
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    x, y = (np.clip((v - v.min()) / (np.percentile(v, CLIP_PERCENTILE) - v.min()), 0, 1) for v in (one, other))
    found = []
    for i in range(one.shape[0] - 10):
        for j in range(one.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            cov = (weights * (a - mean_a) * (b - mean_b)).sum()
            top = (2 * mean_a * mean_b + 0.01**2) * (2 * cov + 0.03**2)
            found.append(top / ((mean_a**2 + mean_b**2 + 0.01**2) * (var_a + var_b + 0.03**2)))
    return float(np.mean(found))


@pytest.mark.parametrize("seed", range(3))
def test_structural_similarity_is_that_of_a_loop_over_windows(seed: int) -> None:
    one = noise(seed)
    for other in (noise(seed + 10), one + 0.5 * noise(seed + 20), one**2):
        assert structural_similarity(one, other) == pytest.approx(slow_ssim(one, other), abs=1e-10)


def test_structural_similarity_of_a_part_is_that_of_the_part_cut_out() -> None:
    one, other = noise(1, 30, 40), noise(2, 30, 40)
    part = np.zeros((30, 40), bool)
    part[5:25, 8:32] = True
    assert structural_similarity(one, other, part) == pytest.approx(slow_ssim(one[5:25, 8:32], other[5:25, 8:32]))


def test_a_map_is_like_itself_whatever_its_unit() -> None:
    one = noise(3)
    assert structural_similarity(one, 7e-9 * one) == pytest.approx(1)
    assert rank_correlation(one, 7e-9 * one) == pytest.approx(1)


def test_one_extreme_pixel_makes_no_two_maps_alike() -> None:
    """Divided by their maximum both would be next to zero, and the constants of SSIM would call them the same."""
    one, other = noise(4, 40, 40), noise(5, 40, 40)
    before = structural_similarity(one, other)
    one[3, 3] = other[30, 30] = 1e6
    after = structural_similarity(one, other)
    assert before is not None and after is not None
    assert after == pytest.approx(before, abs=0.05)


def test_a_map_without_order_or_room_has_no_likeness() -> None:
    flat, one = np.ones((20, 24)), noise(0)
    assert rank_correlation(flat, one) is None
    assert structural_similarity(flat, one) is None
    assert mirror_correlation(flat) is None
    assert structural_similarity(noise(0, 10, 30), noise(1, 10, 30)) is None
    assert structural_similarity(one, one, np.zeros(one.shape, bool)) is None


def test_maps_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        rank_correlation(noise(0), noise(0).T)
    with pytest.raises(ValueError, match="not finite"):
        structural_similarity(noise(0), np.full((20, 24), np.nan))


def test_a_map_in_the_middle_resembles_its_mirror_images_and_one_at_the_side_does_not() -> None:
    middle, side = mirror_correlation(blob(19.5, 19.5)), mirror_correlation(blob(6, 12))
    assert middle == pytest.approx(1)
    assert side is not None and side < 0.3


def test_a_wide_map_is_mirrored_three_ways_and_a_square_one_seven() -> None:
    wide = noise(6)
    expected = np.mean([spearmanr(wide.ravel(), m.ravel()).statistic for m in (wide[::-1], wide[:, ::-1])])
    expected = (2 * expected + spearmanr(wide.ravel(), wide[::-1, ::-1].ravel()).statistic) / 3
    assert mirror_correlation(wide) == pytest.approx(expected)
    square = noise(7, 15, 15)
    others = [np.rot90(m, k) for m in (square, square.T) for k in range(4)][1:]
    expected = np.mean([spearmanr(square.ravel(), other.ravel()).statistic for other in others])
    assert mirror_correlation(square) == pytest.approx(expected)


def test_a_mask_with_half_of_the_mass_holds_a_half_and_its_area_stands_beside_it() -> None:
    values = np.zeros((20, 20))
    values[:4, :10] = 3
    values[10:14, 10:] = 3
    mask = np.zeros((20, 20), bool)
    mask[:4] = True
    found = inside(values, mask)
    assert found is not None
    assert (found.share, found.area, found.concentration) == pytest.approx((0.5, 0.2, 2.5))
    assert share_inside(values, mask) == pytest.approx(0.5)


def test_an_even_map_has_no_concentration_anywhere() -> None:
    mask = blob(8, 30, 40) > 0.5
    found = inside(np.full((23, 23), 0.1), mask)
    assert found is not None
    assert found.area == pytest.approx(mask.mean(), abs=1e-6)
    assert found.concentration == pytest.approx(1)


@pytest.mark.parametrize("shape", [(40, 80), (120, 200), (7, 9)])
def test_a_mask_on_the_original_is_brought_to_the_maps_grid(shape: tuple[int, int]) -> None:
    """Left third of a wide image: it covers a third of each row of the map, in part of a pixel where it must."""
    mask = np.zeros((shape[0], 3 * shape[1]), bool)
    mask[:, : shape[1]] = True
    values = np.zeros((20, 20))
    values[5, 6] = 1  # the pixel from 30 % to 35 % of the width: two thirds of it in the mask
    assert share_inside(values, mask) == pytest.approx(2 / 3, abs=1e-5)


def test_a_share_is_not_defined_for_no_mask_the_whole_image_or_a_map_of_zeros() -> None:
    values, mask = noise(0), np.zeros((20, 24), bool)
    assert share_inside(values, mask) is None
    assert share_inside(values, ~mask) is None
    mask[3, 3] = True
    assert share_inside(np.zeros((20, 24)), mask) is None
    with pytest.raises(ValueError, match="at least 0"):
        inside(-values, mask)
    with pytest.raises(ValueError, match="two dimensions"):
        inside(values, mask[0])


def test_the_area_under_a_curve_is_its_mean_height_whatever_the_range_of_x() -> None:
    assert area_under([0, 1], [0, 1]) == pytest.approx(0.5)
    assert area_under([10, 20, 30, 50], [1, 1, 0, 0]) == pytest.approx(0.375)
    x = np.linspace(0, 3, 2001)
    assert area_under(x, x**2) == pytest.approx(3, abs=1e-5)


def test_a_curve_of_one_place_has_no_area() -> None:
    assert area_under([0.5], [1]) is None
    assert area_under([2, 2], [1, 3]) is None
    with pytest.raises(ValueError, match="ascending"):
        area_under([1, 0], [1, 1])
    with pytest.raises(ValueError, match="one y"):
        area_under([1, 2], [1])
