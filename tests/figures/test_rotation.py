"""The figure of the turned picture."""

from __future__ import annotations

import pytest

from derm_model.figures.rotation import TurnedLine, plot_rotation
from derm_model.palette import DARK, LIGHT, Palette

ANGLES = [0.0, 90.0, 180.0, 270.0]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda p: p.name)
def test_the_circle_closes_and_the_band_is_one_standard_deviation(palette: Palette) -> None:
    lines = [TurnedLine("turned", [0.2, 0.4, 0.3, 0.5]), TurnedLine("upright", [0.2, 0.3, 0.2, 0.3], "dot")]
    figure = plot_rotation(ANGLES, lines, 0.35, 0.1, "Probability", palette)
    found = {trace.name: trace for trace in figure.data}
    assert list(found["turned"].x) == [*ANGLES, 360.0]
    assert list(found["turned"].y) == [0.2, 0.4, 0.3, 0.5, 0.2]
    assert sorted(found["mean ± SD"].y) == pytest.approx([0.25, 0.25, 0.45, 0.45])
    assert found["turned"].line.dash != found["upright"].line.dash
    assert figure.layout.xaxis.title.text == "Angle, degrees"
    assert figure.layout.yaxis.title.text == "Probability"
    assert figure.layout.yaxis.range[0] == 0 and figure.layout.yaxis.range[1] > 0.5


def test_a_probability_has_no_band_beyond_0_and_1() -> None:
    figure = plot_rotation(ANGLES, [TurnedLine("turned", [0.0, 1.0, 0.0, 1.0])], 0.5, 0.6, "P", LIGHT)
    assert (min(figure.data[0].y), max(figure.data[0].y)) == (0.0, 1.0)
    assert figure.layout.yaxis.range[1] <= 1.02
