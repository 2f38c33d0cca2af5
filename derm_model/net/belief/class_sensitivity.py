"""Sensitivity to the choice of class: a map that is the same whatever is explained says where, and not why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from derm_model.evaluation.belief import ClassSensitivity
from derm_model.evaluation.map_measures import rank_correlation
from derm_model.net.belief.work import Work, probability
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.maps import SaliencyMap
from derm_model.net.saliency.method import Method, Settings
from derm_model.net.saliency.target import Of, Target
from derm_model.progress import Report, quiet
from derm_model.taxonomy import Aggregator, Resolution, Taxonomy

N_OTHERS = 3


def class_sensitivity(
    explainer: Explainer,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings | None = None,
    report: Report = quiet,
    *,
    known: SaliencyMap | None = None,
    others: Sequence[Target] | None = None,
) -> ClassSensitivity:
    """Compare the map with those of other classes or nodes, pair by pair.

    Parameters
    ----------
    explainer : Explainer
    pixels : (h, w, 3) uint8 RGB
    method, target, settings
        Of the map in question.
    report
        May raise `Cancelled`.
    known : SaliencyMap, optional
        The map in question, where it was made before with these very arguments.
    others : sequence of Target, not empty, optional
        Default: the three most probable training classes that the target does not hold. See `root_targets`.

    Raises
    ------
    DermTreeError
        The map in question is not defined.
    """
    settings = settings or Settings()
    work = Work(explainer, pixels, method, target, settings, "Testing other classes", report)
    logits = explainer.logits(work.unit)
    if others is None:
        rest = [i for i in logits[0].argsort(descending=True).tolist() if i not in work.target.positive]
        others = [Target.of_class(i, target.of) for i in rest[:N_OTHERS]]
    work.begin(len(others) + 1)
    maps = [work.own_map(known), *(work.map(target=other) for other in others)]
    labels = [work.label, *(explainer.settle(work.unit, other)[1] for other in others)]
    chances = [float(probability(other, logits)[0]) for other in (work.target, *others)]
    signed = [None if found is None else found.signed for found in maps]
    return ClassSensitivity(
        tuple(labels),
        np.array(chances),
        _matrix([None if found is None else found.values for found in maps]),
        _matrix(signed) if any(found is not None for found in signed) else None,
    )


def root_targets(taxonomy: Taxonomy, aggregator: Aggregator, of: Of = "loss") -> list[Target]:
    """The taxonomy's roots that the model resolves."""
    return [
        Target.of_node(aggregator, root, of, label=taxonomy.node(root).name)
        for root in taxonomy.cut(1)
        if aggregator.resolution(root) is Resolution.RESOLVED
    ]


def _matrix(maps: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float64]:
    """Rank correlations of all pairs, NaN where one is not defined."""
    found = np.full((len(maps), len(maps)), np.nan)
    for i, one in enumerate(maps):
        for j, other in enumerate(maps[: i + 1]):
            correlation = None if one is None or other is None else rank_correlation(one, other)
            if correlation is not None:
                found[i, j] = found[j, i] = correlation
    return found
