"""Leaks of splits, also foreign ones."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.split_doctor import (
    Leak,
    expected_random_leaks,
    expected_shared_groups,
    find_leaks,
    leak_table,
    official_parts,
    read_foreign_split,
)
from derm_model.errors import SplitError
from tests.data.collections import make_table

GROUPS = [0, 0, 1, 1, 1, 2, 3, 3]
PARTS = ["train", "test", "train", "train", "validation", "test", "test", None]


def test_groups_in_several_parts_are_found_with_their_members() -> None:
    report = find_leaks(GROUPS, PARTS)
    assert report.leaks == (
        Leak(1, (2, 3, 4), ("train", "train", "validation")),
        Leak(0, (0, 1), ("train", "test")),
    )
    assert report.part_sizes == {"test": 3, "train": 3, "validation": 1}
    assert (report.n_groups, report.n_leaking_images) == (2, 5)  # one of group 3 has no part
    assert [(p.first, p.second, p.n_groups) for p in report.pairs] == [
        ("test", "train", 1),
        ("test", "validation", 0),
        ("train", "validation", 1),
    ]
    assert report.summary.startswith("2 of 2 groups of two images or more lie in several parts (5 images).")


def test_a_clean_split_is_said_to_be_clean() -> None:
    report = find_leaks([0, 0, 1, 1], ["a", "a", "b", "b"])
    assert report.leaks == ()
    assert report.summary.startswith("No group lies in two parts (2 groups of two images or more).")
    assert report.n_expected > 1


def counted(groups: list[int], parts: list[str]) -> tuple[float, float]:
    """Mean number of groups cut, and of groups shared by a and b, over every way to deal the parts."""
    cut, shared, n = 0, 0, 0
    for dealt in permutations(parts):
        own = [{p for p, g in zip(dealt, groups, strict=True) if g == group} for group in set(groups)]
        cut += sum(len(p) > 1 for p in own)
        shared += sum({"a", "b"} <= p for p in own)
        n += 1
    return cut / n, shared / n


@pytest.mark.parametrize(
    "groups, parts",
    [
        ([0, 0, 1, 1, 1, 2, 3], [*"aaabbcc"]),
        ([0, 0, 0, 0, 1, 1], [*"aabbbc"]),
        ([0, 0, 1, 1, 2, 2, 2], [*"aaaaaab"]),
    ],
)
def test_what_a_random_split_leaks_is_the_mean_over_all_of_them(groups: list[int], parts: list[str]) -> None:
    sizes = np.bincount(groups)
    part_sizes = {name: parts.count(name) for name in sorted(set(parts))}
    cut, shared = counted(groups, parts)
    assert expected_random_leaks(sizes, list(part_sizes.values())) == pytest.approx(cut)
    assert expected_shared_groups(sizes, part_sizes, "a", "b") == pytest.approx(shared)


@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_expectations_are_between_none_and_all_groups_however_large(sizes: list[int], seed: int) -> None:
    total = sum(sizes)
    cuts = np.sort(np.random.default_rng(seed).integers(0, total + 1, size=2)).tolist()
    part_sizes = {"a": cuts[0], "b": cuts[1] - cuts[0], "c": total - cuts[1]}
    at_stake = sum(size > 1 for size in sizes)
    expected = expected_random_leaks(sizes, list(part_sizes.values()))
    assert -1e-9 <= expected <= at_stake + 1e-9
    assert expected_shared_groups(sizes, part_sizes, "a", "b") <= expected + 1e-9


def test_in_one_part_nothing_leaks() -> None:
    assert expected_random_leaks([3, 5], [8]) == 0
    assert find_leaks([0, 0], ["all", "all"]).pairs == ()


@given(parts=st.lists(st.sampled_from(["train", "test", None]), min_size=12, max_size=12))
def test_what_is_found_is_what_counting_finds(parts: list[str | None]) -> None:
    groups = [i // 3 for i in range(12)]
    if not any(parts):
        return
    held = {g: {p for h, p in zip(groups, parts, strict=True) if h == g and p} for g in groups}
    assert {leak.group for leak in find_leaks(groups, parts).leaks} == {g for g, p in held.items() if len(p) > 1}


def test_a_split_that_names_nothing_is_refused() -> None:
    with pytest.raises(SplitError, match="None of these images has a part"):
        find_leaks([0, 1], [None, None])
    with pytest.raises(SplitError, match="2 groups, 1 parts"):
        find_leaks([0, 1], ["test"])


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "split.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "image_id,split\nimg-0,train\nimg-2,test\n",
        "\ufeffSplit,Image\r\ntrain,img-0.jpg\r\ntest,some/folder/img-2.png\r\n",
        "id,note,set\nimg-0,x,train\n img-2 ,y, test \n",
    ],
)
def test_images_are_recognised_by_id_or_file_name(text: str, tmp_path: Path) -> None:
    found = read_foreign_split(write(tmp_path, text), make_table(3))
    assert found.parts == ("train", None, "test")
    (problem,) = found.problems
    assert (problem.count, problem.examples, problem.kept) == (1, ("img-1",), True)


def test_other_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "split,photo,use\nold,img-0,train\nold,img-1,test\n")
    found = read_foreign_split(path, make_table(2), id_column="photo", split_column="use")
    assert found.parts == ("train", "test")


def test_an_id_of_two_sources_needs_its_source(tmp_path: Path) -> None:
    table = make_table(3, image_id=["x", "x", "y"], source=["A", "B", "A"], file=["/a/x.jpg", "/b/x.jpg", "/a/y.jpg"])
    found = read_foreign_split(write(tmp_path, "image_id,split\nx,train\ny,test\n"), table)
    assert found.parts == (None, None, "test")
    assert [(p.kind, p.count) for p in found.problems] == [
        ("name of the split that several images have", 1),
        ("image of the collection the split does not name", 2),
    ]
    told = read_foreign_split(write(tmp_path, "image_id,source,split\nx,B,train\ny,A,test\n"), table)
    assert told.parts == (None, "train", "test")


def test_nothing_of_a_foreign_split_is_dropped_in_silence(tmp_path: Path) -> None:
    text = "image_id,split\nimg-0,train\nimg-0,test\nimg-0,train\nimg-9,test\nimg-1,\n"
    found = read_foreign_split(write(tmp_path, text), make_table(2))
    assert found.parts == ("train", None)
    assert {p.kind: (p.count, p.examples) for p in found.problems} == {
        "image the split lists in two parts, the first one was taken": (1, ("img-0 (train, test)",)),
        "image of the split not in the collection": (1, ("img-9",)),
        "image the split gives no part": (1, ("img-1",)),
        "image of the collection the split does not name": (1, ("img-1",)),
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("photo,split\nx,train\n", "The image of each row is looked for in the column one of image_id"),
        ("image_id,use\nimg-0,train\n", "The part of each row is looked for in the column one of split"),
        ("image_id,split\nfoo,train\n", "None of the 1 rows"),
        ("", "has none"),
    ],
)
def test_a_file_that_is_no_split_of_the_collection_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SplitError, match=message):
        read_foreign_split(write(tmp_path, text), make_table(2))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("image_id,split\nä,train\n".encode("latin-1"))
    for name in ("latin.csv", "missing.csv"):
        with pytest.raises(SplitError, match="CSV file in UTF-8"):
            read_foreign_split(tmp_path / name, make_table(2))


def test_the_official_split_is_a_foreign_one() -> None:
    found = official_parts(make_table(3, official_split=["train", None, "test"]))
    assert found.parts == ("train", None, "test")
    assert [p.examples for p in found.problems] == [("img-1",)]


def test_the_leaks_export_has_a_row_per_member() -> None:
    exported = leak_table(find_leaks(GROUPS, PARTS), make_table(8))
    assert exported[["group", "part", "image_id"]].to_numpy().tolist() == [
        [1, "train", "img-2"],
        [1, "train", "img-3"],
        [1, "validation", "img-4"],
        [0, "train", "img-0"],
        [0, "test", "img-1"],
    ]
    empty = leak_table(find_leaks([0, 1], ["a", "b"]), make_table(2))
    assert list(empty.columns) == list(exported.columns)
    assert len(empty) == 0 and isinstance(empty, pd.DataFrame)
