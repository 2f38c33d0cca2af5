"""Rules: which pictures are flagged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.data.quality import DEFAULT_RULES, MEASURES, QualityRule, default_threshold, flags
from derm_model.errors import CurationError


def test_every_measure_has_one_rule_and_each_rule_says_what_it_is():
    assert sorted(rule.measure for rule in DEFAULT_RULES) == sorted([*MEASURES, "unlike"])
    for rule in DEFAULT_RULES:
        assert rule.label and rule.explanation.endswith(".") and rule.reason.endswith(".")
        assert (rule.threshold is None) == rule.reason.startswith("Off: "), rule.measure


def test_a_rule_flags_on_its_side_only_and_not_at_the_threshold():
    measures = pd.DataFrame({"sharpness": [0.51, 0.52, 0.53], "median_grey": [244.0, 245.0, 246.0]})
    found = flags(measures)
    assert found["sharpness"].tolist() == [True, False, False]
    assert found["median_grey"].tolist() == [False, False, True]


def test_what_could_not_be_measured_is_not_flagged():
    measures = pd.DataFrame({"lesion_share": [np.nan, 0.001], "sharpness": [np.nan, np.nan]}, dtype="float32")
    assert flags(measures)["lesion_share"].tolist() == [False, True]
    assert not flags(measures)["sharpness"].any()


def test_a_missing_column_flags_nothing_and_every_rule_has_a_column():
    found = flags(pd.DataFrame({"sharpness": [0.1]}, index=["a"]))
    assert list(found) == [rule.measure for rule in DEFAULT_RULES]
    assert found.index.tolist() == ["a"]
    assert found.loc["a"].sum() == 1
    assert set(found.dtypes.astype(str)) == {"bool"}


def test_a_threshold_replaces_the_default_and_none_switches_a_rule_off_or_leaves_it_off():
    measures = pd.DataFrame({"sharpness": [0.6], "unlike": [99.0], "contrast": [1.0]})
    found = flags(measures, {"sharpness": 0.7, "unlike": 95, "contrast": None})
    assert found.loc[0, ["sharpness", "unlike", "contrast"]].tolist() == [True, True, False]
    assert flags(measures).loc[0, ["sharpness", "unlike", "contrast"]].tolist() == [False, False, True]


@pytest.mark.parametrize("thresholds", [{"beauty": 1.0}, {"sharpness": float("nan")}])
def test_a_threshold_that_means_nothing_is_refused(thresholds):
    with pytest.raises(CurationError, match=r"must be"):
        flags(pd.DataFrame({"sharpness": [1.0]}), thresholds)


def test_only_what_makes_a_picture_unreadable_flags_by_default():
    on = {rule.label for rule in DEFAULT_RULES if rule.threshold is not None}
    assert on == {"blurred", "far away", "dark", "bright", "uniform"}
    assert default_threshold("sharpness") == 0.52
    with pytest.raises(ValueError, match="no default"):
        default_threshold("unlike")


@settings(max_examples=40)
@given(
    st.lists(st.one_of(st.floats(-10, 10), st.just(float("nan"))), max_size=30),
    st.floats(-10, 10),
    st.floats(-10, 10),
    st.sampled_from(["below", "above"]),
)
def test_a_stricter_threshold_never_frees_a_picture(values, one, other, direction):
    rule = QualityRule("x", "x", direction, 0.0, "", "x.", "x.")
    measures = pd.DataFrame({"x": np.array(values, dtype=float)})
    lower, higher = (flags(measures, {"x": t}, [rule])["x"].to_numpy() for t in sorted((one, other)))
    loose, strict = (lower, higher) if direction == "below" else (higher, lower)
    assert (loose <= strict).all()
