"""Tables that grow by whole files: a long scan appends finished shards and goes on after them when it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.files import replaced

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

KEY = "content_hash"


class Shards:
    """Rows by content hash in files KIND-00000.parquet, KIND-00001.parquet, ... of one folder.

    Parameters
    ----------
    folder : Path
    kind : str
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind

    def files(self) -> list[Path]:
        """Finished shards, in order."""
        return sorted(self.folder.glob(f"{self.kind}-?????.parquet"))

    def known(self, columns: Collection[str] = ()) -> set[str]:
        """Content hashes there is a row for; with `columns`, only of shards that have all of these.

        An older DermTree may have measured less: its rows count as missing, and the scan does them again.
        """
        import pyarrow.parquet as pq

        complete = [file for file in self.files() if set(columns) <= set(pq.read_schema(file).names)]
        return {key for file in complete for key in pq.read_table(file, columns=[KEY])[KEY].to_pylist()}

    def append(self, rows: pd.DataFrame) -> None:
        """Write one more shard; it appears complete or not at all."""
        files = self.files()
        number = int(files[-1].stem.rpartition("-")[2]) + 1 if files else 0
        target = self.folder / f"{self.kind}-{number:05d}.parquet"
        with replaced(target) as temporary:
            rows.to_parquet(temporary, index=False, compression="zstd")

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """All rows, the last of each content hash; None where nothing was scanned."""
        import pandas as pd

        files = self.files()
        if not files:
            return None
        wanted = None if columns is None else [KEY, *columns]
        frames = [pd.read_parquet(file, columns=wanted) for file in files]
        return pd.concat(frames, ignore_index=True).drop_duplicates(KEY, keep="last", ignore_index=True)

    def aligned(self, hashes: pd.Series[str], columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """One row per content hash of `hashes`, in that order; missing values where a file was not scanned yet."""
        rows = self.read(columns)
        return None if rows is None else rows.set_index(KEY).reindex(hashes.to_numpy()).reset_index()
