"""Fine-tuning as in the paper (Methods, "Training algorithm"): one loop that reads top to bottom and yields progress.

A run is a folder. After each epoch a checkpoint with everything needed to go on replaces the last one, so that Ctrl-C
or a kill costs at most the running epoch, and a resumed run ends with the same weights as one that was never stopped:
order, views and dropout of an epoch depend on the seed and the epoch only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derm_model.data.manifest import Record
from derm_model.errors import TrainingError
from derm_model.evaluation import metrics
from derm_model.net.config import TrainConfig
from derm_model.net.loader import training_batches, whole_images
from derm_model.net.network import AnyNetwork
from derm_model.net.optimizer import learning_rate
from derm_model.net.precision import autocast_dtype
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.run_state import RunPaths, RunState, replace_text, start

MEAN_CROP = 0.8  # mean side of the inscribed square over all angles: a crop of s px matches a whole image of s / 0.8


@dataclass(frozen=True)
class EpochResult:
    """What an epoch gave.

    Attributes
    ----------
    epoch : int
        1-based.
    loss : float
        Mean training loss (cross entropy with the config's smoothing).
    accuracy : float or None
        Mean of per-class accuracies on the validation images; None where there are none.
    per_class : tuple of float or None
        Accuracy of each training class; None for a class without validation images.
    """

    epoch: int
    n_epochs: int
    size_px: int
    loss: float
    accuracy: float | None
    per_class: tuple[float | None, ...]
    learning_rate: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Labelled:
    """Records with their training class: what `fit` learns from or is measured on."""

    records: tuple[Record, ...]
    labels: npt.NDArray[np.int64]  # (n,)

    def __post_init__(self) -> None:
        if len(self.records) != len(self.labels):
            raise ValueError(f"{len(self.records)} records but {len(self.labels)} labels")


@dataclass(frozen=True)
class Fitted:
    """A trained network; `weights` is "average" or "last"."""

    network: AnyNetwork
    epochs: int
    seconds: float
    origin: str
    weights: str


def fit(
    config: TrainConfig,
    train: Labelled,
    validation: Labelled,
    n_classes: int,
    paths: RunPaths,
    *,
    device: str = "cpu",
) -> Iterator[EpochResult]:
    """Train, one epoch per step of the iterator; resumes from the run folder's checkpoint where there is one.

    Parameters
    ----------
    config : TrainConfig
    train, validation : Labelled
        ``validation`` may be empty.
    n_classes : int
        Logits, >= 2.
    paths : RunPaths
        The folder must exist.
    device : str
        ``cpu`` or ``cuda``.

    Yields
    ------
    EpochResult
        After its checkpoint is on disk.

    Raises
    ------
    TrainingError
        No training images, a class without any, a damaged checkpoint, or a loss that is not finite.
    """
    _check(train, n_classes)
    target = torch.device(device)
    state = start(config, n_classes, paths, target)
    steps_per_epoch = max(1, len(train.records) // config.batch_size)
    while state.epoch < config.epochs:
        started = time.monotonic()
        loss, rate = _run_epoch(config, train, state, steps_per_epoch, target)
        n_images = steps_per_epoch * min(config.batch_size, len(train.records))
        speed = n_images / (time.monotonic() - started)
        accuracy, per_class = _validate(config, validation, state, n_classes, target)
        size = config.stage_of(state.epoch).size_px
        took = time.monotonic() - started
        state.epoch += 1
        state.seconds += took
        result = EpochResult(state.epoch, config.epochs, size, loss, accuracy, per_class, rate, took, speed)
        state.history.append(dataclasses.asdict(result))
        state.save(paths.checkpoint)
        # Whole, from the checkpoint's own history: a kill between the two files leaves no gap and no double line.
        replace_text(paths.metrics, "".join(json.dumps(line) + "\n" for line in state.history))
        yield result


def fitted(config: TrainConfig, n_classes: int, paths: RunPaths, *, average: bool = True) -> Fitted:
    """The network of the run's last checkpoint, on the CPU, in eval mode.

    Parameters
    ----------
    average : bool
        With the averaged weights, where the run has them, instead of the last.

    Raises
    ------
    TrainingError
        No checkpoint, or a damaged one.
    """
    if not paths.checkpoint.is_file():
        raise TrainingError(f"{paths.folder} holds no checkpoint: no epoch was finished. Train first.")
    state = start(config, n_classes, paths, torch.device("cpu"))
    averaged = average and state.average is not None
    if state.average is not None and averaged:
        state.network.load_state_dict(state.average.values)
    return Fitted(state.network.eval(), state.epoch, state.seconds, state.origin, "average" if averaged else "last")


def _check(train: Labelled, n_classes: int) -> None:
    if not train.records:
        raise TrainingError("There is no image to train on. Check the manifest and the split.")
    if empty := [i for i in range(n_classes) if i not in set(train.labels.tolist())]:
        raise TrainingError(
            f"Classes {empty} have no training image. Lower the holdout share or merge them (maxClassSize)."
        )


def _run_epoch(
    config: TrainConfig, train: Labelled, state: RunState, steps_per_epoch: int, device: torch.device
) -> tuple[float, float]:
    """One pass; mean loss and the last learning rate."""
    torch.manual_seed(config.seed * 1_000_003 + state.epoch)  # dropout and jitter: the same after a resume
    state.network.train()
    cuda = device.type == "cuda"
    dtype = autocast_dtype(device)
    scaler = torch.amp.GradScaler(enabled=dtype is torch.float16)
    preprocessing = Preprocessing(size_px=config.stage_of(state.epoch).size_px, mean=config.mean, std=config.std)
    total = torch.zeros((), device=device)
    rate = 0.0
    for i, (pixels, labels) in enumerate(training_batches(train.records, train.labels, config, state.epoch, pin=cuda)):
        rate = learning_rate(config, state.step, state.epoch + i / steps_per_epoch, steps_per_epoch * config.epochs)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        unit = preprocessing.to_unit(pixels.to(device, non_blocking=cuda))
        x = preprocessing.standardise(jitter(unit, config)).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext():
            loss = _loss(state.network, x, labels.to(device, non_blocking=cuda), config)
        state.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(scaler.scale(loss))
        scaler.step(state.optimizer)
        scaler.update()
        if state.average is not None:
            state.average.update(state.network, state.step)
        state.step += 1
        total += loss.detach()
    mean = float(total) / steps_per_epoch
    if not np.isfinite(mean):
        raise TrainingError(f"The loss is {mean} in epoch {state.epoch + 1}. Lower the learning rate and resume.")
    return mean, rate


def _loss(network: AnyNetwork, x: Tensor, labels: Tensor, config: TrainConfig) -> Tensor:
    logits, aux = network.forward_with_aux(x)
    loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
    if aux is not None:
        loss = loss + config.aux_weight * F.cross_entropy(aux, labels, label_smoothing=config.label_smoothing)
    return loss


def jitter(unit: Tensor, config: TrainConfig) -> Tensor:
    """Brightness and contrast of each image, (n, 3, s, s) in [0, 1], times a factor drawn from 1 ± the config's."""
    if config.brightness == 0 and config.contrast == 0:
        return unit
    factors = torch.rand(2, len(unit), 1, 1, 1) * 2 - 1
    brightness, contrast = (
        1 + f.to(unit.device) * s for f, s in zip(factors, (config.brightness, config.contrast), strict=True)
    )
    mean = unit.mean((1, 2, 3), keepdim=True)
    shifted: Tensor = ((unit - mean) * contrast + mean) * brightness
    return shifted.clamp(0, 1)


@torch.inference_mode()
def logits_of(
    network: nn.Module,
    records: Sequence[Record],
    preprocessing: Preprocessing,
    *,
    device: str | torch.device = "cpu",
    workers: int = 1,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Logits (n, n_classes) and features (n, n_features) of whole images, in the order of the records.

    ``network`` must be in eval mode. Full precision: these figures go into the bundle's card.
    """
    logits, features = [], []
    any_network: Any = network
    for pixels, _ in whole_images(records, preprocessing, workers=workers):
        x = preprocessing.normalise(pixels.to(device)).to(memory_format=torch.channels_last)
        feature = any_network.features(x)
        features.append(feature.float().cpu().numpy())
        logits.append(any_network.head(feature).double().cpu().numpy())
    return np.concatenate(logits), np.concatenate(features)


def _validate(
    config: TrainConfig, validation: Labelled, state: RunState, n_classes: int, device: torch.device
) -> tuple[float | None, tuple[float | None, ...]]:
    """Mean of per-class accuracies, read at the scale the stage's crops have, at most `TrainConfig.read_size_px`."""
    if not validation.records:
        return None, (None,) * n_classes
    size = min(config.read_size_px, round(config.stage_of(state.epoch).size_px / MEAN_CROP))
    preprocessing = Preprocessing(size_px=size, mean=config.mean, std=config.std)
    state.network.eval()
    own = {k: v.clone() for k, v in state.network.state_dict().items()} if state.average else None
    if state.average is not None:
        state.network.load_state_dict(state.average.values)
    try:
        logits, _ = logits_of(state.network, validation.records, preprocessing, device=device, workers=config.workers)
    finally:
        if own is not None:
            state.network.load_state_dict(own)
    predicted = logits.argmax(1)
    rows = metrics.class_table(validation.labels, predicted, n_classes)
    return metrics.mean_class_accuracy(validation.labels, predicted, n_classes), tuple(
        row.accuracy.value if row.accuracy else None for row in rows
    )
