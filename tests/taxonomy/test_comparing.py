"""Two partitions compared: nothing for equal ones, and the changes explain the whole difference."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import PartitionError
from derm_model.taxonomy import Taxonomy, TrainingClass, partition
from derm_model.taxonomy.comparing import Change, compare_partitions
from tests.taxonomy.trees import SKIN, counted_taxonomies, tree

LIMITS = st.integers(1, 60)
MODES = st.sampled_from(("faithful", "practical"))
Case = tuple[Taxonomy, dict[str, int]]


def members(classes: tuple[TrainingClass, ...]) -> set[str]:
    return {member for c in classes for member in c.members}


@given(counted_taxonomies(), LIMITS, MODES)
def test_equal_partitions_have_no_change(case: Case, limit: int, mode: str) -> None:
    found = partition(*case, limit, mode)
    changes = compare_partitions(found, partition(*case, limit, mode))
    assert changes.changed == ()
    assert [entry.before[0] for entry in changes.entries] == list(found.classes)


@given(counted_taxonomies(), LIMITS, LIMITS, MODES, MODES)
def test_the_changes_together_explain_the_difference(case: Case, a: int, b: int, mode: str, other: str) -> None:
    first, second = partition(*case, a, mode), partition(*case, b, other)
    entries = compare_partitions(first, second).entries
    taken = [c.id for entry in entries for c in entry.before]
    put = [c.id for entry in entries for c in entry.after]
    assert sorted(taken) == sorted(c.id for c in first.classes)  # each class once: none is forgotten or told twice
    assert sorted(put) == sorted(c.id for c in second.classes)
    for entry in entries:
        old, new = members(entry.before), members(entry.after)
        assert set(entry.dropped) == old - new
        assert set(entry.added) == new - old
    for one, two in product(entries, entries):
        if one is not two:  # what shares a node stands together
            assert not members(one.before) & members(two.after)


@given(counted_taxonomies(), LIMITS, LIMITS, MODES, MODES)
def test_the_word_of_a_change_is_what_the_classes_say(case: Case, a: int, b: int, mode: str, other: str) -> None:
    changes = compare_partitions(partition(*case, a, mode), partition(*case, b, other))
    for entry in changes.entries:
        shape = (len(entry.before), len(entry.after))
        assert min(shape) <= 1
        same = shape == (1, 1) and entry.before[0].members == entry.after[0].members
        expected = {
            Change.SAME: same,
            Change.MOVED: shape == (1, 1) and not same,
            Change.SPLIT: shape[0] == 1 and shape[1] > 1,
            Change.MERGED: shape[0] > 1 and shape[1] == 1,
            Change.LOST: shape[1] == 0,
            Change.NEW: shape[0] == 0,
        }
        assert [change for change, holds in expected.items() if holds] == [entry.change]


@given(counted_taxonomies(), LIMITS, LIMITS, MODES)
def test_looking_back_splits_are_merges(case: Case, a: int, b: int, mode: str) -> None:
    first, second = partition(*case, a, mode), partition(*case, b, mode)
    back = {Change.SPLIT: Change.MERGED, Change.MERGED: Change.SPLIT, Change.LOST: Change.NEW, Change.NEW: Change.LOST}
    there = {(e.change, e.before, e.after) for e in compare_partitions(first, second).entries}
    again = {(back.get(e.change, e.change), e.after, e.before) for e in compare_partitions(second, first).entries}
    assert there == again


def test_a_lower_limit_splits_a_class() -> None:
    counts = {"blue nevus": 40, "halo nevus": 30, "keratosis": 120, "milia": 10, "nodular": 20}
    changes = compare_partitions(partition(tree(SKIN), counts, 100), partition(tree(SKIN), counts, 50))
    (split,) = changes.of(Change.SPLIT)
    assert [c.node for c in split.before] == ["melanocytic"]
    assert [c.node for c in split.after] == ["blue nevus", "halo nevus"]
    assert split.dropped == ("melanocytic",)  # a group without images of its own is in no class once it is split
    assert {c.node for e in changes.of(Change.SAME) for c in e.before} == {"keratosis", "milia", "malignant"}


def test_faithful_loses_what_practical_keeps() -> None:
    counts = {"keratosis": 120, "milia": 10}
    changes = compare_partitions(
        partition(tree(), counts, 100, "practical"), partition(tree(), counts, 100, "faithful")
    )
    assert [c.node for e in changes.of(Change.LOST) for c in e.before] == ["keratosis"]
    assert {c.node for e in changes.of(Change.NEW) for c in e.after} == {"melanocytic", "malignant"}  # empty classes


def test_partitions_of_two_trees_are_refused() -> None:
    one, two = partition(tree(), {"milia": 1}, 5), partition(tree({"a": {}}), {"a": 1}, 5)
    with pytest.raises(PartitionError, match="within one taxonomy"):
        compare_partitions(one, two)
