"""Figures of the four tests of a map: what they show, not how plotly spells it."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from derm_model.evaluation.belief import (
    ALIKE,
    ClassSensitivity,
    Moved,
    Perturbation,
    Randomisation,
    Stability,
    Stage,
)
from derm_model.figures.belief import (
    alt_class_sensitivity,
    alt_perturbation,
    alt_randomisation,
    alt_stability,
    plot_class_sensitivity,
    plot_perturbation,
    plot_randomisation,
    plot_stability,
)
from derm_model.palette import DARK, LIGHT, Palette, contrast

both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
PICTURE = np.zeros((4, 4), np.float32)
STAGES = (
    Stage("Last layer", 0.6, 0.1, 0.4, 0.8, PICTURE),
    Stage("Mixed_7c", 0.5, -0.2, 0.3, 0.7, PICTURE),
    Stage("Mixed_7b", None, None, None, None, None),
    Stage("Stem", 0.3, 0.05, 0.1, 0.6, PICTURE),
)
RANDOMISED = Randomisation("cascading", STAGES, PICTURE, 0.3)
SHARES = np.linspace(0, 1, 5)
DELETED = Perturbation(
    "deletion",
    "Melanoma <nos>",
    "black",
    SHARES,
    np.array([0.9, 0.3, 0.2, 0.1, 0.1]),
    np.array([[0.9, 0.8, 0.5, 0.2, 0.1], [0.9, 0.6, 0.7, 0.4, 0.1]]),
)
MOVED = Stability(
    "Melanoma",
    0.7,
    (Moved("−5°", "rotation", 0.9, 0.8, 0.72), Moved("90% middle", "crop", None, None, 0.4)),
    0.35,
)
RANKS = np.array([[1, 0.9, np.nan], [0.9, 1, np.nan], [np.nan, np.nan, np.nan]])
CLASSES = ClassSensitivity(("Melanoma", "Naevus <x>", "Wart"), np.array([0.7, 0.2, 0.1]), RANKS, -RANKS)


def trace(figure: go.Figure, name: str) -> Any:
    return next(t for t in figure.data if t.name is not None and t.name.startswith(name))


def texts(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


@both
def test_likeness_starts_at_the_trained_network_and_leaves_a_gap_where_no_map_is_left(palette: Palette) -> None:
    figure = plot_randomisation(RANDOMISED, palette)
    assert list(trace(figure, "rank correlation").y) == [1, 0.6, 0.5, None, 0.3]
    assert list(trace(figure, "structural").y) == [1, 0.4, 0.3, None, 0.1]
    assert list(trace(figure, "rank, as displayed").y) == [1, 0.8, 0.7, None, 0.6]
    assert list(trace(figure, "rank, with signs").y) == [1, 0.1, -0.2, None, 0.05]
    assert list(figure.layout.xaxis.ticktext) == ["Trained", "Last layer", "Mixed_7c", "Mixed_7b", "Stem"]
    assert figure.layout.yaxis.range[0] < -0.2
    looks = {(t.marker.symbol, t.line.dash) for t in figure.data}
    assert len(looks) == 4  # never by colour alone


def test_the_level_that_counts_as_unchanged_is_drawn_over_the_stages_that_are_judged() -> None:
    (shape,) = plot_randomisation(RANDOMISED, LIGHT).layout.shapes
    assert (shape.y0, shape.y1) == (ALIKE, ALIKE)
    assert shape.x0 < 1 and 2 < shape.x1 < 3  # the first two stages of four


def test_a_method_without_signs_has_no_line_of_signs() -> None:
    stages = tuple(Stage(s.name, s.rank, None, s.similarity, s.shown_rank, None) for s in STAGES)
    figure = plot_randomisation(Randomisation("cascading", stages, PICTURE, None), LIGHT)
    assert len(figure.data) == 3


@both
def test_the_curve_stands_over_the_band_of_random_places_with_both_areas(palette: Palette) -> None:
    figure = plot_perturbation(DELETED, palette)
    band = trace(figure, "random places, lowest")
    np.testing.assert_allclose(band.y[:5], DELETED.random.min(0))
    np.testing.assert_allclose(band.y[5:][::-1], DELETED.random.max(0))
    np.testing.assert_allclose(trace(figure, "the map").y, DELETED.probabilities)
    np.testing.assert_allclose(trace(figure, "random places: area").y, DELETED.random.mean(0))
    told = " ".join(texts(figure))
    assert f"area {DELETED.area:.2f}" in told
    assert f"area {DELETED.random_areas.mean():.2f} ± {DELETED.random_sd:.2f}" in told
    assert "&lt;nos&gt;" in figure.layout.yaxis.title.text


@both
def test_each_move_has_its_likeness_and_the_probability_beside_it(palette: Palette) -> None:
    figure = plot_stability(MOVED, palette)
    ranks = trace(figure, "rank correlation")
    assert (list(ranks.x), list(ranks.y)) == ([0.9], [0])
    assert list(figure.layout.yaxis.ticktext) == ["−5°", "90% middle"]
    assert {"P", "72%", "40%", "mirrored"} <= set(texts(figure))
    assert figure.layout.shapes[0].x0 == 0.35
    low, high = figure.layout.yaxis.range
    assert low > high  # the first move stands above


@both
def test_pairs_of_classes_are_a_triangle_of_readable_numbers(palette: Palette) -> None:
    figure = plot_class_sensitivity(CLASSES, palette)
    assert texts(figure) == ["0.90", "no map", "no map"]
    places = [(note.x, note.y) for note in figure.layout.annotations]
    assert places == [(0, 0), (0, 1), (1, 1)]
    assert contrast(figure.layout.annotations[0].font.color, palette.accent) > 3
    assert "Naevus &lt;x&gt;" in figure.data[0].y[0]


def test_signs_are_told_by_a_minus_and_asked_only_where_there_are_any() -> None:
    assert texts(plot_class_sensitivity(CLASSES, LIGHT, with_signs=True))[0] == "−0.90"
    unsigned = ClassSensitivity(CLASSES.labels, CLASSES.probabilities, RANKS, None)
    with pytest.raises(ValueError, match="no signs"):
        plot_class_sensitivity(unsigned, LIGHT, with_signs=True)


def test_alternative_texts_say_the_finding_and_its_numbers() -> None:
    for text, result, numbers in (
        (alt_randomisation(RANDOMISED), RANDOMISED, ("0.60", "0.30", "last layer", "stem")),
        (alt_perturbation(DELETED), DELETED, ("90% to 10%", "black", "Melanoma")),
        (alt_stability(MOVED), MOVED, ("−5°: 0.90", "90% middle: not defined")),
        (alt_class_sensitivity(CLASSES), CLASSES, ("0.90", "Wart: no map")),
    ):
        assert text.startswith(result.reading)
        assert all(number in text for number in numbers), text
        assert "chart" not in text
