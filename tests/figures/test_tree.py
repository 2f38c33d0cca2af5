"""The icicle: what it shows, not how plotly spells it."""

from __future__ import annotations

import pytest

from derm_model.answer import NodeAnswer, Slice
from derm_model.figures.tree import ALL, SMALLEST_SHARE, plot_icicle
from derm_model.palette import DARK, LIGHT, Palette, Role
from derm_model.taxonomy import Resolution

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)


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
