"""Groups of images that belong together: one lesion, one patient, one file, one picture.

Two images of one group must never lie on two sides of a split, or the test would ask what the training told
(Esteva et al. 2017, Methods, "Dataset": connected components of the duplicate graph).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from derm_model.data.manifest import Record

HASH_SIDE = 16
HASH_WORDS = HASH_SIDE * HASH_SIDE // 64
MAX_HASH_DISTANCE = 16
CACHE_FORMAT = 1


@dataclass(frozen=True)
class Fingerprint:
    """What tells a file and its picture: sha256 of the bytes (hex) and 256 bits of the picture (None if unreadable)."""

    sha256: str
    picture: tuple[int, ...] | None


def difference_hash(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash a picture by the signs of its horizontal brightness differences on a 16 x 16 grid (dHash).

    Parameters
    ----------
    pixels : (h, w, 3) uint8

    Returns
    -------
    (4,) uint64
        256 bits. The number of differing bits between two hashes is small for the same picture in another encoding,
        size or brightness, and about 128 for unrelated pictures. Turned or mirrored pictures differ.
    """
    grey = Image.fromarray(pixels).convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX)
    grid = np.asarray(grey, dtype=np.int16)
    return np.packbits(grid[:, 1:] > grid[:, :-1]).view(np.uint64)


def fingerprint(path: Path) -> Fingerprint:
    """Read one file and fingerprint it. An unreadable picture has a content hash only."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (4 * HASH_SIDE, 4 * HASH_SIDE))
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except OSError:
        return Fingerprint(digest, None)
    return Fingerprint(digest, tuple(int(word) for word in difference_hash(pixels)))


def fingerprints(paths: Sequence[Path], cache: Path | None = None) -> list[Fingerprint]:
    """Fingerprint files in order; what the cache file knows (same path, size and time) is not read again."""
    known = _read_cache(cache) if cache is not None else {}
    keys = [_cache_key(path) for path in paths]
    found = [known[key] if key in known else fingerprint(path) for key, path in zip(keys, paths, strict=True)]
    if cache is not None and not known.keys() >= set(keys):
        _write_cache(cache, known | dict(zip(keys, found, strict=True)))
    return found


def similar_pairs(
    hashes: NDArray[np.uint64], max_distance: int = MAX_HASH_DISTANCE, block_rows: int = 256
) -> NDArray[np.intp]:
    """Pairs of hashes that differ in at most `max_distance` bits.

    Parameters
    ----------
    hashes : (n, 4) uint64
    max_distance
        In bits, 0 <= max_distance <= 256.
    block_rows
        Rows compared at once: bounds the memory to about block_rows * n * 9 bytes.

    Returns
    -------
    (k, 2) intp
        i < j in every row, sorted by i.
    """
    n = len(hashes)
    pairs = [np.empty((0, 2), dtype=np.intp)]
    for start in range(0, n, block_rows):
        block = hashes[start : start + block_rows]
        distance = np.zeros((len(block), n - start), dtype=np.uint16)
        for word in range(hashes.shape[1]):
            distance += np.bitwise_count(block[:, word, None] ^ hashes[None, start:, word])
        i, j = np.nonzero(distance <= max_distance)
        pairs.append(np.stack([i, j], axis=1)[i < j] + start)
    return np.concatenate(pairs)


def groups(records: Sequence[Record], *, pixels: bool = True, cache: Path | None = None) -> list[int]:
    """Number the groups of records that must stay together in a split.

    Two records are joined by the same lesion_id or patient_id (within one source: ids of two data sets have nothing to do
    with each other), and, when `pixels` is set, by the same bytes or nearly the same picture (at most
    `MAX_HASH_DISTANCE` of 256 bits differ). Groups are the connected components.

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
        positions = np.array([i for i, p in enumerate(prints) if p.picture is not None], dtype=np.intp)
        hashes = np.array([p.picture for p in prints if p.picture is not None], dtype=np.uint64)
        edges.append(positions[similar_pairs(hashes.reshape(-1, HASH_WORDS))])
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
        stored = json.loads(cache.read_text(encoding="utf-8"))
        if stored["format"] != CACHE_FORMAT:
            return {}
        return {
            key: Fingerprint(sha, None if picture is None else tuple(picture))
            for key, (sha, picture) in stored["fingerprints"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_cache(cache: Path, known: dict[str, Fingerprint]) -> None:
    temporary = cache.with_name(f".{cache.name}.{os.getpid()}")
    content = {"format": CACHE_FORMAT, "fingerprints": {k: [p.sha256, p.picture] for k, p in known.items()}}
    try:
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(cache)
    finally:
        temporary.unlink(missing_ok=True)
