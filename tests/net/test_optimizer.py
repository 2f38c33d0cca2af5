"""The paper's RMSProp is TensorFlow's; schedules are functions of the step."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from derm_model.errors import TrainingError
from derm_model.net.optimizer import build_optimizer, learning_rate
from derm_model.recipe.config import PRESETS, SMALL_DATA, Stage, TrainConfig

PAPER = PRESETS["paper"]


def test_rmsprop_starts_its_mean_square_at_one_and_adds_epsilon_inside_the_root() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    optimizer = build_optimizer(layer, PAPER)
    layer.weight.grad = torch.tensor([[2.0]])
    optimizer.step()
    mean_square = 0.9 * 1 + 0.1 * 2.0**2
    expected = 1.0 - 0.001 * 2.0 / math.sqrt(mean_square + 0.1)
    assert layer.weight.item() == pytest.approx(expected, rel=1e-6)


def test_the_paper_divides_the_rate_by_16_every_30_epochs() -> None:
    rates = [learning_rate(PAPER, 0, epoch, 1) for epoch in (0, 29.9, 30, 59.9, 60)]
    assert rates == pytest.approx([0.001, 0.001, 0.001 / 16, 0.001 / 16, 0.001 / 256])


def test_the_cosine_warms_up_and_ends_at_zero() -> None:
    n = 1000
    rates = [learning_rate(SMALL_DATA, step, step / 100, n) for step in range(n)]
    assert rates[0] < rates[50] < rates[99]
    assert max(rates) == pytest.approx(SMALL_DATA.learning_rate, rel=1e-3)
    assert rates[-1] < 1e-4 * SMALL_DATA.learning_rate * 10
    assert all(a >= b for a, b in pairwise(rates[100:]))


@pytest.mark.parametrize("field", ["optimizer", "schedule"])
def test_an_unknown_name_is_refused_with_the_known_ones(field: str) -> None:
    config = dataclasses.replace(PAPER, **{field: "magic"})
    with pytest.raises(TrainingError, match="Choose"):
        build_optimizer(nn.Linear(1, 1), config) if field == "optimizer" else learning_rate(config, 0, 0, 1)


def test_a_config_survives_json_and_an_unknown_option_is_named() -> None:
    assert TrainConfig.from_json(SMALL_DATA.to_json()) == SMALL_DATA
    with pytest.raises(TrainingError, match="momentun"):
        TrainConfig.from_json({"momentun": 0.9})


def test_stages_follow_each_other() -> None:
    config = TrainConfig(stages=(Stage(128, 2), Stage(299, 1)))
    assert [config.stage_of(epoch).size_px for epoch in range(config.epochs)] == [128, 128, 299]
    with pytest.raises(IndexError):
        config.stage_of(3)
