"""reliability: do scores mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from derm_model.evaluation.metrics import wilson
from derm_model.evaluation.reliability import calibration_line, reliability

Images = tuple[NDArray[np.bool_], NDArray[np.float64]]


def calibrated_images(n: int = 5000, seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    probs = rng.beta(0.8, 1.6, n)
    return rng.random(n) < probs, probs


judged = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60)


def test_bins_of_a_worked_case() -> None:
    found = reliability([True, False, True, True], [0.05, 0.07, 0.5, 1.0])
    assert found is not None
    assert [(b.low, b.high, b.n, b.mean_predicted) for b in found.bins] == [
        (0.0, 0.1, 2, pytest.approx(0.06)),
        (0.5, 0.6, 1, 0.5),
        (0.9, 1.0, 1, 1.0),
    ]
    assert [b.observed for b in found.bins] == [wilson(1, 2), wilson(1, 1), wilson(1, 1)]
    assert [b.gap for b in found.bins] == pytest.approx([0.44, 0.5, 0])
    assert found.error == pytest.approx((2 * 0.44 + 0.5) / 4)
    assert found.largest_gap == pytest.approx(0.5)
    assert found.n == 4


@given(judged, st.integers(1, 20))
def test_the_bins_are_those_of_a_slow_direct_count(images: list[tuple[bool, float]], n_bins: int) -> None:
    found = reliability([label for label, _ in images], [score for _, score in images], n_bins=n_bins)
    assert found is not None
    error, expected = 0.0, []
    for k in range(n_bins):
        inside = [(y, p) for y, p in images if int(p * n_bins) == k or (p == 1 and k == n_bins - 1)]
        if inside:
            mean, share = np.mean([p for _, p in inside]), np.mean([y for y, _ in inside])
            expected.append((len(inside), pytest.approx(mean), pytest.approx(share)))
            error += len(inside) / len(images) * abs(mean - share)
    assert [(b.n, b.mean_predicted, b.observed.value) for b in found.bins] == expected
    assert found.error == pytest.approx(error)


def test_bins_of_either_kind_are_those_of_scikit_learn() -> None:
    labels, scores = calibrated_images(800)
    for binning, strategy in (("width", "uniform"), ("count", "quantile")):
        found = reliability(labels, scores, binning=binning)  # type: ignore[arg-type]
        shares, means = calibration_curve(labels, scores, n_bins=10, strategy=strategy)
        assert found is not None
        assert [b.observed.value for b in found.bins] == pytest.approx(shares)
        assert [b.mean_predicted for b in found.bins] == pytest.approx(means)


@given(judged, st.integers(1, 12))
def test_equal_scores_stay_in_one_bin_and_no_image_is_lost(images: list[tuple[bool, float]], n_bins: int) -> None:
    labels, scores = [label for label, _ in images], [round(score, 1) for _, score in images]
    found = reliability(labels, scores, n_bins=n_bins, binning="count")
    assert found is not None
    assert sum(b.n for b in found.bins) == found.n == len(images)
    assert sum(b.observed.n_pos for b in found.bins) == sum(labels)
    edges = [edge for b in found.bins for edge in (b.low, b.high)]
    assert edges == sorted(edges)
    assert all(a.high < b.low for a, b in zip(found.bins, found.bins[1:], strict=False))
    assert all(b.low <= b.mean_predicted + 1e-12 and b.mean_predicted <= b.high + 1e-12 for b in found.bins)


def test_bins_of_equal_counts_have_equal_counts() -> None:
    found = reliability(*calibrated_images(1000), n_bins=8, binning="count")
    assert found is not None
    assert {b.n for b in found.bins} == {125}


def test_a_calibrated_score_has_a_small_error_and_a_line_of_slope_one() -> None:
    labels, scores = calibrated_images(20_000)
    found, line = reliability(labels, scores), calibration_line(labels, scores)
    assert found is not None
    assert found.error < 0.01
    assert line is not None
    assert line.slope.low < 1 < line.slope.high
    assert line.in_the_large.low < 0 < line.in_the_large.high
    assert line.slope.high - line.slope.low < 0.1


def test_a_score_that_is_too_extreme_has_a_slope_below_one_and_one_too_high_a_negative_intercept() -> None:
    labels, scores = calibrated_images(20_000)
    extreme = calibration_line(labels, expit(2 * logit(scores)))
    high = calibration_line(labels, expit(logit(scores) + 0.7))
    assert extreme is not None
    assert high is not None
    assert extreme.slope.value == pytest.approx(0.5, abs=0.03)
    assert high.slope.value == pytest.approx(1, abs=0.05)
    assert high.in_the_large.value == pytest.approx(-0.7, abs=0.05)


@given(st.integers(0, 2**32 - 1), st.integers(30, 200), st.floats(0.2, 3))
def test_the_slope_is_that_of_a_logistic_regression_by_scikit_learn(seed: int, n: int, stretch: float) -> None:
    labels, scores = calibrated_images(n, seed)
    scores = expit(stretch * logit(np.clip(scores, 0.01, 0.99)))
    line = calibration_line(labels, scores)
    if line is None:
        return
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000, solver="newton-cholesky")
    model.fit(logit(scores)[:, None], labels)
    assert line.slope.value == pytest.approx(model.coef_[0, 0], rel=1e-3, abs=1e-4)
    shifted = expit(logit(scores) + line.in_the_large.value)
    assert shifted.mean() == pytest.approx(labels.mean())  # what the shift is for


def test_the_intervals_of_the_line_cover_the_truth_in_about_95_of_100_samples() -> None:
    hits = np.zeros(2)
    for seed in range(400):
        line = calibration_line(*calibrated_images(200, seed))
        assert line is not None
        hits += line.slope.low <= 1 <= line.slope.high, line.in_the_large.low <= 0 <= line.in_the_large.high
    assert ((hits / 400 > 0.92) & (hits / 400 < 0.98)).all()


@pytest.mark.parametrize(
    "labels,scores",
    [
        ([], []),
        ([True], [0.5]),
        ([True, True], [0.2, 0.8]),
        ([True, False, True], [0.5, 0.5, 0.5]),  # ties everywhere
        ([True, True, False, False], [0.9, 0.8, 0.2, 0.1]),  # separated
        ([False, False, True, True], [0.9, 0.8, 0.2, 0.1]),
        ([True, True, False, False], [0.9, 0.5, 0.5, 0.1]),  # separated but for a tie
    ],
)
def test_where_no_slope_fits_best_there_is_none(labels: list[bool], scores: list[float]) -> None:
    assert calibration_line(labels, scores) is None


def test_certain_scores_are_counted() -> None:
    labels, scores = calibrated_images(200)
    line = calibration_line([*labels, True, False, True], [*scores, 1.0, 0.0, 1.0])
    assert line is not None
    assert line.n_certain == 3


def test_without_images_there_is_no_diagram() -> None:
    assert reliability([], []) is None


def test_one_image_is_a_bin_with_a_wide_interval() -> None:
    found = reliability([True], [0.3])
    assert found is not None
    (only,) = found.bins
    assert (only.n, only.observed.value) == (1, 1)
    assert only.observed.low < 0.21


def test_sums_of_single_precision_may_exceed_one_by_rounding_only() -> None:
    found = reliability([True, False], [1 + 5e-7, -1e-9])
    assert found is not None
    assert found.bins[-1].mean_predicted == 1
    with pytest.raises(ValueError, match="probabilities lie in"):
        reliability([True], [1.001])
    with pytest.raises(ValueError, match="probabilities lie in"):
        calibration_line([True], [-0.2])


@pytest.mark.parametrize(
    "labels,scores,options",
    [
        ([True], [0.1, 0.2], {}),
        ([True], [np.nan], {}),
        ([2], [0.5], {}),
        ([True], [0.5], {"n_bins": 0}),
        ([True], [0.5], {"binning": "equal"}),
    ],
)
def test_malformed_input_is_refused(labels: list[object], scores: list[float], options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needed|not finite|true or false"):
        reliability(labels, scores, **options)  # type: ignore[arg-type]
