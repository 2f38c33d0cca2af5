"""Charts of a collection: what they show, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.figures.curation import plot_ages, plot_measure, plot_threshold_effect
from derm_model.palette import DARK, LIGHT, Palette

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)


@both
def test_an_age_bar_stands_over_its_years(palette: Palette) -> None:
    bars = plot_ages([20, 25, 30], [3, 0, 5], palette).data[0]
    assert list(bars.x) == [22.5, 27.5, 32.5]
    assert list(bars.y) == [3, 0, 5]
    assert bars.customdata[0] == "20 to 24 years"


def test_one_age_alone_is_drawn() -> None:
    assert list(plot_ages([40], [2], LIGHT).data[0].y) == [2]


@both
def test_the_effect_of_a_threshold_is_two_curves_with_the_threshold_marked(palette: Palette) -> None:
    figure = plot_threshold_effect(
        [0.8, 0.9, 1.0], [40, 12, 6], [20, 4, 2], applied=0.9, chosen=0.8, title="Cosine", palette=palette
    )
    assert {trace.name: list(trace.y) for trace in figure.data} == {
        "in groups": [40, 12, 6],
        "largest group": [20, 4, 2],
    }
    assert {shape.x0 for shape in figure.layout.shapes} == {0.8, 0.9}
    assert {"chosen", "in force", "in groups", "largest group"} == {a.text for a in figure.layout.annotations}


def test_a_threshold_that_was_not_moved_is_marked_once() -> None:
    figure = plot_threshold_effect([0.8, 1.0], [0, 0], [1, 1], applied=0.9, chosen=0.9, title="Cosine", palette=LIGHT)
    assert len(figure.layout.shapes) == 1


@pytest.mark.parametrize(("flagged_below", "hollow"), [(True, [0, 1]), (False, [2, 3])])
def test_bars_on_the_flagged_side_are_hollow(flagged_below: bool, hollow: list[int]) -> None:
    figure = plot_measure(
        np.arange(5.0), [1, 2, 3, 4], 2.0, flagged_below=flagged_below, title="Sharpness", palette=LIGHT
    )
    fills = list(figure.data[0].marker.color)
    assert [i for i, fill in enumerate(fills) if fill == LIGHT.page] == hollow
    assert figure.layout.shapes[0].x0 == 2.0


def test_a_threshold_outside_the_histogram_is_in_sight() -> None:
    figure = plot_measure(np.arange(5.0), [1, 1, 1, 1], -3.0, flagged_below=True, title="", palette=LIGHT)
    assert figure.layout.xaxis.range[0] < -3
