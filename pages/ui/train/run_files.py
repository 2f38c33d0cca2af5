"""What a run's folder says so far, whatever state it is in: files may be missing, half there, or of another version.

Read without torch and without an error: a page that shows a job must not fail because of it. No Streamlit in here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derm_model.errors import DermTreeError
from derm_model.recipe.config import TrainConfig

MAX_BYTES = 20_000_000  # of metrics.jsonl: ten thousand epochs of a thousand classes are less


@dataclass(frozen=True)
class Epoch:
    """A finished epoch, as `derm_model.net.training.EpochResult` says it; what is not there is None."""

    epoch: int
    n_epochs: int | None
    size_px: int | None
    loss: float | None
    validation_loss: float | None
    accuracy: float | None
    nine: float | None
    three: float | None
    learning_rate: float | None
    seconds: float | None
    images_per_second: float | None
    memory_bytes: float | None


@dataclass(frozen=True)
class History:
    """Finished epochs in order; `damaged`: lines that could not be read."""

    epochs: tuple[Epoch, ...] = ()
    damaged: int = 0

    @property
    def numbers(self) -> list[int]:
        """1-based numbers of the epochs."""
        return [epoch.epoch for epoch in self.epochs]

    def values(self, name: str) -> list[float | None]:
        """One field of every epoch."""
        return [getattr(epoch, name) for epoch in self.epochs]

    @property
    def stages(self) -> dict[int, int]:
        """First epoch of each stage -> its crop's side in px; {} where all epochs have one size."""
        found: dict[int, int] = {}
        for epoch in self.epochs:
            if epoch.size_px is not None and (not found or epoch.size_px != list(found.values())[-1]):
                found[epoch.epoch] = epoch.size_px
        return found if len(found) > 1 else {}


def read_history(folder: Path) -> History:
    """Epochs from metrics.jsonl; lines that are none are counted."""
    try:
        with (folder / "metrics.jsonl").open("rb") as file:
            lines = file.read(MAX_BYTES).splitlines()
    except OSError:
        return History()
    epochs: dict[int, Epoch] = {}
    damaged = 0
    for line in lines:
        epoch = _epoch(line)
        if epoch is None:
            damaged += bool(line.strip())
        else:
            epochs[epoch.epoch] = epoch
    return History(tuple(epochs[number] for number in sorted(epochs)), damaged)


def _epoch(line: bytes) -> Epoch | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    if not isinstance(values, dict):
        return None
    number = _number(values, "epoch")
    if number is None or number < 1 or number != int(number):
        return None
    n_epochs, size = _number(values, "n_epochs"), _number(values, "size_px")
    names = ("loss", "validation_loss", "accuracy", "nine", "three", "learning_rate")
    more = ("seconds", "images_per_second", "memory_bytes")
    return Epoch(
        epoch=int(number),
        n_epochs=None if n_epochs is None else int(n_epochs),
        size_px=None if size is None else int(size),
        **{name: _number(values, name) for name in (*names, *more)},
    )


def _number(values: dict[str, Any], name: str) -> float | None:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def read_config(folder: Path) -> TrainConfig | None:
    """The recipe the run was started with; None where config.json is missing, damaged or of another version."""
    try:
        recipe = json.loads((folder / "config.json").read_bytes())["config"]
        return TrainConfig.from_json(recipe)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DermTreeError):
        return None


def is_damaged(folder: Path) -> bool:
    """Whether there is a config.json that cannot be read."""
    return (folder / "config.json").is_file() and read_config(folder) is None


def last_known(history: Sequence[float | None]) -> float | None:
    """The last value that is known."""
    return next((value for value in reversed(history) if value is not None), None)
