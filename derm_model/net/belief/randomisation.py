"""Model randomisation test: a map that stays the same when the network's weights are random explains nothing it learnt.

Adebayo et al., Sanity checks for saliency maps, 2018. The last layer first, then block by block down to the stem.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from derm_model.evaluation.belief import Mode, Randomisation, Stage
from derm_model.evaluation.map_measures import mirror_correlation, rank_correlation, structural_similarity
from derm_model.net.belief.work import Work, generator, smoothed, thumbnail
from derm_model.net.network import AnyNetwork
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.maps import SaliencyMap
from derm_model.net.saliency.method import Method, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report, quiet

LAST_LAYER, STEM = "Last layer", "Stem"


def randomisation(
    explainer: Explainer,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings | None = None,
    report: Report = quiet,
    *,
    known: SaliencyMap | None = None,
    mode: Mode = "cascading",
) -> Randomisation:
    """Compare the map with those of the same network whose weights are made random, stage by stage.

    Parameters
    ----------
    explainer : Explainer
        Its network is copied and stays as it is.
    pixels : (h, w, 3) uint8 RGB
    method, target, settings
        Of the map in question. `settings.seed` seeds the random weights too.
    report
        May raise `Cancelled`.
    known : SaliencyMap, optional
        The map in question, where it was made before with these very arguments.
    mode
        "cascading": what was made random stays so. "independent": each block alone.

    Raises
    ------
    DermTreeError
        The map is not defined.
    """
    settings = settings or Settings()
    names = stage_names(explainer)
    work = Work(explainer, pixels, method, target, settings, "Testing with random weights", report)
    work.begin(len(names) + 1)
    own = work.own_map(known)
    stages = [
        _stage(name, own, work.map(explainer.with_network(network)))
        for name, network in randomised(explainer.network, names, settings.seed, mode)
    ]
    picture = thumbnail(own)
    assert picture is not None
    return Randomisation(mode, tuple(stages), picture, mirror_correlation(own.values))


def stage_names(explainer: Explainer) -> tuple[str, ...]:
    """What is made random, in this order: the last layer, and the blocks down to the input."""
    n_blocks = len(explainer.network.blocks())
    names = explainer.blocks if len(explainer.blocks) == n_blocks else (STEM, *explainer.blocks)
    return (LAST_LAYER, *reversed(names))


def randomised(network: AnyNetwork, names: tuple[str, ...], seed: int, mode: Mode) -> Iterator[tuple[str, AnyNetwork]]:
    """The same private copy of the network after each stage, with the stage's name; it is good until the next one.

    Weights are drawn anew as before a training: normal, with the variance that keeps the scale of activations through
    a ReLU (He et al. 2015), and the statistics of batch norm are a new network's (mean 0, variance 1, scale 1, no
    shift). Statistics of the old weights would shrink or blow up what the new ones give, and a map could change, or
    vanish, for that reason alone.
    """
    mine = copy.deepcopy(network).eval().requires_grad_(False)
    random = generator(seed)
    parts: list[nn.Module] = [mine.fc, *reversed(mine.blocks())]
    for name, part in zip(names, parts, strict=True):
        before = copy.deepcopy(part.state_dict()) if mode == "independent" else None
        _reinitialise(part, random)
        yield name, mine
        if before is not None:
            part.load_state_dict(before)


def _reinitialise(part: nn.Module, random: torch.Generator) -> None:
    """New weights for all layers of a part, drawn on the CPU: the device must not change what a seed means."""
    for module in part.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            gain: Literal["relu", "linear"] = "relu" if isinstance(module, nn.Conv2d) else "linear"
            drawn = torch.empty(module.weight.shape)
            nn.init.kaiming_normal_(drawn, nonlinearity=gain, generator=random)
            module.weight.copy_(drawn)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif any(True for _ in module.parameters(recurse=False)):
            raise TypeError(f"no rule for new weights of {type(module).__name__}")


def _stage(name: str, own: SaliencyMap, found: SaliencyMap | None) -> Stage:
    if found is None:
        return Stage(name, None, None, None, None, None)
    signed = None
    if own.signed is not None and found.signed is not None:
        signed = rank_correlation(own.signed, found.signed)
    return Stage(
        name,
        rank=rank_correlation(own.values, found.values),
        signed_rank=signed,
        similarity=structural_similarity(own.values, found.values),
        shown_rank=rank_correlation(smoothed(own.values), smoothed(found.values)),
        picture=thumbnail(found),
    )
