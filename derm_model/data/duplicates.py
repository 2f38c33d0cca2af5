"""Groups of images that belong together: one lesion, one patient, one file, one picture.

Two images of one group must never lie on two sides of a split, or the test would ask what the training told
(Esteva et al. 2017, Methods, "Dataset": connected components of the duplicate graph).
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from derm_model.data.images import decode
from derm_model.data.manifest import Record
from derm_model.errors import UnreadableImage

# A picture is compared on a 64 x 64 grid. Only the finest structure counts (what a Gaussian of 1.5 cells takes away),
# and only in the middle 48 x 48 cells: tint, vignette, aperture and lamp reflections at the edge are common to a
# clinic's pictures, and a coarse hash (dHash) joined unrelated lesions by them while it missed recoloured copies.
GRID = 64
MARGIN = 8
BLUR_CELLS = 1.5
N_DETAIL = (GRID - 2 * MARGIN) ** 2

# Detail is cut off at this many robust standard deviations, or a dark spot in the middle would outweigh all the rest.
CLIP = 2.0
# Below this robust standard deviation (in grey levels) there is rounding noise and nothing to compare.
MIN_CONTRAST = 0.25

# Calibrated by eye on 9,037 pictures: see `groups`.
MIN_SIMILARITY = 0.38

CACHE_FORMAT = 2


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What tells a file and its picture.

    Attributes
    ----------
    sha256
        Of the bytes, hex.
    detail : (2304,) int8
        Fine structure of the picture; all zero where there is none to compare (or the file is unreadable).
    """

    sha256: str
    detail: NDArray[np.int8]


def picture_detail(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Describe a picture's fine structure, such that another encoding, size, brightness or tint changes it little.

    Parameters
    ----------
    pixels : (h, w, 3) uint8

    Returns
    -------
    (2304,) int8
        In -127..127, row by row; all zero for a picture without structure. Turned, mirrored or shifted pictures differ.
    """
    grey = Image.fromarray(pixels).convert("L").resize((GRID, GRID), Image.Resampling.BOX)
    values = np.asarray(grey, dtype=np.float32)
    fine = (values - gaussian_filter(values, BLUR_CELLS))[MARGIN:-MARGIN, MARGIN:-MARGIN].ravel()
    fine -= fine.mean()
    contrast = 1.4826 * float(np.median(np.abs(fine)))  # equals the standard deviation for normal values
    if contrast < MIN_CONTRAST:
        return np.zeros(N_DETAIL, dtype=np.int8)
    return np.asarray(np.clip(fine / (CLIP * contrast), -1, 1) * 127, dtype=np.int8)


def fingerprint(path: Path) -> Fingerprint:
    """Read one file and fingerprint it."""
    data = path.read_bytes()
    try:
        detail = picture_detail(decode(data, name=path.name, min_side_px=2 * GRID).pixels)
    except UnreadableImage:
        detail = np.zeros(N_DETAIL, dtype=np.int8)
    return Fingerprint(hashlib.sha256(data).hexdigest(), detail)


def fingerprints(paths: Sequence[Path], cache: Path | None = None) -> list[Fingerprint]:
    """Fingerprint files in order; what the cache file knows (same path, size and time) is not read again."""
    known = _read_cache(cache) if cache is not None else {}
    keys = [_cache_key(path) for path in paths]
    found = [known[key] if key in known else fingerprint(path) for key, path in zip(keys, paths, strict=True)]
    if cache is not None and not known.keys() >= set(keys):
        _write_cache(cache, known | dict(zip(keys, found, strict=True)))
    return found


def similar_pairs(
    details: NDArray[np.int8], min_similarity: float = MIN_SIMILARITY, block_rows: int = 512
) -> NDArray[np.intp]:
    """Pairs of pictures with nearly the same fine structure.

    Parameters
    ----------
    details : (n, 2304) int8
        Of `picture_detail`.
    min_similarity
        Cosine, in -1..1.
    block_rows
        Rows compared at once: bounds the memory to block_rows * n * 4 bytes beside 4 bytes per value of `details`.

    Returns
    -------
    (k, 2) intp
        i < j in every row. A picture without structure is similar to none.
    """
    vectors = details.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)
    pairs = [np.empty((0, 2), dtype=np.intp)]
    for start in range(0, len(vectors), block_rows):
        i, j = np.nonzero(vectors[start : start + block_rows] @ vectors[start:].T >= min_similarity)
        pairs.append(np.stack([i, j], axis=1)[i < j] + start)
    return np.concatenate(pairs)


def groups(records: Sequence[Record], *, pixels: bool = True, cache: Path | None = None) -> list[int]:
    """Number the groups of records that must stay together in a split.

    Two records are joined by the same lesion_id or patient_id (within one source: ids of two data sets have nothing to
    do with each other), and, when `pixels` is set, by the same bytes or nearly the same picture (`picture_detail`,
    cosine >= `MIN_SIMILARITY`). Groups are the connected components.

    Measured on HAM10000, ISIC 2017 and PAD-UFES-20 (9,037 pictures, 41 million pairs), every joined pair looked at:
    38 pairs. They are the 6 identical and 5 re-encoded pairs of ISIC 2017, 21 further pairs of one photograph in two
    colour corrections, one pair of black-framed pictures that may be one lesion, and 5 pairs of different lesions. A
    few recoloured copies lie below the threshold, among many unrelated pairs. 19 s on one core, 4 s with a cache.

    Parameters
    ----------
    records
    pixels
        Read the files. Without, only the ids count.
    cache
        File in which fingerprints are kept for the next time.

    Returns
    -------
    list of int
        One number per record, counted from 0 in the order of first appearance.
    """
    n = len(records)
    if n == 0:
        return []
    edges = [
        _edges_of_equal([_scoped(r.source, r.lesion_id) for r in records]),
        _edges_of_equal([_scoped(r.source, r.patient_id) for r in records]),
    ]
    if pixels:
        prints = fingerprints([r.path for r in records], cache)
        edges.append(_edges_of_equal([p.sha256 for p in prints]))
        edges.append(similar_pairs(np.stack([p.detail for p in prints])))
    joined = np.concatenate(edges)
    graph = coo_array((np.ones(len(joined), dtype=bool), (joined[:, 0], joined[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    order: dict[int, int] = {}
    return [order.setdefault(int(label), len(order)) for label in labels]


def _scoped(source: str, identifier: str | None) -> tuple[str, str] | None:
    return None if identifier is None else (source, identifier)


def _edges_of_equal(keys: Iterable[object | None]) -> NDArray[np.intp]:
    """Edges from the first record with a key to every later one with the same; None is equal to nothing."""
    first: dict[object, int] = {}
    edges = [(first.setdefault(key, i), i) for i, key in enumerate(keys) if key is not None]
    return np.array([edge for edge in edges if edge[0] != edge[1]], dtype=np.intp).reshape(-1, 2)


def _cache_key(path: Path) -> str:
    status = path.stat()
    return f"{path.absolute()}|{status.st_size}|{status.st_mtime_ns}"


def _read_cache(cache: Path) -> dict[str, Fingerprint]:
    """Read what an earlier run kept. A missing, damaged or older file only costs time, so it is no error."""
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if int(stored["format"]) != CACHE_FORMAT:
                return {}
            keys, digests, details = stored["keys"].tolist(), stored["sha256"].tolist(), stored["details"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    return {key: Fingerprint(sha, detail) for key, sha, detail in zip(keys, digests, details, strict=True)}


def _write_cache(cache: Path, known: dict[str, Fingerprint]) -> None:
    temporary = cache.with_name(f".{cache.name}.{os.getpid()}")
    prints = list(known.values())
    try:
        with temporary.open("wb") as file:
            np.savez(
                file,
                format=CACHE_FORMAT,
                keys=np.array(list(known)),
                sha256=np.array([p.sha256 for p in prints]),
                details=np.stack([p.detail for p in prints]),
            )
        temporary.replace(cache)
    finally:
        temporary.unlink(missing_ok=True)
