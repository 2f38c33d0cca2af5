"""Rules of edges: how they are made, kept and joined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.duplicates.edges import (
    EDGE_KINDS,
    concat_edges,
    equal_pairs,
    exif_seconds,
    exif_strength,
    make_edges,
    no_edges,
    of_kinds,
    read_edges,
    write_edges,
)
from derm_model.errors import CurationError


def test_an_edge_names_the_smaller_position_first_and_of_equal_pairs_the_strongest_counts():
    edges = make_edges([[5, 2], [2, 5], [1, 0], [3, 3]], "features", [0.7, 0.9, 0.8, 1.0])
    assert edges[["a", "b"]].to_numpy().tolist() == [[0, 1], [2, 5]]
    assert edges["strength"].tolist() == pytest.approx([0.8, 0.9])
    assert edges.dtypes.astype(str).tolist() == ["int32", "int32", "category", "float32"]


def test_edges_of_several_kinds_stand_in_one_table():
    edges = concat_edges([make_edges([[0, 1]], "lesion"), no_edges(), make_edges([[0, 1]], "perceptual", 0.5)])
    assert edges["kind"].tolist() == ["lesion", "perceptual"]
    assert list(edges["kind"].cat.categories) == list(EDGE_KINDS)
    assert of_kinds(edges, ["perceptual", "exif"]).tolist() == [False, True]
    assert len(concat_edges([])) == 0


def test_written_edges_are_read_as_they_were(tmp_path):
    edges = concat_edges([make_edges([[0, 1], [1, 7]], "exif", [0.5, 0.25]), make_edges([[2, 3]], "content")])
    write_edges(tmp_path / "edges.parquet", edges)
    pd.testing.assert_frame_equal(read_edges(tmp_path / "edges.parquet"), edges)
    write_edges(tmp_path / "edges.parquet", no_edges())
    pd.testing.assert_frame_equal(read_edges(tmp_path / "edges.parquet"), no_edges())
    assert [path.name for path in tmp_path.iterdir()] == ["edges.parquet"]


@pytest.mark.parametrize("content", [None, b"", b"no parquet at all"])
def test_a_damaged_file_of_edges_is_refused_with_what_to_do(tmp_path, content):
    path = tmp_path / "edges.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CurationError, match="Look for duplicates again"):
        read_edges(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "edges.parquet"
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(path)
    with pytest.raises(CurationError, match="Look for duplicates again"):
        read_edges(path)
    pd.DataFrame({"a": [1], "b": [2], "kind": ["telepathy"], "strength": [1.0]}).to_parquet(path)
    with pytest.raises(CurationError, match="telepathy"):
        read_edges(path)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30))
def test_equal_keys_are_joined_to_the_first_of_them(keys):
    for i, j in equal_pairs(keys).tolist():
        assert i < j
        assert keys[i] == keys[j] is not None
        assert keys.index(keys[j]) == i
    assert len(equal_pairs(keys)) == sum(keys.count(key) - 1 for key in {*keys} - {None})


@given(st.lists(st.integers(0, 100_000)))
def test_seconds_are_read_back_from_the_strength(seconds):
    assert exif_seconds(exif_strength(seconds)).tolist() == seconds
    assert np.all((exif_strength(seconds) > 0) & (exif_strength(seconds) <= 1))
