"""Rules of the split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.data.manifest import Record
from derm_model.data.splits import DEMO_RULES, OFFICIAL, Split, SplitRules, groups, make_split
from derm_model.errors import ManifestError

NODES = ("nevus", "melanoma", "keratosis")
RULES = SplitRules(holdout={"A": 0.2, "B": OFFICIAL}, validation=0.2)


def make_records(rows) -> list[Record]:
    """From (source, node, lesion number or None, official split)."""
    return [
        Record(
            image_id=f"image{i}",
            path=Path(f"{i}.jpg"),
            node=node,
            label=None,
            source=source,
            lesion_id=None if lesion is None else str(lesion),
            official_split=official,
        )
        for i, (source, node, lesion, official) in enumerate(rows)
    ]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(("A", "B", "C")),
        st.sampled_from(NODES),
        st.none() | st.integers(0, 12),
        st.sampled_from((None, "train", "validation", "test")),
    ),
    max_size=60,
).map(lambda rows: [*rows, ("B", "nevus", None, "test")])


def split_of(records: list[Record], rules: SplitRules = RULES, seed: int = 0) -> Split:
    return make_split(records, rules, seed, group_numbers=groups(records, pixels=False))


def parts(split: Split) -> dict[str, tuple[int, ...]]:
    return {"train": split.train, "validation": split.validation, "test": split.test, "excluded": split.excluded}


@given(ROWS, st.integers(0, 1000))
@settings(deadline=None)
def test_every_record_is_in_exactly_one_part(rows, seed):
    records = make_records(rows)
    positions = [i for part in parts(split_of(records, seed=seed)).values() for i in part]
    assert sorted(positions) == list(range(len(records)))


@given(ROWS, st.integers(0, 1000))
@settings(deadline=None)
def test_no_group_spans_two_parts(rows, seed):
    records = make_records(rows)
    numbers = groups(records, pixels=False)
    split = make_split(records, RULES, seed, group_numbers=numbers)
    homes: dict[int, set[str]] = {}
    for part, positions in parts(split).items():
        for i in positions:
            homes.setdefault(numbers[i], set()).add(part)
    # What an official test image shares its group with is trained on nowhere.
    assert all(len(home) == 1 or home == {"test", "excluded"} for home in homes.values())


@given(ROWS, st.integers(0, 1000))
@settings(deadline=None)
def test_an_official_test_is_kept_whole_and_gains_nothing(rows, seed):
    records = make_records(rows)
    split = split_of(records, seed=seed)
    official = {i for i, record in enumerate(records) if record.source == "B" and record.official_split == "test"}
    assert {i for i in split.test if records[i].source == "B"} == official


@given(ROWS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_split_does_not_depend_on_the_order_of_the_records(rows, random):
    records = make_records(rows)
    shuffled = random.sample(records, len(records))

    def named(of: list[Record]) -> dict[str, set[str]]:
        return {part: {of[i].image_id for i in positions} for part, positions in parts(split_of(of)).items()}

    assert named(records) == named(shuffled)


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    records = make_records([("A", NODES[i % 3], None, None) for i in range(300)])
    assert split_of(records, seed=1) == split_of(records, seed=1)
    assert split_of(records, seed=1).test != split_of(records, seed=2).test


def test_shares_are_kept_in_every_source_and_node():
    rows = [("A", "nevus", None, None)] * 100 + [("A", "melanoma", None, None)] * 20 + [("D", "nevus", None, None)] * 40
    records = make_records(rows)
    split = split_of(records, SplitRules(holdout={"A": 0.2}, default_holdout=0.5, validation=0.25))
    in_test = Counter((records[i].source, records[i].node) for i in split.test)
    assert in_test == {("A", "nevus"): 20, ("A", "melanoma"): 4, ("D", "nevus"): 20}
    in_validation = Counter((records[i].source, records[i].node) for i in split.validation)
    assert in_validation == {("A", "nevus"): 20, ("A", "melanoma"): 4, ("D", "nevus"): 5}


def test_the_last_group_of_a_node_is_left_for_training():
    records = make_records([("A", "melanoma", None, None), ("A", "nevus", None, None), ("A", "nevus", None, None)])
    split = split_of(records, SplitRules(holdout={"A": 0.9}, validation=0.9))
    assert {records[i].node for i in split.train} == {"melanoma", "nevus"}


def test_a_trainable_image_that_shares_a_lesion_with_the_official_test_is_left_out_and_reported():
    records = make_records([("B", "nevus", 1, "train"), ("B", "nevus", 1, "test"), ("B", "nevus", 2, "train")])
    split = split_of(records)
    assert (split.test, split.excluded, split.train) == ((1,), (0,), (2,))


def test_a_source_without_a_rule_keeps_its_official_test():
    records = make_records([("Z", "nevus", None, "test"), *[("Z", "nevus", None, "train")] * 20])
    assert split_of(records, SplitRules()).test == (0,)


def test_an_official_split_that_is_not_there_is_an_error():
    with pytest.raises(ManifestError, match="B has none"):
        split_of(make_records([("B", "nevus", None, "train")]))


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan"), "oficial"])
def test_a_share_outside_its_range_is_an_error(share):
    with pytest.raises(ManifestError, match="holdout of A is"):
        SplitRules(holdout={"A": share})


def test_a_split_of_nothing_is_an_error():
    with pytest.raises(ManifestError, match="needs records"):
        make_split([], RULES, 0)


def test_the_rule_is_written_out_for_the_card():
    rows = [
        ("HAM10000", "nevus", None, None),
        ("ISIC 2017", "nevus", None, "test"),
        ("PAD-UFES-20", "nevus", None, None),
    ]
    rule = split_of(make_records(rows), DEMO_RULES).rule
    assert "HAM10000: 15% of groups; ISIC 2017: official test split; PAD-UFES-20: 25% of groups." in rule
    assert "Validation: 10%" in rule
