"""scripts/setup.sh and the Makefile: what a person meets who has just cloned the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(ROOT.glob("scripts/*.sh"))
SHELL = shutil.which("bash") or "bash"
# Acts as a new enough Python with venv and pip; pip says what it was asked, and fails on a file with the line "broken"
STAND_IN = """\
case "$*" in
    --version) echo "Python 3.99" ;;
    "-m venv --clear .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "-m pip install "*) echo "PIP ${*:3}" >&2; [[ "$(cat requirements.txt)" != broken ]] ;;
esac"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that set up, with nothing to install."""
    (tmp_path / "scripts").mkdir()
    for script in SCRIPTS:
        shutil.copy(script, tmp_path / "scripts")
    (tmp_path / "requirements.txt").write_text("# nothing\n", encoding="utf-8")
    (tmp_path / "requirements-dev.txt").write_text("# nothing more\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH without any Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "cat", "cmp", "cp", "id"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!{SHELL}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def run(script: str, clone: Path, path: Path | str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHELL, str(clone / "scripts" / script), *arguments],
        env={"PATH": str(path), "HOME": str(clone), **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def only_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_missing_python_is_said_in_one_sentence(clone: Path, tools: Path) -> None:
    assert "no python3 was found" in only_sentence(run("setup.sh", clone, tools))


def test_an_old_python_is_said_in_one_sentence_with_its_version(clone: Path, tools: Path) -> None:
    write_program(tools / "python3", '[[ "$1" == --version ]] && { echo "Python 3.9.2"; exit 0; }; exit 1')
    said = only_sentence(run("setup.sh", clone, tools))
    assert "needs Python 3.11 or newer; python3 is Python 3.9.2" in said


def test_a_python_without_venv_is_said_in_one_sentence_with_the_package(clone: Path, tools: Path) -> None:
    write_program(tools / "python3", '[[ "$*" == *ensurepip* ]] && exit 1; exit 0')
    assert "python3-venv" in only_sentence(run("setup.sh", clone, tools))


def test_the_first_python_that_is_new_enough_is_taken_and_a_broken_one_passed_over(clone: Path, tools: Path) -> None:
    write_program(tools / "python3.13", "echo no such version >&2; exit 127")  # as a version manager's stub does
    write_program(tools / "python3.12", '[[ "$*" == *ensurepip* ]] && exit 1; exit 0')
    assert only_sentence(run("setup.sh", clone, tools)).startswith("python3.12 has no venv module")


def test_setup_installs_once_and_again_when_requirements_change_or_an_installation_failed(
    clone: Path, tools: Path
) -> None:
    """With a stand-in for Python, because a real environment takes half a minute: CI's fresh clone tests that."""
    (tools / "mkdir").symlink_to(shutil.which("mkdir") or "")
    write_program(tools / "python3", STAND_IN)

    def setup(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("setup.sh", clone, tools, *arguments)

    first = setup("--dev")
    assert first.returncode == 0, first.stderr
    assert "Making .venv with Python 3.99" in first.stderr
    assert "PIP install --quiet --disable-pip-version-check --requirement=requirements.txt --req" in first.stderr
    assert setup("--dev").stderr == ""
    assert setup().stderr == ""  # what `make run` needs is a part of it
    (clone / "requirements-dev.txt").write_text("# something else\n", encoding="utf-8")
    assert setup().stderr == ""
    again = setup("--dev").stderr
    assert "PIP install" in again
    assert "Making" not in again
    (clone / "requirements.txt").write_text("broken\n", encoding="utf-8")
    for _ in range(2):
        failed = setup()
        assert failed.returncode == 1
        assert "could not be installed" in failed.stderr.splitlines()[-1]
    (clone / "requirements.txt").write_text("# mended\n", encoding="utf-8")
    assert setup().returncode == 0
    assert setup().stderr == ""


def test_an_environment_whose_python_is_gone_is_made_again(clone: Path, tools: Path) -> None:
    (tools / "mkdir").symlink_to(shutil.which("mkdir") or "")
    write_program(tools / "python3", STAND_IN)
    assert run("setup.sh", clone, tools).returncode == 0
    (clone / ".venv" / "bin" / "python").unlink()
    assert "Making .venv" in run("setup.sh", clone, tools).stderr


def test_without_any_browser_the_reason_is_given_and_only_ci_fails(clone: Path, tools: Path) -> None:
    done = run("find_chromium.sh", clone, tools)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Install Chromium, or set DERM_CHROMIUM" in done.stderr
    assert run("find_chromium.sh", clone, tools, DERM_REQUIRE_BROWSER="1").returncode == 1


def test_a_browser_that_starts_is_found_and_a_stub_that_does_not_is_passed_over(clone: Path, tools: Path) -> None:
    write_program(tools / "chromium", "exit 1")
    write_program(tools / "google-chrome", "exit 0")
    assert run("find_chromium.sh", clone, tools).stdout == f"{tools / 'google-chrome'}\n"
    write_program(tools / "mine", "exit 0")
    assert run("find_chromium.sh", clone, tools, DERM_CHROMIUM=str(tools / "mine")).stdout == f"{tools / 'mine'}\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    "target,commands",
    [
        ("run", ["scripts/setup.sh", "scripts/run.sh"]),
        ("setup", ["scripts/setup.sh --dev"]),
        ("test", ["scripts/setup.sh --dev", "scripts/find_chromium.sh", "-m pytest"]),
        ("check", ["scripts/setup.sh --dev", "ruff check .", "ruff format --check .", "mypy", "-m pytest"]),
        ("bench", ["scripts/setup.sh --dev", "scripts/bench.py"]),
    ],
)
def test_every_target_begins_with_what_it_needs(target: str, commands: list[str]) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    positions = [done.stdout.find(command) for command in commands]
    assert positions == sorted(positions)
    assert -1 not in positions


def test_to_run_the_app_no_tool_for_developers_is_installed() -> None:
    done = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "--dev" not in done.stdout


def test_every_requirement_is_pinned_and_none_twice() -> None:
    names = []
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if line.split("#")[0].strip()]
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.]+", line) for line in lines)
        names += [line.split("==")[0].lower() for line in lines]
    assert len(names) == len(set(names))


def test_scripts_can_be_executed() -> None:
    for script in (*SCRIPTS, ROOT / ".ci" / "run"):
        assert os.access(script, os.X_OK), script
        assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n"), script
        subprocess.run([SHELL, "-n", str(script)], check=True, timeout=60)
