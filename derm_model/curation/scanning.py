"""The scan: every file is read and decoded once, for what tells its picture and for its quality."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.curation.shards import KEY, Shards
from derm_model.errors import UnreadableImage
from derm_model.progress import Report, quiet, track

if TYPE_CHECKING:
    from derm_model.curation.workspace import Workspace
    from derm_model.data.duplicates.fingerprint import Fingerprint
    from derm_model.data.quality import QualityMeasures

# A shard costs a file; a killed scan loses at most one: half a minute on two cores.
SHARD_ROWS = 500
# Pillow and scipy free the interpreter while they compute; more threads than cores only hold more pictures in memory.
THREADS = max(1, os.cpu_count() or 1)


@dataclass(frozen=True, eq=False)
class Scanned:
    """What one file gave; without a fingerprint where it cannot be read."""

    content_hash: str
    fingerprint: Fingerprint | None
    quality: QualityMeasures | None
    reason: str | None = None


def scanned_hashes(workspace: Workspace) -> set[str]:
    """Content hashes a scan has nothing left to do for: those with every print and measure of this version."""
    from derm_model.data.duplicates.fingerprint import PRINT_COLUMNS
    from derm_model.data.quality import MEASURES

    paths = workspace.paths
    return paths.shards("prints").known(PRINT_COLUMNS) & paths.shards("quality").known(MEASURES)


def scan(workspace: Workspace, report: Report = quiet) -> int:
    """Scan every file of the workspace that was not scanned yet.

    Returns
    -------
    int
        Number of files scanned by this call. A call that is stopped keeps what it finished, to the last shard.
    """
    table = workspace.need_table()
    prints, quality = workspace.paths.shards("prints"), workspace.paths.shards("quality")
    with workspace.locked():
        known = scanned_hashes(workspace)
        files = table.drop_duplicates(KEY)
        todo = [
            (content_hash, Path(file))
            for content_hash, file in zip(files[KEY], files["file"], strict=True)
            if content_hash not in known
        ]
        results = track(_scan_all(todo), "Reading images", report, total=len(files), start=len(files) - len(todo))
        shard: list[Scanned] = []
        try:
            for result in results:
                shard.append(result)
                if len(shard) == SHARD_ROWS:
                    _append(prints, quality, shard)
                    shard = []
        finally:  # also when it was cancelled: what was read is kept
            if shard:
                _append(prints, quality, shard)
    return len(todo)


def _scan_all(items: Sequence[tuple[str, Path]]) -> Iterator[Scanned]:
    """Results in order, from a few threads, never more than two files a thread ahead of the reader."""
    rest = iter(items)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="dermtree-scan") as pool:
        waiting = [pool.submit(_scan_one, *item) for item in islice(rest, 2 * THREADS)]
        try:
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(_scan_one, *item) for item in islice(rest, 1)]
        finally:
            for future in waiting:
                future.cancel()


def _scan_one(content_hash: str, path: Path) -> Scanned:
    from derm_model.data.duplicates.fingerprint import fingerprint_of
    from derm_model.data.images import decode
    from derm_model.data.quality import measure_quality

    try:
        data = path.read_bytes()
        image = decode(data, name=path.name)
    except (UnreadableImage, OSError) as error:
        return Scanned(content_hash, None, None, str(error))
    return Scanned(content_hash, fingerprint_of(data, image), measure_quality(image))


def _append(prints: Shards, quality: Shards, shard: Sequence[Scanned]) -> None:
    """Write what was read; a file that cannot be read gets rows without values, so that it is not tried for ever."""
    import pandas as pd

    from derm_model.data.duplicates.fingerprint import to_prints
    from derm_model.data.quality import MEASURES

    prints.append(to_prints([(s.content_hash, s.fingerprint) for s in shard]))
    rows = [
        {
            KEY: s.content_hash,
            **(dict.fromkeys(MEASURES) if s.quality is None else asdict(s.quality)),
            "unreadable": s.reason,
        }
        for s in shard
    ]
    frame = pd.DataFrame(rows)
    quality.append(frame.astype({m: "float32" for m in MEASURES} | {"unreadable": "string"}))
