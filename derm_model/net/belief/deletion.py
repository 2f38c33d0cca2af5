"""Deletion and insertion: does the answer fall, or come back, as soon as the map's strongest pixels do?

Petsiuk et al., RISE: randomized input sampling for explanation of black-box models, 2018.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derm_model.evaluation.belief import Kind, Perturbation
from derm_model.net.belief.work import Work
from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import MAX_FORWARD_BATCH, Explainer
from derm_model.net.saliency.maps import SaliencyMap
from derm_model.net.saliency.method import BASELINES, Method, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report, quiet

N_STEPS = 10
N_RANDOM = 8  # a random map beats them all once in nine times; more would cost more than the map itself

Ints = NDArray[np.int64]


def deletion(
    explainer: Explainer,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings | None = None,
    report: Report = quiet,
    *,
    known: SaliencyMap | None = None,
    n_steps: int = N_STEPS,
    n_random: int = N_RANDOM,
) -> Perturbation:
    """Replace the pixels by `settings.baseline`, the strongest of the map first, and watch the answer go.

    The random orders are the map's own pattern, turned or mirrored and laid at a random place, round the edges. Single
    random pixels would be no fair rival: strewn over the image they destroy texture everywhere, while a coarse map
    takes away one area after the other. So laid elsewhere the pattern is as coarse as it was, and only its place is
    random.

    Parameters
    ----------
    explainer : Explainer
    pixels : (h, w, 3) uint8 RGB
    method, target, settings
        Of the map in question; `settings.seed` seeds the random places too.
    report
        May raise `Cancelled`.
    known : SaliencyMap, optional
        The map in question, where it was made before with these very arguments.
    n_steps : int, >= 1
    n_random : int, >= 1

    Raises
    ------
    DermTreeError
        The map is not defined.
    """
    return _curves("deletion", explainer, pixels, method, target, settings, report, known, n_steps, n_random)


def insertion(
    explainer: Explainer,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings | None = None,
    report: Report = quiet,
    *,
    known: SaliencyMap | None = None,
    n_steps: int = N_STEPS,
    n_random: int = N_RANDOM,
) -> Perturbation:
    """Put the pixels back on `settings.baseline`, the strongest first; arguments are those of `deletion`."""
    return _curves("insertion", explainer, pixels, method, target, settings, report, known, n_steps, n_random)


def _curves(
    kind: Kind,
    explainer: Explainer,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings | None,
    report: Report,
    known: SaliencyMap | None,
    n_steps: int,
    n_random: int,
) -> Perturbation:
    settings = settings or Settings()
    work = Work(explainer, pixels, method, target, settings, f"Testing by {kind}", report)
    work.begin(1, n_images(n_steps, n_random))
    own = work.own_map(known)
    baseline = baseline_of(work.unit, settings.baseline)
    start, end = (work.unit, baseline) if kind == "deletion" else (baseline, work.unit)
    random = np.random.default_rng(settings.seed)
    orders = [places(own.values, random), *(places(elsewhere(own.values, random), random) for _ in range(n_random))]
    shares = np.linspace(0, 1, n_steps + 1)
    counts = np.round(shares[1:-1] * own.values.size).astype(np.int64)
    found = np.empty((len(orders), n_steps + 1))
    found[:, 0], found[:, -1] = work.probabilities(torch.cat([start, end]))
    found[:, 1:-1] = _between(work, start, end, orders, counts)
    return Perturbation(kind, work.label, BASELINES[settings.baseline], shares, found[0], found[1:])


def n_images(n_steps: int = N_STEPS, n_random: int = N_RANDOM) -> int:
    """Images the network is asked about: both ends of all curves are the same."""
    return 2 + (1 + n_random) * (n_steps - 1)


def places(values: NDArray[np.floating], random: np.random.Generator) -> Ints:
    """Place of each pixel in the map's order, (h, w): 0 is the strongest. Equal ones come in random order."""
    order = np.lexsort((random.random(values.size), -values.ravel()))
    found = np.empty(values.size, dtype=np.int64)
    found[order] = np.arange(values.size)
    return found.reshape(values.shape)


def elsewhere(values: NDArray[np.floating], random: np.random.Generator) -> NDArray[np.floating]:
    """A square map turned or mirrored, and shifted round the edges, each at random."""
    turned = np.rot90(values, int(random.integers(4)))
    if random.integers(2):
        turned = turned.T
    return np.roll(turned, tuple(random.integers(n) for n in turned.shape), axis=(0, 1))


def _between(work: Work, start: Tensor, end: Tensor, orders: list[Ints], counts: Ints) -> NDArray[np.float64]:
    """Probabilities on the way from `start` to `end`, (n_orders, n_counts); a batch of images is made at a time."""
    jobs = [(order, count) for order in orders for count in counts]
    found = []
    for first in range(0, len(jobs), MAX_FORWARD_BATCH):
        changed = np.stack([order < count for order, count in jobs[first : first + MAX_FORWARD_BATCH]])
        where = torch.from_numpy(changed[:, None]).to(start.device)
        found.append(work.probabilities(torch.where(where, end, start)))
    return np.concatenate([np.empty(0), *found]).reshape(len(orders), len(counts))
