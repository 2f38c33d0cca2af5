"""How long a run takes and how much memory it needs: before it starts by what is known, then by what was measured.

Effort is counted in images trained at 299 px. A convolution's work grows with the area, so an image at s px counts
(s / 299) ** 2; one that is only read (validation) counts a part of that.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from derm_model.files import taking_turns, write_json
from derm_model.home import home
from derm_model.net.precision import autocast_dtype
from derm_model.net.run import Run
from derm_model.net.training import EpochResult, StepResult
from derm_model.net.validation import MEAN_CROP
from derm_model.progress import Progress
from derm_model.recipe.config import TrainConfig

REFERENCE_PX = 299
# Inception v3 on CPU cores without a measurement (docs/training.md): trained images of 299 px per second and core
CORE_SPEED = {torch.bfloat16: 2.5, None: 1.2}
# reading in full precision against training in the precision of the device, on the CPU
READING = {torch.bfloat16: 0.6, torch.float16: 0.4, None: 0.25}
FROZEN_STEM_SHARE = 0.25  # of a step is saved where the stem does not train
# measured with Inception v3 on the CPU: what a trained image of 299 px holds until its gradient is there
IMAGE_BYTES = {torch.bfloat16: 75e6, torch.float16: 75e6, None: 135e6}
PROCESS_BYTES = 0.55e9  # torch, libraries and one process that reads images
WEIGHT_BYTES = 24e6 * 4
SPEED_FILE = "speed.json"


def training_effort(config: TrainConfig, n_train: int, epoch: int) -> float:
    """Effort of the steps of the 0-based epoch for `n_train` images."""
    share = 1 - FROZEN_STEM_SHARE * config.frozen_stem
    return n_train * share * (config.stage_of(epoch).size_px / REFERENCE_PX) ** 2


def reading_effort(config: TrainConfig, n: int, size_px: int, dtype: torch.dtype | None) -> float:
    """Effort of reading `n` whole images."""
    return n * READING[dtype] * (size_px / REFERENCE_PX) ** 2


def epoch_effort(config: TrainConfig, n_train: int, n_validation: int, epoch: int, dtype: torch.dtype | None) -> float:
    """Effort of the 0-based epoch with its validation."""
    size = min(config.read_size_px, round(config.stage_of(epoch).size_px / MEAN_CROP))
    return training_effort(config, n_train, epoch) + reading_effort(config, n_validation, size, dtype)


class Clock:
    """Turns what `fit` yields into progress with the time left, and remembers the speed for the next run's preview."""

    def __init__(self, run: Run, device: str, n_processes: int = 1) -> None:
        self._config, self._device, self._n_processes = run.config, torch.device(device), n_processes
        dtype = autocast_dtype(self._device)
        self._efforts = [
            epoch_effort(run.config, len(run.train), len(run.validation), epoch, dtype)
            for epoch in range(run.config.epochs)
        ]
        self._trained = [training_effort(run.config, len(run.train), epoch) for epoch in range(run.config.epochs)]
        self._began = time.monotonic()
        self._before: float | None = None  # effort that was done when this process took over
        self._n_steps = 0

    def progress(self, result: StepResult | EpochResult) -> Progress:
        """Steps done of all, with the seconds left at the speed so far."""
        epoch = result.epoch - 1
        if isinstance(result, EpochResult):
            done, step = sum(self._efforts[: epoch + 1]), self._n_steps
            self._remember(result)
        else:
            self._n_steps, step = result.n_steps, result.step
            done = sum(self._efforts[:epoch]) + self._trained[epoch] * step / result.n_steps
        if self._before is None:
            self._before = sum(self._efforts[:epoch])
        elapsed, gained = time.monotonic() - self._began, done - self._before
        left = None
        if gained > 0 and elapsed > 2.0:
            left = (sum(self._efforts) - done) * elapsed / gained
        stage = f"Training, epoch {result.epoch} of {result.n_epochs}"
        n_steps = self._n_steps
        return Progress(stage, epoch * n_steps + step, result.n_epochs * n_steps, "steps", left)

    def _remember(self, result: EpochResult) -> None:
        per_image = (result.size_px / REFERENCE_PX) ** 2 * (1 - FROZEN_STEM_SHARE * self._config.frozen_stem)
        keep_speed(self._config.architecture, self._device, result.images_per_second * per_image, self._n_processes)


def machine(device: torch.device) -> str:
    """The hardware a speed belongs to."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    dtype = autocast_dtype(device)
    return f"{os.cpu_count()} cores {platform.machine()} {'bf16' if dtype is torch.bfloat16 else 'fp32'}"


def _speed_path() -> Path:
    return home() / SPEED_FILE


def _key(architecture: str, device: torch.device, n_processes: int) -> str:
    return f"{architecture} | {machine(device)} | {n_processes} processes"


def keep_speed(architecture: str, device: torch.device, per_second: float, n_processes: int) -> None:
    """Remember the effort per second that was measured; a disk that takes nothing is no reason to stop."""
    path = _speed_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with taking_turns(path):
            known = read_speeds()
            key = _key(architecture, device, n_processes)
            # halfway to the new value: one epoch beside other work shall not say everything
            known[key] = per_second if key not in known else (known[key] + per_second) / 2
            write_json(path, known)
    except OSError:
        return


def read_speeds() -> dict[str, float]:
    """Speeds measured on this installation; none where the file is missing or damaged."""
    try:
        values = json.loads(_speed_path().read_bytes())
        return {str(key): float(value) for key, value in values.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


@dataclass(frozen=True)
class Estimate:
    """Before the start: `seconds` is None where nothing is known of such a machine; `measured`: it was timed here."""

    seconds: float | None
    memory_bytes: float
    measured: bool


def estimate(
    config: TrainConfig, n_train: int, n_validation: int, n_test: int, device: str, n_processes: int = 1
) -> Estimate:
    """Time of the whole schedule with its bundle, and memory of one process.

    Parameters
    ----------
    n_train, n_validation, n_test : int
        Images.
    """
    target = torch.device(device)
    dtype = autocast_dtype(target)
    effort = sum(epoch_effort(config, n_train, n_validation, epoch, dtype) for epoch in range(config.epochs))
    # afterwards: validation images with each set of weights, held-out ones, and those that describe the training set
    n_read = n_validation * (1 + (config.ema_decay is not None)) + n_test + min(n_train, 2000)
    effort += reading_effort(config, n_read, config.read_size_px, dtype)
    speed = read_speeds().get(_key(config.architecture, target, n_processes))
    measured = speed is not None
    if speed is None and target.type == "cpu" and config.architecture == "inception_v3":
        speed = CORE_SPEED[dtype] * (os.cpu_count() or 1)
    if config.architecture == "tiny":
        return Estimate(None if speed is None else effort / speed, PROCESS_BYTES, measured)
    part = config.batch_size / config.accumulate / n_processes
    largest = max(stage.size_px for stage in config.stages)
    share = 1 - 0.5 * config.frozen_stem  # the stem's maps are the largest, and are not kept where it does not train
    images = part * IMAGE_BYTES[dtype] * share * (largest / REFERENCE_PX) ** 2
    copies = 4 + (config.ema_decay is not None)  # weights, gradients, two of the optimiser, average
    memory = images + copies * WEIGHT_BYTES + (PROCESS_BYTES if target.type == "cpu" else 0)
    return Estimate(None if speed is None else effort / speed, memory, measured)
