"""Operating curves: what they show, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.figures.operating import plot_operating_curve
from derm_model.palette import DARK, LIGHT, Palette

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)


@pytest.fixture(scope="module")
def curve() -> OperatingCurve:
    rng = np.random.default_rng(1)
    labels = np.arange(300) % 3 == 0
    return operating_curve(labels, rng.beta(np.where(labels, 4, 2), np.where(labels, 2, 4)))


@both
def test_sensitivity_goes_to_the_right_and_specificity_upwards(curve: OperatingCurve, palette: Palette) -> None:
    figure = plot_operating_curve(curve, curve.at_threshold(0.4), palette)
    line = next(trace for trace in figure.data if trace.name == "Network")
    np.testing.assert_array_equal(line.x[:-1], curve.sensitivity)
    np.testing.assert_array_equal(line.y[:-1], curve.specificity)
    assert (line.x[-1], line.y[-1]) == (0, 1)
    assert figure.layout.xaxis.title.text == "Sensitivity"
    assert figure.layout.yaxis.title.text == "Specificity"


@both
def test_the_point_is_marked_with_both_its_intervals(curve: OperatingCurve, palette: Palette) -> None:
    point = curve.at_threshold(0.4)
    mark = next(trace for trace in plot_operating_curve(curve, point, palette).data if trace.name == "This threshold")
    assert (mark.x[0], mark.y[0]) == (point.sensitivity, point.specificity)
    assert mark.x[0] + mark.error_x.array[0] == pytest.approx(point.sensitivity_interval[1])
    assert mark.x[0] - mark.error_x.arrayminus[0] == pytest.approx(point.sensitivity_interval[0])
    assert mark.y[0] + mark.error_y.array[0] == pytest.approx(point.specificity_interval[1])
    assert mark.y[0] - mark.error_y.arrayminus[0] == pytest.approx(point.specificity_interval[0])


def test_the_band_holds_the_curve(curve: OperatingCurve) -> None:
    band = next(t for t in plot_operating_curve(curve, curve.youden(), LIGHT).data if t.name == "95% interval")
    k = len(band.x) // 2
    assert (np.asarray(band.x[:k]) <= curve.line()[0] + 1e-12).all()
    assert (np.asarray(band.x[k:][::-1]) >= curve.line()[0] - 1e-12).all()
