"""decision: net benefit, expected cost, thresholds by cost ratio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.decision import (
    at_prevalence,
    cheapest_point,
    decision_curve,
    net_benefit,
    threshold_for,
)

Images = tuple[NDArray[np.bool_], NDArray[np.float64]]


@st.composite
def scored_images(draw: st.DrawFn) -> Images:
    """Labels with both classes, probabilities with many ties."""
    n_pos, n_neg = draw(st.integers(1, 15)), draw(st.integers(1, 15))
    scores = draw(st.lists(st.integers(0, 12), min_size=n_pos + n_neg, max_size=n_pos + n_neg))
    return np.arange(n_pos + n_neg) < n_pos, np.array(scores) / 12


def calibrated_images(n: int = 20_000, seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    probs = rng.beta(0.6, 2.4, n)
    return rng.random(n) < probs, probs


@given(scored_images(), st.floats(0.01, 0.99))
def test_net_benefit_is_true_less_weighted_false_positives_per_image(images: Images, threshold: float) -> None:
    labels, scores = images
    called, weight = scores >= threshold, threshold / (1 - threshold)
    expected = (called & labels).mean() - (called & ~labels).mean() * weight
    curve = operating_curve(labels, scores)
    found = decision_curve(curve, [threshold])
    assert found.model[0] == pytest.approx(expected, abs=1e-12)
    assert found.treat_all[0] == pytest.approx(labels.mean() - (~labels).mean() * weight, abs=1e-12)
    assert net_benefit(curve.at_threshold(threshold), threshold) == pytest.approx(expected, abs=1e-12)
    assert found.useful[0] == (found.model[0] > max(0, found.treat_all[0]))


def test_net_benefit_of_a_worked_case() -> None:
    # 1000 people, 200 ill; 180 of them and 160 of the others are called; at 20 % four needless biopsies make up for one
    point = OperatingCurve(np.array([0.2]), np.array([180]), np.array([160]), 200, 800).at_threshold(0.2)
    assert net_benefit(point, 0.2) == pytest.approx((180 - 160 / 4) / 1000)
    # the same rates where 5 of 100 are ill: 45 found and 190 alarms of 1000
    assert net_benefit(point, 0.2, prevalence=0.05) == pytest.approx((45 - 190 / 4) / 1000)


@given(scored_images())
def test_a_threshold_that_calls_everybody_is_treating_all(images: Images) -> None:
    found = decision_curve(operating_curve(images[0], 0.5 + images[1] / 2), [0.1, 0.3, 0.5])
    assert found.model == pytest.approx(found.treat_all)
    assert not found.useful.any()


def test_treating_all_breaks_even_at_the_prevalence() -> None:
    curve = operating_curve(*calibrated_images(500))
    for prevalence in (0.02, 0.3):
        found = decision_curve(curve, [prevalence], prevalence)
        assert found.treat_all[0] == pytest.approx(0, abs=1e-12)
        assert found.prevalence == prevalence


def test_a_calibrated_score_is_never_worse_than_treating_all_or_none() -> None:
    found = decision_curve(operating_curve(*calibrated_images()))
    assert found.thresholds == pytest.approx(np.linspace(0.01, 0.99, 99))
    assert (found.model > np.maximum(found.treat_all, 0) - 0.002).all()
    assert found.useful[5:80].all()
    assert found.model.max() <= found.prevalence


def test_a_thinned_curve_gives_nearly_the_same_decision_curve() -> None:
    curve = operating_curve(*calibrated_images(3000))
    thresholds = np.linspace(0.02, 0.5, 40)
    full, thin = (decision_curve(c, thresholds).model for c in (curve, curve.thinned()))
    assert thin == pytest.approx(full, abs=0.01)


@pytest.mark.parametrize("threshold", [0, 1, -0.2, float("nan")])
def test_a_threshold_that_weighs_nothing_or_everything_is_refused(threshold: float) -> None:
    curve = operating_curve([True, False], [0.9, 0.2])
    with pytest.raises(ValueError, match="between 0 and 1"):
        decision_curve(curve, [threshold])
    with pytest.raises(ValueError, match="between 0 and 1"):
        net_benefit(curve.at_threshold(0.5), threshold)


@given(scored_images(), st.floats(0.05, 50), st.floats(0.01, 0.99))
def test_no_threshold_costs_less_than_the_chosen_one(images: Images, ratio: float, prevalence: float) -> None:
    labels, scores = images
    found = cheapest_point(operating_curve(labels, scores), ratio, prevalence)

    def cost(threshold: float) -> float:
        called = scores >= threshold
        return float(prevalence * (~called[labels]).mean() * ratio + (1 - prevalence) * called[~labels].mean())

    assert found.cost == pytest.approx(min(cost(t) for t in np.unique(scores)))
    assert (found.cost_all, found.cost_none) == pytest.approx((cost(-1), cost(2)))
    if found.point is None:
        assert min(found.cost_all, found.cost_none) <= found.cost * (1 + 1e-9)
    else:
        assert cost(found.point.threshold) == pytest.approx(found.cost)
        assert found.cost < min(found.cost_all, found.cost_none)


def test_with_errors_of_equal_weight_the_cheapest_point_is_youdens() -> None:
    curve = operating_curve(*calibrated_images(2000))
    point = cheapest_point(curve, 1, prevalence=0.5).point
    assert point is not None
    assert point.threshold == curve.youden().threshold
    assert point.rule == "least cost, a miss as bad as 1 false alarms"


def test_of_a_calibrated_score_the_cheapest_threshold_is_near_the_one_theory_gives() -> None:
    curve = operating_curve(*calibrated_images(200_000))
    for ratio in (2, 9, 30):
        point = cheapest_point(curve, ratio).point
        assert point is not None
        assert point.threshold == pytest.approx(threshold_for(ratio), rel=0.25)
    assert threshold_for(9) == pytest.approx(0.1)


def test_a_costlier_miss_lowers_the_threshold() -> None:
    curve = operating_curve(*calibrated_images(3000))
    points = [cheapest_point(curve, ratio).point for ratio in (0.5, 1, 3, 10, 40)]
    thresholds = [point.threshold for point in points if point is not None]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) > 2


def test_a_score_that_says_nothing_is_not_worth_a_threshold() -> None:
    curve = operating_curve([True, False, True, False], [0.1, 0.1, 0.9, 0.9])
    assert cheapest_point(curve, 5).point is None
    assert cheapest_point(curve, 0.2).point is None
    assert cheapest_point(operating_curve([True, False], [0.5, 0.5]), 1).point is None


@pytest.mark.parametrize("ratio", [0, -1, float("nan"), float("inf")])
def test_a_ratio_that_is_no_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="a cost ratio is a finite number above 0"):
        cheapest_point(operating_curve([True, False], [0.5, 0.4]), ratio)
    with pytest.raises(ValueError, match="a cost ratio is a finite number above 0"):
        threshold_for(ratio)


def test_moving_calibrated_scores_to_another_prevalence_keeps_them_calibrated() -> None:
    rng = np.random.default_rng(1)
    labels, probs = calibrated_images(100_000)
    kept = labels | (rng.random(labels.size) < 0.25)  # the disease becomes more common
    own, wanted = labels.mean(), labels[kept].mean()
    moved = at_prevalence(probs[kept], float(own), float(wanted))
    assert moved.mean() == pytest.approx(wanted, abs=0.005)
    for low in (0.1, 0.4, 0.7):
        inside = (moved >= low) & (moved < low + 0.1)
        assert labels[kept][inside].mean() == pytest.approx(moved[inside].mean(), abs=0.02)


@given(st.lists(st.floats(0, 1), max_size=5), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_moving_there_and_back_changes_nothing(probs: list[float], own: float, wanted: float) -> None:
    there = at_prevalence(probs, own, wanted)
    assert at_prevalence(there, wanted, own) == pytest.approx(probs, abs=1e-9)


def test_only_probabilities_can_be_moved() -> None:
    for scores in ([1.2], [-0.1], [float("nan")]):
        with pytest.raises(ValueError, match="probabilities lie in"):
            at_prevalence(scores, 0.1, 0.2)
    with pytest.raises(ValueError, match="a prevalence"):
        at_prevalence([0.5], 0.1, 1.0)
