"""How far a reader is from the network's curve, and how sure that is.

The curve is estimated on the images the reader is judged on. A test that takes the network's matched threshold as given
(McNemar's at equal sensitivity) forgets how much that threshold, and the reader's own rate, owe to chance: in a
simulation with readers exactly as good as the network it called 10 to 29 % of them different at the 5 % level. So
images are redrawn, and curve and reader are measured anew in each resample: 3 to 5 % with 33 to 71 images of a kind.
Where a reader misses hardly any of 33 diseased images it was 12 %: the end of a curve is known badly.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from derm_model.evaluation.bootstrap import Bootstrapped, Floats, Statistic, bootstrap
from derm_model.evaluation.resampling import Counts, Labels

N_RESAMPLES = 1000  # for each of many readers; the noise of a bound is then about 2 % of the interval's width


def specificity_gap(
    labels: Labels,
    scores: Floats,
    called: NDArray[np.bool_],
    *,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Bootstrapped | None:
    """Return the curve's specificity at the reader's sensitivity minus the reader's, with a percentile interval.

    Percentiles, because BCa's correction made it worse in that simulation (5 to 8 %).

    Parameters
    ----------
    labels : (n,) bool
        True for images with the disease; both kinds are there.
    scores : (n,) float
        The network's; finite.
    called : (n,) bool
        By the reader.
    groups, n_resamples, seed
        As in `bootstrap`.

    Returns
    -------
    Bootstrapped or None
        Above 0 the network is better. None where redrawing cannot tell, as `bootstrap`.
    """
    statistic = _gap(called)
    return bootstrap(labels, scores, statistic, groups=groups, method="percentile", n_resamples=n_resamples, seed=seed)


def sensitivity_gap(
    labels: Labels,
    scores: Floats,
    called: NDArray[np.bool_],
    *,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Bootstrapped | None:
    """Return the curve's sensitivity at the reader's specificity minus the reader's; all else as `specificity_gap`."""
    found = specificity_gap(~labels, -scores, ~called, groups=groups, n_resamples=n_resamples, seed=seed)
    if found is None:
        return None
    turned = found.interval  # the same with the sides changed
    return replace(found, interval=replace(turned, n_pos=turned.n_neg, n_neg=turned.n_pos))


def _gap(called: NDArray[np.bool_]) -> Statistic:
    def statistic(labels: Labels, scores: Floats, counts: Counts) -> Floats:
        found, alarms = _called_from_top(labels, scores, counts), _called_from_top(~labels, scores, counts)
        own_found, own_alarms = counts @ (labels & called), counts @ (~labels & called)
        rows = np.arange(len(counts))
        # the highest threshold that finds as many as the reader: of thresholds that find the same the best
        right = np.argmax(found >= own_found[:, None], axis=1)
        left = np.maximum(right - 1, 0)
        step = found[rows, right] - found[rows, left]
        beyond = found[rows, right] - own_found
        back = np.divide(beyond, step, out=np.zeros(len(counts)), where=step > 0)
        drawn = alarms[rows, right] - back * (alarms[rows, right] - alarms[rows, left])
        others = alarms[:, -1]
        gap = np.full(len(counts), np.nan)
        there = (others > 0) & (found[:, -1] > 0)
        np.divide(own_alarms - drawn, others, out=gap, where=there)
        return gap

    return statistic


def _called_from_top(among: Labels, scores: Floats, counts: Counts) -> Counts:
    """How many drawn images of a kind are called at each threshold from above all scores downwards, (r, k + 1)."""
    thresholds = np.unique(scores)[::-1]
    members = np.flatnonzero(among)
    order = members[np.argsort(-scores[members], kind="stable")]
    called = np.zeros((len(counts), order.size + 1), dtype=np.int64)
    np.cumsum(counts[:, order], axis=1, out=called[:, 1:])
    n_called = np.searchsorted(-scores[order], -thresholds, side="right")
    return called[:, np.concatenate([[0], n_called])]
