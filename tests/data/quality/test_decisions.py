"""Decisions of a person about quality outlive imports and overrule the rules."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.quality import QualityDecisions, effective_flags, read_decisions, write_decisions
from derm_model.errors import CurationError


def test_a_decision_overrules_the_rules_in_both_directions():
    flags = pd.DataFrame({"sharpness": [True, True, False, False], "contrast": [False, True, False, False]})
    decisions = QualityDecisions().decide(["a", "b"], "keep").decide(["d"], "leave out")
    assert effective_flags(flags, decisions, list("abcd")).tolist() == [False, False, False, True]
    assert effective_flags(flags, QualityDecisions(), list("abcd")).tolist() == [True, True, False, False]


def test_without_any_rule_nothing_is_flagged():
    assert effective_flags(pd.DataFrame(index=range(2)), QualityDecisions(), ["a", "b"]).tolist() == [False, False]


def test_one_decision_holds_for_every_copy_of_a_file():
    flags = pd.DataFrame({"sharpness": [True, True]})
    assert not effective_flags(flags, QualityDecisions().decide(["a"], "keep"), ["a", "a"]).any()


def test_a_changed_decision_leaves_the_earlier_object_as_it_was():
    first = QualityDecisions().decide(["a"], "keep", "sharp enough")
    second = first.decide(["a", "b"], "leave out")
    assert (first.get("a").decision, second.get("a").decision, first.get("b")) == ("keep", "leave out", None)
    assert len(second.withdraw(["a"])) == 1
    assert second.withdraw(["a"]).get("a") is None


def test_decisions_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "quality_decisions.csv"
    made = QualityDecisions().decide(["b"], "keep", 'a "note", with\nlines').decide(["a"], "leave out")
    write_decisions(path, made)
    assert read_decisions(path) == made
    assert read_decisions(path).get("b").note == 'a "note", with lines'
    assert [line[0] for line in path.read_text().splitlines()] == ["c", "a", "b"]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert datetime.fromisoformat(made.get("a").decided_at).utcoffset() == timedelta(0)


def test_no_file_means_no_decisions(tmp_path):
    assert len(read_decisions(tmp_path / "none.csv")) == 0


@pytest.mark.parametrize(
    "text,words",
    [
        ("content_hash,decision\na,keep\n", "decided_at, note is missing"),
        ("content_hash,decision,decided_at,note\na,perhaps,,\n", "line 2.*'perhaps'"),
        ("", "is missing"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path, text, words):
    path = tmp_path / "d.csv"
    path.write_text(text)
    with pytest.raises(CurationError, match=words):
        read_decisions(path)


def test_an_unknown_decision_is_refused():
    with pytest.raises(CurationError, match="keep or leave out"):
        QualityDecisions().decide(["a"], "maybe")


def test_hashes_must_belong_to_the_rows():
    with pytest.raises(ValueError, match="2 rows, 1 hashes"):
        effective_flags(pd.DataFrame({"x": [True, True]}), QualityDecisions(), ["a"])


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["keep", "leave out", None])), max_size=20))
def test_a_row_follows_its_decision_where_there_is_one_and_the_rules_elsewhere(rows):
    hashes = [str(i) for i in range(len(rows))]
    decisions = QualityDecisions()
    for name, (_, decision) in zip(hashes, rows, strict=True):
        if decision is not None:
            decisions = decisions.decide([name], decision)
    flags = pd.DataFrame({"x": [flagged for flagged, _ in rows]}, dtype=bool)
    expected = [flagged if decision is None else decision == "leave out" for flagged, decision in rows]
    assert effective_flags(flags, decisions, hashes).tolist() == expected
