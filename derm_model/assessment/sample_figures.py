"""A sample of the images as the paper showed them to readers, beside all of them, and what other samples would say."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.metrics import Interval, auc
from derm_model.evaluation.sampling import SampleSize, draw_samples

Floats = NDArray[np.float64]
Bounds = tuple[float, float]

N_SAMPLES = 1000  # a percentile at 2.5 then rests on 25 samples
MIN_SIDE = 20  # of either side: as of a subgroup, below it an area says too little
# Esteva et al., Nature 542 (2017) 115, on Figure 3b: the AUC changed by less than this from samples to full sets
PAPER_CHANGE = 0.03
_CELLS = 4_000_000  # comparisons held at once, 4 MB


@dataclass(frozen=True, eq=False)
class SampleFigures:
    """One sample and all images, and how samples of this size differ.

    Samples are parts of these images, drawn without replacement: the more of them a sample holds, the less samples can
    differ, and how images of elsewhere would do is not in them.

    Attributes
    ----------
    paper, size
        The paper's sample, and that drawn: smaller where there are too few images.
    seed
        Of the one sample.
    n_repeated
        Its images of a patient or lesion that it shows already.
    sample, full
        AUC of the one sample and of all images, each with DeLong's interval.
    curve
        Of the one sample.
    areas : (n,) float
        AUC of each of n samples, the one among them.
    sensitivities : (k + 1,) float
        0, 1 / k, ... 1.
    band : (2, k + 1) float
        2.5 and 97.5 % of the samples' best specificities at each of these.
    """

    paper: SampleSize
    size: SampleSize
    seed: int
    n_repeated: int
    sample: Interval
    full: Interval
    curve: OperatingCurve
    areas: Floats
    sensitivities: Floats
    band: Floats

    @property
    def is_smaller(self) -> bool:
        """Whether there were too few images for the paper's size."""
        return self.size != self.paper

    @property
    def sides_used_up(self) -> tuple[bool, bool]:
        """Whether every image with the disease is in every sample, and every other one."""
        return self.size.n_pos == self.full.n_pos, self.size.n_neg == self.full.n_neg

    @property
    def difference(self) -> float:
        """AUC of the one sample less that of all images."""
        return self.sample.value - self.full.value

    @property
    def area_range(self) -> Bounds:
        """2.5 and 97.5 % of the samples' areas."""
        low, high = np.quantile(self.areas, (0.025, 0.975)).tolist()
        return low, high

    @property
    def difference_range(self) -> Bounds:
        """The same less the area of all images."""
        low, high = self.area_range
        return low - self.full.value, high - self.full.value

    @property
    def share_within(self) -> float:
        """Share of the samples whose area differs from that of all images by less than in the paper."""
        return float((np.abs(self.areas - self.full.value) < PAPER_CHANGE).mean())

    def to_json(self) -> dict[str, Any]:
        """Return everything but the single areas as a dict for JSON."""
        return {
            "paper": {"n_pos": self.paper.n_pos, "n_neg": self.paper.n_neg},
            "n_pos": self.size.n_pos,
            "n_neg": self.size.n_neg,
            "seed": self.seed,
            "n_repeated": self.n_repeated,
            "auc": self.sample.to_json(),
            "full_auc": self.full.to_json(),
            "difference": self.difference,
            "curve": self.curve.to_json(),
            "samples": {
                "n": self.areas.size,
                "auc_range": list(self.area_range),
                "difference_range": list(self.difference_range),
                "change_in_paper": PAPER_CHANGE,
                "share_within": self.share_within,
                "sensitivities": self.sensitivities.tolist(),
                "specificity_low": self.band[0].tolist(),
                "specificity_high": self.band[1].tolist(),
            },
        }


def sample_figures(
    labels: NDArray[np.bool_],
    scores: Floats,
    ids: Sequence[str],
    paper: SampleSize,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
    n_samples: int = N_SAMPLES,
) -> SampleFigures | None:
    """Draw samples of the paper's size, or the largest that keep its ratio, and compare them with all images.

    Parameters
    ----------
    labels, scores : (n,)
        Images of a question.
    ids : (n,)
        Unique names of the images; with the seed they decide which are drawn.
    paper
    groups : (n,)
        Lesion or patient of each image, of which a sample has one image where it can (`draw_sample`).
    seed
        Of the one sample; the others have the seeds that follow.
    n_samples
        >= 1.

    Returns
    -------
    SampleFigures or None
        None where a sample would have fewer than 20 images on a side, or all images.

    References
    ----------
    Esteva et al., Nature 542 (2017) 115, Figure 3: samples (a) and full sets (b).
    """
    full = auc(labels, scores)
    if full is None:
        return None
    size = paper.within(full.n_pos, full.n_neg)
    if min(size.n_pos, size.n_neg) < MIN_SIDE or size.n == labels.size:
        return None
    wanted = {True: size.n_pos, False: size.n_neg}
    drawn = draw_samples(labels.tolist(), ids, wanted, range(seed, seed + n_samples), groups=groups)
    areas, specificities = _judged(scores[drawn[:, : size.n_pos]], scores[drawn[:, size.n_pos :]])
    one = drawn[0]
    sample = auc(labels[one], scores[one])
    assert sample is not None  # it has images of both sides
    return SampleFigures(
        paper=paper,
        size=size,
        seed=seed,
        n_repeated=_n_repeated(one, groups),
        sample=sample,
        full=full,
        curve=operating_curve(labels[one], scores[one]),
        areas=areas,
        sensitivities=np.arange(size.n_pos + 1) / size.n_pos,
        # at a sensitivity of 0 nothing need be called
        band=np.column_stack([np.ones(2), np.quantile(specificities, (0.025, 0.975), axis=0)]),
    )


def _judged(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """AUC of each sample, (r,), and its best specificity where k = 1, 2, ... diseased images are found, (r, n_pos)."""
    falling = -np.sort(-positive, axis=1)
    (n, n_pos), n_neg = positive.shape, negative.shape[1]
    areas, specificities = np.empty(n), np.empty((n, n_pos))
    step = max(1, _CELLS // (n_pos * n_neg))
    for start in range(0, n, step):
        threshold = falling[start : start + step, :, None]
        others = negative[start : start + step, None, :]
        below = np.count_nonzero(others < threshold, axis=2)
        ties = np.count_nonzero(others == threshold, axis=2)
        areas[start : start + step] = (below + ties / 2).sum(axis=1) / (n_pos * n_neg)
        specificities[start : start + step] = below / n_neg
    return areas, specificities


def _n_repeated(sample: NDArray[np.int64], groups: Sequence[Hashable] | None) -> int:
    """Images of groups that the sample has an image of already."""
    if groups is None:
        return 0
    known = [groups[i] for i in sample.tolist() if groups[i] is not None]
    return len(known) - len(set(known))
