"""The table: a manifest as a DataFrame and as a Parquet file."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.data.manifest import Record, read_manifest, write_manifest
from derm_model.data.schema import COLUMNS, CONFIRMATIONS, MODALITIES, OFFICIAL_SPLITS, SEXES
from derm_model.data.table import DTYPES, read_table, to_records, to_table, write_table
from derm_model.errors import ManifestError

words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
records = st.builds(
    Record,
    image_id=words,
    path=st.builds(lambda name: Path("/data") / f"{name}.jpg", st.text("abc", min_size=1, max_size=4)),
    node=words,
    label=st.none() | words,
    source=words,
    modality=st.none() | st.sampled_from(MODALITIES),
    lesion_id=st.none() | words,
    patient_id=st.none() | words,
    confirmed_by=st.none() | st.sampled_from(CONFIRMATIONS),
    licence=st.none() | words,
    official_split=st.none() | st.sampled_from(OFFICIAL_SPLITS),
    content_hash=st.none() | st.integers(0, 2**256 - 1).map(lambda value: f"{value:064x}"),
    fitzpatrick_type=st.none() | st.integers(1, 6),
    age=st.none() | st.floats(0, 120),
    sex=st.none() | st.sampled_from(SEXES),
    site=st.none() | words,
    links=st.lists(words, max_size=3).map(tuple),
)


def record(number: int, **values: object) -> Record:
    return Record(str(number), Path(f"/data/{number}.jpg"), "melanoma", None, "s", **values)  # type: ignore[arg-type]


@settings(max_examples=25)  # pandas takes 60 ms for each
@given(st.lists(records, max_size=4))
def test_records_become_a_table_and_the_same_records_again(given_records):
    table = to_table(given_records)
    assert to_records(table) == tuple(given_records)
    assert list(table.columns) == list(COLUMNS)
    assert table.index.equals(pd.RangeIndex(len(given_records)))
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == DTYPES


def test_a_table_is_read_back_the_same(tmp_path):
    table = to_table([record(1, age=44.5, fitzpatrick_type=3, links=("a:1", "b:2")), record(2)])
    write_table(tmp_path / "m.parquet", table)
    again = read_table(tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(table, again)
    assert again.loc[1].isna().sum() == 12  # what is not known is missing, never "" or 0
    assert [path.name for path in tmp_path.iterdir()] == ["m.parquet"]


def test_a_table_without_rows_keeps_its_types(tmp_path):
    write_table(tmp_path / "m.parquet", to_table([]))
    table = read_table(tmp_path / "m.parquet")
    assert (len(table), to_records(table)) == (0, ())
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == DTYPES


def test_a_column_without_any_value_keeps_its_type_when_tables_are_joined(tmp_path):
    write_table(tmp_path / "a.parquet", to_table([record(1)]))
    write_table(tmp_path / "b.parquet", to_table([record(2, fitzpatrick_type=2, sex="male", age=1.0)]))
    joined = pd.concat([read_table(tmp_path / name) for name in ("a.parquet", "b.parquet")], ignore_index=True)
    assert {name: str(dtype) for name, dtype in joined.dtypes.items()} == DTYPES
    assert to_records(joined) == (record(1), record(2, fitzpatrick_type=2, sex="male", age=1.0))


def test_paths_are_absolute_in_a_table(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    table = to_table([Record("1", Path("a/b.jpg"), "melanoma", None, "s")])
    assert table.loc[0, "file"] == str(tmp_path / "a" / "b.jpg")


def test_a_parquet_manifest_is_read_like_a_csv(tmp_path, drawings, taxonomy, crosswalk):
    path = tmp_path / "m.parquet"
    known = Record("1", drawings[0], "melanoma", "mel", "HAM10000", age=3.0, fitzpatrick_type=2, links=("isic:1",))
    gone = Record("2", tmp_path / "gone.jpg", "melanoma", None, "HAM10000")
    write_manifest(path, [known, gone])
    manifest = read_manifest(path, taxonomy, crosswalk)
    assert manifest.records == (known,)
    assert [problem.kind for problem in manifest.problems] == ["file not found"]


@pytest.mark.parametrize("content", [b"", b"no parquet at all"])
def test_a_damaged_table_is_an_error(tmp_path, content, taxonomy, crosswalk):
    path = tmp_path / "m.parquet"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match="Import the data again"):
        read_table(path)
    with pytest.raises(ManifestError, match="readable CSV file in UTF-8, or a Parquet file"):
        read_manifest(path, taxonomy, crosswalk)
    with pytest.raises(ManifestError, match="Import the data again"):
        read_table(tmp_path / "absent.parquet")


def test_130000_rows_are_written_and_read_in_a_second_each(tmp_path):
    one = to_table([record(1, age=1.0, sex="male", lesion_id="L", content_hash="0" * 64, links=("isic:1",))])
    table = one.loc[[0] * 130_000].reset_index(drop=True)
    table["image_id"] = table.index.astype(str)
    start = time.process_time()
    write_table(tmp_path / "m.parquet", table)
    assert time.process_time() - start < 1  # 0.24 s on one core
    start = time.process_time()
    assert len(read_table(tmp_path / "m.parquet")) == 130_000
    assert time.process_time() - start < 1  # 0.42 s
