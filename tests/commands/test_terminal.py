"""Progress on the terminal."""

from __future__ import annotations

import argparse
import io

import pytest

from derm_model import __main__ as door
from derm_model.commands.terminal import amount, bar, terminal_report
from derm_model.errors import Cancelled
from derm_model.progress import Progress, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_when_a_stage_begins_and_when_it_is_done() -> None:
    stream = io.StringIO()
    report = terminal_report(stream)
    for stage in ("Reading", "Comparing"):
        for _ in track(range(1200), stage, report):
            pass
    assert stream.getvalue().splitlines() == [
        "Reading: 0 of 1,200 images",
        "Reading: 1,200 of 1,200 images",
        "Comparing: 0 of 1,200 images",
        "Comparing: 1,200 of 1,200 images",
    ]


def test_a_terminal_gets_one_line_per_stage_that_changes() -> None:
    stream = Terminal()
    report = terminal_report(stream)
    for done in (0, 600, 1200):
        report(Progress("Reading", done, 1200))
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().split("\r\x1b[K")[1] == "Reading [........................] 0 of 1,200 images"
    assert stream.getvalue().endswith("Reading [########################] 1,200 of 1,200 images\n")


def test_a_total_that_is_not_known_is_not_invented() -> None:
    assert amount(Progress("Reading", 5)) == "5 images"
    assert bar(Progress("Reading", 5)) == ""
    assert bar(Progress("Reading", 7, 5)).strip() == f"[{'#' * 24}]"


def test_a_command_finds_whom_to_report_to_and_being_stopped_is_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from derm_model.commands import partition

    def stopped(progress: Progress) -> None:
        raise Cancelled("enough")

    def run(args: argparse.Namespace) -> int:
        args.report(Progress("Reading", 0))
        return 0

    monkeypatch.setattr(partition, "run", run)
    arguments = ["partition", "--counts", "x", "--max-class-size", "3"]
    assert door.main(arguments) == 0
    assert capsys.readouterr().err == "Reading: 0 images\n"
    assert door.main(arguments, stopped) == 130
    assert capsys.readouterr().err == "stopped\n"
    with pytest.raises(Cancelled, match="enough"):
        door.call(arguments, stopped)
