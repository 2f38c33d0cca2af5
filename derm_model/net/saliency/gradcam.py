"""Grad-CAM, and its product with guided gradients: what a block of the network found, weighted by what it is worth.

Both need hooks and work on modules of their own (`Explainer.hooked`). The block's map is stretched over the image as
its authors do. Where a network's convolutions have no padding, as in the stem of Inception v3, a cell at the border
looks up to 6 % of the image's side further inwards than it is shown; in the middle it lies where it looks.
"""

from __future__ import annotations

import warnings

from captum.attr import GuidedGradCam, LayerAttribution, LayerGradCam
from torch import Tensor, nn

from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.hooked import Hooked
from derm_model.net.saliency.method import Cost, Method, Raw, Settings
from derm_model.net.saliency.passes import Passes
from derm_model.net.saliency.target import Target
from derm_model.progress import Report

# Captum says so at every call. Set here once and not around the call: filters belong to all threads.
warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations")


class _Evidence(nn.Module):
    """Image in [0, 1] to evidence, on private modules."""

    def __init__(self, hooked: Hooked, target: Target) -> None:
        super().__init__()
        self.hooked, self._target = hooked, target

    def forward(self, unit: Tensor) -> Tensor:
        return self._target.evidence(self.hooked(unit))


def _grad_cam(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    hooked = explainer.hooked()
    layer = hooked.block(settings.block)
    passes = Passes(explainer, target, GRAD_CAM.name, _cost(settings, unit.shape[-1]), report)
    with passes.step(1):
        # Captum starts the graph at the block's output, so what lies before it keeps nothing.
        coarse = LayerGradCam(_Evidence(hooked, target), layer).attribute(unit, relu_attributions=True)
    stretched = LayerAttribution.interpolate(coarse.detach(), tuple(unit.shape[2:]), "bilinear")
    return Raw(stretched[0, 0])


def _guided_grad_cam(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    hooked = explainer.hooked()
    layer = hooked.block(settings.block)
    passes = Passes(explainer, target, GUIDED_GRAD_CAM.name, _guided_cost(settings, unit.shape[-1]), report)
    with passes.step(2):
        inputs = unit.clone().requires_grad_(True)
        found = GuidedGradCam(_Evidence(hooked, target), layer).attribute(inputs, interpolate_mode="bilinear")
    return Raw(found[0].detach().abs().sum(dim=0))


def _cost(settings: Settings, size_px: int) -> Cost:
    return Cost(backward=1)


def _guided_cost(settings: Settings, size_px: int) -> Cost:
    return Cost(backward=2)


GRAD_CAM = Method(
    id="grad_cam",
    name="Grad-CAM",
    paper="Selvaraju et al., Grad-CAM, 2017",
    meaning="Where a block of the network found what speaks for the answer; coarse.",
    settings=("block",),
    cost=_cost,
    run=_grad_cam,
)
GUIDED_GRAD_CAM = Method(
    id="guided_grad_cam",
    name="Guided Grad-CAM",
    paper="Selvaraju et al., Grad-CAM, 2017",
    meaning="Grad-CAM times guided gradients: fine lines where Grad-CAM points. It resembles an edge detector.",
    settings=("block",),
    cost=_guided_cost,
    run=_guided_grad_cam,
)
