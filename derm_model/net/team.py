"""Training processes that work on one batch together: torch's own launcher starts them, this is how they talk.

Started by `torchrun` (or by `derm_model.net.launching`), each process finds its place in the environment. Without, a
process is a team of one, and nothing here does anything. gloo carries tensors of the CPU, nccl those of GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from derm_model.errors import TrainingError

# A process that waits longer for the others takes them for lost. Validation of a large set on one GPU, a slow disk at
# a checkpoint and first-use compilation of kernels all take less.
TIMEOUT = timedelta(minutes=15)


@dataclass(frozen=True)
class Team:
    """Place of this process: `rank` of `size`; rank 0 leads: it writes files and speaks to the user."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask at the same point."""
        if self.size == 1:
            return flag
        count = torch.tensor(int(flag))
        dist.all_reduce(count)
        return bool(count)

    def mean(self, value: float) -> float:
        """Mean of a number over the processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total)
        return float(total) / self.size

    def gather(self, value: Any) -> list[Any]:
        """What every process gives, in order of rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Until all have come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined(device: str) -> Iterator[tuple[Team, torch.device]]:
    """The team this process was started into, and its own device; a team of one without a launcher.

    Raises
    ------
    TrainingError
        More processes on this machine than it has GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(), torch.device(device)
        return
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    own = torch.device(device)
    if own.type == "cuda":
        if local >= torch.cuda.device_count():
            raise TrainingError(
                f"Each process needs a GPU of its own. Process {local + 1} of this machine found "
                f"{torch.cuda.device_count()}. Start fewer processes."
            )
        own = torch.device("cuda", local)
        torch.cuda.set_device(own)
    dist.init_process_group("cpu:gloo,cuda:nccl" if own.type == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        yield Team(rank, size), own
    finally:
        dist.destroy_process_group()


class TeamBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the images of all processes, so that a divided batch is normalised as the whole one.

    torch.nn.SyncBatchNorm does the same on GPUs only; this one runs on every device, the CPU of the tests included.
    Mean first, then squares about it: the difference of two large sums would lose digits.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same shape."""
        if not self.training or not dist.is_initialized():
            return super().forward(x)
        own = x.float()
        n = torch.tensor(float(own.numel() // own.shape[1] * dist.get_world_size()), device=x.device)
        mean = _sum_over_team(own.sum((0, 2, 3))) / n
        centred = own - mean.view(1, -1, 1, 1)
        variance = _sum_over_team(centred.square().sum((0, 2, 3))) / n
        self._take_in(mean.detach(), (variance * n / (n - 1)).detach())
        scale = torch.rsqrt(variance + self.eps) * (self.weight if self.affine else 1.0)
        normalised = centred * scale.view(1, -1, 1, 1)
        if self.affine:
            normalised = normalised + self.bias.view(1, -1, 1, 1)
        shaped: Tensor = normalised.to(x.dtype)
        return shaped

    @torch.no_grad()
    def _take_in(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, as nn.BatchNorm2d does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        momentum = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class _SumOverTeam(torch.autograd.Function):
    """Sum over all processes. Each one's sum depends on every one's values, so gradients are summed, too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].clone()
        dist.all_reduce(summed)
        return summed


def _sum_over_team(values: Tensor) -> Tensor:
    summed: Tensor = _SumOverTeam.apply(values)
    return summed


def share_batch_norm(network: nn.Module, team: Team) -> None:
    """Let the batch norms of a network count the images of all processes; weights and their names stay."""
    if team.size > 1:
        for module in network.modules():
            if type(module) is nn.BatchNorm2d:
                module.__class__ = TeamBatchNorm2d
