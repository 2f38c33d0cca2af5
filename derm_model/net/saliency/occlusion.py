"""Occlusion: what the answer loses when a patch is covered. No gradient."""

from __future__ import annotations

from captum.attr import Occlusion
from torch import Tensor

from derm_model.errors import DermTreeError
from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import MAX_FORWARD_BATCH, Explainer
from derm_model.net.saliency.method import Cost, Method, Raw, Settings
from derm_model.net.saliency.passes import Passes
from derm_model.net.saliency.target import Target
from derm_model.progress import Report


def stride_px(patch_px: int) -> int:
    """Half the patch, at least a pixel."""
    return max(1, patch_px // 2)


def n_windows(patch_px: int, size_px: int) -> int:
    """Positions of the patch: from the upper left corner on, until all is covered; the last ones are cut by the border.

    Raises
    ------
    DermTreeError
        The patch is larger than the image.
    """
    if patch_px > size_px:
        raise DermTreeError(
            f"A patch must fit into what the network reads, {size_px} px a side, and this one has {patch_px} px. "
            "Choose a smaller patch."
        )
    along = -(-(size_px - patch_px) // stride_px(patch_px)) + 1
    return along**2


def _run(explainer: Explainer, unit: Tensor, target: Target, settings: Settings, report: Report) -> Raw:
    """A pixel's value is the mean over the windows that cover it: four inside, fewer at the border."""
    passes = Passes(explainer, target, OCCLUSION.name, _cost(settings, unit.shape[-1]), report)
    side, step = settings.patch_px, stride_px(settings.patch_px)
    found = Occlusion(passes.values).attribute(
        unit,
        sliding_window_shapes=(3, side, side),
        strides=(3, step, step),
        baselines=baseline_of(unit, settings.baseline),
        perturbations_per_eval=MAX_FORWARD_BATCH,
    )
    signed = found[0, 0]  # the three channels are covered together
    return Raw(signed.abs(), signed)


def _cost(settings: Settings, size_px: int) -> Cost:
    return Cost(forward=n_windows(settings.patch_px, size_px) + 1)


OCCLUSION = Method(
    id="occlusion",
    name="Occlusion",
    paper="Zeiler & Fergus, Visualizing and understanding convolutional networks, 2014",
    meaning="How much of the answer is lost when a patch of the image is covered.",
    settings=("patch_px", "baseline"),
    cost=_cost,
    run=_run,
)
