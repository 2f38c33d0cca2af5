"""Stability: moved images and maps lie where they should, and only what moves loses likeness."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from derm_model.net.belief import stability
from derm_model.net.belief.moves import MOVES, Move, fitted
from derm_model.net.saliency import Target
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Raw
from derm_model.net.saliency.methods import METHODS
from tests.net.belief.networks import SIDE, Pointwise, fixed, method
from tests.support import noise_image

each_move = pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
SHAPES = ((120, 120), (90, 240), (300, 110))


def centre(values: NDArray[np.floating]) -> tuple[float, float]:
    """Centre of mass in shares of the sides, (row, column)."""
    rows, columns = (np.arange(n) + 0.5 for n in values.shape)
    total = values.sum()
    row = float((values.sum(1) * rows).sum() / total / len(rows))
    return row, float((values.sum(0) * columns).sum() / total / len(columns))


def spot(height: int, width: int, row: float, column: float) -> NDArray[np.float64]:
    y, x = np.mgrid[0:height, 0:width]
    return np.exp(-((y + 0.5 - row * height) ** 2 + (x + 0.5 - column * width) ** 2) / (2 * 4.0**2))


@each_move
@pytest.mark.parametrize("shape", SHAPES)
def test_a_map_is_laid_back_where_the_thing_was(move: Move, shape: tuple[int, int]) -> None:
    there = (0.42, 0.6)
    pixels = np.round(255 * spot(*shape, *there))[..., None].repeat(3, 2).astype(np.uint8)
    moved = centre(move.apply(pixels)[..., 0].astype(float))
    assert max(abs(a - b) for a, b in zip(moved, there, strict=True)) > 0.003
    back, shown = move.undo(spot(SIDE, SIDE, *moved), *shape)
    assert centre(back * shown) == pytest.approx(there, abs=0.006)


def test_a_positive_angle_turns_counter_clockwise() -> None:
    pixels = noise_image(2, 80, 80)
    turned = Move("90°", "rotation", angle_deg=90).apply(pixels)
    np.testing.assert_allclose(turned.astype(int), np.rot90(pixels).astype(int), atol=1)


def test_a_rotation_keeps_distances_of_an_image_that_is_not_square() -> None:
    """Two spots at a distance: in the square the network reads, the turn would bend it."""
    shape = (100, 300)

    def distance(pixels: NDArray[np.uint8]) -> float:
        rows, columns = np.nonzero(pixels[..., 0] > 200)
        return float(np.hypot(np.ptp(rows), np.ptp(columns)))

    both = spot(*shape, 0.5, 0.35) + spot(*shape, 0.5, 0.65)
    pixels = np.round(255 * both.clip(0, 1))[..., None].repeat(3, 2).astype(np.uint8)
    assert distance(Move("15°", "rotation", angle_deg=15).apply(pixels)) == pytest.approx(distance(pixels), abs=3)


def test_no_move_changes_nothing() -> None:
    pixels = noise_image(3, 70, 90)
    still = Move("0°", "rotation")
    np.testing.assert_array_equal(still.apply(pixels), pixels)
    values = np.random.default_rng(0).random((SIDE, SIDE))
    back, shown = still.undo(values, 70, 90)
    np.testing.assert_allclose(back, values, atol=1e-9)
    assert shown.all()


@pytest.mark.parametrize("corner", [(0, 0), (-1, -1), (1, 1)])
def test_a_crop_is_the_part_it_says_and_only_that_part_is_compared(corner: tuple[float, float]) -> None:
    pixels = noise_image(4, 200, 100)
    move = Move("50%", "crop", side=0.5, corner=corner)
    start = [round((1 + c) / 2 * n / 2) for c, n in zip(reversed(corner), (200, 100), strict=True)]
    part = pixels[start[0] : start[0] + 100, start[1] : start[1] + 50]
    small = move.apply(pixels)[::2, ::2]
    assert np.abs(small.astype(int) - part).mean() < 12  # twice as large, so half a pixel off
    _, shown = move.undo(np.ones((SIDE, SIDE)), 200, 100)
    assert shown.mean() == pytest.approx(0.25, abs=0.02)


def test_a_network_that_does_not_care_for_places_has_a_stable_map(tiny: Explainer) -> None:
    network = Pointwise(len(tiny.bundle.classes)).eval().requires_grad_(False)
    explainer = tiny.with_network(network)  # type: ignore[arg-type]
    y, x = np.mgrid[0:200, 0:200]
    smooth = np.stack([np.sin((x + k * y) / 30) for k in (1, 2, 3)], 2)
    pixels = np.round(120 + 100 * smooth).astype(np.uint8)
    found = stability(explainer, pixels, METHODS["gradient"], Target.of_class(0))
    assert found.mean_rank is not None and found.mean_rank > 0.97
    assert found.least is not None and found.least.rank is not None and found.least.rank > 0.95
    assert found.mean_similarity is not None and found.mean_similarity > 0.9
    assert found.reading.startswith("The map stays")


def test_a_map_that_does_not_follow_the_image_is_not_stable(tiny: Explainer) -> None:
    """It is the same in the frame of every moved image, and so at another place of the original."""
    values = np.random.default_rng(0).random((SIDE, SIDE))
    found = stability(tiny, noise_image(1), fixed(values), Target.of_class(0))
    assert found.mean_rank is not None and found.mean_rank < 0.5
    assert not found.reading.startswith("The map stays")


def test_the_probability_stands_beside_each_move(tiny: Explainer) -> None:
    pixels = noise_image(1, 100, 130)
    moves = (Move("0°", "rotation"), *MOVES[:2])
    found = stability(
        tiny, pixels, fixed(np.random.default_rng(0).random((SIDE, SIDE))), Target.of_class(2), moves=moves
    )
    expected = float(tiny.logits(tiny.unit(pixels)).softmax(1)[0, 2])
    assert found.probability == pytest.approx(expected)
    assert found.moves[0].probability == pytest.approx(expected)
    turned = tiny.logits(tiny.unit(MOVES[0].apply(pixels))).softmax(1)[0, 2]
    assert found.moves[1].probability == pytest.approx(float(turned), rel=1e-4)


def test_a_moved_image_without_a_map_has_no_likeness(tiny: Explainer) -> None:
    seen: list[None] = []

    def run(*_: object) -> Raw:
        seen.append(None)
        return Raw(torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * (len(seen) == 1))

    found = stability(tiny, noise_image(1), method(run), Target.of_class(0))
    assert {(move.rank, move.similarity) for move in found.moves} == {(None, None)}
    assert (found.mean_rank, found.least, found.mean_similarity, found.min_similarity) == (None,) * 4
    assert "nothing can be said" in found.reading


def test_a_large_image_is_reduced_to_what_the_network_could_see() -> None:
    assert fitted(noise_image(0, 500, 90), 200).shape == (200, 90, 3)
    pixels = noise_image(0, 50, 90)
    assert fitted(pixels, 200) is pixels
