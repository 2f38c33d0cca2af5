"""SmoothGrad and VarGrad: what stays, and what varies, of the gradient when the image is noisy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from captum.attr import NoiseTunnel, Saliency
from torch import Tensor

from derm_model.net.saliency.explainer import MAX_BATCH, Explainer
from derm_model.net.saliency.method import Cost, Method, Raw, Settings
from derm_model.net.saliency.passes import Passes
from derm_model.net.saliency.target import Target
from derm_model.progress import Report

Kind = Literal["smoothgrad", "vargrad"]
Run = Callable[[Explainer, Tensor, Target, Settings, Report], Raw]


class _SeededTunnel(NoiseTunnel):  # type: ignore[misc]  # captum is untyped
    """Captum's noise tunnel with noise of its own: the process's random state belongs to all threads.

    Noise is drawn copy by copy on the CPU, so that neither the size of a step nor the device changes a map.
    """

    def __init__(self, of: Saliency, seed: int) -> None:
        super().__init__(of)
        self._generator = torch.Generator().manual_seed(seed)

    def _add_noise_to_input(self, input: Tensor, stdev: float, nt_samples_partition: int) -> Tensor:
        noise = [torch.randn(input.shape[1:], generator=self._generator) for _ in range(nt_samples_partition)]
        return input + stdev * torch.stack(noise).to(input.device)


def _run(kind: Kind) -> Run:
    def run(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
        method = {"smoothgrad": SMOOTHGRAD, "vargrad": VARGRAD}[kind]
        passes = Passes(explainer, target, method.name, _cost(settings, unit.shape[-1]), report)
        saliency = Saliency(passes.evidence)
        saliency.gradient_func = passes.gradients
        found = _SeededTunnel(saliency, settings.seed).attribute(
            unit,
            nt_type=kind,
            nt_samples=settings.samples,
            nt_samples_batch_size=MAX_BATCH,
            stdevs=settings.noise * float(unit.max() - unit.min()),
            abs=False,
        )
        # The L1 norm over RGB comes last, as in the paper's map. A variance is a difference of two means here, and
        # may fall a rounding error below zero.
        return Raw(found[0].abs().sum(dim=0) if kind == "smoothgrad" else found[0].clamp(min=0).sum(dim=0))

    return run


def _cost(settings: Settings, size_px: int) -> Cost:
    return Cost(backward=settings.samples)


SMOOTHGRAD = Method(
    id="smoothgrad",
    name="SmoothGrad",
    paper="Smilkov et al., SmoothGrad, 2017",
    meaning="The input gradient, averaged with its sign over noisy copies of the image: what noise flips, cancels.",
    settings=("samples", "noise", "seed"),
    cost=_cost,
    run=_run("smoothgrad"),
)
VARGRAD = Method(
    id="vargrad",
    name="VarGrad",
    paper="Adebayo et al., Local explanation methods lack sensitivity to parameter values, 2018",
    meaning="How much the input gradient varies among noisy copies of the image (variances summed over RGB).",
    settings=("samples", "noise", "seed"),
    cost=_cost,
    run=_run("vargrad"),
)
