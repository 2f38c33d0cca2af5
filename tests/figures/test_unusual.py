"""Distances of images and other pictures: what the figure shows, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.figures.unusual import plot_distances
from derm_model.palette import DARK, LIGHT, Palette

OWN = {"dermoscopic": np.linspace(0.5, 1.5, 201), "clinical <b>": np.linspace(1.0, 2.0, 101)}
FOREIGN = {"far": np.full(20, 9.0), "near": np.linspace(1.0, 2.0, 20)}


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
def test_images_are_bars_of_95_per_cent_and_half_and_pictures_single_marks_nearest_first(palette: Palette) -> None:
    figure = plot_distances(OWN, FOREIGN, 1.6, palette)
    assert list(figure.layout.yaxis.ticktext) == ["dermoscopic", "clinical &lt;b&gt;", "near", "far"]
    bars = [trace for trace in figure.data if trace.name == "dermoscopic" and trace.mode == "lines"]
    assert [tuple(trace.x) for trace in bars] == [pytest.approx((0.525, 1.475)), pytest.approx((0.75, 1.25))]
    near = next(trace for trace in figure.data if trace.name == "near")
    assert list(near.x) == FOREIGN["near"].tolist()
    assert all(abs(y - 2) < 0.5 for y in near.y) and len(set(near.y)) == 20  # in their row, beside each other
    assert figure.layout.shapes[0].x0 == 1.6
    assert next(a for a in figure.layout.annotations if "unusual" in a.text).x == pytest.approx(np.log10(1.6))


def test_the_figure_is_the_same_every_time_and_has_no_line_without_a_threshold() -> None:
    one, other = (plot_distances(OWN, FOREIGN, None, LIGHT) for _ in range(2))
    assert one.to_json() == other.to_json()
    assert not one.layout.shapes and not one.layout.annotations
