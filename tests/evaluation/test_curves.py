"""curves: sensitivity against specificity, and the points where one decides."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from derm_model.evaluation.curves import (
    PRESET_SENSITIVITIES,
    PRESET_SPECIFICITIES,
    OperatingCurve,
    OperatingPoint,
    TwoByTwo,
    operating_curve,
)
from derm_model.evaluation.metrics import auc, wilson


@st.composite
def scored_images(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels with both classes, scores with many ties."""
    n_pos, n_neg = draw(st.integers(1, 15)), draw(st.integers(1, 15))
    n = n_pos + n_neg
    scores = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    return np.arange(n) < n_pos, np.array(scores) / 12


def many_images(n: int = 5000, seed: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.15
    return labels, 1 / (1 + np.exp(-rng.normal(1.6 * labels - 0.8, 1)))


def counted(labels: NDArray[np.bool_], scores: NDArray[np.float64], threshold: float) -> tuple[float, float]:
    """Sensitivity and specificity by counting images."""
    called = scores >= threshold
    return float(called[labels].mean()), float((~called[~labels]).mean())


@given(scored_images(), st.floats(-1, 2))
def test_the_rates_at_any_threshold_are_those_counted(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], threshold: float
) -> None:
    point = operating_curve(*images).at_threshold(threshold)
    assert (point.sensitivity, point.specificity) == pytest.approx(counted(*images, threshold), abs=1e-12)
    assert point.threshold == threshold


@given(scored_images())
def test_rates_fall_and_rise_along_the_thresholds(images: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    curve = operating_curve(*images)
    assert (np.diff(curve.thresholds) > 0).all()
    assert (np.diff(curve.sensitivity) <= 0).all()
    assert (np.diff(curve.specificity) >= 0).all()
    assert (curve.sensitivity[0], curve.specificity[0]) == (1, 0)
    sensitivity, specificity = curve.line()
    assert (sensitivity[-1], specificity[-1]) == (0, 1)


@given(scored_images())
def test_the_area_under_the_line_is_the_auc(images: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    sensitivity, specificity = operating_curve(*images).line()
    area = np.trapezoid(sensitivity, specificity)
    found = auc(*images)
    assert found is not None
    assert area == pytest.approx(found.value, abs=1e-12)


@given(scored_images(), st.floats(0.01, 1))
def test_a_wanted_sensitivity_is_reached_with_the_highest_threshold(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], wanted: float
) -> None:
    curve = operating_curve(*images)
    point = curve.at_sensitivity(wanted)
    reaching = [t for t in np.unique(images[1]) if counted(*images, t)[0] >= wanted]
    if point is None:
        assert counted(*images, max(reaching))[1] == 0
    else:
        assert point.threshold == max(reaching)
        assert point.sensitivity >= wanted
        assert point.specificity > 0


def test_calling_every_image_is_no_operating_point() -> None:
    curve = operating_curve([True, False, False], [0.1, 0.5, 0.9])
    assert curve.at_sensitivity(0.9) is None


def test_nine_of_ten_reach_a_sensitivity_of_90_per_cent() -> None:
    curve = operating_curve([True] * 10 + [False], [*np.arange(10), 0.5])
    point = curve.at_sensitivity(0.9)
    assert point is not None
    assert (point.threshold, point.sensitivity) == (1, 0.9)


@pytest.mark.parametrize("wanted", [0, -0.1, 1.01, float("nan")])
def test_a_sensitivity_outside_its_range_is_refused(wanted: float) -> None:
    with pytest.raises(ValueError, match="a sensitivity lies above 0"):
        operating_curve([True, False], [1, 0]).at_sensitivity(wanted)


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_a_threshold_must_be_a_number(threshold: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        operating_curve([True, False], [1, 0]).at_threshold(threshold)


@given(scored_images())
def test_no_threshold_has_a_larger_youden_index(images: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    point = operating_curve(*images).youden()
    every = [sum(counted(*images, t)) for t in np.unique(images[1])]
    assert point.sensitivity + point.specificity == pytest.approx(max(every), abs=1e-12)


def test_of_equal_youden_points_the_most_sensitive_is_taken() -> None:
    # from the top: finding 2 of 4 at no cost and 4 of 4 at half of the others have the same index
    curve = operating_curve([True] * 4 + [False] * 4, [4, 3, 2, 1, 2, 1, 0, 0])
    assert (curve.youden().sensitivity, curve.youden().threshold) == (1, 1)


@given(scored_images(), st.floats(0, 1))
def test_a_decision_is_score_at_or_above_threshold(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], threshold: float
) -> None:
    point = operating_curve(*images).at_threshold(threshold)
    called = [point.decide(score) for score in images[1]]
    assert np.mean([c for c, label in zip(called, images[0], strict=True) if label]) == point.sensitivity
    assert point.decide(threshold)


def test_a_score_that_is_not_a_number_is_not_called_negative() -> None:
    with pytest.raises(ValueError, match="no score to decide on"):
        operating_curve([True, False], [1, 0]).at_threshold(0.5).decide(float("nan"))


def test_intervals_are_wilsons_of_the_counts() -> None:
    point = operating_curve([True] * 10 + [False] * 20, [*range(10, 20), *range(20)]).at_threshold(11)
    found, spared = wilson(9, 10), wilson(11, 20)
    assert (point.sensitivity, point.sensitivity_interval) == (0.9, (found.low, found.high))
    assert (point.specificity, point.specificity_interval) == (0.55, (spared.low, spared.high))
    assert (point.n_pos, point.n_neg) == (10, 20)


@pytest.mark.parametrize("labels", [[True, True], [False, False], []])
def test_a_curve_needs_images_of_both_kinds(labels: list[bool]) -> None:
    with pytest.raises(ValueError, match="with and without the disease"):
        operating_curve(labels, [0.5] * len(labels))


@given(scored_images(), st.floats(0, 1))
def test_the_interval_of_a_threshold_contains_it(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], threshold: float
) -> None:
    curve = operating_curve(*images)
    point = curve.at_threshold(threshold)
    low, high = curve.threshold_interval(point)
    assert low <= threshold <= high
    assert curve.is_close(threshold, point)
    assert not curve.is_close(high + 1e-9, point)
    assert not curve.is_close(low - 1e-9, point)


def test_sensitivity_at_the_ends_of_the_threshold_interval_meets_its_bounds() -> None:
    curve = operating_curve(*many_images())
    point = curve.at_sensitivity(0.9)
    assert point is not None
    low, high = curve.threshold_interval(point)
    least, most = point.sensitivity_interval
    step = 1 / point.n_pos
    assert most <= curve.at_threshold(low).sensitivity < most + step
    assert least <= curve.at_threshold(high).sensitivity < least + step


def test_fewer_diseased_images_make_more_scores_close() -> None:
    widths = []
    for n in (100, 1000, 10_000):
        curve = operating_curve(*many_images(n))
        point = curve.at_threshold(0.5)
        low, high = curve.threshold_interval(point)
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2] > 0


def test_thinning_moves_no_preset_and_no_kept_threshold() -> None:
    curve = operating_curve(*many_images())
    kept = [0.111, 0.5, 0.987654]
    thin = OperatingCurve.from_json(json.loads(json.dumps(curve.to_json(keep=kept))))
    assert thin.thresholds.size <= 400 < curve.thresholds.size
    assert thin.youden() == curve.youden()
    for wanted in PRESET_SENSITIVITIES:
        point = curve.at_sensitivity(wanted)
        assert point is not None
        assert thin.at_sensitivity(wanted) == point
        assert thin.threshold_interval(point) == curve.threshold_interval(point)
    for wanted in PRESET_SPECIFICITIES:
        assert thin.at_specificity(wanted) == curve.at_specificity(wanted) is not None
    for threshold in kept:
        assert thin.at_threshold(threshold) == curve.at_threshold(threshold)


def test_between_stored_thresholds_a_thinned_curve_is_off_by_less_than_one_per_cent() -> None:
    curve = operating_curve(*many_images())
    thin = curve.thinned()
    for threshold in np.linspace(0, 1, 301):
        near, true = thin.at_threshold(threshold), curve.at_threshold(threshold)
        assert abs(near.sensitivity - true.sensitivity) + abs(near.specificity - true.specificity) < 0.01


@given(scored_images())
def test_a_short_curve_survives_json_unchanged(images: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    curve = operating_curve(*images)
    again = OperatingCurve.from_json(json.loads(json.dumps(curve.to_json())))
    for name in ("thresholds", "true_positives", "false_positives"):
        np.testing.assert_array_equal(getattr(again, name), getattr(curve, name))
    assert (again.n_pos, again.n_neg) == (curve.n_pos, curve.n_neg)


def test_too_few_points_for_the_presets_are_refused() -> None:
    with pytest.raises(ValueError, match="points must be kept"):
        operating_curve(*many_images()).thinned(3)


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds": [0.5, 0.5]},
        {"thresholds": [0.2, float("nan")]},
        {"thresholds": []},
        {"true_positives": [1, 2]},
        {"true_positives": [3, 1]},
        {"false_positives": [1, -1]},
        {"false_positives": [1]},
        {"n_pos": 0},
    ],
)
def test_numbers_that_are_no_curve_are_refused(change: dict[str, object]) -> None:
    good = {"thresholds": [0.2, 0.5], "true_positives": [2, 1], "false_positives": [2, 0], "n_pos": 2, "n_neg": 2}
    assert OperatingCurve.from_json(good).sensitivity.tolist() == [1, 0.5]
    with pytest.raises(ValueError, match=r"must|needs"):
        OperatingCurve.from_json(good | change)


def test_a_curve_without_a_key_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="'n_neg'"):
        OperatingCurve.from_json({"thresholds": [1], "true_positives": [1], "false_positives": [0], "n_pos": 1})


def test_a_point_survives_json() -> None:
    point = operating_curve(*many_images(200)).youden()
    assert OperatingPoint.from_json(json.loads(json.dumps(point.to_json()))) == point


@given(scored_images(), st.floats(0.01, 1))
def test_a_wanted_specificity_is_reached_with_the_lowest_threshold(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], wanted: float
) -> None:
    curve = operating_curve(*images)
    point = curve.at_specificity(wanted)
    reaching = [t for t in np.unique(images[1]) if counted(*images, t)[1] >= wanted]
    if point is None:
        assert not reaching or counted(*images, min(reaching))[0] == 0
    else:
        assert point.threshold == min(reaching)
        assert point.specificity >= wanted
        assert point.sensitivity > 0


def test_one_of_ten_spared_reaches_a_specificity_of_10_per_cent() -> None:
    point = operating_curve([True] + [False] * 10, [5.5, *range(10)]).at_specificity(0.1)
    assert point is not None
    assert (point.threshold, point.specificity, point.rule) == (1, 0.1, "specificity >= 10%")


def test_calling_nothing_is_no_operating_point() -> None:
    assert operating_curve([True, False, False], [0.1, 0.5, 0.9]).at_specificity(0.9) is None
    assert operating_curve([True, False], [0.5, 0.5]).at_specificity(0.5) is None


@pytest.mark.parametrize("wanted", [0, -0.1, 1.01, float("nan")])
def test_a_specificity_outside_its_range_is_refused(wanted: float) -> None:
    with pytest.raises(ValueError, match="a specificity lies above 0"):
        operating_curve([True, False], [1, 0]).at_specificity(wanted)


@given(scored_images(), st.floats(-1, 2))
def test_the_two_by_two_table_of_a_point_counts_the_images(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], threshold: float
) -> None:
    labels, scores = images
    called = scores >= threshold
    counts = operating_curve(*images).at_threshold(threshold).counts
    assert counts == TwoByTwo(
        int((called & labels).sum()),
        int((~called & labels).sum()),
        int((called & ~labels).sum()),
        int((~called & ~labels).sum()),
    )
    assert (counts.n_called, counts.n) == (called.sum(), labels.size)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_counts_survive_the_rates_of_any_number_of_images(k_and_n: tuple[int, int]) -> None:
    k, n = k_and_n
    point = OperatingPoint(0.5, k / n, k / n, (0, 1), (0, 1), n, n, "")
    assert point.counts == TwoByTwo(k, n - k, n - k, k)


@given(scored_images(), st.lists(st.floats(-1, 2), max_size=5))
def test_counts_at_many_thresholds_are_those_at_each(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], thresholds: list[float]
) -> None:
    curve = operating_curve(*images)
    found, alarms = curve.called_at(thresholds)
    points = [curve.at_threshold(t).counts for t in thresholds]
    assert found.tolist() == [c.found for c in points]
    assert alarms.tolist() == [c.false_alarms for c in points]


def test_counts_at_no_threshold_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        operating_curve([True, False], [1, 0]).called_at([0.5, float("nan")])


@given(scored_images())
def test_the_intervals_along_the_line_are_those_of_its_points(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]],
) -> None:
    curve = operating_curve(*images)
    sensitivity, specificity = curve.line_intervals()
    points = [curve.at_threshold(t) for t in (*curve.thresholds, 99.0)]
    assert sensitivity.T.tolist() == [list(p.sensitivity_interval) for p in points]
    assert specificity.T.tolist() == [list(p.specificity_interval) for p in points]
