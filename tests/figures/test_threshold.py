"""Figures of the threshold desk: what they show, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.figures.threshold import (
    N_BARS,
    plot_desk_curve,
    plot_net_benefit,
    plot_scores,
    score_counts,
)
from derm_model.palette import DARK, LIGHT, MARKS, Palette, Role

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
LABELS = np.arange(900) % 3 == 0


@pytest.fixture(scope="module")
def scores() -> NDArray[np.float64]:
    rng = np.random.default_rng(1)
    return rng.beta(np.where(LABELS, 4, 2), np.where(LABELS, 2, 4))


@pytest.fixture(scope="module")
def curve(scores: NDArray[np.float64]) -> OperatingCurve:
    return operating_curve(LABELS, scores)


def test_bars_of_a_whole_curve_are_the_histogram_of_its_scores(
    curve: OperatingCurve, scores: NDArray[np.float64]
) -> None:
    counts = score_counts(curve)
    for bars, chosen in ((counts.positive, LABELS), (counts.negative, ~LABELS)):
        np.testing.assert_array_equal(bars, np.histogram(scores[chosen], counts.edges)[0])


def test_bars_of_a_thinned_curve_hold_every_image_and_none_goes_up(curve: OperatingCurve) -> None:
    whole, thinned = score_counts(curve), score_counts(curve.thinned(120))
    for one, other in ((whole.positive, thinned.positive), (whole.negative, thinned.negative)):
        assert one.sum() == other.sum()
        assert (other.cumsum() >= one.cumsum()).all()  # an image near an edge may stand in the bar below
        assert np.abs(other.cumsum() - one.cumsum()).max() <= 0.03 * one.sum()


def test_scores_at_both_ends_are_counted() -> None:
    counts = score_counts(operating_curve([False, True], [0.0, 1.0]))
    assert (counts.negative[0], counts.positive[-1], counts.negative.sum(), counts.positive.sum()) == (1, 1, 1, 1)
    assert len(counts.positive) == N_BARS


@both
def test_the_line_carries_the_threshold_of_each_of_its_points_for_a_click(
    curve: OperatingCurve, palette: Palette
) -> None:
    figure = plot_desk_curve(curve, palette)
    line = next(trace for trace in figure.data if trace.name == "Network")
    np.testing.assert_array_equal(line.customdata[:-1], curve.thresholds)
    np.testing.assert_array_equal(line.x[:-1], curve.sensitivity)
    assert "markers" in line.mode  # plotly clicks markers only
    assert [line.marker.opacity, line.selected.marker.opacity, line.unselected.marker.opacity] == [0, 0, 0]


def test_the_figure_is_the_same_whatever_the_threshold_and_another_after_a_click(curve: OperatingCurve) -> None:
    first, again, clicked = (plot_desk_curve(curve, LIGHT, n_clicks=n).to_json() for n in (0, 0, 1))
    assert first == again
    assert clicked != first


@both
def test_classes_are_mirrored_shares_with_name_and_mark(curve: OperatingCurve, palette: Palette) -> None:
    figure = plot_scores(score_counts(curve), ("300 with melanoma", "600 with nevus"), palette)
    up, down = figure.data
    assert (np.asarray(up.y) >= 0).all()
    assert (np.asarray(down.y) <= 0).all()
    assert np.sum(up.y) == pytest.approx(1)
    assert np.sum(down.y) == pytest.approx(-1)
    assert [note.text for note in figure.layout.annotations] == [
        f"{MARKS[Role.MALIGNANT]} 300 with melanoma",
        f"{MARKS[Role.BENIGN]} 600 with nevus",
    ]
    assert all(not text.startswith("-") for text in figure.layout.yaxis.ticktext)


@both
def test_net_benefit_stands_against_treating_all_and_none(palette: Palette) -> None:
    figure = plot_net_benefit([0, 0.4, 1], [10.0, 20.0, 0.0], 10.0, palette)
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines["treat none"].y) == [0, 0]
    assert list(lines["treat all"].y) == [10, 10]
    assert list(lines["Network"].y) == [10, 20, 0]
    assert len({trace.line.dash for trace in figure.data}) == 3
    low, high = figure.layout.yaxis.range
    assert low < 0 < 20 < high


def test_where_treating_all_is_far_worse_the_picture_keeps_what_matters_and_says_so() -> None:
    figure = plot_net_benefit([0, 0.5, 1], [-900.0, 5.0, 0.0], -900.0, LIGHT)
    assert figure.layout.yaxis.range[0] > -10
    assert "treat all, far below: −900" in [note.text for note in figure.layout.annotations]
