"""Edges between pictures of nearly the same structure, in whichever of the eight orientations.

Every pair is compared; nothing is missed to a hash bucket. That is cheap because the cosine transform of a picture
splits by the parity of its two indices into four parts: mirroring changes the sign of two of them, turning by a quarter
swaps rows and columns. From the four products of parts (and four more with the rows and columns swapped) follow the
correlations in all eight orientations. Pairs above `MIN_CANDIDATE` are then laid upon each other
(`derm_model.data.duplicates.registration`) and compared again in a finer band.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.detail import MIN_CORRELATION, SEARCH_BAND, SIDE, band_mask, details_of, spectrum
from derm_model.data.duplicates.edges import make_edges
from derm_model.data.duplicates.identity import first_places
from derm_model.data.duplicates.registration import aligned_correlation
from derm_model.progress import Progress, Report, quiet, track

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.edges import Edges

KEPT_CORRELATION = 0.5
MIN_CANDIDATE = 0.48

# Rows and columns of one block: its arrays of 2 MB stay in the processor's cache.
BLOCK_ROWS = 256
BLOCK_COLUMNS = 2048
# Pictures transformed at once, and pairs verified between two reports.
_BATCH = 4096

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
    cells = details.reshape(-1, SIDE, SIDE)
    values = [np.empty(0, dtype=np.float32)]
    for start in range(0, len(pairs), _BATCH):
        report(Progress("Laying pictures upon each other", start, len(pairs), "pairs"))
        first, second = (cells[pairs[start : start + _BATCH, side]] for side in (0, 1))
        values.append(aligned_correlation(first, turned_alike(first, second)))
    correlation = np.minimum(np.concatenate(values), 1)
    keep = correlation >= min_correlation
    return pairs[keep], correlation[keep]


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
        i < j in every row, sorted. Memory: 2.6 kB a picture and 20 MB.
    """
    straight, swapped = _parity_parts(details)
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in track(range(0, len(details), BLOCK_ROWS), "Comparing pictures", report, unit="blocks"):
        rows = tuple(part[start : start + BLOCK_ROWS] for part in straight)
        for column in range(start, len(details), BLOCK_COLUMNS):
            stop = column + BLOCK_COLUMNS
            best = _best_of_four(rows, tuple(part[column:stop] for part in straight))
            np.maximum(best, _best_of_four(rows, tuple(part[column:stop] for part in swapped)), out=best)
            i, j = np.nonzero(best >= min_candidate)
            pairs = np.stack([i + start, j + column], axis=1)
            found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def orientations(cells: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
    """The eight orientations of pictures (m, s, s): four mirrorings, straight and with rows and columns swapped."""
    mirrored = (cells, cells[:, ::-1], cells[:, :, ::-1], cells[:, ::-1, ::-1])
    return (*mirrored, *(m.transpose(0, 2, 1) for m in mirrored))


def turned_alike(first: NDArray[np.int8], second: NDArray[np.int8]) -> NDArray[np.int8]:
    """Each second picture (m, 48, 48) in the orientation in which it is most like its first one."""
    reference = spectrum(first, SEARCH_BAND)
    options = orientations(second)
    correlation = np.stack([(reference * spectrum(option, SEARCH_BAND)).sum(axis=1) for option in options])
    best = correlation.argmax(axis=0)
    turned = np.empty_like(second)
    for number, option in enumerate(options):
        turned[best == number] = option[best == number]
    return turned


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
