"""What a run keeps on disk and in memory: its files, the average of the weights, the checkpoint."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from derm_model.errors import TrainingError
from derm_model.files import replaced
from derm_model.net.config import TrainConfig
from derm_model.net.initialisation import initialise
from derm_model.net.network import AnyNetwork, build_network
from derm_model.net.optimizer import build_optimizer


@dataclass(frozen=True)
class RunPaths:
    """Files of a run folder."""

    folder: Path

    @property
    def config(self) -> Path:
        """The recipe and the classes the run was started with."""
        return self.folder / "config.json"

    @property
    def checkpoint(self) -> Path:
        """State after the last finished epoch."""
        return self.folder / "checkpoint.pt"

    @property
    def metrics(self) -> Path:
        """One JSON line per epoch."""
        return self.folder / "metrics.jsonl"

    @property
    def split(self) -> Path:
        """Which image went where."""
        return self.folder / "split.csv"

    @property
    def bundle(self) -> Path:
        """The finished bundle."""
        return self.folder / "bundle"


def replace_text(path: Path, text: str) -> None:
    """Replace a text file whole."""
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


class Average:
    """Exponential moving average of all floating tensors of a network, batch-norm statistics included."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after 0-based `step`; early steps forget faster, or the first weights would linger."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)


@dataclass
class RunState:
    """All that changes during training."""

    network: AnyNetwork
    optimizer: torch.optim.Optimizer
    average: Average | None
    epoch: int = 0  # finished epochs
    step: int = 0
    seconds: float = 0.0
    origin: str = ""
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # one entry per finished epoch

    def save(self, path: Path) -> None:
        """Replace the checkpoint."""
        with replaced(path) as temporary:
            torch.save(
                {
                    "network": self.network.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "average": self.average.values if self.average else None,
                    "epoch": self.epoch,
                    "step": self.step,
                    "seconds": self.seconds,
                    "origin": self.origin,
                    "history": self.history,
                },
                temporary,
            )

    def load(self, path: Path, device: torch.device) -> None:
        """Take everything over from a checkpoint.

        Raises
        ------
        TrainingError
            The file is damaged or of another network.
        """
        try:
            saved = torch.load(path, map_location=device, weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.optimizer.load_state_dict(saved["optimizer"])
            if self.average is not None:
                self.average.values = saved["average"]
            self.epoch, self.step, self.seconds = saved["epoch"], saved["step"], saved["seconds"]
            self.origin, self.history = saved["origin"], saved["history"]
        except Exception as error:  # torch raises half a dozen kinds for a damaged file
            raise TrainingError(
                f"The checkpoint {path} could not be read ({error}). Delete it to start this run again."
            ) from error


def start(config: TrainConfig, n_classes: int, paths: RunPaths, device: torch.device) -> RunState:
    """A fresh state, or the checkpoint's."""
    torch.manual_seed(config.seed)
    network = build_network(
        n_classes,
        architecture=config.architecture,
        count_include_pad=config.count_include_pad,
        aux=config.aux_weight > 0,
        dropout=config.dropout,
    )
    resumed = paths.checkpoint.is_file()
    origin = "" if resumed else initialise(network, config.initialisation)
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = Average(network, config.ema_decay) if config.ema_decay is not None else None
    state = RunState(network, build_optimizer(network, config), average, origin=origin)
    if resumed:
        state.load(paths.checkpoint, device)
    return state
