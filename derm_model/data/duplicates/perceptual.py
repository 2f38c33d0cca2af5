"""Edges between pictures of nearly the same structure, in whichever of the eight orientations.

Every pair is compared; nothing is missed to a hash bucket. That is cheap because the cosine transform of a picture
splits by the parity of its two indices into four parts: mirroring changes the sign of two of them, turning by a quarter
swaps rows and columns. From the four products of parts (and four more with the rows and columns swapped) follow the
correlations in all eight orientations. Pairs above `MIN_CANDIDATE` are then laid upon each other
(`derm_model.data.duplicates.registration`) and compared again in a finer band.

Measured on HAM10000, ISIC 2017 and PAD-UFES-20 (9,037 pictures, 41 million pairs): 3,697 candidates, of which 48 pairs
correlate by 0.86 or more after alignment and the next ones by 0.74, 0.71 and 0.68. All 48 were looked at, and all show
one picture, or one lesion in two shots (three pairs); the 6 identical and 5 re-encoded pairs known of ISIC 2017 are
among them, most of the others are copies in another colour correction, shifted or tilted. Below the threshold two pairs
of one lesion were seen among the 24 most alike (0.67 and 0.61), else dark ovals in smooth skin and black frames. Among
14,000 candidates there are three more true pairs (0.85 to 0.98), cropped too differently to be candidates by default.

Copies of 600 of these pictures, each turned or mirrored at random, among all the others; the share that was found:

    100 %   as they are; JPEG quality 60; half and a third of the size; other gammas per channel; sharpened; cropped by
            up to 1 or 2 % a side; tilted by up to 5 degrees; cropped by 2 %, recoloured, 200 px and quality 50 at once
    99.8 %  JPEG quality 30; other brightness and contrast; cropped by up to 4 % a side
    94 %    cropped by up to 6 % a side (8 %: 60 %)

None of these 9,600 copies was joined to an unrelated picture. On two cores: 2.6 s for these pictures; 28 s for 32,000
and 8 minutes for 130,000 generated ones, in 0.6 GiB (scripts/bench_pictures.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.detail import MIN_CORRELATION, SEARCH_BAND, SIDE, band_mask, details_of, spectrum
from derm_model.data.duplicates.edges import make_edges
from derm_model.data.duplicates.identity import first_places
from derm_model.data.duplicates.registration import aligned_correlation
from derm_model.progress import Report, quiet, track

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.edges import Edges

# Edges are kept from here on, so that a person can see and move the threshold. Below, half of all candidates lie.
KEPT_CORRELATION = 0.5
# In the search band and before alignment: one pair in 10,000. Of 50 true pairs that were found with twelve other bands
# and thresholds, 48 lie above; at one pair in 30,000 (0.49) 47 do, and of copies cropped by 8 % a tenth less.
MIN_CANDIDATE = 0.43

# Rows and columns of one block: its arrays of 2 MB stay in the processor's cache.
BLOCK_ROWS = 256
BLOCK_COLUMNS = 2048
# Pictures transformed at once, and pairs laid upon each other by one thread at a time.
_BATCH = 4096
_PAIRS_AT_ONCE = 512

T = TypeVar("T")
R = TypeVar("R")
Parts = tuple[NDArray[np.float32], ...]


def edges_of_pictures(
    table: pd.DataFrame,
    prints: pd.DataFrame,
    min_correlation: float = KEPT_CORRELATION,
    report: Report = quiet,
) -> Edges:
    """Edges between pictures of nearly the same structure.

    Parameters
    ----------
    table
        Column content_hash.
    prints
        Columns content_hash, detail; one row a content, in any order.
    min_correlation
        Weaker pairs are not kept.
    report
    """
    places = first_places(table["content_hash"], prints["content_hash"])
    details = details_of(prints)
    usable = (places >= 0) & details.any(axis=1)
    pairs, correlation = similar_pictures(details[usable], min_correlation, report=report)
    return make_edges(places[usable][pairs], "perceptual", correlation)


def similar_pictures(
    details: NDArray[np.int8], min_correlation: float = MIN_CORRELATION, *, report: Report = quiet
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of pictures with nearly the same structure, turned, mirrored, shifted and slightly cropped ones included.

    Parameters
    ----------
    details : (n, 2304) int8
        Of `derm_model.data.duplicates.detail.picture_detail`.
    min_correlation
        After alignment, in 0..1.
    report

    Returns
    -------
    (k, 2) int64
        i < j in every row, sorted. A picture without structure is similar to none.
    (k,) float32
        Correlation after alignment, at most 1.
    """
    pairs = candidate_pairs(details, report=report)
    correlation = correlate(details, pairs, report=report)
    keep = correlation >= min_correlation  # not a number, where alignment was given up, is not
    return pairs[keep], correlation[keep]


def correlate(details: NDArray[np.int8], pairs: NDArray[np.int64], *, report: Report = quiet) -> NDArray[np.float32]:
    """Correlation (k,) of each pair (k, 2) after alignment, at most 1: see `aligned_correlation`."""
    cells = details.reshape(-1, SIDE, SIDE)
    batches = [pairs[start : start + _PAIRS_AT_ONCE] for start in range(0, len(pairs), _PAIRS_AT_ONCE)]

    def work(batch: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.minimum(aligned_correlation(cells[batch[:, 0]], cells[batch[:, 1]]), 1)

    values = _in_threads(work, batches, "Laying pictures upon each other", report)
    return np.concatenate([np.empty(0, dtype=np.float32), *values])


def candidate_pairs(
    details: NDArray[np.int8], min_candidate: float = MIN_CANDIDATE, *, report: Report = quiet
) -> NDArray[np.int64]:
    """Pairs alike enough to be looked at closely: the best of eight orientations, not aligned.

    Parameters
    ----------
    details : (n, 2304) int8
    min_candidate
        Correlation within `SEARCH_BAND`.
    report

    Returns
    -------
    (k, 2) int64
        i < j in every row, sorted. Memory: 1.5 kB a picture and 20 MB.
    """
    straight, swapped = _parity_parts(details)

    def search(start: int) -> NDArray[np.int64]:
        found = [np.empty((0, 2), dtype=np.int64)]
        rows = tuple(part[start : start + BLOCK_ROWS] for part in straight)
        for column in range(start, len(details), BLOCK_COLUMNS):
            stop = column + BLOCK_COLUMNS
            best = _best_of_four(rows, tuple(part[column:stop] for part in straight))
            np.maximum(best, _best_of_four(rows, tuple(part[column:stop] for part in swapped)), out=best)
            i, j = np.nonzero(best >= min_candidate)
            pairs = np.stack([i + start, j + column], axis=1)
            found.append(pairs[pairs[:, 0] < pairs[:, 1]])
        return np.concatenate(found)

    blocks = range(0, len(details), BLOCK_ROWS)
    found = _in_threads(search, blocks, "Comparing pictures", report)
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *found])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _in_threads(work: Callable[[T], R], items: Sequence[T], stage: str, report: Report) -> Iterator[R]:
    """Results in order, from as many threads as cores. When `report` raises, what has not begun is dropped.

    Matrix products stay in their thread meanwhile: threads of BLAS's own, waiting for each other, made the search eight
    times as slow on a busy machine.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="dermtree-pictures")
    try:
        with threadpool_limits(1, "blas"):
            yield from track(pool.map(work, items), stage, report, total=len(items), unit="blocks")
    finally:
        pool.shutdown(cancel_futures=True)


def _parity_parts(details: NDArray[np.int8]) -> tuple[Parts, Parts]:
    """Coefficients (i, j) by parity: both even, i odd, j odd, both odd; as they are, and with i and j swapped."""
    mask = band_mask(SEARCH_BAND)
    i, j = np.nonzero(mask)
    column = np.zeros(mask.shape, dtype=np.intp)
    column[mask] = np.arange(len(i))
    chosen = [(i % 2 == odd_i) & (j % 2 == odd_j) for odd_j in (0, 1) for odd_i in (0, 1)]
    straight = [np.empty((len(details), int(c.sum())), dtype=np.float32) for c in chosen]
    swapped = [np.empty_like(part) for part in straight]
    for start in range(0, len(details), _BATCH):
        cells = details[start : start + _BATCH].reshape(-1, SIDE, SIDE)
        values = spectrum(cells, SEARCH_BAND)
        for part, other, c in zip(straight, swapped, chosen, strict=True):
            part[start : start + _BATCH] = values[:, c]
            other[start : start + _BATCH] = values[:, column[j[c], i[c]]]
    return tuple(straight), tuple(swapped)


def _best_of_four(rows: Parts, columns: Parts) -> NDArray[np.float32]:
    """Highest correlation over the four mirrorings, (r, c) float32.

    With a, b, c, d the products of the four parts, the mirrorings give a + sb + tc + std for s, t = ±1; the highest is
    max(a + d + |b + c|, a - d + |b - c|).
    """
    a, b, c, d = (row @ column.T for row, column in zip(rows, columns, strict=True))
    alike = a + d
    a -= d
    sum_ = np.add(b, c, out=d)
    b -= c
    alike += np.abs(sum_, out=sum_)
    a += np.abs(b, out=b)
    return np.asarray(np.maximum(alike, a, out=alike), dtype=np.float32)
