"""Figures: what they show, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.answer import NodeAnswer, Slice
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.figures import ALL, SMALLEST_SHARE, plot_icicle, plot_operating_curve
from derm_model.palette import DARK, LIGHT, Palette, Role
from derm_model.taxonomy import Resolution

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


def slices() -> list[Slice]:
    def answer(node: str, probability: float | None, role: Role) -> NodeAnswer:
        resolution = Resolution.NO_CLASS if probability is None else Resolution.RESOLVED
        return NodeAnswer(node, node, node.title(), role, probability, resolution)

    return [
        Slice(answer("malignant", 0.7, Role.MALIGNANT), None),
        Slice(answer("melanoma", 0.7, Role.MELANOMA), "malignant"),
        Slice(answer("lymphoma", None, Role.UNRESOLVED), "malignant"),
        Slice(answer("benign", 0.3, Role.BENIGN), None),
    ]


@both
def test_the_icicle_has_one_real_root_and_a_box_per_node(palette: Palette) -> None:
    trace = plot_icicle(slices(), "melanoma", palette).data[0]
    assert list(trace.ids) == [ALL, "malignant", "melanoma", "lymphoma", "benign"]
    assert list(trace.parents) == ["", ALL, "malignant", "malignant", ALL]


@both
def test_a_parent_is_as_wide_as_its_children_and_an_unresolved_box_is_a_sliver(palette: Palette) -> None:
    trace = plot_icicle(slices(), None, palette).data[0]
    width = dict(zip(trace.ids, trace.values, strict=True))
    assert width["lymphoma"] == SMALLEST_SHARE
    assert width["malignant"] == pytest.approx(width["melanoma"] + width["lymphoma"])
    assert width[ALL] == pytest.approx(width["malignant"] + width["benign"])


@both
def test_what_is_not_resolved_is_said_in_words_and_the_picked_box_is_framed(palette: Palette) -> None:
    trace = plot_icicle(slices(), "melanoma", palette).data[0]
    assert list(trace.text) == ["100%", "70%", "70%", "not resolved", "30%"]
    assert [w for w in trace.marker.line.width] == [1, 1, 3, 1, 1]


def test_the_same_answer_gives_the_same_figure_so_that_a_selection_survives_a_rerun() -> None:
    assert plot_icicle(slices(), None, LIGHT).to_json() == plot_icicle(slices(), None, LIGHT).to_json()
