"""The door: `python -m derm_model`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from derm_model.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "derm_model", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([command, "--help"])
    assert f"python -m derm_model {command} " in capsys.readouterr().out.partition("example:")[2]


def test_help_names_every_command_and_the_notice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--help"])
    text = capsys.readouterr().out
    assert set(COMMANDS) <= set(text.split())
    assert "not a medical device" in " ".join(text.split())


@pytest.mark.parametrize("arguments", [[], ["diagnose"], ["predict"], ["predict", "x.jpg", "--json", "--csv", "t.csv"]])
def test_a_wrong_call_ends_with_code_2_and_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    assert capsys.readouterr().err.startswith("usage: python -m derm_model")


def test_our_own_errors_are_one_line_on_stderr_and_code_2(tmp_path: Path) -> None:
    done = call("predict", "x.jpg", "--bundle", str(tmp_path / "no\nbundle"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("python -m derm_model predict: A model bundle is a folder with")
    assert done.stderr.count("\n") == 1


def test_help_and_partition_load_neither_torch_nor_each_other() -> None:
    code = """
import contextlib, io, sys
from derm_model.__main__ import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["partition", "--help"])
print([m for m in ("torch", "PIL", "derm_model.commands.predict") if m in sys.modules])"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.strip() == "[]"


def test_a_reader_that_leaves_early_causes_no_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # as `| head` does
    counts = tmp_path / "counts.csv"
    counts.write_text("node,n\nmelanoma,500\nbenign-melanocytic,400\n", encoding="utf-8")
    try:
        command = [sys.executable, "-m", "derm_model", "partition", "--counts", str(counts), "--max-class-size", "1000"]
        done = subprocess.run(
            command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=300, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode == 141
    assert done.stderr == ""
