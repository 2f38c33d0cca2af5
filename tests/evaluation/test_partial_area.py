"""partial_area: against scikit-learn, the whole area, and the symmetry of the two rates."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from derm_model.evaluation.metrics import auc
from derm_model.evaluation.partial_area import partial_area


@st.composite
def scored(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    n_pos, n_neg = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    scores = draw(st.lists(st.integers(0, 9).map(float), min_size=n_pos + n_neg, max_size=n_pos + n_neg))
    return np.arange(n_pos + n_neg) < n_pos, np.array(scores)


@given(scored(), st.integers(1, 19))
def test_it_is_scikit_learns_index_where_that_has_one(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], step: int
) -> None:
    highest_alarm = step / 20
    found = partial_area(*images, 1 - highest_alarm, 1.0, n_resamples=1)
    assert found is not None
    assert found.standardised == pytest.approx(roc_auc_score(*images, max_fpr=highest_alarm))


@given(scored(), st.sampled_from(["specificity", "sensitivity"]), st.integers(0, 18), st.integers(1, 20))
def test_parts_add_up_to_the_whole_area(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], rate: str, start: int, width: int
) -> None:
    low, high = start / 20, min(20, start + width) / 20
    ends = sorted({0.0, low, high, 1.0})
    parts = [
        (b - a) * found.mean
        for a, b in itertools.pairwise(ends)
        if (found := partial_area(*images, a, b, rate=rate, n_resamples=1)) is not None  # type: ignore[arg-type]
    ]
    whole = auc(*images)
    assert whole is not None
    assert sum(parts) == pytest.approx(whole.value)


@given(scored(), st.integers(0, 18))
def test_a_range_of_sensitivities_is_one_of_specificities_with_the_sides_changed(
    images: tuple[NDArray[np.bool_], NDArray[np.float64]], start: int
) -> None:
    labels, scores = images
    one = partial_area(labels, scores, start / 20, (start + 2) / 20, rate="sensitivity", n_resamples=1)
    other = partial_area(~labels, -scores, start / 20, (start + 2) / 20, n_resamples=1)
    assert one is not None
    assert other is not None
    assert one.standardised == pytest.approx(other.standardised)


def test_it_has_an_interval_and_reaches_a_half_by_chance_and_one_by_separation() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(4000) < 2000
    chance = partial_area(labels, rng.normal(size=4000), 0.5, 0.8)
    assert chance is not None
    assert chance.bootstrapped is not None
    bounds = chance.bootstrapped.interval
    assert bounds.value == chance.standardised
    assert bounds.low < 0.5 < bounds.high
    assert bounds.high - bounds.low < 0.1
    perfect = partial_area(labels, labels.astype(float), 0.5, 0.8)
    assert perfect is not None
    assert (perfect.standardised, perfect.mean, perfect.bootstrapped) == (1, 1, None)


def test_without_both_kinds_there_is_none_and_an_empty_range_is_refused() -> None:
    assert partial_area([True, True], [0.1, 0.2], 0.5, 0.8) is None
    for low, high in ((0.5, 0.5), (0.8, 0.5), (-0.1, 0.5), (0.5, 1.1)):
        with pytest.raises(ValueError, match="range"):
            partial_area([True, False], [0.1, 0.2], low, high)
