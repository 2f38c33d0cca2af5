"""calibration: temperature, expected calibration error, Brier score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax

from derm_model.evaluation.calibration import (
    TEMPERATURE_LIMITS,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    top_label_reliability,
)


def drawn_answers(n: int = 4000, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits that are exactly calibrated, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 4))
    cumulative = softmax(logits, axis=1).cumsum(axis=1)
    return logits, (rng.random((n, 1)) > cumulative).sum(axis=1).clip(max=3)


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_applied_is_found_again(true_temperature: float) -> None:
    logits, labels = drawn_answers()
    assert fit_temperature(logits * true_temperature, labels) == pytest.approx(true_temperature, rel=0.06)


def test_the_fitted_temperature_is_more_likely_than_its_neighbours() -> None:
    logits, labels = drawn_answers(500)
    best = fit_temperature(3 * logits, labels)

    def loss(temperature: float) -> float:
        probs = softmax(3 * logits / temperature, axis=1)
        return float(-np.log(probs[np.arange(500), labels]).mean())

    assert loss(best) <= min(loss(best * 0.99), loss(best * 1.01))


def test_a_temperature_makes_a_sure_network_calibrated() -> None:
    logits, labels = drawn_answers()
    sure = 3 * logits
    before = expected_calibration_error(softmax(sure, axis=1), labels)
    after = expected_calibration_error(softmax(sure / fit_temperature(sure, labels), axis=1), labels)
    assert before is not None
    assert after is not None
    assert after < 0.03 < 0.1 < before


def test_always_right_and_always_wrong_answers_end_at_the_limits() -> None:
    labels = np.array([0, 1, 0])
    logits = 10 * np.eye(2)[labels]
    assert fit_temperature(logits, labels) == pytest.approx(TEMPERATURE_LIMITS[0])
    assert fit_temperature(logits, 1 - labels) == pytest.approx(TEMPERATURE_LIMITS[1])


@pytest.mark.parametrize(
    "logits,labels,said",
    [
        (np.empty((0, 3)), [], "at least one image"),
        ([[1.0]], [0], "two classes"),
        ([[1.0, np.inf]], [0], "not finite"),
        ([[1.0, 2.0]], [2], "whole numbers from 0 to 1"),
        ([[1.0, 2.0]], [0.0], "whole numbers"),
        ([[1.0, 2.0]], [0, 1], "one row per label"),
        ([1.0, 2.0], [0, 1], "one row per label"),
    ],
)
def test_logits_that_do_not_fit_the_labels_are_refused(logits: object, labels: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_temperature(logits, labels)  # type: ignore[arg-type]


def test_calibration_error_of_a_worked_case() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [1.0, 0.0]])
    labels = np.array([0, 1, 0, 0])
    # bins of 1/15: {0.9, 0.9} half right (gap 0.4), {0.6} right (0.4), {1.0} right (0)
    assert expected_calibration_error(probs, labels) == pytest.approx((2 * 0.4 + 0.4) / 4)


def test_full_confidence_is_counted_in_the_last_bin() -> None:
    assert expected_calibration_error([[1.0, 0.0]], [0]) == 0
    assert expected_calibration_error([[1.0, 0.0]], [1]) == 1


def test_brier_score_of_a_worked_case() -> None:
    assert brier_score([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]], [0, 0]) == pytest.approx((0.09 + 0.04 + 0.01 + 2) / 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_scores_stay_within_their_bounds(answers: list[tuple[float, int]]) -> None:
    probs = np.array([[p, 1 - p] for p, _ in answers])
    labels = np.array([label for _, label in answers])
    error, brier = expected_calibration_error(probs, labels), brier_score(probs, labels)
    assert error is not None
    assert brier is not None
    assert 0 <= error <= 1
    assert 0 <= brier <= 2


def test_without_images_calibration_is_undefined() -> None:
    assert expected_calibration_error(np.empty((0, 3)), np.empty(0, int)) is None
    assert brier_score(np.empty((0, 3)), np.empty(0, int)) is None
    assert top_label_reliability(np.empty((0, 3)), np.empty(0, int)) is None


def slow_error(probs: NDArray[np.float64], labels: NDArray[np.int64], n_bins: int) -> float:
    """Guo et al., equation 3, image by image."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, label in zip(probs.tolist(), labels.tolist(), strict=True):
        confidence = max(row)
        bins.setdefault(min(int(confidence * n_bins), n_bins - 1), []).append(
            (confidence, row.index(confidence) == label)
        )
    gaps = [len(b) * abs(np.mean([c for c, _ in b]) - np.mean([right for _, right in b])) for b in bins.values()]
    return float(sum(gaps) / len(labels))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 20))
def test_calibration_error_is_that_of_a_slow_direct_count(seed: int, n: int, n_bins: int) -> None:
    rng = np.random.default_rng(seed)
    probs, labels = rng.dirichlet(np.ones(4) / 2, n), rng.integers(0, 4, n)
    expected = slow_error(probs, labels, n_bins)
    assert expected_calibration_error(probs, labels, n_bins) == pytest.approx(expected, abs=1e-12)
    diagram = top_label_reliability(probs, labels, n_bins=n_bins)
    assert diagram is not None
    assert diagram.error == pytest.approx(expected, abs=1e-12)


def test_the_diagram_of_answers_shows_accuracy_against_confidence() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.5, 0.5]])
    found = top_label_reliability(probs, [0, 1, 0, 1], n_bins=10)
    assert found is not None
    assert [(b.low, b.n, b.observed.value) for b in found.bins] == [(0.5, 1, 0), (0.6, 1, 1), (0.9, 2, 0.5)]
    grouped = top_label_reliability(probs, [0, 1, 0, 1], n_bins=2, binning="count")
    assert grouped is not None
    assert [b.n for b in grouped.bins] == [2, 2]
