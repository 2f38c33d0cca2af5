"""Figures of a reader study: what they show, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from derm_model.evaluation.confusion import ConfusionMatrix
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.metrics import auc
from derm_model.evaluation.readers import Panel, ReaderPoint
from derm_model.evaluation.readers.against_curve import against_curve
from derm_model.evaluation.readers.ai_help import ReaderHelp, effect_of_help
from derm_model.evaluation.readers.points import mean_point, reader_points
from derm_model.figures.evaluation import plot_confusion
from derm_model.figures.readers import alt_confusion, alt_help, alt_readers, plot_help, plot_readers
from derm_model.palette import DARK, LIGHT, Palette

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
LABELS = np.arange(60) < 20
SCORES = np.random.default_rng(2).normal(size=60) + 2 * LABELS
READERS = ("Ann", "<b>Bob", "Cem")


def panel_of(seed: int, better: float = 0.0) -> Panel:
    felt = np.random.default_rng(seed).normal(size=(3, 60)) + (1 + better) * LABELS
    said = np.where(felt > 0.5, 0, 1)
    images = tuple(("", str(i)) for i in range(60))
    return Panel(READERS, images, ("biopsy", "reassure"), said, np.full(said.shape, np.nan))


@pytest.fixture(scope="module")
def curve() -> OperatingCurve:
    return operating_curve(LABELS, SCORES)


@pytest.fixture(scope="module")
def points() -> tuple[ReaderPoint, ...]:
    return reader_points(panel_of(1), LABELS, "biopsy")


@pytest.fixture(scope="module")
def found() -> tuple[ReaderHelp, ...]:
    return effect_of_help(panel_of(1), panel_of(1, 0.7), LABELS, SCORES > 1, "biopsy")


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


@both
def test_readers_are_ink_and_the_network_is_the_accent(
    curve: OperatingCurve, points: tuple[ReaderPoint, ...], palette: Palette
) -> None:
    mean = mean_point(points)
    drawn = traces(plot_readers(curve, auc(LABELS, SCORES), points, mean, palette, you="Cem", noun="Dermatologists"))
    assert list(drawn)[1:] == ["Dermatologists (2)", "Mean ± 1 SD", "You"]
    (network, *people) = drawn.values()
    assert network.line.color == palette.accent
    assert [(one.marker.symbol, one.marker.color) for one in people] == [
        (None, palette.page),
        ("diamond", palette.ink),
        ("star", palette.ink),
    ]
    assert people[0].marker.line.color == palette.ink


def test_axes_are_the_papers_and_the_curve_ends_at_both_ends(
    curve: OperatingCurve, points: tuple[ReaderPoint, ...]
) -> None:
    area = auc(LABELS, SCORES)
    assert area is not None
    figure = plot_readers(curve, area, points, None, LIGHT)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Sensitivity", "Specificity")
    line = figure.data[0]
    assert line.name == f"Network · AUC {area.value:.2f} ({area.low:.2f}–{area.high:.2f})"
    assert ((line.x[0], line.y[0]), (line.x[-1], line.y[-1])) == ((1, 0), (0, 1))
    circles = traces(figure)["Readers (3)"]
    assert list(circles.x) == [point.sensitivity.value for point in points]
    assert list(circles.y) == [point.specificity.value for point in points]


def test_the_mean_has_a_standard_deviation_both_ways_and_a_single_reader_none(
    curve: OperatingCurve, points: tuple[ReaderPoint, ...]
) -> None:
    mean = mean_point(points)
    assert mean is not None
    diamond = traces(plot_readers(curve, None, points, mean, LIGHT))["Mean ± 1 SD"]
    assert (diamond.x[0], diamond.y[0]) == (mean.sensitivity, mean.specificity)
    assert (diamond.error_x.array[0], diamond.error_y.array[0]) == (mean.sensitivity_sd, mean.specificity_sd)
    single = plot_readers(curve, None, points[:1], mean_point(points[:1]), LIGHT)
    assert list(traces(single)) == ["Network", "Readers (1)"]


def test_you_are_a_star_with_the_word_and_no_circle(curve: OperatingCurve, points: tuple[ReaderPoint, ...]) -> None:
    drawn = traces(plot_readers(curve, None, points, mean_point(points), LIGHT, you="Ann"))
    star = drawn["You"]
    assert (star.x[0], star.y[0], star.text[0]) == (points[0].sensitivity.value, points[0].specificity.value, "You")
    assert points[0].sensitivity.value not in list(drawn["Readers (2)"].x)
    assert "You" not in traces(plot_readers(curve, None, points, None, LIGHT, you="Dora"))


def test_names_are_text_and_not_html(curve: OperatingCurve, points: tuple[ReaderPoint, ...]) -> None:
    figure = plot_readers(curve, None, points, None, LIGHT, noun="<i>")
    assert "&lt;b&gt;Bob" in figure.data[1].customdata[1]
    assert figure.data[1].name == "&lt;i&gt; (3)"


def test_the_alternative_text_says_who_is_below(points: tuple[ReaderPoint, ...]) -> None:
    compared = against_curve(panel_of(1), LABELS, SCORES, "biopsy")
    text = alt_readers(auc(LABELS, SCORES), compared, mean_point(points), you="Ann")
    n = sum(one.position == "below" for one in compared)
    assert f"The network outperformed {n} of 3 readers" in text
    assert text.startswith("Network: AUC 0.")
    place = {"below": "below the curve", "on": "on the curve", "above": "above the curve"}[compared[0].position]
    assert text.endswith(
        f"You: sensitivity {points[0].sensitivity.value:.0%}, specificity {points[0].specificity.value:.0%}, {place}."
    )
    assert "(SD)" in text
    assert alt_readers(None, [], None) == "No reader has answered images of both kinds yet."


@both
def test_an_arrow_leads_each_reader_from_without_to_with(
    curve: OperatingCurve, found: tuple[ReaderHelp, ...], palette: Palette
) -> None:
    figure = plot_help(found, palette, curve=curve)
    drawn = traces(figure)
    assert list(drawn) == ["Network", "Without help (3)", "With help (3)"]
    assert (drawn["Without help (3)"].marker.color, drawn["With help (3)"].marker.color) == (palette.page, palette.ink)
    arrows = [((a.ax, a.ay), (a.x, a.y)) for a in figure.layout.annotations]
    expected = []
    for one in found:
        assert one.sensitivity is not None
        assert one.specificity is not None
        start = one.sensitivity.second.value, one.specificity.second.value
        end = one.sensitivity.first.value, one.specificity.first.value
        expected += [(start, end)] if start != end else []
    assert arrows == expected
    assert {(a.axref, a.ayref, a.arrowcolor) for a in figure.layout.annotations} == {("x", "y", palette.ink)}


def test_who_did_not_change_has_no_arrow() -> None:
    same = effect_of_help(panel_of(1), panel_of(1), LABELS, SCORES > 1, "biopsy")
    figure = plot_help(same, LIGHT)
    assert list(traces(figure)) == ["Without help (3)", "With help (3)"]
    assert not figure.layout.annotations
    assert not plot_help([], LIGHT).data


def test_the_text_of_the_arrows_says_what_changed_and_who_was_misled(found: tuple[ReaderHelp, ...]) -> None:
    text = alt_help(found)
    rates = [[one.sensitivity.second.value, one.sensitivity.first.value] for one in found if one.sensitivity]
    before, after = np.mean(rates, axis=0)
    assert f"the mean sensitivity goes from {before:.0%} to {after:.0%}" in text
    assert f"{sum(one.changes.n_wrong_to_right for one in found)} answers became right" in text
    occasions = sum(one.changes.n_network_wrong_reader_right for one in found)
    assert f"Of {occasions} right answers about images the network gets wrong, " in text
    assert f"{sum(one.changes.n_misled for one in found)} became its mistake." in text
    assert alt_help([]) == "No reader has answered images of both kinds with and without help yet."


def test_a_matrix_of_all_readers_counts_answers_and_its_text_names_the_commonest_confusion() -> None:
    names = ("melanoma", "nevus", "never seen")
    matrix = ConfusionMatrix(names, np.array([[6, 4, 0], [1, 9, 0], [0, 0, 0]]))
    assert (
        plot_confusion(matrix, names, LIGHT, unit="answers").data[0].customdata[0][1]
        == "melanoma → nevus<br>4 of 10 answers"
    )
    assert alt_confusion(matrix, names, "All readers") == (
        "All readers: mean of class accuracies 75%. Most often confused: 40% of melanoma taken for nevus."
    )
    right = ConfusionMatrix(names, np.diag([3, 2, 0]))
    assert alt_confusion(right, names, "The network").endswith("100%. No class is taken for another.")
    assert alt_confusion(ConfusionMatrix(names, np.zeros((3, 3), dtype=np.int64)), names, "Ann") == "Ann: no answers."
