"""Features of many picture files, computed once and kept (Esteva et al. 2017: neighbours in CNN features are edges)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.data.feature_store import FeatureStore
from derm_model.data.images import decode_file
from derm_model.errors import UnreadableImage
from derm_model.net.engine import MAX_BATCH, Engine, Prediction
from derm_model.progress import Report, quiet, track

Item = tuple[str, Path]
Pixels = NDArray[np.uint8]

# A shard of 200 x 2,048 half-precision features is 0.8 MB and half a minute of work on two cores: what a kill can cost.
SHARD_IMAGES = 200
# Decoded pictures that wait for the network; two batches keep it busy, and photographs are large.
DECODE_AHEAD = 2 * MAX_BATCH
# A 12-megapixel photograph decodes in 35 ms and is predicted in 100; the second thread is for slower disks.
DECODE_THREADS = 2


@dataclass(frozen=True)
class Unreadable:
    """A file without features, and why."""

    content_hash: str
    path: Path
    reason: str


def embed(engine: Engine, items: Sequence[Item], store: FeatureStore, report: Report = quiet) -> tuple[Unreadable, ...]:
    """Compute and store the features of every picture the store does not know.

    Parameters
    ----------
    engine : Engine
    items : sequence of (content hash, path)
        The hash is that of the file's bytes; a hash that occurs again is computed once.
    store : FeatureStore
        Of the engine's bundle. Features are added every `SHARD_IMAGES` pictures, with their out-of-distribution
        percentiles, and when the work is stopped.
    report
        May raise `Cancelled`; what is computed by then is kept, and the next call goes on from there.

    Returns
    -------
    tuple of Unreadable
        Files that could not be read; the next call tries them again.
    """
    paths = dict(reversed(items))  # the first path of a hash
    known = store.known()
    todo = [(key, paths[key]) for key in dict.fromkeys(key for key, _ in items) if key not in known]
    unreadable: list[Unreadable] = []
    shard: list[tuple[str, Prediction]] = []
    files = _read_ahead(todo, engine.bundle.preprocessing.size_px)
    # Files are counted, not predictions: an unreadable one is done, too.
    files = track(files, "Computing features", report, total=len(paths), start=len(paths) - len(todo))
    try:
        for key, prediction in _predictions(engine, files, unreadable):
            shard.append((key, prediction))
            if len(shard) == SHARD_IMAGES:
                _keep(store, shard)
                shard = []
    finally:  # also when cancelled
        _keep(store, shard)
    return tuple(unreadable)


def _predictions(
    engine: Engine, read: Iterator[tuple[Item, Pixels | str]], unreadable: list[Unreadable]
) -> Iterator[tuple[str, Prediction]]:
    """Hash and prediction of every readable file; the others are appended to `unreadable`."""
    keys: deque[str] = deque()  # of pictures the engine has taken and not answered yet

    def readable() -> Iterator[Pixels]:
        for (key, path), result in read:
            if isinstance(result, str):
                unreadable.append(Unreadable(key, path, result))
            else:
                keys.append(key)
                yield result

    for prediction in engine.predict_each(readable()):
        yield keys.popleft(), prediction


def _read_ahead(items: Sequence[Item], size_px: int) -> Iterator[tuple[Item, Pixels | str]]:
    """Every item with its pixels, or with the reason why it has none, decoded a little ahead of the reader."""
    rest = iter(items)
    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="dermtree-decode") as pool:
        waiting = deque((item, pool.submit(_read, item[1], size_px)) for item in islice(rest, DECODE_AHEAD))
        try:
            while waiting:
                item, future = waiting.popleft()
                yield item, future.result()
                waiting.extend((item, pool.submit(_read, item[1], size_px)) for item in islice(rest, 1))
        finally:
            for _, future in waiting:
                future.cancel()


def _read(path: Path, size_px: int) -> Pixels | str:
    try:
        return decode_file(path, min_side_px=size_px).pixels
    except UnreadableImage as error:
        return str(error)


def _keep(store: FeatureStore, shard: Sequence[tuple[str, Prediction]]) -> None:
    if shard:
        predictions = [prediction for _, prediction in shard]
        store.add(
            [key for key, _ in shard],
            np.stack([p.features for p in predictions]),
            [np.nan if p.ood_percentile is None else p.ood_percentile for p in predictions],
        )
