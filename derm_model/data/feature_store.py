"""Features of pictures on disk, by content hash: computed once per model bundle, whatever collections they occur in.

A store is a folder of shards, each one file of three arrays in NumPy's own format, one after another:

    keys         (m,) S64            sha256 of the file's bytes, hex
    percentiles  (m,) float32        out-of-distribution percentile; NaN where the bundle has no reference
    features     (m, d) float16, C

A shard is written under a temporary name and renamed, and never changes afterwards: a killed writer leaves no half
shard, readers need no lock, and several writers may add at once. Half precision keeps 11 significant bits, which moves
a cosine of features by less than 0.001; 130,000 pictures x 2,048 features are 533 MB.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, DTypeLike, NDArray

from derm_model.errors import CurationError
from derm_model.files import replaced
from derm_model.home import home

SUFFIX = ".features"
KEY_TYPE = np.dtype("S64")
SHA256 = re.compile(r"[0-9a-f]{64}")
# A bundle's id becomes a folder's name: nothing in it may lead out of the store.
BUNDLE_ID = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, eq=False)
class _Shard:
    """One finished file: its keys, and where its features begin."""

    path: Path
    keys: NDArray[np.bytes_]
    percentiles: NDArray[np.float32]
    shape: tuple[int, ...]
    offset: int

    def features(self) -> NDArray[np.float16]:
        """(m, d), mapped into memory, not read."""
        return np.memmap(self.path, np.float16, "r", self.offset, self.shape)


class FeatureStore:
    """Features by content hash, in one folder.

    Parameters
    ----------
    folder : Path
        Need not exist; it is made by the first `add`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def known(self) -> set[str]:
        """Content hashes whose features are stored.

        Raises
        ------
        CurationError
            A shard is damaged.
        """
        return {key.decode("ascii") for shard in self._shards() for key in shard.keys.tolist()}

    def add(self, hashes: Sequence[str], features: NDArray[np.floating], percentiles: ArrayLike | None = None) -> None:
        """Append pictures as one shard, which appears complete or not at all.

        Parameters
        ----------
        hashes : sequence of str, length m
            sha256 of the files' bytes, hex. One that is stored already is ignored by readers: the older shard wins.
        features : (m, d) float
            Finite, and within the range of half precision (65,504).
        percentiles : (m,) float, optional
            Out-of-distribution percentiles in 0..100, NaN where unknown.

        Raises
        ------
        ValueError
            Lengths that differ, a key that is no sha256, features that are not finite numbers.
        CurationError
            The store holds features of another width.
        """
        if len(hashes) == 0:
            return
        halves = _checked_features(hashes, features)
        known = np.full(len(hashes), np.nan) if percentiles is None else percentiles
        shares = np.ascontiguousarray(known, dtype=np.float32)
        if shares.shape != (len(hashes),):
            raise ValueError(f"one percentile per picture: {shares.shape} for {len(hashes)} pictures")
        width = self.width()
        if width not in (None, halves.shape[1]):
            raise CurationError(
                f"One store holds features of one width. {self.folder} holds {width} per picture, "
                f"{halves.shape[1]} were to be added. Use the store of the bundle that computes them."
            )
        self._write((np.asarray(hashes, dtype=KEY_TYPE), shares, halves))

    def read(self, hashes: Sequence[str]) -> NDArray[np.float16]:
        """Features of these pictures, in this order.

        Returns
        -------
        (n, d) float16
            d is 0 when no picture is asked for and the store is empty.

        Raises
        ------
        CurationError
            A picture has no features yet, or a shard is damaged.
        """
        return self._gather(hashes, lambda shard: shard.features(), np.float16, (self.width() or 0,))

    def read_percentiles(self, hashes: Sequence[str]) -> NDArray[np.float32]:
        """Out-of-distribution percentiles of these pictures, (n,); NaN where the bundle has no reference.

        Raises
        ------
        CurationError
            As `read`.
        """
        return self._gather(hashes, lambda shard: shard.percentiles, np.float32, ())

    def width(self) -> int | None:
        """Number of features of a picture; None while the store is empty."""
        return next((shard.shape[1] for shard in self._shards()), None)

    def _gather(self, hashes: Sequence[str], column: Any, dtype: DTypeLike, tail: tuple[int, ...]) -> NDArray[Any]:
        """One column of the shards in the order of `hashes`; shards are opened one at a time, so no limit is met."""
        result = np.empty((len(hashes), *tail), dtype=dtype)
        wanted, inverse = np.unique(np.asarray(hashes, dtype=KEY_TYPE), return_inverse=True)
        found = np.zeros(len(wanted), dtype=bool)
        rows = np.empty((len(wanted), *tail), dtype=dtype)
        for shard in self._shards():
            places = np.minimum(np.searchsorted(wanted, shard.keys), len(wanted) - 1)
            hits = np.nonzero((wanted[places] == shard.keys) & ~found[places])[0] if len(wanted) else places[:0]
            if len(hits):
                rows[places[hits]] = column(shard)[hits]
                found[places[hits]] = True
        if not found.all():
            missing = wanted[~found]
            raise CurationError(
                f"Features are computed before they are used. {len(missing):,} of {len(wanted):,} pictures have none "
                f"in {self.folder} (first: {missing[0].decode('ascii')}). Compute the features, then try again."
            )
        return np.take(rows, inverse.ravel(), axis=0, out=result)

    def _write(self, arrays: Sequence[NDArray[Any]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Names sort by time, so that the older of two shards with one picture is read first.
        number = 1 + max((int(path.stem.partition("-")[0]) for path in self._files()), default=0)
        target = self.folder / f"{number:06d}-{uuid.uuid4().hex[:8]}{SUFFIX}"
        with replaced(target) as temporary, temporary.open("wb") as file:
            for array in arrays:
                npy.write_array(file, array, version=(1, 0), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"[0-9]*-*{SUFFIX}"))

    def _shards(self) -> Iterator[_Shard]:
        for path in self._files():
            try:
                yield _open_shard(path)
            except (OSError, ValueError, EOFError) as error:
                raise CurationError(
                    f"A file of computed features is damaged ({error}). Delete {path} and compute the features again: "
                    "only its pictures are computed anew."
                ) from error


def feature_store(bundle_id: str, root: Path | None = None) -> FeatureStore:
    """Store of one bundle's features below ``$DERM_HOME/features``.

    Parameters
    ----------
    bundle_id
        As the bundle's card has it; features of two bundles have nothing to do with each other.
    root
        Another folder in place of ``$DERM_HOME``.

    Raises
    ------
    CurationError
        The id cannot be the name of a folder.
    """
    if not BUNDLE_ID.fullmatch(bundle_id):
        raise CurationError(
            f"A bundle's id is made of letters, digits, '.', '_' and '-'. This one is {bundle_id!r}. "
            "Copy the bundle again, or train with a plain name."
        )
    return FeatureStore((root or home()) / "features" / bundle_id)


def _checked_features(hashes: Sequence[str], features: NDArray[np.floating]) -> NDArray[np.float16]:
    """(m, d) in half precision, or the reason why not."""
    if features.ndim != 2 or len(features) != len(hashes):
        raise ValueError(f"features are (n pictures, d): {features.shape} for {len(hashes)} pictures")
    odd = next((key for key in hashes if not SHA256.fullmatch(key)), None)
    if odd is not None:
        raise ValueError(f"a content hash is 64 lower-case hex digits, not {odd!r}")
    if not bool((np.abs(features) <= np.finfo(np.float16).max).all()):  # also False for NaN
        raise ValueError("features are finite and at most 65,504, the largest half-precision number")
    return np.ascontiguousarray(features, dtype=np.float16)


def _open_shard(path: Path) -> _Shard:
    """Read a shard's keys and percentiles, and find its features."""
    with path.open("rb") as file:
        keys, percentiles = (npy.read_array(file, allow_pickle=False) for _ in range(2))
        shape, fortran, dtype = _read_header(file)
        offset = file.tell()
        size = file.seek(0, os.SEEK_END)
    fits = len(shape) == 2 and keys.shape == percentiles.shape == shape[:1] and not fortran
    if not fits or keys.dtype != KEY_TYPE or dtype != np.float16:
        raise ValueError("its arrays do not fit together")
    if size != offset + 2 * shape[0] * shape[1]:
        raise ValueError(f"it has {size:,} bytes, its features end at {offset + 2 * shape[0] * shape[1]:,}")
    return _Shard(path, keys, percentiles, shape, offset)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    npy.read_magic(file)
    return npy.read_array_header_1_0(file)
