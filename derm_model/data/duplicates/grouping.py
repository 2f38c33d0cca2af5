"""Groups of records in one call, from their files and ids alone: what training uses without a curated workspace."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.components import connect
from derm_model.data.duplicates.detail import GRID, N_DETAIL, picture_detail
from derm_model.data.duplicates.edges import equal_pairs
from derm_model.data.duplicates.identity import scoped
from derm_model.data.duplicates.perceptual import similar_pictures
from derm_model.data.images import decode
from derm_model.data.manifest import Record
from derm_model.errors import UnreadableImage
from derm_model.files import replaced

CACHE_FORMAT = 3  # 3: structure in bands of frequency instead of the finest alone


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


def groups(records: Sequence[Record], *, pixels: bool = True, cache: Path | None = None) -> list[int]:
    """Number the groups of records that must stay together in a split.

    Two records are joined by the same lesion_id or patient_id (within one source: ids of two data sets have nothing to
    do with each other), and, when `pixels` is set, by the same bytes or nearly the same picture (`picture_detail`,
    cosine >= `MIN_CORRELATION`). Groups are the connected components.

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
    pairs = [
        equal_pairs(scoped(r.source, r.lesion_id) for r in records),
        equal_pairs(scoped(r.source, r.patient_id) for r in records),
    ]
    if pixels:
        prints = fingerprints([r.path for r in records], cache)
        pairs.append(equal_pairs(p.sha256 for p in prints))
        pairs.append(similar_pictures(np.stack([p.detail for p in prints]))[0])
    return [int(number) for number in connect(n, np.concatenate(pairs))]


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
    prints = list(known.values())
    with replaced(cache) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            format=CACHE_FORMAT,
            keys=np.array(list(known)),
            sha256=np.array([p.sha256 for p in prints]),
            details=np.stack([p.detail for p in prints]),
        )
