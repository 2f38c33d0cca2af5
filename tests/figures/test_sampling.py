"""A sample beside all images: what the figure shows, not how plotly spells it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.curves import operating_curve
from derm_model.figures.sampling import plot_sample
from derm_model.palette import DARK, LIGHT, Palette

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
LABELS = np.arange(300) % 3 == 0
SCORES = np.random.default_rng(1).beta(np.where(LABELS, 4, 2), np.where(LABELS, 2, 4))
FULL, SAMPLE = operating_curve(LABELS, SCORES), operating_curve(LABELS[:60], SCORES[:60])
BAND = (np.linspace(0, 1, 11), np.stack([np.linspace(1, 0, 11), np.linspace(1, 0.4, 11)]))
NAMES = ("all 100 + 200: AUC 0.88", "sample of 20 + 40: AUC 0.90")


@both
def test_axes_are_the_papers_or_the_usual_ones_of_the_same_curves(palette: Palette) -> None:
    paper, usual = (plot_sample(FULL, SAMPLE, BAND, NAMES, palette, roc=roc) for roc in (False, True))
    for name in ("All images", "Sample", "95% of samples"):
        lines = [next(trace for trace in figure.data if trace.name == name) for figure in (paper, usual)]
        np.testing.assert_allclose(lines[0].x, lines[1].y)
        np.testing.assert_allclose(lines[0].y, 1 - np.asarray(lines[1].x))
    assert (paper.layout.xaxis.title.text, paper.layout.yaxis.title.text) == ("Sensitivity", "Specificity")
    assert (usual.layout.xaxis.title.text, usual.layout.yaxis.title.text) == ("1 − specificity", "Sensitivity")


@both
@pytest.mark.parametrize("roc", [False, True])
def test_each_curve_is_named_with_its_area_beside_a_piece_of_its_line(palette: Palette, roc: bool) -> None:
    figure = plot_sample(FULL, SAMPLE, BAND, NAMES, palette, roc=roc)
    assert [note.text for note in figure.layout.annotations] == [*NAMES, "95% of samples"]
    keys = {trace.name: trace for trace in figure.data if trace.name.startswith("Key: ")}
    for name, curve in zip(NAMES, ("All images", "Sample"), strict=True):
        line = next(trace for trace in figure.data if trace.name == curve).line
        assert (keys[f"Key: {name}"].line.color, keys[f"Key: {name}"].line.dash) == (line.color, line.dash)
    # the corner below chance: sensitivity + specificity < 1
    for note in figure.layout.annotations:
        sensitivity, specificity = (note.y, 1 - note.x) if roc else (note.x, note.y)
        assert sensitivity + specificity < 1


def test_the_band_lies_between_its_bounds_and_under_the_curves() -> None:
    figure = plot_sample(FULL, SAMPLE, BAND, NAMES, LIGHT)
    band = figure.data[0]
    np.testing.assert_allclose(band.x[:11], BAND[0])
    np.testing.assert_allclose(band.y[:11], BAND[1][0])
    np.testing.assert_allclose(band.y[11:], BAND[1][1][::-1])
    assert band.fill == "toself" and band.fillcolor == LIGHT.tint
