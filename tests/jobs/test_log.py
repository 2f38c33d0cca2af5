"""The log: rotated without losing lines, read across the rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.jobs import JobState, JobStore, launch, tail
from derm_model.jobs.log import KEPT_BYTES, ROTATED_AT_BYTES, LastLine, earlier, rotate
from tests.jobs.rehearsal import wait_for_end


def lines(*paths: Path) -> list[str]:
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_last_line_printed_is_remembered_and_everything_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with LastLine() as output:
        assert output.line is None
        print("one\ntwo")
        print()
        assert output.line == "two"
        print("thr", end="")
        print("ee", end="")
    assert output.line == "three"
    assert capsys.readouterr().out == "one\ntwo\n\nthree"


def test_the_tail_of_a_long_log_is_read_without_the_rest(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert tail(log) == ""
    log.write_bytes("ü\n".encode() * 100_000 + b"the end\n")
    assert tail(log, 2) == "ü\nthe end"
    assert len(tail(log, 10**6)) < 65_536
    assert "\ufffd" not in tail(log, 10**6)


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"x" * 99)
    assert not rotate(log, at_bytes=100)
    assert not earlier(log).exists()


def test_who_has_the_log_open_goes_on_in_the_emptied_one(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with log.open("a", encoding="utf-8", buffering=1) as child:
        for i in range(1000):
            print(f"line {i}", file=child)
            if i % 250 == 200:
                assert rotate(log, at_bytes=100, kept_bytes=10_000)
                assert log.stat().st_size == 0
                assert tail(log, 3).splitlines() == [f"line {n}" for n in range(i - 2, i + 1)]
    assert lines(earlier(log), log) == [f"line {i}" for i in range(701, 1000)]  # all since the last but one


def test_the_tail_goes_back_beyond_the_rotation(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    earlier(log).write_text("".join(f"line {i}\n" for i in range(100)) + "li", encoding="utf-8")
    log.write_text("ne 100\nline 101\n", encoding="utf-8")
    assert tail(log, 1) == "line 101"
    assert tail(log, 4).splitlines() == [f"line {i}" for i in range(98, 102)]
    assert tail(log, 500).splitlines() == [f"line {i}" for i in range(102)]
    assert tail(log, 500, max_bytes=60).splitlines() == [f"line {i}" for i in range(95, 102)]  # line 94 was cut


def test_of_a_log_that_grew_too_fast_whole_lines_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {i}\n" for i in range(1000)), encoding="utf-8")
    assert rotate(log, at_bytes=100, kept_bytes=1000)
    kept = lines(earlier(log))
    assert earlier(log).stat().st_size <= 1000
    assert kept == [f"line {i}" for i in range(1000 - len(kept), 1000)]


def test_a_rotation_without_space_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("x\n" * 100, encoding="utf-8")
    earlier(log).mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match="directory"):
        rotate(log, at_bytes=100)
    assert log.read_text(encoding="utf-8") == "x\n" * 100


@pytest.mark.parametrize("n_bytes", [4_600_000, 14_000_000])
def test_a_job_that_prints_without_end_fills_no_disk(n_bytes: int, store: JobStore) -> None:
    job = wait_for_end(store, launch(store, ["rehearse", "--out={job}/o", "--then", f"chatter {n_bytes}"], "Rehearsal"))
    assert job.status.state is JobState.FINISHED
    assert job.status.result == "The end of it"
    log, before = job.paths.log, earlier(job.paths.log)
    assert before.stat().st_size <= KEPT_BYTES
    assert log.stat().st_size < ROTATED_AT_BYTES
    assert tail(log, 1) == "The end of it"
    assert tail(log, 3).splitlines()[0] == "x" * 99
    if n_bytes < KEPT_BYTES:
        expected = [f"{i:099d}" for i in range(n_bytes // 200)] + ["x" * 99] * (n_bytes // 200)
        assert lines(before, log)[1:-1] == expected
