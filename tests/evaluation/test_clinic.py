"""Rates of a clinic's own decisions: against counting by hand, and against published intervals."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.clinic import against_own, clinic_rates, running_rates
from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.metrics import wilson

LABELS = [True, True, True, False, False]
SCORES = [0.9, 0.4, 0.4, 0.4, 0.6]
THRESHOLDS = [0.5, 0.4, 0.5, 0.5, 0.5]


def own_point(sensitivity: tuple[int, int], specificity: tuple[int, int]) -> OperatingPoint:
    found, spared = wilson(*sensitivity), wilson(*specificity)
    return OperatingPoint(
        0.5,
        found.value,
        spared.value,
        (found.low, found.high),
        (spared.low, spared.high),
        sensitivity[1],
        specificity[1],
        "by hand",
    )


def test_each_lesion_is_judged_with_the_threshold_in_use_for_it() -> None:
    rates = clinic_rates(LABELS, SCORES, THRESHOLDS)
    assert rates.sensitivity == wilson(2, 3)  # a score at its threshold is called
    assert rates.specificity == wilson(1, 2)
    assert rates.n == 5


def test_one_threshold_for_all_may_be_given() -> None:
    assert clinic_rates(LABELS, SCORES, 0.95).sensitivity == wilson(0, 3)


def test_a_side_without_lesions_has_no_rate() -> None:
    assert clinic_rates([True], [0.9], [0.5]).specificity is None
    assert clinic_rates([False], [0.9], [0.5]).sensitivity is None
    assert clinic_rates([], [], []).n == 0


@pytest.mark.parametrize("wrong", [[0.5, np.nan, 0.5, 0.5, 0.5], [0.5, 0.5]])
def test_thresholds_fit_the_lesions(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match=r"finite|broadcast"):
        clinic_rates(LABELS, SCORES, wrong)


def test_running_rates_are_those_of_the_lesions_so_far() -> None:
    rates = running_rates(LABELS, SCORES, THRESHOLDS)
    assert [None if r.sensitivity is None else r.sensitivity.value for r in rates] == [1, 1, 2 / 3, 2 / 3, 2 / 3]
    assert [None if r.specificity is None else r.specificity.value for r in rates] == [None, None, None, 1, 0.5]
    assert rates[-1] == clinic_rates(LABELS, SCORES, THRESHOLDS)


def test_the_difference_to_the_model_s_own_is_newcombe_s() -> None:
    """Newcombe 1998, Table II (a): 56/70 against 48/80, method 10: 0.2000 (0.0524 to 0.3339)."""
    labels = np.arange(140) < 70
    scores = np.concatenate([np.arange(70) < 56, np.arange(70) >= 56]).astype(float)
    sensitivity, specificity = against_own(clinic_rates(labels, scores, 0.5), own_point((48, 80), (48, 80)))
    assert sensitivity is not None and specificity is not None
    for found in (sensitivity, specificity):
        assert found.difference == pytest.approx(0.2)
        assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert sensitivity.own.n == 80


def test_what_is_unknown_here_is_not_compared() -> None:
    assert against_own(clinic_rates([], [], []), own_point((8, 10), (8, 10))) == (None, None)
