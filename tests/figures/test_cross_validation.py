"""Chart of a cross-validation: what it shows, not how plotly spells it."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

from derm_model.evaluation.cross_validation import ClassFolds, CrossValidation, LevelResult, TargetsResult
from derm_model.figures.cross_validation import PAPER, plot_cross_validation
from derm_model.palette import DARK, LIGHT, Palette

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)


def level(*folds: int) -> LevelResult:
    """One class of 100 images in each fold, so many of them answered correctly."""
    return LevelResult(tuple(range(len(folds))), (ClassFolds("a", "A", (100,) * len(folds), folds),))


def result(*kinds: TargetsResult) -> CrossValidation:
    return CrossValidation(3, kinds)


def kind(targets: str, three: LevelResult | None, nine: LevelResult | None) -> TargetsResult:
    n = len((three or nine or level()).folds)
    return TargetsResult(targets, 5, tuple(range(n)), (100,) * n, three, nine)


WHOLE = result(
    kind("partition", level(70, 72, 77), level(50, 55, 60)),
    kind("three", level(68, 69, 70), None),
    kind("nine", level(66, 70, 71), level(48, 49, 50)),
)


def trace(figure: go.Figure, name: str, panel: int) -> Any:
    return next(t for t in figure.data if t.name == name and t.xaxis == ("x" if panel == 1 else f"x{panel}"))


def rows(figure: go.Figure, panel: int) -> list[str]:
    axis = figure.layout.yaxis if panel == 1 else figure.layout[f"yaxis{panel}"]
    return [text.replace("<br>", " ") for text in axis.ticktext]


@both
def test_each_fold_is_an_open_circle_and_their_mean_a_diamond_with_its_spread(palette: Palette) -> None:
    figure = plot_cross_validation(WHOLE, palette)
    folds, mean = trace(figure, "partition: folds", 1), trace(figure, "partition: mean", 1)
    assert list(folds.x) == [0.70, 0.72, 0.77]
    assert folds.marker.symbol == "circle-open"
    assert mean.x[0] == pytest.approx(0.73)
    assert mean.error_x.array[0] == pytest.approx(0.0360555)
    assert mean.marker.symbol == "diamond"
    assert not set(folds.y) & set(mean.y)  # none hides behind the other


def test_a_panel_has_the_ways_to_train_it_can_judge_and_the_dermatologists() -> None:
    figure = plot_cross_validation(WHOLE, LIGHT)
    assert rows(figure, 1) == ["partition", "directly on three classes", "directly on nine classes", "dermatologists"]
    assert rows(figure, 2) == ["partition", "directly on nine classes", "dermatologists"]
    titles = [note.text for note in figure.layout.annotations]
    assert {"Three-way accuracy", "Nine-way accuracy"} <= set(titles)
    assert titles.count(PAPER) == 2


@both
def test_the_papers_values_are_dashed_muted_and_in_the_row_they_belong_to(palette: Palette) -> None:
    figure = plot_cross_validation(WHOLE, palette)
    for panel, value, direct, row in ((1, 0.721, 0.694, -1), (2, 0.554, 0.489, -1)):
        partition, other = trace(figure, "Paper, partition", panel), trace(figure, "Paper, direct", panel)
        assert set(partition.x) == {value} and sum(partition.y) == 0
        assert set(other.x) == {direct} and sum(other.y) / 2 == row
        assert (partition.line.dash, partition.line.color) == ("dash", palette.muted)
        assert "other images" in partition.hovertemplate
    assert {trace(figure, f"Dermatologist {i}", 1).x[0] for i in (1, 2)} == {0.656, 0.660}


def test_every_mark_lies_on_the_axis() -> None:
    figure = plot_cross_validation(result(kind("nine", level(2, 99), level(1, 98))), LIGHT)
    low, high = figure.layout.xaxis.range
    assert low == 0.0 and high > 0.99
    assert figure.layout.xaxis.matches == "x2" or figure.layout.xaxis2.range == (low, high)


def test_one_fold_alone_has_no_spread() -> None:
    figure = plot_cross_validation(result(kind("partition", level(70), None)), LIGHT)
    assert trace(figure, "partition: mean", 1).error_x.array is None
    assert rows(figure, 2) == ["dermatologists"]


def test_nothing_finished_leaves_what_others_reported() -> None:
    figure = plot_cross_validation(result(), LIGHT)
    assert {t.name for t in figure.data} == {"Dermatologist 1", "Dermatologist 2"}
