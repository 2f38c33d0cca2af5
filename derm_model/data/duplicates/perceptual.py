"""Edges between pictures of nearly the same fine structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.detail import MIN_CORRELATION, details_of
from derm_model.data.duplicates.edges import make_edges
from derm_model.data.duplicates.identity import first_places
from derm_model.progress import Report, quiet

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.edges import Edges


def similar_pictures(
    details: NDArray[np.int8], min_correlation: float = MIN_CORRELATION, block_rows: int = 512
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of pictures with nearly the same fine structure.

    Parameters
    ----------
    details : (n, 2304) int8
        Of `picture_detail`.
    min_correlation
        In 0..1.
    block_rows
        Rows compared at once: bounds the memory.

    Returns
    -------
    (k, 2) int64
        i < j in every row. A picture without structure is similar to none.
    (k,) float32
        Their correlation.
    """
    vectors = details.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)
    pairs, values = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    for start in range(0, len(vectors), block_rows):
        alike = np.triu(vectors[start : start + block_rows] @ vectors[start:].T, 1)
        i, j = np.nonzero(alike >= min_correlation)
        pairs.append(np.stack([i, j], axis=1) + start)
        values.append(alike[i, j])
    return np.concatenate(pairs), np.concatenate(values)


def edges_of_pictures(
    table: pd.DataFrame,
    prints: pd.DataFrame,
    min_correlation: float = MIN_CORRELATION,
    report: Report = quiet,
) -> Edges:
    """Edges between pictures of nearly the same fine structure.

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
    pairs, correlation = similar_pictures(details[usable], min_correlation)
    return make_edges(places[usable][pairs], "perceptual", correlation)
