"""Preprocessing: the same tensor for the same picture, whatever its size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derm_model.errors import BundleError
from derm_model.net.preprocessing import Preprocessing
from tests.support import noise_image


def test_the_whole_image_is_squashed_to_the_square() -> None:
    pixels = np.zeros((100, 400, 3), np.uint8)
    pixels[:, :200, 0] = 255  # left half red
    square = Preprocessing(size_px=80).prepare(pixels)
    assert square.shape == (3, 80, 80)
    assert square.dtype == torch.uint8
    assert (square[0, :, :38] == 255).all()
    assert (square[0, :, 42:] == 0).all()
    assert (square[1:] == 0).all()


def test_fine_stripes_are_averaged_and_not_sampled() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[::2] = 200
    square = Preprocessing(size_px=80).prepare(stripes)
    assert (square.float() - 100).abs().max() <= 4  # the border row lacks one half of its neighbours


def test_an_image_of_the_right_size_is_not_changed() -> None:
    pixels = noise_image(0, 299, 299)
    assert np.array_equal(Preprocessing().prepare(pixels).permute(1, 2, 0).numpy(), pixels)


def test_a_view_with_odd_strides_gives_the_same_as_its_copy() -> None:
    pixels = noise_image(0, 150, 170)[:, ::-1]
    same = Preprocessing().prepare(pixels.copy())
    assert torch.equal(Preprocessing().prepare(pixels), same)


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3), (1, 3, 10, 10)])
def test_what_is_no_rgb_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        Preprocessing().prepare(np.zeros(shape, np.uint8))


def test_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        Preprocessing().prepare(np.zeros((10, 10, 3)))  # type: ignore[arg-type]


def test_the_default_normalisation_is_division_by_255() -> None:
    batch = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    assert torch.allclose(Preprocessing().normalise(batch).flatten(), torch.tensor([0.0, 0.2, 1.0]))


def test_mean_and_standard_deviation_are_applied_per_channel() -> None:
    settings = Preprocessing(mean=(0.5, 0.0, 1.0), std=(0.5, 2.0, 1.0))
    batch = torch.full((2, 3, 4, 4), 255, dtype=torch.uint8)
    normalised = settings.normalise(batch)
    assert torch.allclose(normalised[1, :, 0, 0], torch.tensor([1.0, 0.5, 0.0]))
    assert (batch == 255).all()


def test_settings_survive_json() -> None:
    settings = Preprocessing(size_px=192, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert Preprocessing.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    "change, named",
    [
        ({"size_px": None}, "size_px"),
        ({"size_px": 299.5}, "size_px"),
        ({"size_px": 20}, "75"),
        ({"mean": [0, 0]}, "mean"),
        ({"std": [1, 1, 0]}, "std"),
        ({"resize": "crop"}, "crop"),
        ({"flavour": 1}, "flavour"),
    ],
)
def test_settings_that_cannot_be_followed_are_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(BundleError, match=named):
        Preprocessing.from_json(Preprocessing().to_json() | change)


def test_a_missing_setting_is_named_even_where_it_has_a_default() -> None:
    content = Preprocessing().to_json()
    del content["interpolation"]
    with pytest.raises(BundleError, match="interpolation: field is missing"):
        Preprocessing.from_json(content)
