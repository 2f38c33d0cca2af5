"""Predictive values over the prevalence: what the figure shows, not how plotly spells it."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.predictive import predictive_values
from derm_model.figures.predictive import LEAST, MOST, plot_predictive_values, plot_prevalence_axes
from derm_model.palette import DARK, LIGHT, Palette

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
MARKS = [("1%", 0.01), ("these images, 33%", 1 / 3)]


def a_point(found: int, spared: int, n_pos: int = 60, n_neg: int = 120) -> OperatingPoint:
    curve = OperatingCurve(np.array([0.5]), np.array([found]), np.array([n_neg - spared]), n_pos, n_neg)
    return curve.at_threshold(0.5)


def named(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


@both
def test_curves_and_bands_are_the_predictive_values_at_every_prevalence(palette: Palette) -> None:
    point = a_point(54, 90)
    figure = plot_predictive_values(point, MARKS, palette)
    for name, value in (("PPV", "ppv"), ("NPV", "npv")):
        line, band = named(figure, name), named(figure, f"95% interval of the {name}")
        n = len(line.x)
        assert (line.x[0], line.x[-1]) == (LEAST, MOST)
        for share, y, low, high in zip(line.x, line.y, band.y[:n], band.y[: n - 1 : -1], strict=True):
            found = predictive_values(point, share)
            assert y == getattr(found, value)
            assert (low, high) == getattr(found, f"{value}_interval")
    assert len({trace.line.dash for trace in (named(figure, "PPV"), named(figure, "NPV"))}) == 2


@both
def test_the_prevalences_are_marked_and_named_and_the_first_has_dots_on_both_curves(palette: Palette) -> None:
    point = a_point(54, 90)
    figure = plot_predictive_values(point, MARKS, palette)
    assert figure.layout.xaxis.type == "log" and figure.layout.showlegend is None
    for name, share in MARKS:
        assert set(named(figure, name).x) == {share}
    texts = {note.text: note for note in figure.layout.annotations}
    assert {"1%", "these images, 33%", "<b>PPV</b>", "<b>NPV</b>"} == set(texts)
    assert texts["1%"].x == pytest.approx(-2)  # plotly places notes on such an axis by powers of ten
    assert texts["1%"].yshift != texts["these images, 33%"].yshift
    dots = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.name == "In question"]
    found = predictive_values(point, 0.01)
    assert dots == [(0.01, found.ppv), (0.01, found.npv)]


def test_the_names_stand_between_the_curves_beyond_their_bands() -> None:
    figure = plot_predictive_values(a_point(54, 90), MARKS, LIGHT)
    notes = {note.text: note for note in figure.layout.annotations}
    ppv, npv = notes["<b>PPV</b>"], notes["<b>NPV</b>"]
    found = predictive_values(a_point(54, 90), 10**ppv.x)
    assert found.ppv_interval is not None and found.npv_interval is not None
    assert (ppv.yanchor, npv.yanchor) == ("bottom", "top")
    assert ppv.y == pytest.approx(found.ppv_interval[1]) and npv.y == pytest.approx(found.npv_interval[0])


def test_a_value_that_is_not_defined_is_not_drawn() -> None:
    nobody_called = plot_predictive_values(a_point(0, 120), MARKS, LIGHT)
    assert "PPV" not in {trace.name for trace in nobody_called.data}
    assert named(nobody_called, "NPV").y[0] == predictive_values(a_point(0, 120), LEAST).npv
    assert "<b>PPV</b>" not in {note.text for note in nobody_called.layout.annotations}


@pytest.mark.parametrize("share", [0.0004, 0.97])
def test_a_mark_beyond_the_usual_range_widens_the_axis(share: float) -> None:
    figure = plot_prevalence_axes([("these images", share)], LIGHT)
    low, high = figure.layout.xaxis.range
    assert low <= math.log10(share) <= high
    assert low <= math.log10(LEAST) and high >= math.log10(MOST)
    wider = plot_predictive_values(a_point(54, 90), [("these images", share)], LIGHT)
    assert min(named(wider, "PPV").x) <= share <= max(named(wider, "PPV").x)
