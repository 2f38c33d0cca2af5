"""Pairs of pictures whose network features are much alike (Esteva et al. 2017, Methods: neighbours in CNN features)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from derm_model.progress import Report, quiet, track

MIN_SIMILARITY = 0.8
MAX_NEIGHBOURS = 50
EXACT_UP_TO = 200_000
N_COMPONENTS = 256
FIT_ROWS = 20_000
BLOCK_ROWS = 2048
FloatArray = NDArray[np.float32]


def similar_by_features(
    features: NDArray[np.floating],
    *,
    min_similarity: float = MIN_SIMILARITY,
    max_neighbours: int = MAX_NEIGHBOURS,
    exact_up_to: int = EXACT_UP_TO,
    report: Report = quiet,
) -> tuple[NDArray[np.int32], FloatArray]:
    """Pairs of rows whose described features have at least this cosine.

    Returns
    -------
    pairs : (m, 2) int32, a < b
    cosine : (m,) float32
    """
    rows = _described(features)
    pairs, cosines = [np.empty((0, 2), np.int32)], [np.empty(0, np.float32)]
    for start in track(range(0, len(rows), BLOCK_ROWS), "Comparing features", report, unit="blocks"):
        similarity = rows[start : start + BLOCK_ROWS] @ rows[start:].T
        i, j = np.nonzero(similarity >= min_similarity)
        ahead = i < j
        pairs.append(np.stack([i[ahead] + start, j[ahead] + start], axis=1).astype(np.int32))
        cosines.append(similarity[i[ahead], j[ahead]])
    return np.concatenate(pairs), np.concatenate(cosines)


def _described(features: NDArray[np.floating]) -> FloatArray:
    """Rows of length 1: square-rooted shares, centred, whitened along the leading components."""
    x = np.maximum(features.astype(np.float32), 0)
    x = np.sqrt(x / np.maximum(x.sum(axis=1, keepdims=True), 1e-12))
    x -= x.mean(axis=0)
    step = max(1, len(x) // FIT_ROWS)
    values, vectors = np.linalg.eigh(np.cov(x[::step].T) if len(x) > 1 else np.eye(x.shape[1]))
    keep = np.argsort(-values)[:N_COMPONENTS]
    projected = x @ (vectors[:, keep] / np.sqrt(np.maximum(values[keep], 1e-3 * values.max()))).astype(np.float32)
    return np.asarray(projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-12))
