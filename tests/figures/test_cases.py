"""Figures of a lesion over time and of a clinic: what is drawn where."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from derm_model.evaluation.clinic import running_rates
from derm_model.evaluation.curves import operating_curve
from derm_model.figures.cases import TimePoint, plot_lesion, plot_running_rates
from derm_model.palette import LIGHT

FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def test_scores_of_two_bundles_are_never_joined_and_a_missing_threshold_is_not_drawn() -> None:
    points = [
        TimePoint(FIRST, 0.2, 0.35, "one"),
        TimePoint(SECOND, 0.5, None, "two"),
        TimePoint(THIRD, 0.4, 0.3, "one"),
    ]
    figure = plot_lesion(points, None, LIGHT)
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines+markers"}
    assert list(lines["one"].y) == [0.2, 0.4]
    assert list(lines["two"].y) == [0.5]
    assert lines["one"].marker.symbol != lines["two"].marker.symbol
    limits = [y for trace in figure.data if trace.name == "threshold in use" for y in trace.y]
    assert limits == [0.35, 0.3]


def test_a_point_is_filled_at_and_above_its_own_threshold() -> None:
    points = [
        TimePoint(FIRST, 0.3, 0.3, "one"),
        TimePoint(SECOND, 0.29, 0.3, "one"),
        TimePoint(THIRD, 0.9, None, "one"),
    ]
    (line,) = (trace for trace in plot_lesion(points, None, LIGHT).data if trace.mode == "lines+markers")
    assert list(line.marker.color) == [LIGHT.accent, LIGHT.page, LIGHT.page]


def test_the_outcome_stands_at_its_day_and_on_the_axis() -> None:
    figure = plot_lesion([TimePoint(FIRST, 0.2, 0.3, "one")], (THIRD, "Melanoma"), LIGHT)
    assert "Melanoma" in figure.layout.annotations[0].text
    low, high = figure.layout.xaxis.range
    assert low < FIRST.isoformat() < THIRD.isoformat() < high


def test_running_rates_start_where_they_are_defined_and_the_card_is_beside_them() -> None:
    labels, scores = [True, False, True, False], [0.8, 0.2, 0.1, 0.6]
    rng = np.random.default_rng(0)
    own = operating_curve(np.arange(50) % 2 == 0, rng.random(50)).at_threshold(0.5)
    figure = plot_running_rates(running_rates(labels, scores, 0.5), own, LIGHT)
    named = {trace.name: trace for trace in figure.data}
    assert list(named["Sensitivity"].x) == [1, 2, 3, 4]
    assert list(named["Sensitivity"].y) == pytest.approx([1, 1, 0.5, 0.5])
    assert list(named["Specificity"].x) == [2, 3, 4]  # before there is none to be spared
    assert list(named["Specificity"].y) == pytest.approx([1, 1, 0.5])
    assert set(named["Sensitivity on the card"].y) == {own.sensitivity}
    assert "Specificity on the card" not in {
        t.name for t in plot_running_rates(running_rates([1], [0.9], 0.5), None, LIGHT).data
    }
