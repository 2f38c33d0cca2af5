"""Histograms of the measures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.quality import histograms

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=60)


@given(VALUES)
def test_every_picture_is_counted_once(values):
    table = pd.DataFrame({"x": np.array(values, dtype="float32")})
    found = histograms(table, robust_share=0.1)
    if all(value is None for value in values):
        assert found == {}
        return
    h = found["x"]
    assert h.counts.sum() + h.below + h.above + h.missing == len(values)
    assert len(h.edges) == len(h.counts) + 1
    assert (np.diff(h.edges) > 0).all()


def test_a_few_odd_pictures_do_not_stretch_the_range():
    values = np.append(np.random.default_rng(0).normal(10, 1, 2000), [1e6, -1e6])
    h = histograms(pd.DataFrame({"x": values}))["x"]
    assert 5 < h.edges[0] < h.edges[-1] < 15
    assert h.below >= 1 and h.above >= 1


def test_one_value_has_a_range_around_it():
    h = histograms(pd.DataFrame({"x": [3.0, 3.0]}))["x"]
    assert h.edges[0] < 3 < h.edges[-1]
    assert h.counts.sum() == 2


def test_only_columns_of_numbers_are_counted_unless_named():
    table = pd.DataFrame({"a": [1.0, 2.0], "reason": ["x", "y"], "b": pd.array([1, None], dtype="Float32")})
    assert list(histograms(table)) == ["a", "b"]
    assert list(histograms(table, ["b"])) == ["b"]
    assert histograms(table)["b"].missing == 1


@pytest.mark.parametrize("n_bins", [1, 7])
def test_the_number_of_bins_is_that_asked_for(n_bins):
    assert len(histograms(pd.DataFrame({"a": [1.0, 2.0]}), n_bins=n_bins)["a"].counts) == n_bins
