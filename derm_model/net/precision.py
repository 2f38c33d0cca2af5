"""Which device there is, and which reduced precision it gains from (emulated bfloat16 is ten times slower)."""

from __future__ import annotations

import torch

from derm_model.errors import TrainingError


def find_device(name: str) -> str:
    """The device a user asked for; ``auto`` is CUDA where there is a GPU.

    Raises
    ------
    TrainingError
        CUDA was asked for and there is none.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError(f"--device {name} was asked for, but torch sees no CUDA GPU. Use --device cpu.")
    return name


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """The dtype for autocast on `device`; None where float32 is the best it can do.

    bfloat16 on GPUs with native support and on CPUs with AVX512-BF16 or AMX, float16 on older GPUs.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and _cpu_has_bf16():
        return torch.bfloat16
    return None


def _cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware. torch keeps the question private; without an answer it is no."""
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(bool(check()) for check in checks if check is not None)
