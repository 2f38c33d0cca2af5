"""paired: two scores, or two operating points, on the same images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binomtest

from derm_model.evaluation.metrics import auc, delong
from derm_model.evaluation.paired import PairedShares, compare_aucs, compare_decisions


def naive_comparison(
    labels: NDArray[np.bool_], first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[float, float]:
    """DeLong et al. (1988) as written: difference and its variance from 2 x 2 covariances over all pairs."""
    wins = [
        (s[labels][:, None] > s[~labels]).astype(float) + 0.5 * (s[labels][:, None] == s[~labels])
        for s in (first, second)
    ]
    s10 = np.cov(np.stack([w.mean(axis=1) for w in wins]))
    s01 = np.cov(np.stack([w.mean(axis=0) for w in wins]))
    covariance = s10 / labels.sum() + s01 / (~labels).sum()
    contrast = np.array([1, -1])
    return float(wins[0].mean() - wins[1].mean()), float(contrast @ covariance @ contrast)


@st.composite
def twice_scored(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """At least two images of each class, two scores with many ties."""
    n_pos, n_neg = draw(st.integers(2, 15)), draw(st.integers(2, 15))
    n = n_pos + n_neg
    scores = [draw(st.lists(st.integers(0, 8).map(float), min_size=n, max_size=n)) for _ in range(2)]
    return np.arange(n) < n_pos, np.array(scores[0]), np.array(scores[1])


@given(twice_scored())
def test_it_equals_the_definition_over_all_pairs(
    images: tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    difference, variance = naive_comparison(*images)
    found = compare_aucs(*images)
    assert found is not None
    assert found.difference == pytest.approx(difference, abs=1e-12)
    assert (found.first, found.second) == (auc(*images[:2]), auc(images[0], images[2]))
    if found.interval is None:
        assert variance == pytest.approx(0, abs=1e-12)
    else:
        z = difference / variance**0.5
        assert found.z == pytest.approx(z)
        assert found.p == pytest.approx(2 * ndtr(-abs(z)), abs=1e-12)
        half = 1.959963984540054 * variance**0.5
        assert found.interval == pytest.approx((max(-1, difference - half), min(1, difference + half)))


@given(twice_scored())
def test_swapping_the_scores_mirrors_the_difference(
    images: tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    found, mirrored = compare_aucs(*images), compare_aucs(images[0], images[2], images[1])
    assert found is not None
    assert mirrored is not None
    assert mirrored.difference == -found.difference
    assert mirrored.p == (None if found.p is None else pytest.approx(found.p))


@given(twice_scored())
def test_scores_of_the_same_order_leave_nothing_to_test(
    images: tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    labels, first, _ = images
    for second in (first, np.exp(first / 3) - 7):
        found = compare_aucs(labels, first, second)
        assert found is not None
        assert (found.difference, found.interval, found.z, found.p) == (0, None, None, None)


def test_a_gap_without_any_variance_has_no_interval() -> None:
    found = compare_aucs([True, True, False, False], [4, 3, 2, 1], [1, 2, 3, 4])
    assert found is not None
    assert (found.difference, found.interval, found.p) == (1, None, None)


@pytest.mark.parametrize("labels", [[], [True], [False, False]])
def test_without_both_classes_there_is_no_comparison(labels: list[bool]) -> None:
    assert compare_aucs(labels, [0.5] * len(labels), [0.4] * len(labels)) is None


def test_with_a_single_diseased_image_the_variance_is_unknown() -> None:
    found = compare_aucs([True, False, False], [2, 1, 3], [3, 1, 2])
    assert found is not None
    assert (found.difference, found.interval, found.z, found.p) == (-0.5, None, None, None)


@pytest.mark.parametrize(
    "first,second", [([0.1, 0.2], [0.1]), ([0.1, np.nan], [0.1, 0.2]), ([0.1, 0.2], [np.inf, 0.2])]
)
def test_malformed_scores_are_refused(first: list[float], second: list[float]) -> None:
    with pytest.raises(ValueError, match=r"one score per label|not finite"):
        compare_aucs([True, False], first, second)


def test_pairing_finds_what_two_separate_intervals_hide() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) < 100
    first = rng.normal(size=300) + 1.5 * labels
    second = first + 0.5 * rng.normal(size=300)
    found = compare_aucs(labels, first, second)
    assert found is not None
    assert found.p is not None
    assert found.p < 0.05
    assert found.first.low < found.second.high
    apart = sum(v for s in (first, second) if (v := delong(s[labels], s[~labels])[1]) is not None)
    assert found.z is not None
    assert abs(found.z) > 2 * abs(found.difference) / apart**0.5


def test_two_equally_good_scores_differ_significantly_in_about_5_of_100_samples() -> None:
    rng, labels, n_samples = np.random.default_rng(2), np.arange(150) < 50, 600
    n_found = n_held = 0
    for _ in range(n_samples):
        shared = rng.normal(size=150) + 1.5 * labels
        found = compare_aucs(labels, shared + rng.normal(size=150), shared + rng.normal(size=150))
        assert found is not None
        assert found.p is not None
        assert found.interval is not None
        n_found += found.p < 0.05
        n_held += found.interval[0] <= 0 <= found.interval[1]
    assert 0.025 <= n_found / n_samples <= 0.08
    assert n_held == n_samples - n_found


def test_mcnemar_and_newcombe_give_the_published_figures() -> None:
    # airway hyper-responsiveness before and after transplantation, the example of Fagerland et al. 2013 (mid-p) and of
    # Fagerland et al., Stat. Med. 33 (2014) 2850 (interval)
    pair = PairedShares(1, 1, 7, 12)
    assert pair.n == 21
    assert pair.difference == pytest.approx(-0.286, abs=5e-4)
    assert pair.p == pytest.approx(0.039, abs=5e-4)
    assert pair.interval == pytest.approx((-0.507, -0.026), abs=1e-3)


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_mid_p_value_is_the_exact_one_less_half_the_chance_of_the_count_itself(b: int, c: int) -> None:
    found = PairedShares(3, b, c, 5).p
    if b + c == 0:
        assert found is None
        return
    exact = binomtest(b, b + c, 0.5)
    expected = 1.0 if b == c else exact.pvalue - binomtest_chance(b, b + c)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found == PairedShares(3, c, b, 5).p


def binomtest_chance(k: int, n: int) -> float:
    from scipy.stats import binom

    return float(binom.pmf(k, n, 0.5))


counts = st.integers(0, 60)


@given(counts, counts, counts, counts)
def test_the_interval_of_a_paired_difference_holds_it_and_has_a_width(a: int, b: int, c: int, d: int) -> None:
    if a + b + c + d == 0:
        return
    pair = PairedShares(a, b, c, d)
    low, high = pair.interval
    assert -1 - 1e-12 <= low <= pair.difference <= high <= 1 + 1e-12
    assert high - low > 0 or (b + c == 0 and a * d > 0)
    mirrored = PairedShares(a, c, b, d).interval
    assert mirrored == pytest.approx((-high, -low))


def test_decisions_are_compared_in_diseased_images_and_in_the_others() -> None:
    labels = [True, True, True, False, False]
    found = compare_decisions(labels, [True, True, False, False, True], [True, False, False, False, False])
    assert found.sensitivity == PairedShares(1, 1, 0, 1)
    assert found.specificity == PairedShares(1, 0, 1, 0)
    only = compare_decisions([True], [True], [False])
    assert only.specificity is None
    assert only.sensitivity == PairedShares(0, 1, 0, 0)


def test_scores_are_no_decisions() -> None:
    with pytest.raises(ValueError, match="true or false"):
        compare_decisions([True, False], [0.3, 0.2], [True, False])
    with pytest.raises(ValueError, match="one score per label"):
        compare_decisions([True, False], [True], [True, False])
