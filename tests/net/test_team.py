"""Several training processes: real ones, started by torch's launcher, compared with one and killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from derm_model.__main__ import call, main
from derm_model.errors import Cancelled, TrainingError
from derm_model.net.launching import _without_processes
from derm_model.net.run_state import RunPaths
from derm_model.progress import Progress
from tests.net.drawn import write_drawn_manifest

OPTIONS = [
    *("--set", "architecture=tiny", "--initialisation", "random", "--stages", "76:2", "--set", "batch_size=8"),
    *("--set", "optimizer=adamw", "--set", "learning_rate=0.01", "--set", "ema_decay=0.9", "--set", "workers=1"),
    *("--set", "max_class_size=10", "--set", "read_size_px=100", "--validation", "0.2", "--device", "cpu"),
    # what chance decides, so that it is seen to be divided rightly; rounding of bfloat16 would hide a difference
    *("--set", "dropout=0.3", "--set", "mixup=0.3", "--set", "brightness=0.2", "--set", "reduced_precision=false"),
]
PATIENCE_S = 120


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn_manifest(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))


def arguments(manifest: Path, out: Path, *more: str) -> list[str]:
    return ["train", "--manifest", str(manifest), "--out", str(out), *OPTIONS, *more]


def metrics(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in RunPaths(out).metrics.read_text("utf-8").splitlines()]


@pytest.mark.slow
def test_two_processes_come_to_the_losses_of_one(manifest: Path, tmp_path: Path) -> None:
    assert main(arguments(manifest, tmp_path / "one", "--no-bundle")) == 0
    assert main(arguments(manifest, tmp_path / "two", "--no-bundle", "--processes", "2")) == 0
    for one, two in zip(metrics(tmp_path / "one"), metrics(tmp_path / "two"), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert two["validation_loss"] == pytest.approx(one["validation_loss"], rel=1e-3)
    assert RunPaths(tmp_path / "two").validation.is_file()


@pytest.mark.slow
def test_a_lost_process_ends_all_with_the_reason_and_resuming_goes_on(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    longer = arguments(manifest, out, "--no-bundle", "--stages", "76:40", "--processes", "2")

    def kill_one(progress: Progress) -> None:
        if RunPaths(out).metrics.is_file():
            with contextlib.suppress(StopIteration):
                os.kill(next(ranks_below(os.getpid())), signal.SIGKILL)

    with pytest.raises(TrainingError, match=r"(?s)process was lost.*last finished epoch is kept"):
        call(longer, kill_one)
    assert not list(ranks_below(os.getpid()))
    kept = len(metrics(out))
    assert 1 <= kept < 40

    def stop(progress: Progress) -> None:
        if len(metrics(out)) > kept:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        call(longer, stop)
    assert len(metrics(out)) > kept
    assert [line["epoch"] for line in metrics(out)] == list(range(1, len(metrics(out)) + 1))
    assert not list(ranks_below(os.getpid()))
    assert not RunPaths(out).stop.exists()


@pytest.mark.slow
def test_nobody_trains_on_when_the_process_that_started_them_is_killed(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "derm_model", *arguments(manifest, out, "--stages", "76:400", "--processes", "2")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        deadline = time.monotonic() + PATIENCE_S
        while not RunPaths(out).metrics.is_file():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        ranks = list(ranks_below(parent.pid))
        assert len(ranks) >= 2
        parent.kill()
    deadline = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() and "Z" not in stat(pid) for pid in ranks):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_what_a_process_says_of_its_failure_is_passed_on(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    wild = arguments(manifest, out, "--set", "learning_rate=10", "--set", "optimizer=rmsprop_tf", "--processes", "2")
    main_once(manifest, out)
    with pytest.raises(TrainingError, match="another set of recipe"):
        call(wild, lambda progress: None)


def main_once(manifest: Path, out: Path) -> None:
    """A run in the folder, so that another recipe is refused by every process."""
    assert main(arguments(manifest, out, "--no-bundle", "--stages", "76:1")) == 0


def ranks_below(pid: int) -> Iterator[int]:
    """Processes that train, among the descendants of one: torch's launcher names its children by rank."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (entry / "environ").read_bytes()
            words = (entry / "cmdline").read_bytes()
            if b"\0LOCAL_RANK=" in environment and b"derm_model\0train" in words and is_below(int(entry.name), pid):
                yield int(entry.name)


def is_below(pid: int, top: int) -> bool:
    while pid > 1:
        if pid == top:
            return True
        pid = int(stat(pid).rpartition(")")[2].split()[1])
    return False


def stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("utf-8")


def test_a_process_of_the_team_is_not_told_to_start_one() -> None:
    words = ["train", "--processes", "2", "--out", "x", "--processes=3", "--name", "y"]
    assert _without_processes(words) == ["train", "--out", "x", "--name", "y"]
