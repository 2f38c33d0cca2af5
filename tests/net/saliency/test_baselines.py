"""The colour of the surrounding skin, on drawn images where it is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from derm_model.net.saliency.baselines import baseline_of, skin_colour

SIDE = 200
SKIN = {"light": (0.87, 0.70, 0.60), "brown": (0.55, 0.38, 0.29), "dark": (0.30, 0.20, 0.16)}
Y, X = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
RADIUS = np.hypot(Y, X)
skins = pytest.mark.parametrize("skin", SKIN.values(), ids=SKIN)


def draw(skin: tuple[float, float, float], lesion_radius: float = 0.25) -> NDArray[np.float64]:
    """Noisy skin with a darker lesion in its middle."""
    image = np.tile(np.array(skin), (SIDE, SIDE, 1))
    image[lesion_radius > RADIUS] = np.array(skin) * 0.4
    return np.clip(image + np.random.default_rng(0).normal(0, 0.03, image.shape), 0, 1)


def finds(image: NDArray[np.float64], skin: tuple[float, float, float], within: float = 0.02) -> bool:
    return bool(np.abs(skin_colour(image) - skin).max() <= within)


@skins
def test_the_lesion_in_the_middle_is_not_skin(skin: tuple[float, float, float]) -> None:
    assert finds(draw(skin), skin)
    assert np.abs(draw(skin).mean((0, 1)) - skin).max() > 0.02  # the mean of all would not do


@skins
def test_black_corners_are_not_skin(skin: tuple[float, float, float]) -> None:
    image = draw(skin)
    image[RADIUS > 0.52] = 0.02
    assert finds(image, skin)


@skins
def test_a_black_frame_around_a_small_round_field_is_not_skin(skin: tuple[float, float, float]) -> None:
    image = draw(skin, 0.12)
    image[RADIUS > 0.33] = 0.0
    assert finds(image, skin)


@skins
def test_black_bars_are_not_skin(skin: tuple[float, float, float]) -> None:
    image = draw(skin)
    image[:20] = image[-20:] = 0.01
    assert finds(image, skin)


@skins
def test_a_vignette_darkens_the_colour_less_than_the_border(skin: tuple[float, float, float]) -> None:
    image = draw(skin) * (1 - 0.3 * np.minimum(RADIUS / 0.5, 1) ** 4)[..., None]
    shade = skin_colour(image) / skin
    assert (shade > 0.75).all() and (shade <= 1).all()


@skins
def test_hairs_and_ink_are_not_skin(skin: tuple[float, float, float]) -> None:
    image = draw(skin)
    for start in range(0, SIDE, 16):  # a sixth of the image, in strokes from edge to edge
        for row in range(SIDE):
            column = (start + row // 3) % SIDE
            image[row, column : column + 3] = 0.05
    image[:, 4:14] = (0.2, 0.1, 0.5)
    assert finds(image, skin)


@pytest.mark.parametrize("level", [0.0, 0.05, 1.0])
def test_an_image_of_one_colour_has_that_colour(level: float) -> None:
    assert skin_colour(np.full((75, 75, 3), level)) == pytest.approx(level, abs=1e-9)


def test_an_image_of_a_few_pixels_has_a_colour() -> None:
    for shape in ((1, 1, 3), (2, 5, 3), (1, 40, 3)):
        assert skin_colour(np.full(shape, 0.5)) == pytest.approx(0.5)


def test_baselines_have_the_shape_of_the_image_and_leave_it_alone() -> None:
    unit = torch.from_numpy(draw(SKIN["light"]).transpose(2, 0, 1)[None].copy()).float()
    kept = unit.clone()
    black, blurred, skin = (baseline_of(unit, kind) for kind in ("black", "blurred", "skin"))
    for found in (black, blurred, skin):
        assert found.shape == unit.shape
        assert found.dtype == unit.dtype
        assert found.min() >= 0 and found.max() <= 1
    assert black.max() == 0
    assert skin[0].flatten(1).std(dim=1).max() == 0
    assert blurred.mean() == pytest.approx(float(unit.mean()), abs=0.005)
    assert blurred.std() < 0.6 * unit.std()
    assert blurred.diff(dim=3).abs().mean() < 0.1 * unit.diff(dim=3).abs().mean()
    assert torch.equal(unit, kept)


def test_a_blurred_baseline_keeps_the_channels_apart() -> None:
    unit = torch.zeros(1, 3, 80, 80)
    unit[:, 0] = 1
    assert torch.allclose(baseline_of(unit, "blurred"), unit, atol=1e-6)
