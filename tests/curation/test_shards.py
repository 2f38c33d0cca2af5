from __future__ import annotations

from pathlib import Path

import pandas as pd

from derm_model.curation.shards import Shards


def rows(*hashes: str, value: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"content_hash": hashes, "value": [value] * len(hashes)})


def test_shards_append_and_the_last_row_of_a_content_counts(tmp_path: Path) -> None:
    shards = Shards(tmp_path, "prints")
    assert shards.read() is None
    assert shards.known() == set()
    shards.append(rows("a", "b"))
    shards.append(rows("b", "c", value=2))
    read = shards.read()
    assert read is not None
    assert dict(zip(read["content_hash"], read["value"], strict=True)) == {"a": 1, "b": 2, "c": 2}
    assert shards.known() == {"a", "b", "c"}
    assert shards.known(["value"]) == {"a", "b", "c"}
    assert shards.known(["value", "a measure of a later version"]) == set()
    assert [f.name for f in shards.files()] == ["prints-00000.parquet", "prints-00001.parquet"]


def test_aligned_rows_follow_the_hashes_and_are_missing_where_nothing_was_scanned(tmp_path: Path) -> None:
    shards = Shards(tmp_path, "quality")
    shards.append(rows("a", "b"))
    aligned = shards.aligned(pd.Series(["b", "x", "b"]))
    assert aligned is not None
    assert aligned["content_hash"].tolist() == ["b", "x", "b"]
    assert aligned["value"].isna().tolist() == [False, True, False]


def test_kinds_and_unfinished_files_do_not_mix(tmp_path: Path) -> None:
    Shards(tmp_path, "prints").append(rows("a"))
    (tmp_path / ".quality-00000.parquet.7.tmp").write_bytes(b"half")
    assert Shards(tmp_path, "quality").known() == set()
