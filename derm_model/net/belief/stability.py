"""Stability: does the map stay where it is when the image is turned or cropped a little?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from derm_model.evaluation.belief import Moved, Stability
from derm_model.evaluation.map_measures import mirror_correlation, rank_correlation, structural_similarity
from derm_model.net.belief.moves import MOVES, Move, fitted
from derm_model.net.belief.work import Work, smoothed
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.maps import SaliencyMap
from derm_model.net.saliency.method import Method, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import Report, quiet


def stability(
    explainer: Explainer,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings | None = None,
    report: Report = quiet,
    *,
    known: SaliencyMap | None = None,
    moves: Sequence[Move] = MOVES,
) -> Stability:
    """Compare the map with those of the image turned and cropped, laid back on it.

    Maps are compared as they are displayed, smoothed: laying a map back interpolates between its pixels, which alone
    would part two maps that differ from pixel to pixel.

    Parameters
    ----------
    explainer : Explainer
    pixels : (h, w, 3) uint8 RGB
    method, target, settings
        Of the map in question; the same class is explained on every moved image.
    report
        May raise `Cancelled`.
    known : SaliencyMap, optional
        The map in question, where it was made before with these very arguments.
    moves : sequence of Move, not empty

    Raises
    ------
    DermTreeError
        The map is not defined.
    """
    settings = settings or Settings()
    work = Work(explainer, pixels, method, target, settings, "Testing its stability", report)
    work.begin(len(moves) + 1, len(moves) + 1)
    own = work.own_map(known)
    shown = smoothed(own.values)
    # Twice the network's side: turned there, the image loses nothing that the network would have seen.
    small = fitted(pixels, 2 * work.unit.shape[-1])
    images = [move.apply(small) for move in moves]
    probabilities = work.probabilities(torch.cat([work.unit, *(explainer.unit(image) for image in images)]))
    found = [
        _moved(move, shown, work.map(pixels=image), pixels.shape[:2], float(probability))
        for move, image, probability in zip(moves, images, probabilities[1:], strict=True)
    ]
    return Stability(work.label, float(probabilities[0]), tuple(found), mirror_correlation(shown))


def _moved(
    move: Move,
    shown: NDArray[np.float64],
    found: SaliencyMap | None,
    shape: tuple[int, ...],
    probability: float,
) -> Moved:
    if found is None:
        return Moved(move.name, move.kind, None, None, probability)
    back, there = move.undo(smoothed(found.values), *shape)
    return Moved(
        move.name,
        move.kind,
        rank_correlation(shown[there], back[there]),
        structural_similarity(shown, back, there),
        probability,
    )
