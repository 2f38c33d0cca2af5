"""What chance does to an image: the same for the same place in an epoch, however a batch is divided."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from derm_model.net.noise import GREY, Noise, colour_jitter, draw_noise, hue_matrices, mix
from derm_model.recipe.config import TrainConfig

ALL = TrainConfig(brightness=0.3, contrast=0.3, saturation=0.4, hue=0.1, mixup=0.4, dropout=0.25)


def none(n: int) -> Noise:
    one = torch.ones(n)
    return Noise(one, one, one, torch.zeros(n), None, None)


def test_a_batch_in_parts_has_the_noise_of_the_whole_batch() -> None:
    whole = draw_noise(ALL, 3, torch.arange(8, 24), 50)
    parts = [draw_noise(ALL, 3, torch.arange(i, i + 4), 50) for i in range(8, 24, 4)]
    for name in ("brightness", "contrast", "saturation", "hue", "shares", "keep"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(part, name) for part in parts])), name


def test_epochs_seeds_and_places_have_noise_of_their_own() -> None:
    drawn = [
        draw_noise(dataclasses.replace(ALL, seed=seed), epoch, torch.tensor([place, place + 1]), 50)
        for seed, epoch, place in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 2))
    ]
    assert len({noise.brightness[0].item() for noise in drawn}) == 4
    assert len({noise.shares[0].item() for noise in drawn if noise.shares is not None}) == 4


def test_dropout_keeps_the_expected_share_and_the_mean() -> None:
    keep = draw_noise(ALL, 0, torch.arange(64), 1000).keep
    assert keep is not None
    assert keep.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert keep.mean().item() == pytest.approx(1, abs=0.02)
    assert draw_noise(dataclasses.replace(ALL, dropout=0.0), 0, torch.arange(4), 10).keep is None


def test_factors_lie_within_their_limits() -> None:
    noise = draw_noise(ALL, 0, torch.arange(500), 1)
    for values, spread in ((noise.brightness, 0.3), (noise.contrast, 0.3), (noise.saturation, 0.4)):
        assert 1 - spread <= values.min() < 1 - 0.9 * spread
        assert 1 + 0.9 * spread < values.max() <= 1 + spread
    assert noise.hue.abs().max() <= 2 * math.pi * 0.1


def test_what_is_off_leaves_colours_untouched() -> None:
    unit = torch.rand(4, 3, 8, 8)
    assert colour_jitter(unit, draw_noise(TrainConfig(), 0, torch.arange(4), 1), TrainConfig()) is unit


def test_jitter_keeps_colours_in_range() -> None:
    unit = torch.rand(8, 3, 8, 8)
    shifted = colour_jitter(unit, draw_noise(ALL, 0, torch.arange(8), 1), ALL)
    assert 0 <= shifted.min() <= shifted.max() <= 1
    assert not torch.allclose(shifted, unit)


def test_brightness_and_contrast_do_what_they_say() -> None:
    unit = torch.rand(2, 3, 8, 8) * 0.2 + 0.3
    config = dataclasses.replace(ALL, saturation=0.0, hue=0.0)
    brighter = colour_jitter(unit, dataclasses.replace(none(2), brightness=torch.tensor([1.1, 1.0])), config)
    assert torch.allclose(brighter[0], unit[0] * 1.1, atol=1e-6)
    assert torch.allclose(brighter[1], unit[1], atol=1e-6)
    flat = colour_jitter(unit, dataclasses.replace(none(2), contrast=torch.zeros(2)), config)
    assert torch.allclose(flat, unit.mean((1, 2, 3), keepdim=True).expand_as(unit), atol=1e-6)


def test_without_saturation_an_image_is_grey_of_the_same_brightness() -> None:
    unit = torch.rand(1, 3, 8, 8)
    config = TrainConfig(saturation=0.5)
    grey = colour_jitter(unit, dataclasses.replace(none(1), saturation=torch.zeros(1)), config)
    assert torch.allclose(grey[0, 0], grey[0, 1], atol=1e-6)
    assert torch.allclose(grey[0, 0], (unit[0] * GREY.view(3, 1, 1)).sum(0), atol=1e-6)


@given(st.floats(-math.pi, math.pi))
def test_turning_the_hue_keeps_brightness_and_leaves_grey_alone(angle: float) -> None:
    (matrix,) = hue_matrices(torch.tensor([angle]))
    assert torch.allclose(matrix @ torch.ones(3), torch.ones(3), atol=2e-3)  # the standard's rows sum to 0 so well
    colour = torch.tensor([0.7, 0.4, 0.3])
    assert (GREY @ (matrix @ colour)).item() == pytest.approx((GREY @ colour).item(), abs=1e-4)


def test_a_full_turn_of_the_hue_is_none() -> None:
    assert torch.allclose(hue_matrices(torch.tensor([2 * math.pi]))[0], torch.eye(3), atol=1e-4)


def test_a_mixture_is_mostly_the_image_itself() -> None:
    shares = draw_noise(ALL, 0, torch.arange(200), 1).shares
    assert shares is not None
    assert 0.5 <= shares.min() <= shares.max() <= 1
    assert torch.equal(shares[0::2], shares[1::2])  # both of a pair give the same share
    unit = torch.rand(4, 3, 2, 2)
    mixed = mix(unit, torch.tensor([0.8, 0.8, 1.0, 1.0]))
    assert torch.allclose(mixed[0], 0.8 * unit[0] + 0.2 * unit[1])
    assert torch.allclose(mixed[2:], unit[2:])
    assert mix(unit, None) is unit
