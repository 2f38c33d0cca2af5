"""Maps of one backward pass: the paper's, and the gradient times the image."""

from __future__ import annotations

from captum.attr import InputXGradient, Saliency
from torch import Tensor

from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import EVIDENCE, Cost, Method, Raw, Settings
from derm_model.net.saliency.passes import Passes
from derm_model.net.saliency.target import GRADIENT_OF, Target
from derm_model.progress import Report

ONE_PASS = Cost(backward=1)


def _gradient(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    passes = Passes(explainer, target, GRADIENT.name, ONE_PASS, report)
    saliency = Saliency(passes.evidence)
    saliency.gradient_func = passes.gradients
    return Raw(saliency.attribute(unit.clone().requires_grad_(True), abs=False)[0].abs().sum(dim=0))


def _input_x_gradient(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    """Summed over RGB before the sign is dropped: a pixel is one thing, and its channels may speak against each other.

    Black pixels get nothing, whatever the network makes of them.
    """
    passes = Passes(explainer, target, INPUT_X_GRADIENT.name, ONE_PASS, report)
    product = InputXGradient(passes.evidence)
    product.gradient_func = passes.gradients
    signed = product.attribute(unit.clone().requires_grad_(True))[0].detach().sum(dim=0)
    return Raw(signed.abs(), signed)


def _gradient_title(target: Target) -> str:
    """The paper's map is of the loss, and only that one is called the paper's."""
    if target.of == "loss" and not target.contrast:
        return GRADIENT_OF["loss"]
    what = "the probability" if not target.contrast else EVIDENCE[target.of, True]
    return f"L1 norm over RGB of the input gradient of {what} (Simonyan et al. 2013)"


GRADIENT = Method(
    id="gradient",
    name="Input gradient, L1 over RGB",
    paper="of the loss: Esteva et al., Dermatologist-level classification, 2017; "
    "of a score: Simonyan et al., Deep inside convolutional networks, 2013",
    meaning="How much the answer would move if a pixel changed a little.",
    settings=(),
    cost=lambda settings, size_px: ONE_PASS,
    run=_gradient,
    named=_gradient_title,
)
INPUT_X_GRADIENT = Method(
    id="input_x_gradient",
    name="Input × gradient",
    paper="Shrikumar et al., Not just a black box, 2016",
    meaning="What each pixel adds to the answer, if the network were linear and black meant nothing.",
    settings=(),
    cost=lambda settings, size_px: ONE_PASS,
    run=_input_x_gradient,
)
