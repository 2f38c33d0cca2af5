"""The recipe: what it refuses, and that it survives being written down."""

from __future__ import annotations

import dataclasses
import json

import pytest

from derm_model.errors import TrainingError
from derm_model.recipe.config import PRESETS, Stage, TrainConfig, allowed_range


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_survive_json(name: str) -> None:
    PRESETS[name].check()
    assert TrainConfig.from_json(json.loads(json.dumps(PRESETS[name].to_json()))) == PRESETS[name]


def test_the_paper_preset_has_none_of_the_options_beyond_the_paper() -> None:
    paper = PRESETS["paper"]
    assert (paper.optimizer, paper.learning_rate, paper.rmsprop_decay, paper.momentum, paper.rmsprop_epsilon) == (
        "rmsprop_tf",
        0.001,
        0.9,
        0.9,
        0.1,
    )
    assert (paper.schedule, paper.step_factor, paper.step_epochs, paper.max_class_size) == ("step", 16, 30, 1000)
    off = ("label_smoothing", "class_balance", "sampling_power", "brightness", "contrast", "saturation", "hue", "mixup")
    assert [getattr(paper, name) for name in off] == [0] * len(off)
    assert (paper.ema_decay, paper.patience, paper.thaw_epochs, paper.frozen_stem) == (None, None, 0, False)
    assert (paper.loss, paper.targets, paper.aux_weight) == ("cross_entropy", "partition", 0)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"batch_size": 33, "accumulate": 2}, "multiple of accumulate"),
        ({"batch_size": 2, "accumulate": 2}, "equal parts of two"),
        ({"stages": ()}, "stages are empty"),
        ({"stages": (Stage(60, 1),)}, "60:1"),
        ({"optimizer": "sgd"}, "optimizer is one of rmsprop_tf, adamw"),
        ({"targets": "five"}, "targets is one of"),
        ({"learning_rate": float("nan")}, "learning_rate lies between"),
        ({"learning_rate": 0.0}, "learning_rate lies between"),
        ({"class_balance": 0.99, "sampling_power": 0.5}, "together overdo it"),
        ({"loss": "hierarchical", "mixup": 0.2}, "no place in the tree"),
        ({"loss": "hierarchical", "partition_mode": "faithful"}, "drops the very images"),
        ({"mixup": 0.2, "batch_size": 30, "accumulate": 2}, "15 images"),
        ({"aux_weight": 0.3, "stages": (Stage(192, 2),)}, "needs crops of 299 px"),
        ({"frozen_stem": True, "initialisation": "random"}, "must not be frozen"),
        ({"thaw_epochs": 2, "initialisation": "random"}, "cannot wait"),
        ({"thaw_epochs": 200}, "lower thaw_epochs"),
        ({"architecture": "tiny", "aux_weight": 0.3}, "auxiliary head"),
        ({"source_weights": {"HAM10000": 0.0}}, "weight of HAM10000"),
        ({"std": (0.0, 1.0, 1.0)}, "std is above 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_makes_no_sense_is_refused_with_the_reason(change: dict[str, object], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        dataclasses.replace(TrainConfig(), **change).check()  # type: ignore[arg-type]


def test_every_reason_is_given_at_once() -> None:
    with pytest.raises(TrainingError) as caught:
        TrainConfig.from_json({"batch_size": 33, "accumulate": 2, "optimizer": "sgd", "dropout": 2.0})
    assert len(str(caught.value).splitlines()) == 3


def test_an_unknown_option_names_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"Unknown training option lr\. Known: .*learning_rate"):
        TrainConfig.from_json({"lr": 1})


def test_every_number_has_a_range_that_holds_its_default() -> None:
    for field in dataclasses.fields(TrainConfig):
        default = getattr(TrainConfig(), field.name)
        if isinstance(default, int | float) and not isinstance(default, bool):
            low, high = allowed_range(field.name)
            assert low <= default <= high, field.name
