"""Figures of an evaluation: what they show, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.confusion import confusion_matrix
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.decision import decision_curve
from derm_model.evaluation.reliability import reliability
from derm_model.figures.evaluation import plot_confusion, plot_decision, plot_question_curve, plot_reliability
from derm_model.figures.style import mixed
from derm_model.palette import DARK, LIGHT, Palette, contrast

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
MIDDLE = 4.2  # on a middle tone neither white nor near-black has more: the square root of their own contrast, 17.8
NAMES = ("melanoma", "nevus", "a class whose name is far too long for one line", "never seen")


@pytest.fixture(scope="module")
def curve() -> OperatingCurve:
    rng = np.random.default_rng(1)
    labels = np.arange(300) % 3 == 0
    return operating_curve(labels, rng.beta(np.where(labels, 4, 2), np.where(labels, 2, 4)))


@both
def test_cells_are_per_cent_of_their_row_blank_below_five_and_dots_where_a_class_has_no_image(palette: Palette) -> None:
    truth = [0] * 40 + [1] * 10 + [2] * 4
    said = [0] * 39 + [1] + [1] * 7 + [0] * 3 + [2] * 4
    figure = plot_confusion(confusion_matrix(truth, said, NAMES), NAMES, palette)
    rows = list(figure.data[0].y)
    told = {(rows.index(y), x): text for t in figure.data[1:] for x, y, text in zip(t.x, t.y, t.text, strict=True)}
    assert told == {(0, "0"): "98", (1, "0"): "30", (1, "1"): "70", (2, "2"): "100"}  # 1 of 40 is less than 5 %
    dots = [(a.x, a.y) for a in figure.layout.annotations if a.text == "·"]
    assert [x for x, _ in dots] == ["0", "1", "2", "3"] and all("never seen" in y for _, y in dots)
    assert figure.data[0].customdata[0][1] == "melanoma → nevus<br>1 of 40 images"
    assert "<br>" in figure.data[0].y[2]


def test_many_classes_have_no_numbers_in_their_cells() -> None:
    names = [f"class {i}" for i in range(20)]
    figure = plot_confusion(confusion_matrix(range(20), range(20), names), names, LIGHT)
    assert len(figure.data) == 1


@both
def test_digits_contrast_with_their_cells(palette: Palette) -> None:
    n = 20
    truth = [i for i in range(n) for _ in range(n)]
    said = [1 if k < i else 0 for i in range(n) for k in range(n)]  # shares of 0, 5, 10, ... 95 %
    names = [str(i) for i in range(n)]
    for first in (0, 10):  # matrices small enough to have digits
        part = [(t - first, s) for t, s in zip(truth, said, strict=True) if first <= t < first + 10]
        figure = plot_confusion(confusion_matrix(*zip(*part, strict=True), names[:10]), names[:10], palette)
        for trace in figure.data[1:]:
            for text in trace.text:
                assert contrast(trace.textfont.color, mixed(palette.panel, palette.accent, int(text) / 100)) >= MIDDLE


@both
def test_axes_are_the_papers_or_the_usual_ones_of_the_same_curve(curve: OperatingCurve, palette: Palette) -> None:
    points = [("Sensitivity 90%", curve.at_threshold(0.4)), ("<b>", curve.youden())]
    paper = plot_question_curve(curve, points, palette)
    usual = plot_question_curve(curve, points, palette, roc=True)
    lines = [next(trace for trace in figure.data if trace.name == "Network") for figure in (paper, usual)]
    np.testing.assert_allclose(lines[0].x, lines[1].y)
    np.testing.assert_allclose(lines[0].y, 1 - np.asarray(lines[1].x))
    assert (paper.layout.xaxis.title.text, paper.layout.yaxis.title.text) == ("Sensitivity", "Specificity")
    assert (usual.layout.xaxis.title.text, usual.layout.yaxis.title.text) == ("1 − specificity", "Sensitivity")


@both
@pytest.mark.parametrize("roc", [False, True])
def test_points_have_a_mark_of_their_own_and_both_intervals(curve: OperatingCurve, palette: Palette, roc: bool) -> None:
    points = [("first", curve.at_threshold(0.4)), ("<b>", curve.youden())]
    marks = plot_question_curve(curve, points, palette, roc=roc).data[2:]
    assert [mark.name for mark in marks] == ["first", "&lt;b&gt;"]
    assert len({mark.marker.symbol for mark in marks}) == 2
    point, mark = points[0][1], marks[0]
    along, up = (point.specificity_interval, point.sensitivity_interval) if roc else (
        point.sensitivity_interval,
        point.specificity_interval,
    )  # fmt: skip
    expected = sorted(1 - bound for bound in along) if roc else list(along)
    assert [mark.x[0] - mark.error_x.arrayminus[0], mark.x[0] + mark.error_x.array[0]] == pytest.approx(expected)
    assert [mark.y[0] - mark.error_y.arrayminus[0], mark.y[0] + mark.error_y.array[0]] == pytest.approx(list(up))


def test_reliability_and_net_benefit_show_what_was_counted(curve: OperatingCurve) -> None:
    found = reliability([True, False, True, True], [0.9, 0.2, 0.8, 0.95])
    assert found is not None
    drawn = plot_reliability(found, LIGHT, "Score").data[1]
    assert list(drawn.customdata) == [b.n for b in found.bins]
    benefit = plot_decision(decision_curve(curve), LIGHT)
    assert [trace.name for trace in benefit.data] == ["model", "biopsy all", "biopsy none"]
