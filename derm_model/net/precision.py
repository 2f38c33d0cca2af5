"""Which reduced precision a device gains from. Emulated bfloat16 is ten times slower than float32, so ask first."""

from __future__ import annotations

import torch


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
