"""Above, below, close: what is said about a score at a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.verdict import judge


@pytest.fixture(scope="module")
def curve() -> OperatingCurve:
    """120 diseased and 240 other images whose scores overlap."""
    rng = np.random.default_rng(0)
    labels = np.arange(360) % 3 == 0
    return operating_curve(labels, rng.beta(np.where(labels, 4, 2), np.where(labels, 2, 4)))


def test_a_score_far_above_suggests_a_next_step(curve: OperatingCurve) -> None:
    verdict = judge(0.97, 0.4, curve)
    assert (verdict.above, verdict.close) == (True, False)
    assert verdict.heading == "Above the operating point"
    assert verdict.suggestion == "Consider biopsy or referral."


def test_a_score_far_below_does_not_reassure(curve: OperatingCurve) -> None:
    verdict = judge(0.05, 0.4, curve)
    assert (verdict.above, verdict.close) == (False, False)
    assert "does not exclude malignancy" in verdict.suggestion


def test_a_score_at_the_threshold_is_above(curve: OperatingCurve) -> None:
    assert judge(0.4, 0.4, curve).above


def test_a_score_within_the_interval_of_the_threshold_is_close_and_keeps_its_suggestion(curve: OperatingCurve) -> None:
    low, high = curve.threshold_interval(curve.at_threshold(0.4))
    below, above = judge((low + 0.4) / 2, 0.4, curve), judge((high + 0.4) / 2, 0.4, curve)
    assert below.close
    assert above.close
    assert below.heading == "Close to the operating point, just below it"
    assert above.heading == "Close to the operating point, just above it"
    assert "does not exclude malignancy" in below.suggestion
    assert "Consider biopsy or referral." in above.suggestion


def test_without_a_curve_nothing_is_called_close() -> None:
    assert not judge(0.4, 0.4001, None).close


def test_an_undefined_score_gets_no_verdict(curve: OperatingCurve) -> None:
    with pytest.raises(ValueError, match="no score"):
        judge(float("nan"), 0.4, curve)
