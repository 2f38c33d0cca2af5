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
from derm_model.data.duplicates.identity import edges_of_ids
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

    Two records are joined by what they state (`edges_of_ids`: lesion and patient within one source, links across all),
    and, when `pixels` is set, by the same bytes or nearly the same picture (`similar_pictures`, where its figures on
    real pictures stand). Groups are the connected components.

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
    from derm_model.data.table import to_table  # pandas takes half a second

    pairs = [edges_of_ids(to_table(records))[["a", "b"]].to_numpy()]
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
