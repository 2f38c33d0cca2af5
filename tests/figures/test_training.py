"""Curves of trainings: what is drawn how, and that names never cover each other."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.figures.training import MAX_RUNS, plot_accuracy, plot_course, plot_loss, plot_runs, spread
from derm_model.palette import DARK, LIGHT, Palette

EPOCHS = [1, 2, 3]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
def test_training_is_dotted_with_open_markers_and_validation_solid(palette: Palette) -> None:
    figure = plot_loss(EPOCHS, [2.0, 1.5, 1.2], [2.1, 1.7, 1.6], palette)
    lines = {trace.name: trace for trace in figure.data}
    assert lines["training"].line.dash == "dot"
    assert lines["training"].marker.symbol == "circle-open"
    assert lines["validation"].line.dash == "solid"
    assert {trace.line.color for trace in figure.data} == {palette.accent}
    assert {note.text for note in figure.layout.annotations} == {"training", "validation"}
    assert figure.layout.template.layout.showlegend is False


def test_levels_have_marks_of_their_own_and_no_colour_of_a_class() -> None:
    figure = plot_accuracy(EPOCHS, [0.3, 0.4, 0.5], [0.4, 0.5, 0.6], [0.7, 0.75, 0.8], LIGHT)
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    assert not {trace.line.color for trace in figure.data} & {LIGHT.roles[role] for role in LIGHT.roles}
    assert figure.layout.yaxis.tickformat == ".0%"


def test_what_is_not_known_is_a_gap_and_its_line_has_no_name() -> None:
    figure = plot_loss(EPOCHS, [2.0, None, 1.2], [None, None, None], LIGHT)
    assert list(figure.data[1].y) == [2.0, None, 1.2]
    assert not figure.data[1].connectgaps
    assert [note.text for note in figure.layout.annotations] == ["training"]


def test_a_change_of_the_crops_size_is_marked() -> None:
    figure = plot_loss(EPOCHS, [3, 2, 1], [3, 2, 1], LIGHT, stages={1: 128, 3: 192})
    assert [note.text for note in figure.layout.annotations if "px" in note.text] == ["128 px", "192 px"]
    assert [shape.x0 for shape in figure.layout.shapes] == [0.5, 2.5]


def test_one_epoch_and_none_are_drawn() -> None:
    assert len(plot_loss([1], [2.0], [2.1], LIGHT).data) == 2
    assert len(plot_runs({"a": ([], [])}, "Loss", LIGHT).data) == 1


def test_a_rate_that_falls_by_powers_has_a_logarithmic_axis() -> None:
    assert plot_course(EPOCHS, [1e-3, 6e-5, 4e-6], "Learning rate", LIGHT, log=True).layout.yaxis.type == "log"
    assert plot_course(EPOCHS, [3e-4, 2e-4, 1e-4], "Learning rate", LIGHT, log=True).layout.yaxis.type is None
    assert plot_course(EPOCHS, [6.0, 7.0, 6.5], "Images per second", LIGHT).layout.yaxis.range[0] == 0


def test_as_many_runs_as_are_allowed_all_look_different() -> None:
    runs = {f"run {i}": (EPOCHS, [0.1 * i, 0.2, 0.3]) for i in range(MAX_RUNS)}
    looks = {(t.line.color, t.line.dash, t.marker.symbol) for t in plot_runs(runs, "Accuracy", LIGHT).data}
    assert len(looks) == MAX_RUNS
    with pytest.raises(ValueError, match="at most"):
        plot_runs({**runs, "one more": (EPOCHS, [0, 0, 0])}, "Accuracy", LIGHT)


def test_a_name_is_text() -> None:
    figure = plot_runs({"<b>a</b>": (EPOCHS, [1, 2, 3])}, "Loss", LIGHT)
    assert figure.layout.annotations[0].text == "&lt;b&gt;a&lt;/b&gt;"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.001, 0.1))
def test_names_at_line_ends_keep_their_order_and_a_distance(values: list[float], gap: float) -> None:
    values = sorted(values)
    places = spread(values, gap, (0.0, 1.0))
    assert places == sorted(places)
    assert all(b - a >= gap * (1 - 1e-9) for a, b in itertools.pairwise(places))
    assert max(places) <= 1.0


def test_names_that_are_far_apart_stay_where_their_lines_end() -> None:
    assert spread([0.1, 0.5, 0.8], 0.1, (0.0, 1.0)) == [0.1, 0.5, 0.8]


def test_an_axis_of_shares_ends_at_0_and_1() -> None:
    flat = {"a": ((1, 2, 3), (0.0, 0.0, 0.0)), "b": ((1, 2, 3), (1.0, 1.0, 1.0))}
    low, high = plot_runs(flat, "Accuracy", LIGHT, percent=True).layout.yaxis.range
    assert -0.03 < low < 0 and 1 < high < 1.03
