"""Which GPUs there are, for a form."""

from __future__ import annotations

import torch


def gpu_names() -> tuple[str, ...]:
    """Names of the GPUs torch can compute on, in the order of their numbers: cuda:0 first."""
    return tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
