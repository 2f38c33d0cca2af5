"""RISE: the answer's mean over random masks that leave a pixel visible. No gradient, nothing known of the network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import MAX_FORWARD_BATCH, Explainer, steps
from derm_model.net.saliency.method import Cost, Method, Raw, Settings
from derm_model.net.saliency.passes import Passes
from derm_model.net.saliency.target import Target
from derm_model.progress import Report

CELLS = 7  # cells along a mask's side, and the chance that one is visible: Petsiuk et al. 2018, section 4
VISIBLE = 0.5


class Masks:
    """Random masks: a coarse grid of cells, each visible or not, blown up and shifted by less than a cell.

    Parameters
    ----------
    n : int
    size_px : int
        Side of a mask.
    seed : int
        The n-th mask depends on it alone, not on how many are asked for at once.
    """

    def __init__(self, n: int, size_px: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._size, self._cell = size_px, -(-size_px // CELLS)
        self._cells = (torch.rand(n, 1, CELLS, CELLS, generator=generator) < VISIBLE).float()
        self._shifts = torch.randint(self._cell, (n, 2), generator=generator)

    def some(self, numbers: Tensor) -> Tensor:
        """Masks of these numbers: (n, 1, size_px, size_px) in [0, 1], 1 is visible."""
        side = (CELLS + 1) * self._cell
        large = F.interpolate(self._cells[numbers], (side, side), mode="bilinear")
        shifts = self._shifts[numbers].tolist()
        return torch.stack(
            [mask[:, y : y + self._size, x : x + self._size] for mask, (y, x) in zip(large, shifts, strict=True)]
        )


def _run(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    """Expected evidence while a pixel is visible, E[f(image under mask) | mask shows the pixel].

    It is divided by how often each pixel was in fact visible rather than by how often to expect it (the authors'
    form): the two agree in the limit, and this one does not mistake a well-lit corner for an important one. Evidence
    may be negative, so strength is counted from the weakest pixel, as the authors' pictures show it; the signed map
    is counted from the mean of all masks. A pixel no mask ever showed gets that mean.
    """
    passes = Passes(explainer, target, RISE.name, _cost(settings, unit.shape[-1]), report)
    baseline = baseline_of(unit, settings.baseline)
    masks = Masks(settings.masks, unit.shape[-1], settings.seed)
    whole = passes.values(unit)
    weighted = torch.zeros(unit.shape[2:], dtype=torch.float64, device=unit.device)
    shown, total = torch.zeros_like(weighted), torch.zeros_like(whole)
    for numbers in steps(torch.arange(settings.masks), MAX_FORWARD_BATCH):
        some = masks.some(numbers).to(unit.device)
        # Counted from the whole image's evidence: a constant would only cost digits.
        moved = passes.values(baseline + some * (unit - baseline)) - whole
        weighted += (moved.view(-1, 1, 1) * some[:, 0]).sum(dim=0)
        shown += some[:, 0].sum(dim=0)
        total = total + moved.sum()
    mean = total / settings.masks
    expected = torch.where(shown > 0, weighted / shown.clamp(min=torch.finfo(torch.float64).tiny), mean)
    return Raw(expected - expected.min(), expected - mean)


def _cost(settings: Settings, size_px: int) -> Cost:
    return Cost(forward=settings.masks + 1)


RISE = Method(
    id="rise",
    name="RISE",
    paper="Petsiuk et al., RISE, 2018",
    meaning="The answer's mean over random masks under which the pixel stays visible; coarse and slow.",
    settings=("masks", "baseline", "seed"),
    cost=_cost,
    run=_run,
)
