"""Maps of one backward pass: the paper's, and its relatives."""

from __future__ import annotations

from torch import Tensor

from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Cost, Method, Raw, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report


def _gradient(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    return Raw(explainer.gradients(unit, target)[0].abs().sum(dim=0))


GRADIENT = Method(
    id="gradient",
    name="Input gradient, L1 over RGB",
    paper="Simonyan et al. 2013; the map of Esteva et al. 2017 where it is of the loss",
    meaning="How much the answer would move if a pixel changed a little.",
    settings=(),
    cost=lambda settings, size_px: Cost(backward=1),
    run=_gradient,
)
