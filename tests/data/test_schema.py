"""The form of a manifest's row: spellings understood, values refused, missing words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.problems import MAX_EXAMPLES, Problem, ProblemLog
from derm_model.data.schema import (
    COLUMNS,
    CONFIRMATIONS,
    MISSING,
    MODALITIES,
    OFFICIAL_SPLITS,
    SEXES,
    SPELLINGS,
    Row,
    check_row,
    link,
)

BASE = {"image_id": "1", "file": "1.jpg", "source": "s"}
VOCABULARIES = {
    "modality": MODALITIES,
    "confirmed_by": CONFIRMATIONS,
    "official_split": OFFICIAL_SPLITS,
    "sex": SEXES,
}


def check(**values) -> tuple[Row | None, tuple[Problem, ...]]:
    log = ProblemLog()
    return check_row(BASE | values, log), log.problems()


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("modality", "Dermoscopy", "dermoscopic"),
        ("modality", "macroscopic", "clinical"),
        ("confirmed_by", "histo", "histopathology"),
        ("confirmed_by", "follow-up", "follow_up"),
        ("confirmed_by", "Serial imaging showing no change", "follow_up"),
        ("confirmed_by", "single image expert consensus", "consensus"),
        ("confirmed_by", "single contributor clinical assessment", "single_expert"),
        ("official_split", "val", "validation"),
        ("sex", " F ", "female"),
        ("fitzpatrick_type", "3.0", 3),
        ("fitzpatrick_type", "VI", 6),
        ("fitzpatrick_type", "Type iv", 4),
        ("fitzpatrick_type", "FST 1", 1),
        ("fitzpatrick_type", 5, 5),
        ("age", "85.0", 85.0),
        ("age", "0", 0.0),
        ("content_hash", "AB" * 32, "ab" * 32),
        ("links", " isic:1  pair:2 ", ("isic:1", "pair:2")),
        ("site", "  lower leg ", "lower leg"),
    ],
)
def test_spellings_of_public_data_sets_are_understood(column, text, value):
    row, problems = check(**{column: text})
    assert problems == ()
    assert row is not None and getattr(row, column) == value


def test_every_word_of_a_vocabulary_and_each_of_its_spellings_is_read_as_that_word():
    for column, words in VOCABULARIES.items():
        assert set(SPELLINGS[column]) == set(words)
        for word in words:
            for spelling in (word, *SPELLINGS[column][word]):
                row, problems = check(**{column: spelling.upper().replace(" ", "_")})
                assert (problems, row and getattr(row, column)) == ((), word)


@pytest.mark.parametrize("word", [*sorted(MISSING), "Unknown", " N/A ", None, math.nan])
def test_words_for_not_known_are_no_values(word):
    names = ("lesion_id", "patient_id", "modality", "confirmed_by", "fitzpatrick_type", "age", "sex", "site")
    row, problems = check(**dict.fromkeys(names, word))
    assert problems == ()
    assert row is not None and {getattr(row, name) for name in names} == {None}


def test_unknown_may_be_a_label():
    row, _ = check(diagnosis="unknown")
    assert row is not None and row.diagnosis == "unknown"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("modality", "x-ray"),
        ("confirmed_by", "guess"),
        ("fitzpatrick_type", "0"),
        ("fitzpatrick_type", "7"),
        ("fitzpatrick_type", "2.5"),
        ("fitzpatrick_type", -1),
        ("age", "121"),
        ("age", "-1"),
        ("age", "inf"),
        ("age", "old"),
        ("sex", "robot"),
        ("content_hash", "abc"),
    ],
)
def test_a_value_outside_its_vocabulary_or_range_is_emptied_reported_and_its_row_kept(column, value):
    row, (problem,) = check(**{column: value}, site="back")
    assert row is not None
    assert getattr(row, column) is None
    assert row.site == "back"
    assert problem.kept and problem.count == 1
    assert problem.kind.startswith(f"{column} is no") and problem.kind.endswith("; the value was emptied")
    assert problem.examples == (f"1: {value}",)


def test_several_wrong_values_of_one_row_are_all_reported():
    row, problems = check(age="old", sex="robot")
    assert row is not None and (row.age, row.sex) == (None, None)
    assert [problem.count for problem in problems] == [1, 1]


@pytest.mark.parametrize("column", ["image_id", "file", "source"])
def test_a_row_without_its_needed_values_cannot_be_used(column):
    row, (problem,) = check(**{column: " "}, age="old")
    assert row is None
    assert (problem.kind, problem.kept) == (f"{column} is empty", False)


def test_a_part_that_is_not_understood_must_not_make_a_test_image_trainable():
    row, (problem,) = check(official_split="tset")
    assert row is None
    assert problem.message == "1 row left out: official_split is none of train, validation, test (1: tset)."


@given(
    st.fixed_dictionaries(
        {name: st.text(max_size=12) | st.none() | st.floats() | st.integers() for name in COLUMNS if name != "links"}
    )
)
def test_any_cells_give_a_row_within_the_vocabularies_or_a_problem(values):
    log = ProblemLog()
    row = check_row(values, log)
    if row is None:
        assert [problem.kept for problem in log.problems()] == [False]
        return
    assert all(problem.kept for problem in log.problems())
    for column, words in VOCABULARIES.items():
        assert getattr(row, column) in {None, *words}
    assert row.fitzpatrick_type in {None, 1, 2, 3, 4, 5, 6}
    assert row.age is None or 0 <= row.age <= 120
    assert row.image_id and row.file and row.source


def test_a_link_is_one_key_whatever_its_parts():
    assert link("isic", "ISIC_1") == "isic:ISIC_1"
    assert link("case", " a b ", "c") == "case:a_b:c"


def test_a_log_counts_all_and_keeps_five_different_examples():
    log = ProblemLog()
    for number in range(12):
        log.add("odd", str(number // 2))
    log.add("odd", "x", kept=True, unit="file")
    left, kept = log.problems()
    assert (left.count, left.examples) == (12, ("0", "1", "2", "3", "4"))
    assert left.message == "12 rows left out: odd (0, 1, 2, 3, 4, …)."
    assert kept.message == "1 file kept: odd (x)."


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text("xyz", max_size=2), st.booleans())), st.integers(0, 30))
def test_logs_that_are_joined_count_like_one(entries, cut):
    whole, first, second = ProblemLog(), ProblemLog(), ProblemLog()
    for position, (kind, example, kept) in enumerate(entries):
        whole.add(kind, example, kept=kept)
        (first if position < cut else second).add(kind, example, kept=kept)
    first.extend(second.problems())
    assert first.problems() == whole.problems()
    assert all(len(problem.examples) <= MAX_EXAMPLES for problem in whole.problems())
