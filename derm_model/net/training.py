"""Fine-tuning as in the paper (Methods, "Training algorithm"): one loop that reads top to bottom and yields progress.

A run is a folder. After each epoch a checkpoint with everything needed to go on replaces the last one, so that Ctrl-C
or a kill costs at most the running epoch, and a resumed run ends with the same weights as one that was never stopped:
order, views and noise of an epoch depend on the seed, the epoch and the place in it only. For the same reason several
processes (`derm_model.net.team`) that divide the batches come to the same losses as one, up to rounding.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derm_model.errors import Cancelled, TrainingError
from derm_model.files import replaced
from derm_model.net.loader import Batch, TrainingLoader
from derm_model.net.losses import LabelLoss
from derm_model.net.network import AnyNetwork, freeze
from derm_model.net.noise import colour_jitter, draw_noise, mix
from derm_model.net.optimizer import learning_rate
from derm_model.net.precision import autocast_dtype
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.run import Run
from derm_model.net.run_state import RunPaths, RunState, read_best, room_on_disk, start
from derm_model.net.team import Team, share_batch_norm
from derm_model.net.validation import validate
from derm_model.recipe.config import TrainConfig

STOPPED = "Stopped. The last finished epoch is kept; resume to go on from it."


@dataclass(frozen=True)
class StepResult:
    """A step was taken: `step` of `n_steps` in the 1-based `epoch`; speed since the epoch began, over all processes."""

    epoch: int
    n_epochs: int
    step: int
    n_steps: int
    images_per_second: float


@dataclass(frozen=True)
class EpochResult:
    """What an epoch gave.

    Attributes
    ----------
    epoch : int
        1-based.
    loss : float
        Mean training loss, with the config's smoothing and weights.
    validation_loss : float or None
        Mean of -log P(class) on the validation images; None where there are none.
    accuracy : float or None
        Mean of per-class accuracies on the validation images; None where there are none.
    nine, three : float or None
        The same at the levels of the paper's nine-way and three-way comparisons, from summed probabilities.
    per_class : tuple of float or None
        Accuracy of each training class; None for a class without validation images.
    seconds : float
        With validation.
    images_per_second : float
        While training, over all processes.
    memory_bytes : int
        Largest so far: of the GPU where there is one, else of this process.
    """

    epoch: int
    n_epochs: int
    size_px: int
    loss: float
    validation_loss: float | None
    accuracy: float | None
    nine: float | None
    three: float | None
    per_class: tuple[float | None, ...]
    learning_rate: float
    seconds: float
    images_per_second: float
    memory_bytes: int


@dataclass(frozen=True)
class Fitted:
    """A trained network; `weights` is "average", "last" or "best"."""

    network: AnyNetwork
    epochs: int
    seconds: float
    origin: str
    weights: str


def fit(
    run: Run,
    paths: RunPaths,
    *,
    device: torch.device | str = "cpu",
    team: Team | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[StepResult | EpochResult]:
    """Train; resumes from the run folder's checkpoint where there is one.

    Parameters
    ----------
    run : Run
        Recipe, classes and images; ``run.validation`` may be empty.
    paths : RunPaths
        The folder must exist.
    device : torch.device or str
        ``cpu`` or ``cuda``, this process' own.
    team : Team, optional
        The processes that divide each batch; all call `fit` with the same run.
    stop : callable
        Asked before every step; a True in any process stops all of them.

    Yields
    ------
    StepResult
        After each step.
    EpochResult
        After each epoch, when its checkpoint is on disk.

    Raises
    ------
    TrainingError
        No training images, a class without any, a damaged checkpoint, a full disk, or a loss that is not finite.
    Cancelled
        ``stop`` said so.
    """
    config, team, target = run.config, team or Team(), torch.device(device)
    run.check()
    state = start(config, run.targets.ids, paths, target, run.digest)
    if team.leads and state.history:
        write_metrics(state, paths)
    share_batch_norm(state.network, team)
    loss_of = LabelLoss(
        run.targets.membership(),
        run.train.counts(run.targets.n_labels),
        label_smoothing=config.label_smoothing,
        class_balance=config.class_balance,
        device=target,
    )
    loader = TrainingLoader(
        run.train.records, run.train.labels, config, rank=team.rank, n_ranks=team.size, pin=target.type == "cuda"
    )
    with loader:
        while state.epoch < config.epochs and not _is_patience_over(config, state):
            began = time.monotonic()
            total, rate, speed = torch.zeros((), device=target), 0.0, 0.0
            trainee = _trainee(config, state, team, target)
            for i, parts in enumerate(loader.epoch(state.epoch)):
                if team.any(stop()):
                    raise Cancelled(STOPPED)
                rate = _set_rate(config, state, i, loader.n_steps)
                total += _step(config, state, trainee, loss_of, parts, target)
                speed = (i + 1) * loader.batch_size / (time.monotonic() - began)
                yield StepResult(state.epoch + 1, config.epochs, i + 1, loader.n_steps, speed)
            loss = team.mean(float(total) / loader.n_steps)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"The loss is {loss} in epoch {state.epoch + 1}. Lower the learning rate and start again."
                )
            judged = validate(run, state, team, target)
            state.epoch += 1
            result = EpochResult(
                epoch=state.epoch,
                n_epochs=config.epochs,
                size_px=config.stage_of(state.epoch - 1).size_px,
                loss=loss,
                learning_rate=rate,
                seconds=time.monotonic() - began,
                images_per_second=speed,
                memory_bytes=_memory_bytes(target),
                **judged,
            )
            _keep(state, result, paths, team)
            yield result


def _trainee(config: TrainConfig, state: RunState, team: Team, device: torch.device) -> nn.Module:
    """The network as the epoch trains it: blocks frozen by plan, gradients averaged over the team."""
    freeze(state.network, n_frozen(config, state.network, state.epoch))
    trainee = _Trainee(state.network)
    if team.size == 1:
        return trainee
    devices = [device] if device.type == "cuda" else None
    # made anew each epoch, because it fixes which parameters have a gradient
    return nn.parallel.DistributedDataParallel(trainee, device_ids=devices, forward_sync_buffers=False)


class _Trainee(nn.Module):
    """Images and dropout mask in, logits out; the last layer in full precision."""

    def __init__(self, network: AnyNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, keep: Tensor | None, dtype: torch.dtype | None) -> tuple[Tensor, Tensor | None]:
        with torch.autocast(x.device.type, dtype) if dtype else contextlib.nullcontext():
            features, aux = self.network.features_and_aux(x)
        features = features.float() if keep is None else features.float() * keep
        return self.network.fc(features), aux


def n_frozen(config: TrainConfig, network: AnyNetwork, epoch: int) -> int:
    """Blocks of the body, counted from the input, that stand still in the 0-based epoch.

    With `thaw_epochs` = n the last layer trains alone in the first epoch, and each of the n epochs lets the next n-th
    part of the blocks join, from the last to the first.
    """
    n_blocks = len(network.blocks())
    waiting = n_blocks
    if epoch >= config.thaw_epochs:
        waiting = 0
    elif config.thaw_epochs:
        waiting = n_blocks - n_blocks * epoch // config.thaw_epochs
    return max(waiting, int(config.frozen_stem))


def _set_rate(config: TrainConfig, state: RunState, i: int, n_steps: int) -> float:
    rate = learning_rate(config, state.step, state.epoch + i / n_steps, n_steps * config.epochs)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    return rate


def _step(
    config: TrainConfig,
    state: RunState,
    trainee: nn.Module,
    loss_of: LabelLoss,
    parts: Sequence[Batch],
    device: torch.device,
) -> Tensor:
    """One step of the optimiser on a batch in parts; the mean loss of this process' images."""
    dtype = autocast_dtype(device) if config.reduced_precision else None
    size_px = config.stage_of(state.epoch).size_px
    total = torch.zeros((), device=device)
    state.optimizer.zero_grad(set_to_none=True)
    for i, part in enumerate(parts):
        is_last = i == len(parts) - 1
        alone = isinstance(trainee, _Trainee)
        # the team averages gradients once per step, not once per part
        with contextlib.nullcontext() if alone or is_last else trainee.no_sync():  # type: ignore[operator]
            loss = _loss(config, state, trainee, loss_of, part, size_px, dtype, device) / len(parts)
            torch.autograd.backward(state.scaler.scale(loss))
        total += loss.detach()
    state.scaler.step(state.optimizer)
    state.scaler.update()
    if state.average is not None:
        state.average.update(state.network, state.step)
    state.step += 1
    return total


def _loss(
    config: TrainConfig,
    state: RunState,
    trainee: nn.Module,
    loss_of: LabelLoss,
    part: Batch,
    size_px: int,
    dtype: torch.dtype | None,
    device: torch.device,
) -> Tensor:
    is_cuda = device.type == "cuda"
    preprocessing = Preprocessing(size_px=size_px, mean=config.mean, std=config.std)
    noise = draw_noise(config, state.epoch, part.draws, state.network.n_features)
    unit = colour_jitter(preprocessing.to_unit(part.pixels.to(device, non_blocking=is_cuda)), noise, config)
    x = preprocessing.standardise(mix(unit, noise.shares)).contiguous(memory_format=torch.channels_last)
    labels = part.labels.to(device, non_blocking=is_cuda)
    shares = None if noise.shares is None else noise.shares.to(device)
    logits, aux = trainee(x, None if noise.keep is None else noise.keep.to(device), dtype)
    loss = loss_of(logits, labels, shares)
    if aux is not None:
        loss = loss + config.aux_weight * loss_of(aux, labels, shares)
    return loss


def _keep(state: RunState, result: EpochResult, paths: RunPaths, team: Team) -> None:
    """Write down what the epoch gave; the checkpoint last, so that whatever it says is there."""
    state.seconds += result.seconds
    state.history.append(dataclasses.asdict(result))
    better = result.accuracy is not None and (state.best_accuracy is None or result.accuracy > state.best_accuracy)
    if better:
        state.best_epoch, state.best_accuracy = result.epoch, result.accuracy
    if team.leads:
        if better:
            state.save_best(paths.best)
        state.save(paths.checkpoint)
        write_metrics(state, paths)
    team.wait()


def write_metrics(state: RunState, paths: RunPaths) -> None:
    """Write all epochs, from the checkpoint's own history: a kill between the two files leaves no gap for long."""
    with room_on_disk(paths.metrics, state.epoch), replaced(paths.metrics) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in state.history), encoding="utf-8")


def _is_patience_over(config: TrainConfig, state: RunState) -> bool:
    return config.patience is not None and state.epoch - state.best_epoch >= config.patience > 0 and state.epoch > 0


def _memory_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def fitted(run: Run, paths: RunPaths, which: str = "average") -> Fitted | None:
    """A network of the run, on the CPU, in eval mode.

    Parameters
    ----------
    which : {"average", "last", "best"}
        The averaged weights after the last epoch, the weights themselves, or those of the best epoch.

    Returns
    -------
    Fitted or None
        None where the run has no such weights, or where they are the ones another word names.

    Raises
    ------
    TrainingError
        No checkpoint, or a damaged one.
    """
    if not paths.checkpoint.is_file():
        raise TrainingError(f"{paths.folder} holds no checkpoint: no epoch was finished. Train first.")
    state = start(run.config, run.targets.ids, paths, torch.device("cpu"), run.digest)
    epochs = state.epoch
    if which == "average":
        if state.average is None:
            return None
        state.network.load_state_dict(state.average.values)
    elif which == "best":
        found = read_best(paths.best, run.digest)
        if found is None or found[1] == state.epoch:  # the last epoch was the best: average or last say the same
            return None
        state.network.load_state_dict(found[0])
        epochs = found[1]
    return Fitted(state.network.eval(), epochs, state.seconds, state.origin, which)
