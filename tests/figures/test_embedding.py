"""The map: every image once, in the mark of its group."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from derm_model.figures.embedding import MAX_CLOUDS, MAX_SVG, OTHERS, clouds, plot_embedding
from derm_model.palette import DARK, LIGHT, Palette, Role

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
LABELS = ["melanoma", "benign epidermal", "benign melanocytic", "malignant epidermal", None] * 4
ROLES = {
    "melanoma": Role.MELANOMA,
    "benign epidermal": Role.BENIGN,
    "benign melanocytic": Role.BENIGN,
    "malignant epidermal": Role.MALIGNANT,
}


@both
def test_diseases_have_the_colours_of_the_app_and_two_benign_ones_different_marks(palette: Palette) -> None:
    found = {cloud.name: cloud for cloud in clouds(LABELS, palette, ROLES)}
    assert set(found) == {*ROLES, OTHERS}
    assert all(found[name].colour == palette.roles[role] for name, role in ROLES.items())
    assert (found["benign epidermal"].symbol, found["benign melanocytic"].symbol) == ("circle", "square-open")
    assert len({(cloud.colour, cloud.symbol) for cloud in found.values()}) == 5


def test_every_image_is_drawn_once_whatever_the_number_of_groups() -> None:
    labels = [f"source {i % 14}" for i in range(140)]
    found = clouds(labels, LIGHT)
    assert len(found) == MAX_CLOUDS + 1 and found[0].name == OTHERS  # the others lie below
    assert sorted(np.concatenate([cloud.positions for cloud in found]).tolist()) == list(range(140))
    assert len({cloud.symbol for cloud in found[1:]}) == MAX_CLOUDS


@both
def test_a_point_carries_its_position_and_foreign_words_stay_words(palette: Palette) -> None:
    labels = ["<b>a</b>", "other"] * 10
    points = np.random.default_rng(0).normal(0, 1, (20, 2)).astype(np.float32)
    figure = plot_embedding(points, clouds(labels, palette), ["<i>told</i>"] * 20, palette)
    for trace in figure.data:
        np.testing.assert_array_equal(np.stack([trace.x, trace.y], axis=1), points[trace.customdata])
        assert "<i>" not in trace.text[0] and "<b>" not in trace.name
    assert figure.data[0].name.endswith("(10)")
    assert figure.layout.dragmode == "lasso"
    assert plot_embedding(points, clouds(labels, palette), [""] * 20, palette, lasso=False).layout.dragmode is False


@pytest.mark.parametrize("n, kind", [(MAX_SVG, go.Scatter), (MAX_SVG + 1, go.Scattergl)])
def test_many_points_are_left_to_the_graphics_card(n: int, kind: type) -> None:
    points = np.zeros((n, 2), dtype=np.float32)
    figure = plot_embedding(points, clouds(["a"] * n, LIGHT), [""] * n, LIGHT)
    assert all(isinstance(trace, kind) for trace in figure.data)
