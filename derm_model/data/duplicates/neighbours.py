"""Pairs of pictures whose network features are much alike (Esteva et al. 2017, Methods: neighbours in CNN features).

Up to `EXACT_UP_TO` pictures every pair is compared. Above, pictures are first sorted into overlapping cells (k-means of
the leading components, by faiss) and compared within a cell only; a pair no cell holds is missed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.whitening import MIN_IMAGES, whitened
from derm_model.progress import Progress, Report, quiet, track

# With the features of the demo bundle on 9,037 pictures (HAM10000, ISIC 2017, PAD-UFES-20), 23 pairs reach it, each
# looked at. ISIC 2017: all 11 known copies (the least alike 0.61), 4 further copies, 2 pairs of one lesion in two
# views, and one of two lesions in the same black frame. PAD-UFES-20: 3 pairs, one lesion each. HAM10000: 2 pairs, one
# of them of two lesions. So 2 links of 23 are false; of the 31 pairs in 0.4..0.5 about half are. Most second views are
# not found: of 22 pairs of one lesion in ISIC 2017 (by the lesion ids of ISIC 2019) 2 reach it and 3 reach 0.4, of 28
# in PAD-UFES-20 2 and 5.
LINKED_ABOVE = 0.5
# Kept for review and for moving the threshold: between here and `LINKED_ABOVE` true and false pairs are mixed.
SEARCHED_ABOVE = 0.3
# Enough that a patient's many views stay joined; bounds the result to 50 n pairs where whole series are alike.
MAX_NEIGHBOURS = 50
# Measured by scripts/bench_neighbours.py on two idle cores (generated features, one planted pair per 100 pictures):
#     pictures    exact                        by cells
#        8,000      3 s  0.4 GiB     80/80         4 s  0.4 GiB     80/80 planted pairs found
#       32,000     18 s  0.6 GiB   320/320        13 s  0.6 GiB   318/320
#      130,000    234 s  1.5 GiB 1300/1300        51 s  1.5 GiB 1284/1300
# Time grows with the square, so the paper's 130,000 are still compared in full; a million would take four hours.
EXACT_UP_TO = 150_000

# Rows compared with rows at a time: 64 MB of cosines, a third of a second, so that work can be stopped at once.
TILE_ROWS = 4096
# Pairs kept before all but the nearest neighbours are dropped: 100 MB.
POOL_PAIRS = 4_000_000

# Pictures in a cell, on average, times the cells each is put into: 3,000 of n are compared with a picture.
CELL_IMAGES = 1000
CELLS_PER_IMAGE = 3
# Components that tell the cell. Not whitened: two views of one lesion share what varies most.
CELL_COMPONENTS = 64
CELL_ITERATIONS = 10
FloatArray = NDArray[np.float32]
Pairs = NDArray[np.int32]
Positions = NDArray[np.int64]


def similar_by_features(
    features: NDArray[np.floating],
    *,
    min_similarity: float = SEARCHED_ABOVE,
    max_neighbours: int = MAX_NEIGHBOURS,
    exact_up_to: int = EXACT_UP_TO,
    report: Report = quiet,
) -> tuple[Pairs, FloatArray]:
    """Find the pairs of pictures whose whitened features have at least this cosine.

    Parameters
    ----------
    features : (n, d), >= 0
        Of one network, one row a picture; half precision saves memory. What is common to the collection is learnt from
        these rows (`whitened`), so a pair's cosine depends a little on the pictures around it.
    min_similarity
        In 0..1.
    max_neighbours
        A pair is kept when it is among this many most similar pairs of either picture, >= 1.
    exact_up_to
        Largest n for which every pair is compared.
    report
        May raise `Cancelled`.

    Returns
    -------
    pairs : (m, 2) int32, a < b, sorted
    cosine : (m,) float32, in min_similarity..1

    Notes
    -----
    Fewer than `MIN_IMAGES` pictures are too few to tell what is common: only equal features make a pair, cosine 1.
    """
    if len(features) < MIN_IMAGES:
        return _equal_rows(features)
    report(Progress("Preparing features", 0, None))
    rows, deviations = whitened(features)
    tiles = _tiles_of(np.arange(len(rows))) if len(rows) <= exact_up_to else _cell_tiles(rows, deviations)
    pool = _Pool(len(rows), max_neighbours)
    for a, b in track(tiles, "Comparing features", report, unit="blocks"):
        cosine = rows[a] @ rows[b].T
        i, j = np.nonzero(cosine >= min_similarity)
        pool.add(a[i], b[j], cosine[i, j])
    return pool.finish()


class _Pool:
    """Pairs found so far, never many more than can still be among the nearest of one of their pictures."""

    def __init__(self, n: int, max_neighbours: int) -> None:
        self._n, self._max_neighbours = n, max_neighbours
        self._codes: list[NDArray[np.int64]] = []  # a * n + b: one number a pair, in the order of the result
        self._cosines: list[FloatArray] = []
        self._added = 0

    def add(self, a: Positions, b: Positions, cosine: FloatArray) -> None:
        """Take pairs, each of them possibly again; those with a >= b are ignored."""
        ahead = a < b
        self._codes.append(a[ahead] * self._n + b[ahead])
        self._cosines.append(cosine[ahead])
        self._added += len(self._codes[-1])
        if self._added > POOL_PAIRS:
            self._drop_far()
            self._added = 0

    def finish(self) -> tuple[Pairs, FloatArray]:
        """Pairs (m, 2), sorted, and their cosines."""
        self._drop_far()
        a, b = np.divmod(self._codes[0], self._n)
        return np.stack([a, b], axis=1).astype(np.int32), np.minimum(self._cosines[0], 1)

    def _drop_far(self) -> None:
        """Keep each pair once, and only if it is among the nearest of either end: later pairs can but push it out."""
        codes, first = np.unique(np.concatenate([np.empty(0, np.int64), *self._codes]), return_index=True)
        cosines = np.concatenate([np.empty(0, np.float32), *self._cosines])[first]
        a, b = np.divmod(codes, self._n)
        near = self._are_near(a, b, cosines)
        self._codes, self._cosines = [codes[near]], [cosines[near]]

    def _are_near(self, a: Positions, b: Positions, cosines: FloatArray) -> NDArray[np.bool_]:
        """Whether a pair is among the `max_neighbours` nearest of one of its ends; the lower position wins ties."""
        ends, others = np.concatenate([a, b]), np.concatenate([b, a])
        order = np.lexsort((others, -np.tile(cosines, 2), ends))
        starts = np.flatnonzero(np.diff(ends[order], prepend=-1))  # where an end's pairs begin
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        near = np.empty(len(order), dtype=bool)
        near[order] = rank < self._max_neighbours
        return np.asarray(near[: len(a)] | near[len(a) :])


def _tiles_of(members: Positions) -> list[tuple[Positions, Positions]]:
    """Every pair of ascending positions in exactly one tile (a, b), a before b."""
    parts = [members[start : start + TILE_ROWS] for start in range(0, len(members), TILE_ROWS)]
    return [(a, b) for i, a in enumerate(parts) for b in parts[i:]]


def _cell_tiles(rows: FloatArray, deviations: FloatArray) -> list[tuple[Positions, Positions]]:
    """Tiles within overlapping cells of pictures that are alike in what varies most."""
    import faiss

    points = rows[:, :CELL_COMPONENTS] * deviations[:CELL_COMPONENTS]
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    n_cells = max(1, len(rows) // CELL_IMAGES)
    means = faiss.Kmeans(points.shape[1], n_cells, niter=CELL_ITERATIONS, spherical=True, seed=0)
    means.train(points)
    _, cells = means.index.search(points, min(CELLS_PER_IMAGE, n_cells))
    order = np.argsort(cells, axis=None, kind="stable")
    bounds = np.searchsorted(cells.ravel()[order], np.arange(1, n_cells))
    images = np.split(order // cells.shape[1], bounds)
    return [tile for members in images for tile in _tiles_of(members)]


def _equal_rows(features: NDArray[np.floating]) -> tuple[Pairs, FloatArray]:
    """Pairs of rows that are the same in every feature and not all zero."""
    rows = np.asarray(features)
    equal = (rows[:, None] == rows[None]).all(axis=2) & rows.any(axis=1)
    pairs = np.argwhere(np.triu(equal, 1)).astype(np.int32)
    return pairs, np.ones(len(pairs), dtype=np.float32)
