"""Recipes as words for people and as arguments of the command line, by the table of `options`. No torch in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from derm_model.errors import TrainingError
from derm_model.recipe.config import PRESETS, Stage, TrainConfig
from derm_model.recipe.option import Kind
from derm_model.recipe.options import OPTIONS

OFF = "off"


def in_words(name: str, value: Any) -> str:
    """A value as the form says it: "RMSProp (TensorFlow)", "192 px × 4, 240 px × 2", "off"."""
    option = OPTIONS[name]
    if value is None:
        return OFF
    if option.kind is Kind.CHOICE:
        return option.choices.get(str(value), str(value))
    if option.kind is Kind.FLAG:
        return "yes" if value else "no"
    if option.kind is Kind.STAGES:
        return ", ".join(f"{stage.size_px} px × {stage.epochs}" for stage in value)
    if option.kind is Kind.WEIGHTS:
        return ", ".join(f"{source} × {weight:g}" for source, weight in value.items()) or "all alike"
    if option.kind is Kind.TRIPLE:
        return ", ".join(f"{x:g}" for x in value)
    if option.kind is Kind.NUMBER:
        return f"{value:.6g}"
    if option.kind is Kind.WHOLE and name != "seed":
        return f"{value:,}"
    return str(value)


def differences(one: TrainConfig, other: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """Options that are not the same in two recipes, in the order of the table."""
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in OPTIONS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def to_arguments(config: TrainConfig, preset: TrainConfig) -> list[str]:
    """The options of `train` and `crossval` that turn a preset into a recipe."""
    found = []
    for name, (value, _) in differences(config, preset).items():
        kind = OPTIONS[name].kind
        if kind is Kind.SOURCE:
            found.append(f"--initialisation={value}")
        elif kind is Kind.STAGES:
            found += ["--stages", *(f"{stage.size_px}:{stage.epochs}" for stage in value)]
        elif kind is Kind.WEIGHTS:
            found += ["--source-weight", *(f"{source}={weight!r}" for source, weight in value.items())] * bool(value)
        else:
            found.append(f"--set={setting(name, value)}")
    return found


def setting(name: str, value: Any) -> str:
    """A value as `--set` takes it: ``NAME=VALUE``."""
    if isinstance(value, tuple):
        text = ",".join(map(repr, value))
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = "none" if value is None else str(value)
    return f"{name}={text}"


def from_arguments(
    preset: str,
    *,
    settings: Iterable[str] = (),
    stages: Sequence[str] = (),
    source_weights: Sequence[str] = (),
    initialisation: str | None = None,
) -> TrainConfig:
    """The recipe that a preset becomes with these options of `train` and `crossval`, not yet checked.

    Parameters
    ----------
    settings
        ``NAME=VALUE`` each, of `--set`.
    stages
        ``PX:EPOCHS`` each.
    source_weights
        ``SOURCE=WEIGHT`` each.

    Raises
    ------
    TrainingError
        An unknown preset or option, or a value that does not fit its option.
    """
    if preset not in PRESETS:
        raise TrainingError(f"Unknown preset {preset!r}. Choose one of {', '.join(PRESETS)}.")
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise TrainingError(f"--set wants NAME=VALUE, got {setting!r}.")
        values[name] = read_value(name, text)
    if stages:
        values["stages"] = read_value("stages", " ".join(stages))
    if source_weights:
        values["source_weights"] = read_value("source_weights", "\n".join(source_weights))
    if initialisation:
        values["initialisation"] = initialisation
    return replace(PRESETS[preset], **values)


def read_value(name: str, text: str) -> Any:
    """The value that ``--set name=text`` means.

    Raises
    ------
    TrainingError
        No such option, or a text that does not fit it.
    """
    if name not in OPTIONS:
        raise TrainingError(f"Unknown training option {name!r}. Known: {', '.join(OPTIONS)}.")
    option = OPTIONS[name]
    if option.optional and text.lower() == "none":
        return None
    try:
        return _READERS[option.kind](text)
    except (KeyError, ValueError, OverflowError):
        raise TrainingError(f"{option.label} ({name}) wants {option.kind}. {text!r} does not fit.") from None


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _whole(text: str) -> int:
    number = float(text)
    if number != int(number):
        raise ValueError(text)
    return int(number)


def _triple(text: str) -> tuple[float, float, float]:
    red, green, blue = (float(part) for part in text.split(","))
    return red, green, blue


def _stages(text: str) -> tuple[Stage, ...]:
    """``192:4 240:2``"""
    pairs = [part.split(":") for part in text.split()]
    return tuple(Stage(int(size_px), int(epochs)) for size_px, epochs in pairs)


def _weights(text: str) -> dict[str, float]:
    """``PAD-UFES-20=5``, one a line."""
    pairs = [line.strip().rpartition("=") for line in text.splitlines() if line.strip()]
    if any(not equals or not source.strip() for source, equals, _ in pairs):
        raise ValueError(text)
    return {source.strip(): float(weight) for source, _, weight in pairs}


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: float,
    Kind.WHOLE: _whole,
    Kind.FLAG: _flag,
    Kind.CHOICE: str,
    Kind.TRIPLE: _triple,
    Kind.STAGES: _stages,
    Kind.WEIGHTS: _weights,
    Kind.SOURCE: str,
}
