"""Edges that the records and the files themselves state: the same bytes, pixels, lesion, patient or link."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.edges import concat_edges, equal_pairs, make_edges

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.edges import Edges


def edges_of_ids(table: pd.DataFrame) -> Edges:
    """Edges from the manifest alone.

    Lesion and patient count within one source: ids of two data sets have nothing to do with each other. Two images that
    share a key in `links` belong together across sources.

    Parameters
    ----------
    table
        Columns content_hash, source, lesion_id, patient_id, links (docs/data-format.md).

    Returns
    -------
    DataFrame
        At most one edge an image and kind (and an image and link), each from the first image with that value. Half a
        second for 130,000 images.
    """
    sources = table["source"].tolist()
    lesions = map(scoped, sources, known(table["lesion_id"]))
    patients = map(scoped, sources, known(table["patient_id"]))
    return concat_edges(
        [
            make_edges(equal_pairs(known(table["content_hash"])), "content"),
            make_edges(equal_pairs(lesions), "lesion"),
            make_edges(equal_pairs(patients), "patient"),
            make_edges(_linked_pairs(table["links"]), "link"),
        ]
    )


def edges_of_pixels(table: pd.DataFrame, prints: pd.DataFrame) -> Edges:
    """Edges between files that differ and hold the same pixels: another container, or other metadata.

    Parameters
    ----------
    table
        Column content_hash.
    prints
        Of `derm_model.data.duplicates.fingerprint.to_prints`, one row a content, in any order.
    """
    places = first_places(table["content_hash"], prints["content_hash"])
    there = places >= 0
    order = np.argsort(places[there])
    positions = places[there][order]
    hashes = known(prints["pixel_hash"][there].iloc[order])
    return make_edges(positions[equal_pairs(hashes)], "pixels")


def first_places(content_hashes: Iterable[str], wanted: Iterable[str]) -> NDArray[np.int64]:
    """Position of the first image with each wanted content; -1 where there is none.

    Later images of that content are joined to the first one by its bytes, so that edges of pictures may leave them out.
    """
    first: dict[str, int] = {}
    for position, content_hash in enumerate(content_hashes):
        first.setdefault(content_hash, position)
    return np.array([first.get(content_hash, -1) for content_hash in wanted], dtype=np.int64)


def scoped(source: str, identifier: Hashable | None) -> tuple[str, Hashable] | None:
    """An id within its data set; None where there is none."""
    return None if identifier is None else (source, identifier)


def known(column: pd.Series) -> Sequence[str | None]:
    """Values of a column as Python strings, None where one is missing or empty."""
    # isna() first: pandas' own missing value answers no comparison
    missing = column.isna().tolist()
    return [None if gone or value == "" else str(value) for value, gone in zip(column.tolist(), missing, strict=True)]


def _linked_pairs(links: pd.Series) -> NDArray[np.int64]:
    first: dict[str, int] = {}
    pairs = [(first.setdefault(key, i), i) for i, key in _keys(links)]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)


def _keys(links: pd.Series) -> Iterator[tuple[int, str]]:
    for position, text in enumerate(known(links)):
        for key in (text or "").split():
            yield position, key
