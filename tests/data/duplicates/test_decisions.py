"""Rules of decisions about pairs: kept by content, set several at once, undone, and never lost."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.data.duplicates.decisions import (
    COLUMNS,
    PairDecision,
    PairDecisions,
    decide_pairs,
    read_pair_decisions,
    undo_pairs,
    write_pair_decisions,
)
from derm_model.errors import CurationError

hashes = st.text("0123456789abcdef", min_size=1, max_size=4)
pairs = st.tuples(hashes, hashes).filter(lambda pair: pair[0] != pair[1])
# A line break inside a note is a line break in the file, too; a lone carriage return is none that a note needs.
notes = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
decisions = st.builds(PairDecision, st.sampled_from(["same", "different"]), st.just("2026-11-23T03:58:00Z"), notes)


@settings(max_examples=40)
@given(st.dictionaries(pairs, decisions, max_size=8))
def test_written_decisions_are_read_as_they_were(values):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.csv"
        write_pair_decisions(path, PairDecisions(values))
        again = read_pair_decisions(path)
        assert dict(again) == dict(PairDecisions(values))
        assert list(again) == list(PairDecisions(values))
        assert os.listdir(folder) == ["decisions.csv"]  # noqa: PTH208


@settings(max_examples=40)
@given(st.lists(pairs, max_size=6), st.lists(pairs, max_size=6))
def test_undoing_takes_back_what_was_decided_and_nothing_else(kept, taken):
    before = PairDecisions().decided(kept, "same")
    after = before.decided(taken, "different").undone(taken)
    gone = {tuple(sorted(pair)) for pair in taken}
    assert dict(after) == {pair: decision for pair, decision in before.items() if pair not in gone}


def test_a_pair_has_no_order_and_the_last_decision_counts():
    first = PairDecisions().decided([("b", "a"), ("c", "d")], "same", note="one mole")
    second = first.decided([("a", "b")], "different")
    assert first["a", "b"].decision == first["b", "a"].decision == "same"
    assert second["b", "a"].decision == "different"
    assert second["a", "b"].note == ""
    assert second["c", "d"].note == "one mole"
    assert list(second) == [("c", "d"), ("a", "b")]


def test_the_time_is_kept_in_utc():
    at = datetime(2026, 11, 23, 4, 58, tzinfo=timezone(timedelta(hours=1)))
    assert PairDecisions().decided([("a", "b")], "same", at=at)["a", "b"].decided_at == "2026-11-23T03:58:00Z"
    now = datetime.fromisoformat(PairDecisions().decided([("a", "b")], "same")["a", "b"].decided_at)
    assert abs((datetime.now(UTC) - now).total_seconds()) < 60


def test_decisions_are_found_at_every_position_of_their_contents():
    decided = PairDecisions().decided([("a", "b")], "same").decided([("c", "a"), ("a", "gone")], "different")
    at = decided.at(["a", "x", "b", "a", "c"])
    assert at.same.tolist() == [[0, 2], [2, 3]]
    assert at.different.tolist() == [[0, 4], [3, 4]]
    assert PairDecisions().at(["a", "b"]).same.shape == (0, 2)


def test_one_content_is_no_pair():
    with pytest.raises(CurationError, match="two different files"):
        PairDecisions().decided([("a", "a")], "different")


def test_an_unknown_decision_is_refused():
    with pytest.raises(CurationError, match="maybe"):
        PairDecisions().decided([("a", "b")], "maybe")  # type: ignore[arg-type]


def test_a_file_that_is_not_there_holds_no_decisions(tmp_path):
    assert len(read_pair_decisions(tmp_path / "none.csv")) == 0


@pytest.mark.parametrize(
    "row",
    ["a,b,perhaps,2026-11-23T03:58:00Z,", "a,a,same,2026-11-23T03:58:00Z,", "a,b,same", ",b,same,x,", "a,b,same,,"],
)
def test_a_damaged_line_is_named(tmp_path, row):
    path = tmp_path / "decisions.csv"
    path.write_text(f"{','.join(COLUMNS)}\nc,d,same,2026-11-23T03:58:00Z,\n{row}\n", encoding="utf-8")
    with pytest.raises(CurationError, match=r"decisions\.csv, line 3"):
        read_pair_decisions(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe"])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "decisions.csv"
    path.write_bytes(content)
    with pytest.raises(CurationError, match="move it away"):
        decide_pairs(path, [("a", "b")], "same")
    assert path.read_bytes() == content


def test_several_people_deciding_at_once_lose_nothing(tmp_path):
    path = tmp_path / "decisions.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: decide_pairs(path, [(f"a{i}", f"b{i}")], "same", note=f"note {i}"), range(24)))
    assert {pair for pair in read_pair_decisions(path)} == {(f"a{i}", f"b{i}") for i in range(24)}
    left = undo_pairs(path, [(f"b{i}", f"a{i}") for i in range(1, 24)])
    assert list(left) == list(read_pair_decisions(path)) == [("a0", "b0")]
