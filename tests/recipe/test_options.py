"""The table of options against the recipe it explains, and recipes as words and arguments."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from derm_model.commands.train import add_recipe, read_config
from derm_model.errors import TrainingError
from derm_model.recipe import config as rules
from derm_model.recipe.config import PRESETS, Stage, TrainConfig, allowed_range
from derm_model.recipe.option import Kind, Option
from derm_model.recipe.options import GROUPS, OPTIONS
from derm_model.recipe.words import differences, from_arguments, in_words, read_value, to_arguments
from derm_model.taxonomy.partition import MODES
from derm_model.taxonomy.targets import TARGETS

CHANGED = TrainConfig(
    initialisation="random",
    architecture="tiny",
    count_include_pad=False,
    mean=(0.0, 0.1, 0.25),
    stages=(Stage(96, 3), Stage(128, 1)),
    optimizer="adamw",
    learning_rate=1e-5,
    rotate=False,
    source_weights={"PAD-UFES-20": 5.0, "A b": 0.5},
    ema_decay=0.99,
    patience=4,
    targets="nine",
    max_class_size=70,
)


def test_every_field_of_the_recipe_is_explained_once() -> None:
    listed = [option.name for options in GROUPS.values() for option in options]
    assert sorted(listed) == sorted(f.name for f in dataclasses.fields(TrainConfig))


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_an_option_has_a_label_and_a_reason_and_the_ranges_of_the_rules(option: Option) -> None:
    assert option.label and option.label[0].isupper()
    assert len(option.help) > 10 or "paper" in option.help
    default = getattr(TrainConfig(), option.name)
    if option.kind in (Kind.NUMBER, Kind.WHOLE):
        assert option.bounds == allowed_range(option.name)
        low, high = option.bounds
        assert low <= option.step <= high or low <= low + option.step <= high
        assert default is None or low <= default <= high
        assert default is None or isinstance(default, int if option.kind is Kind.WHOLE else float)
    if option.kind is Kind.FLAG:
        assert isinstance(default, bool)
    assert option.optional or default is not None


def test_choices_are_those_the_rules_accept() -> None:
    accepted = {
        "optimizer": rules.OPTIMIZERS,
        "schedule": rules.SCHEDULES,
        "loss": rules.LOSSES,
        "targets": TARGETS,
        "partition_mode": MODES,
        "architecture": ("inception_v3", "tiny"),
    }
    listed = {name: set(option.choices) for name, option in OPTIONS.items() if option.kind is Kind.CHOICE}
    assert listed == {name: set(choices) for name, choices in accepted.items()}


def test_an_option_without_effect_says_with_what_it_has_one() -> None:
    for option in OPTIONS.values():
        if option.only_with is not None:
            other, wanted = option.only_with
            assert set(wanted) <= set(OPTIONS[other].choices)
            assert option.has_effect({other: wanted[0]})
            assert not option.has_effect({other: "something else"})


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("config", [*PRESETS.values(), CHANGED])
def test_arguments_made_of_a_recipe_give_it_back(preset: str, config: TrainConfig) -> None:
    parser = argparse.ArgumentParser()
    add_recipe(parser)
    words = [f"--preset={preset}", *to_arguments(config, PRESETS[preset]), "--set=seed=2017"]
    assert read_config(parser.parse_args(words)) == config


def test_values_are_read_as_their_field_wants_them() -> None:
    read: dict[str, Any] = {
        "ema_decay": ("none", None),
        "batch_size": ("64", 64),
        "learning_rate": ("1e-4", 1e-4),
        "rotate": ("False", False),
        "std": ("0.1, 0.2, 0.3", (0.1, 0.2, 0.3)),
        "stages": ("96:2 128:1", (Stage(96, 2), Stage(128, 1))),
        "source_weights": ("A b=2\n\nC=0.5", {"A b": 2.0, "C": 0.5}),
        "optimizer": ("adamw", "adamw"),
    }
    for name, (text, value) in read.items():
        assert read_value(name, text) == value


@pytest.mark.parametrize(
    "name, text",
    [
        ("batch_size", "3.5"),
        ("batch_size", "inf"),
        ("learning_rate", "fast"),
        ("rotate", "perhaps"),
        ("mean", "0.5, 0.5"),
        ("stages", "96"),
        ("source_weights", "PAD"),
        ("no_such_option", "1"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_options_label(name: str, text: str) -> None:
    with pytest.raises(TrainingError, match=OPTIONS[name].label if name in OPTIONS else "Unknown"):
        read_value(name, text)


def test_recipes_differ_where_their_fields_do() -> None:
    one = TrainConfig()
    assert differences(one, one) == {}
    assert differences(one, replace(one, dropout=0.2, patience=3)) == {"dropout": (0.5, 0.2), "patience": (None, 3)}


def test_values_in_words() -> None:
    shown = {name: in_words(name, getattr(CHANGED, name)) for name in OPTIONS}
    assert shown["stages"] == "96 px × 3, 128 px × 1"
    assert shown["optimizer"] == "AdamW"
    assert shown["learning_rate"] == "1e-05"
    assert shown["rotate"] == "no"
    assert shown["source_weights"] == "PAD-UFES-20 × 5, A b × 0.5"
    assert shown["mean"] == "0, 0.1, 0.25"
    assert in_words("ema_decay", None) == "off"
    assert in_words("batch_size", 4096) == "4,096"
    assert in_words("seed", 2017) == "2017"


@pytest.mark.parametrize(
    "given, said",
    [
        ({"preset": "best"}, "Unknown preset 'best'"),
        ({"preset": "paper", "settings": ["seed"]}, "NAME=VALUE"),
        ({"preset": "paper", "stages": ["192"]}, "PX:EPOCHS"),
        ({"preset": "paper", "source_weights": ["PAD"]}, "SOURCE=WEIGHT"),
    ],
)
def test_arguments_that_make_no_recipe_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        from_arguments(**given)
