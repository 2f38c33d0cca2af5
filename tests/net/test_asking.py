"""What a network says of a picture that is painted over or turned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from derm_model.data.drawings import draw_lesion
from derm_model.errors import Cancelled
from derm_model.net.asking import CROPS, Crop, ask, rotations, spread_of
from derm_model.net.augmentation import View, fits, inscribed_rectangle, resample
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.saliency.explainer import Explainer
from derm_model.progress import Progress
from derm_model.taxonomy import Taxonomy
from tests.support import noise_image


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path, taxonomy: Taxonomy) -> Engine:
    return Engine(load_bundle(tiny_bundle, taxonomy), precision="fp32")


@pytest.fixture
def lesion() -> NDArray[np.uint8]:
    return draw_lesion(4, 200, "irregular")[20:170]


def target_disc(side: int = 240) -> NDArray[np.uint8]:
    """Rings around the centre, smooth and in colour: the same picture at every angle."""
    y, x = np.mgrid[0:side, 0:side] + 0.5
    radius = np.hypot(x - side / 2, y - side / 2) / side
    waves = [127 + 90 * np.cos(2 * np.pi * radius * k) for k in (2, 3, 4)]
    return np.stack(waves, axis=-1).round().astype(np.uint8)


def test_before_and_after_are_what_the_network_says_of_either_picture(
    engine: Engine, lesion: NDArray[np.uint8]
) -> None:
    mask = np.zeros(lesion.shape[:2], dtype=np.bool_)
    mask[40:110, 60:140] = True
    asked = ask(engine, lesion, mask, "skin")
    expected = [one.class_probs for one in engine.predict([lesion, asked.pixels])]
    np.testing.assert_allclose([asked.before, asked.after], expected, atol=1e-6)
    assert (asked.pixels[~mask] == lesion[~mask]).all()
    assert np.abs(asked.before - asked.after).max() > 1e-3
    assert asked.before.sum() == pytest.approx(1) and asked.before.dtype == np.float64


def test_painting_over_nothing_moves_nothing(engine: Engine, lesion: NDArray[np.uint8]) -> None:
    asked = ask(engine, lesion, np.zeros(lesion.shape[:2], dtype=np.bool_), "blur")
    assert (asked.before == asked.after).all()


@pytest.mark.parametrize("crop", CROPS)
def test_every_view_is_the_turned_picture_cut_as_in_training(
    engine: Engine, lesion: NDArray[np.uint8], crop: Crop
) -> None:
    turned = rotations(engine, lesion, 8, crop)
    assert turned.angles_deg.tolist() == [0, 45, 90, 135, 180, 225, 270, 315]
    assert turned.class_probs.shape == (8, len(engine.bundle.classes))
    np.testing.assert_allclose(turned.class_probs.sum(axis=1), 1)
    level = (150 * math.sqrt(0.5),) * 2
    for i in (0, 1, 2, 5):
        view = View(math.radians(45 * i), flip=False)
        seen = resample(lesion, engine.bundle.preprocessing.size_px, view, level if crop == "level" else None)
        np.testing.assert_allclose(turned.class_probs[i], engine.predict([seen])[0].class_probs, atol=1e-5)
    np.testing.assert_allclose(turned.whole_probs, engine.predict([lesion])[0].class_probs, atol=1e-6)


def test_the_part_that_is_seen_is_said_and_gets_smaller_on_the_way_to_45_degrees(engine: Engine) -> None:
    square = rotations(engine, noise_image(1, 80, 80), 8)
    side = math.sqrt(0.5)
    np.testing.assert_allclose(square.crops, [[s, s] for s in (1, side, 1, side, 1, side, 1, side)])
    wide = rotations(engine, noise_image(1, 80, 120), 12)
    assert wide.crops.max() <= 1
    np.testing.assert_allclose(wide.crops[[0, 3, 6, 9]], 1)  # a quarter turn shows all of it, on its side
    at_30 = np.array(inscribed_rectangle(120, 80, math.radians(30))) / (120, 80)
    np.testing.assert_allclose(wide.crops[[1, 2, 4, 5]], [at_30] * 4)  # 60 degrees show what 30 degrees show
    level = rotations(engine, noise_image(1, 80, 120), 5, "level")
    np.testing.assert_allclose(level.crops * (120, 80), 80 * side)


def test_the_upright_companion_shows_as_much_without_turning(engine: Engine, lesion: NDArray[np.uint8]) -> None:
    turned = rotations(engine, lesion, 12)
    shape = inscribed_rectangle(200, 150, math.radians(30))
    seen = resample(lesion, engine.bundle.preprocessing.size_px, View(0.0, flip=False), shape)
    expected = engine.predict([seen])[0].class_probs
    for i in (1, 2, 4, 5, 7, 8, 10, 11):
        np.testing.assert_allclose(turned.upright_probs[i], expected, atol=1e-5)
    np.testing.assert_array_equal(turned.upright_probs[0], turned.upright_probs[6])
    np.testing.assert_allclose(turned.class_probs[0], turned.upright_probs[0], atol=1e-6)


def test_a_picture_that_is_alike_from_every_side_has_no_spread(engine: Engine, lesion: NDArray[np.uint8]) -> None:
    rings = rotations(engine, target_disc(), 12, "level")
    other = rotations(engine, noise_image(6, 240, 240), 12, "level")
    assert np.ptp(rings.class_probs, axis=0).max() < 0.02 * np.ptp(other.class_probs, axis=0).max()
    np.testing.assert_allclose(rings.class_probs, rings.upright_probs, atol=1e-3)
    # cut as in training its answer moves, by looking closer alone
    closer = rotations(engine, target_disc(), 12)
    assert np.ptp(closer.class_probs, axis=0).max() > 10 * np.ptp(rings.class_probs, axis=0).max()
    np.testing.assert_allclose(closer.class_probs, closer.upright_probs, atol=2e-3)


def test_quarter_turns_are_the_picture_turned_in_an_array(engine: Engine) -> None:
    pixels = noise_image(2, 128, 128)
    turned = rotations(engine, pixels, 4)
    for i in range(4):
        # both counter-clockwise
        (expected,) = engine.predict([resample(np.rot90(pixels, i).copy(), 299, View(0.0, flip=False))])
        np.testing.assert_allclose(turned.class_probs[i], expected.class_probs, atol=1e-4)


def test_the_spread_is_that_of_the_probabilities() -> None:
    values = np.array([0.2, 0.4, 0.9])
    spread = spread_of(values)
    assert spread is not None
    assert (spread.minimum, spread.maximum) == (0.2, 0.9)
    assert spread.mean == pytest.approx(0.5) and spread.sd == pytest.approx(math.sqrt((0.09 + 0.01 + 0.16) / 2))
    assert spread_of(np.array([0.2, np.nan])) is None and spread_of(np.array([0.2])) is None


def test_it_says_where_it_is_and_can_be_stopped(engine: Engine, lesion: NDArray[np.uint8]) -> None:
    told: list[Progress] = []
    rotations(engine, lesion, 10, report=told.append)
    assert [(p.done, p.total) for p in told] == [(0, 13), (8, 13), (13, 13)]  # 0, 36 and 18 degrees upright

    def stop(progress: Progress) -> None:
        if progress.done:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        rotations(Explainer(engine), lesion, 10, report=stop)
    assert engine.predict([lesion])  # its turn is given back


def test_two_angles_are_the_least(engine: Engine, lesion: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="two angles"):
        rotations(engine, lesion, 1)


@pytest.mark.parametrize("degrees", [0, 10, 45, 60, 90, 135, 200])
def test_the_largest_rectangle_fits_and_a_larger_one_does_not(degrees: int) -> None:
    crop = inscribed_rectangle(300, 200, math.radians(degrees))
    assert fits(300, 200, math.radians(degrees), crop)
    assert not fits(300, 200, math.radians(degrees), (crop[0] * 1.01, crop[1] * 1.01))
    white = np.full((200, 300, 3), 255, dtype=np.uint8)
    with pytest.raises(ValueError, match="does not fit"):
        resample(white, 64, View(math.radians(degrees), False), (crop[0] * 1.01, crop[1] * 1.01))


def test_no_gradient_is_left_at_the_network(engine: Engine, lesion: NDArray[np.uint8]) -> None:
    rotations(engine, lesion, 4)
    assert all(p.grad is None for p in engine.network.parameters())
    assert torch.is_grad_enabled()
