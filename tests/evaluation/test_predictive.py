"""predictive: what a call means for one person at a prevalence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.predictive import (
    natural_frequencies,
    over_prevalences,
    own_prevalence,
    predictive_values,
)


def a_point(found: int, n_pos: int, spared: int, n_neg: int) -> OperatingPoint:
    """An operating point with these counts."""
    curve = OperatingCurve(np.array([0.5]), np.array([found]), np.array([n_neg - spared]), n_pos, n_neg)
    return curve.at_threshold(0.5)


@st.composite
def points(draw: st.DrawFn) -> OperatingPoint:
    n_pos, n_neg = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    return a_point(draw(st.integers(0, n_pos)), n_pos, draw(st.integers(0, n_neg)), n_neg)


prevalences = st.floats(0.001, 0.999)


def test_the_textbook_case_of_a_rare_disease() -> None:
    # Gigerenzer's mammography: prevalence 1 %, sensitivity 80 %, false alarms 9.6 %: 7.8 % of the called are ill
    point = a_point(80, 100, 904, 1000)
    found = predictive_values(point, 0.01)
    assert found.ppv == pytest.approx(0.0776, abs=5e-5)
    assert found.npv == pytest.approx(0.99777, abs=5e-6)
    assert found.needed_to_biopsy == pytest.approx(12.88, abs=0.005)
    people = natural_frequencies(point, 0.01)
    assert (people.found, people.missed, people.false_alarms, people.spared) == (8, 2, 95, 895)
    assert (people.n_diseased, people.n_called) == (10, 103)


@given(points())
def test_at_the_images_own_prevalence_they_are_the_shares_of_the_two_by_two_table(point: OperatingPoint) -> None:
    counts, found = point.counts, predictive_values(point)
    assert found.prevalence == own_prevalence(point) == point.n_pos / (point.n_pos + point.n_neg)
    if counts.n_called:
        assert found.ppv == pytest.approx(counts.found / counts.n_called)
    else:
        assert (found.ppv, found.ppv_interval) == (None, None)
    if counts.n - counts.n_called:
        assert found.npv == pytest.approx(counts.spared / (counts.n - counts.n_called))
    else:
        assert (found.npv, found.npv_interval) == (None, None)
    if counts.found:
        assert found.needed_to_biopsy == pytest.approx(counts.n_called / counts.found)
    else:
        assert found.needed_to_biopsy is None
        assert found.needed_to_biopsy_interval is None


@given(points(), prevalences)
def test_they_follow_from_bayes_theorem(point: OperatingPoint, prevalence: float) -> None:
    found = predictive_values(point, prevalence)
    called = prevalence * point.sensitivity + (1 - prevalence) * (1 - point.specificity)
    if found.ppv is not None:
        assert found.ppv * called == pytest.approx(prevalence * point.sensitivity, abs=1e-12)
    if found.npv is not None:
        assert found.npv * (1 - called) == pytest.approx((1 - prevalence) * point.specificity, abs=1e-12)


@given(points(), prevalences)
def test_an_interval_holds_its_value_has_a_width_and_stays_a_proportion(
    point: OperatingPoint, prevalence: float
) -> None:
    found = predictive_values(point, prevalence)
    for value, interval in ((found.ppv, found.ppv_interval), (found.npv, found.npv_interval)):
        if value is not None:
            assert interval is not None
            assert 0 <= interval[0] <= value <= interval[1] <= 1
            assert interval[1] > interval[0]
    if found.needed_to_biopsy is not None:
        bounds = found.needed_to_biopsy_interval
        assert bounds is not None
        assert 1 <= bounds[0] <= found.needed_to_biopsy * (1 + 1e-12)
        assert found.needed_to_biopsy <= bounds[1] * (1 + 1e-12)


def test_the_interval_is_the_delta_method_on_the_logit_scale() -> None:
    # ApoE e4 and Alzheimer's disease, the example of Mercaldo et al. 2007: 240 of 418 and 87 of 375 are called
    point, prevalence = a_point(240, 418, 288, 375), 0.03
    found = predictive_values(point, prevalence)

    def logit_ppv(se: float, sp: float) -> float:
        return float(np.log(se * prevalence / ((1 - sp) * (1 - prevalence))))

    se, sp, step = 240 / 418, 288 / 375, 1e-6
    slope = (
        (logit_ppv(se + step, sp) - logit_ppv(se - step, sp)) / (2 * step),
        (logit_ppv(se, sp + step) - logit_ppv(se, sp - step)) / (2 * step),
    )
    error = np.sqrt(slope[0] ** 2 * se * (1 - se) / 418 + slope[1] ** 2 * sp * (1 - sp) / 375)
    bounds = [1 / (1 + np.exp(-(logit_ppv(se, sp) + z * 1.959964 * error))) for z in (-1, 1)]
    assert found.ppv_interval == pytest.approx(tuple(bounds), abs=1e-6)
    mirrored = predictive_values(a_point(288, 375, 240, 418), 1 - prevalence)
    assert mirrored.ppv_interval == pytest.approx(found.npv_interval)
    assert mirrored.npv_interval == pytest.approx(found.ppv_interval)


@pytest.mark.parametrize("se,sp,n_pos,n_neg,prevalence", [(0.9, 0.8, 60, 200, 0.05), (0.95, 0.98, 40, 80, 0.02)])
def test_intervals_cover_the_true_values_in_about_95_of_100_samples(
    se: float, sp: float, n_pos: int, n_neg: int, prevalence: float
) -> None:
    rng, n_samples = np.random.default_rng(8), 800
    ppv = prevalence * se / (prevalence * se + (1 - prevalence) * (1 - sp))
    npv = (1 - prevalence) * sp / ((1 - prevalence) * sp + prevalence * (1 - se))
    hits = np.zeros(2)
    for found, spared in zip(rng.binomial(n_pos, se, n_samples), rng.binomial(n_neg, sp, n_samples), strict=True):
        values = predictive_values(a_point(int(found), n_pos, int(spared), n_neg), prevalence)
        for i, (true, interval) in enumerate(((ppv, values.ppv_interval), (npv, values.npv_interval))):
            assert interval is not None
            hits[i] += interval[0] <= true <= interval[1]
    assert (hits / n_samples >= 0.93).all()


def test_a_rarer_disease_makes_a_call_mean_less() -> None:
    found = over_prevalences(a_point(90, 100, 80, 100), np.linspace(0.01, 0.99, 50))
    assert (np.diff([values.ppv for values in found if values.ppv is not None]) > 0).all()
    assert (np.diff([values.npv for values in found if values.npv is not None]) < 0).all()
    assert [values.prevalence for values in found] == pytest.approx(np.linspace(0.01, 0.99, 50))


@given(points(), prevalences)
def test_the_values_where_half_have_the_disease_give_those_at_any_prevalence(
    point: OperatingPoint, prevalence: float
) -> None:
    # the threshold desk draws with these alone: prior odds of 1, times any others
    half, found = predictive_values(point, 0.5), predictive_values(point, prevalence)
    odds = prevalence / (1 - prevalence)
    for name, times in (("ppv", odds), ("npv", 1 / odds)):
        known = [getattr(half, name), *(getattr(half, f"{name}_interval") or ())]
        wanted = [getattr(found, name), *(getattr(found, f"{name}_interval") or ())]
        if known[0] is None:
            assert wanted == [None]
        else:
            assert [x * times / (x * times + 1 - x) for x in known] == pytest.approx(wanted, abs=1e-12)


def test_all_of_it_goes_into_json_and_what_is_undefined_is_null() -> None:
    found = json.loads(json.dumps(predictive_values(a_point(80, 100, 904, 1000), 0.01).to_json()))
    assert found["prevalence"] == 0.01 and found["ppv"] == pytest.approx(0.0776, abs=5e-5)
    assert found["needed_to_biopsy_interval"] == [1 / bound for bound in reversed(found["ppv_interval"])]
    nobody = predictive_values(a_point(0, 10, 20, 20), 0.01).to_json()
    assert [nobody[name] for name in ("ppv", "ppv_interval", "needed_to_biopsy")] == [None, None, None]


@given(points(), prevalences, st.integers(1, 5000))
def test_natural_frequencies_add_up_exactly(point: OperatingPoint, prevalence: float, n_people: int) -> None:
    people = natural_frequencies(point, prevalence, n_people)
    cells = (people.found, people.missed, people.false_alarms, people.spared)
    assert min(cells) >= 0
    assert sum(cells) == n_people
    assert sum(people.expected) == pytest.approx(n_people)
    assert np.abs(np.subtract(cells, people.expected)).max() <= 1 + 1e-9


def test_moving_the_threshold_never_changes_how_many_have_the_disease() -> None:
    people = [natural_frequencies(a_point(k, 37, k, 41), 0.0535) for k in range(38)]
    assert {p.n_diseased for p in people} == {54}


def test_expected_numbers_say_what_rounding_hides() -> None:
    people = natural_frequencies(a_point(9, 10, 8, 10), 0.0004)
    assert (people.n_diseased, people.found) == (0, 0)
    assert people.expected[:2] == pytest.approx((0.36, 0.04))


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, float("nan")])
def test_a_prevalence_without_uncertainty_is_refused(prevalence: float) -> None:
    point = a_point(9, 10, 8, 10)
    with pytest.raises(ValueError, match="a prevalence lies between 0 and 1"):
        predictive_values(point, prevalence)
    with pytest.raises(ValueError, match="a prevalence lies between 0 and 1"):
        natural_frequencies(point, prevalence)


def test_nobody_is_no_frequency() -> None:
    with pytest.raises(ValueError, match="at least one person"):
        natural_frequencies(a_point(9, 10, 8, 10), 0.1, 0)
