"""What a run keeps on disk and in memory: its files, the average of the weights, the checkpoint.

config.json        recipe, classes, split rule and digest of the data: what the run was started with
split.csv          which image went where
metrics.jsonl      a line per finished epoch
checkpoint.pt      state after the last finished epoch: all that is needed to go on
best.safetensors   weights of the epoch with the highest mean class accuracy on the validation images
validation.csv     probabilities of the finished network for the validation images
bundle/            the finished bundle
run.lock           locked by the process that trains; progress.json and stop are how a team's leader is spoken to
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from derm_model.disk import full_disk
from derm_model.errors import TrainingError
from derm_model.files import replaced
from derm_model.net.initialisation import initialise
from derm_model.net.network import AnyNetwork, build_network
from derm_model.net.optimizer import build_optimizer
from derm_model.net.precision import autocast_dtype
from derm_model.recipe.config import TrainConfig

LOCK_PATIENCE_S = 3.0


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
    def best(self) -> Path:
        """Weights of the best epoch."""
        return self.folder / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """One JSON line per epoch."""
        return self.folder / "metrics.jsonl"

    @property
    def split(self) -> Path:
        """Which image went where."""
        return self.folder / "split.csv"

    @property
    def validation(self) -> Path:
        """What the finished network says of the validation images."""
        return self.folder / "validation.csv"

    @property
    def bundle(self) -> Path:
        """The finished bundle."""
        return self.folder / "bundle"

    @property
    def lock(self) -> Path:
        """Locked by the process that trains here."""
        return self.folder / "run.lock"

    @property
    def progress(self) -> Path:
        """Where the leader of several processes says how far they are."""
        return self.folder / "progress.json"

    @property
    def stop(self) -> Path:
        """There when several processes are asked to stop."""
        return self.folder / "stop"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from training in this folder; freed by the system however this one ends.

        Raises
        ------
        TrainingError
            Another process trains here.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.lock.open("a") as file:
            if not _locks(file):
                raise TrainingError(
                    f"One process trains in a run folder. Another is at it in {self.folder}. Wait for it, stop it, or "
                    "choose another --out."
                )
            yield


def _locks(file: IO[str]) -> bool:
    """Whether the file could be locked; asked for a while, as the readers of a killed process outlive it a moment."""
    end = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)


@contextmanager
def room_on_disk(path: Path, epoch: int) -> Iterator[None]:
    """Turn a full disk into a message that says what is safe: the 1-based `epoch`, 0 for none."""
    try:
        yield
    except Exception as error:  # torch and safetensors raise their own kinds about a write that failed
        if full_disk(error) is None:
            raise
        free = shutil.disk_usage(path.parent).free
        kept = f"Epoch {epoch} is safe and can be resumed." if epoch else "No epoch was finished yet."
        raise TrainingError(
            f"{path.name} could not be written: the disk is full or a size limit was reached ({free // 2**20:,} MB "
            f"free at {path.parent}). {kept} Free some space, then resume."
        ) from error


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
    scaler: torch.amp.GradScaler
    average: Average | None
    digest: str = ""  # of recipe, classes and data: a checkpoint of other ones is not gone on with
    epoch: int = 0  # finished epochs
    step: int = 0
    seconds: float = 0.0
    origin: str = ""
    best_epoch: int = 0  # 1-based; 0: none yet
    best_accuracy: float | None = None
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # one entry per finished epoch

    _NUMBERS = ("digest", "epoch", "step", "seconds", "origin", "best_epoch", "best_accuracy", "history")

    def save(self, path: Path) -> None:
        """Replace the checkpoint, and see it on the disk before the old one goes."""
        saved = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.values if self.average else None,
            "random": _random_states(),
            **{name: getattr(self, name) for name in self._NUMBERS},
        }
        # an open file instead of a name: torch's own writer does not say that the disk is full
        with (
            room_on_disk(path, self.epoch - 1),
            replaced(path) as temporary,
            temporary.open("wb") as file,
        ):
            torch.save(saved, file)
            file.flush()
            os.fsync(file.fileno())

    def load(self, path: Path, device: torch.device) -> None:
        """Take everything over from a checkpoint.

        Raises
        ------
        TrainingError
            The file is damaged, of another network, or of another recipe or other data.
        """
        try:
            saved = torch.load(path, map_location=device, weights_only=True)
            digest = saved["digest"]
            if digest == self.digest:
                self.network.load_state_dict(saved["network"])
                self.optimizer.load_state_dict(saved["optimizer"])
                self.scaler.load_state_dict(saved["scaler"])
                if self.average is not None:
                    self.average.values = saved["average"]
                _set_random_states(saved["random"])
                for name in self._NUMBERS:
                    setattr(self, name, saved[name])
        except Exception as error:  # torch raises half a dozen kinds for a damaged file
            raise TrainingError(
                f"The checkpoint {path} could not be read ({error}). Delete it to start this run again."
            ) from error
        if digest != self.digest:
            raise TrainingError(
                f"The checkpoint {path} is of another recipe, other classes or other images. Choose another --out."
            )

    def shown_weights(self) -> dict[str, Tensor]:
        """The weights that are measured: the average where there is one."""
        return self.average.values if self.average is not None else self.network.state_dict()

    def save_best(self, path: Path) -> None:
        """Replace the best weights by the present ones."""
        values = {k: v.detach().cpu().contiguous() for k, v in self.shown_weights().items()}
        with room_on_disk(path, self.epoch - 1), replaced(path) as temporary:
            save_file(values, temporary, {"epoch": str(self.best_epoch), "digest": self.digest})


def read_best(path: Path, digest: str) -> tuple[dict[str, Tensor], int] | None:
    """Weights and 1-based epoch that `save_best` wrote; None where there are none, or of another run."""
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
            if facts.get("digest") != digest:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, int(facts["epoch"])  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def _random_states() -> dict[str, Any]:
    """Torch's generators. Training draws by place, not from them; whatever else uses them goes on, too."""
    return {
        "cpu": torch.get_rng_state(),
        "cuda": list(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else [],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["cpu"].cpu())
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])


def start(config: TrainConfig, classes: Sequence[str], paths: RunPaths, device: torch.device, digest: str) -> RunState:
    """A fresh state, or the checkpoint's; `classes` are the ids of the outputs."""
    torch.manual_seed(config.seed)
    network = build_network(
        len(classes),
        architecture=config.architecture,
        count_include_pad=config.count_include_pad,
        aux=config.aux_weight > 0,
        dropout=config.dropout,
    )
    resumed = paths.checkpoint.is_file()
    origin = "" if resumed else initialise(network, config, classes)
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.frozen_stem:
        network.blocks()[0].requires_grad_(False)  # before the optimiser is made: it shall not know these weights
    average = Average(network, config.ema_decay) if config.ema_decay is not None else None
    scaler = torch.amp.GradScaler(
        device.type, enabled=config.reduced_precision and autocast_dtype(device) is torch.float16
    )
    state = RunState(network, build_optimizer(network, config), scaler, average, digest=digest, origin=origin)
    if resumed:
        state.load(paths.checkpoint, device)
    return state
