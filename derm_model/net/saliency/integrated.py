"""Integrated gradients: the difference between the image and a baseline, divided among the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import MAX_BATCH, Explainer
from derm_model.net.saliency.method import BASELINES, Cost, Method, Raw, Settings
from derm_model.net.saliency.passes import Passes
from derm_model.net.saliency.target import Target
from derm_model.progress import Report

CLOSE = 0.05  # share of the difference by which a sum may miss it before more steps are advised


@dataclass(frozen=True)
class Completeness:
    """Whether a map adds up: to the evidence of the image less that of the baseline (Sundararajan et al. 2017).

    Parameters
    ----------
    total : float
        Sum of the signed map.
    difference : float
        What it should be.
    """

    total: float
    difference: float

    @property
    def error(self) -> float:
        """How far the sum is off, in the unit of the evidence."""
        return self.total - self.difference

    def sentence(self, baseline: str) -> str:
        """For the reader of the map."""
        text = (
            f"The map adds up to {self.total:+.3g}; the image has {self.difference:+.3g} more evidence than the "
            f"baseline ({baseline})."
        )
        if abs(self.error) > CLOSE * abs(self.difference):
            text += " The two should be equal: take more steps."
        return text


def attributions(
    explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report
) -> tuple[Tensor, Completeness]:
    """Integrated gradients (3, h, w), double, and whether they add up.

    Steps lie where Gauss and Legendre put them, which needs far fewer than equal distances.
    """
    passes = Passes(explainer, target, INTEGRATED_GRADIENTS.name, _cost(settings, unit.shape[-1]), report)
    integrated = IntegratedGradients(passes.evidence)
    integrated.gradient_func = passes.gradients
    baseline = baseline_of(unit, settings.baseline)
    found = integrated.attribute(unit, baseline, n_steps=settings.steps, internal_batch_size=MAX_BATCH)[0].detach()
    at_baseline, at_image = passes.values(torch.cat([baseline, unit])).tolist()
    return found, Completeness(float(found.sum()), at_image - at_baseline)


def _run(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    found, completeness = attributions(explainer, unit, target, settings, report)
    signed = found.sum(dim=0)
    return Raw(signed.abs(), signed, completeness.sentence(BASELINES[settings.baseline]))


def _cost(settings: Settings, size_px: int) -> Cost:
    return Cost(forward=2, backward=settings.steps)


INTEGRATED_GRADIENTS = Method(
    id="integrated_gradients",
    name="Integrated gradients",
    paper="Sundararajan et al., Axiomatic attribution, 2017",
    meaning="What each pixel adds to the answer on the way from the baseline to the image; the map adds up.",
    settings=("steps", "baseline"),
    cost=_cost,
    run=_run,
)
