"""Training processes that are killed at every stage, and disks that are full: what is kept, and how it goes on."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from derm_model.net.run_state import RunPaths
from tests.net.drawn import write_drawn_manifest

ROOT = Path(__file__).resolve().parents[2]
N_EPOCHS = 3
OPTIONS = [
    *("--set", "architecture=tiny", "--initialisation", "random", "--stages", "76:3", "--set", "batch_size=8"),
    *("--set", "optimizer=adamw", "--set", "learning_rate=0.01", "--set", "ema_decay=0.9", "--set", "workers=1"),
    *("--set", "max_class_size=10", "--set", "read_size_px=100", "--validation", "0.2", "--device", "cpu"),
]
# Python runs this in every process it starts; the second time a function is called, it writes half and is killed.
KILLER = """
import importlib.abc, importlib.util, os, signal, sys
module_name, _, name = os.environ.get("DERM_TEST_KILL_AT", "").partition(":")
calls = [0]

def die_in(function):
    def wrapped(*arguments, **options):
        calls[0] += 1
        if calls[0] == int(os.environ["DERM_TEST_KILL_CALL"]):
            for argument in arguments:  # a file that is being written is left half there
                if hasattr(argument, "fileno"):
                    argument.write(b"half")
                    argument.flush()
                elif str(argument).endswith(".tmp"):
                    open(argument, "wb").write(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return wrapped

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != module_name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        run = spec.loader.exec_module

        def run_and_patch(module):
            run(module)
            *parents, last = name.split(".")
            owner = module
            for parent in parents:
                owner = getattr(owner, parent)
            setattr(owner, last, die_in(getattr(owner, last)))

        spec.loader.exec_module = run_and_patch
        return spec

if module_name:
    sys.meta_path.insert(0, Finder())
"""
# where, which call, epochs that are safe by then
STAGES = {
    "before the first step": ("derm_model.net.training:_step", 1, 0),
    "in the middle of an epoch": ("derm_model.net.training:_step", 10, 1),
    "while validating": ("derm_model.net.validation:judge", 2, 1),
    "while writing the best weights": ("derm_model.net.run_state:save_file", 1, 0),
    "while writing a checkpoint": ("derm_model.net.run_state:torch.save", 2, 1),
    "between checkpoint and metrics": ("derm_model.net.training:write_metrics", 1, 1),
    "while writing the validation answers": ("derm_model.net.release:write_answers", 1, 3),
    "while writing the bundle": ("derm_model.net.release:save_bundle", 1, 3),
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn_manifest(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def whole(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Metrics of a run that nobody disturbed, with as many threads as the others: sums are rounded by thread."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert start(manifest, out, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode == 0
    return figures(out)


def arguments(manifest: Path, out: Path) -> list[str]:
    return ["train", "--manifest", str(manifest), "--out", str(out), *OPTIONS]


def figures(out: Path) -> list[dict[str, object]]:
    path = RunPaths(out).metrics
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    timed = ("seconds", "images_per_second", "memory_bytes")
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


def start(manifest: Path, out: Path, *more: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "derm_model", *arguments(manifest, out), *more],
        **{"capture_output": True, "text": True, "timeout": 120, "check": False, **options},  # type: ignore[call-overload]
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_process_killed_at_any_stage_goes_on_to_the_same_figures(
    stage: str, manifest: Path, tmp_path: Path, whole: list[dict[str, object]]
) -> None:
    where, number, safe = STAGES[stage]
    out, hook = tmp_path / "run", tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(KILLER, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(hook), str(ROOT)]),
        "DERM_TEST_KILL_AT": where,
        "DERM_TEST_KILL_CALL": str(number),
    }
    killed = start(manifest, out, env=environment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (RunPaths(out).bundle / "bundle.json").exists()
    assert figures(out) == whole[: len(figures(out))]
    again = start(manifest, out)
    assert again.returncode == 0, again.stderr
    assert figures(out) == whole
    trained = again.stderr.count("mean class accuracy")
    assert trained == N_EPOCHS - safe
    assert (RunPaths(out).bundle / "bundle.json").is_file()


@pytest.mark.slow
def test_a_file_that_may_grow_no_further_stops_training_with_the_last_checkpoint_safe(
    manifest: Path, tmp_path: Path, whole: list[dict[str, object]]
) -> None:
    out = tmp_path / "run"
    limit = 30_000  # bytes: the first checkpoint of the tiny network has 100,000, its best weights 26,000
    stopped = start(
        manifest,
        out,
        # a process that reads images hands them on in files, which the limit would be for, too
        *("--set", "workers=0"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
    )
    assert stopped.returncode == 2, stopped.stderr
    assert "the disk is full or a size limit was reached" in " ".join(stopped.stderr.split())
    assert "No epoch was finished yet" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not [file.name for file in out.iterdir() if file.name.endswith(".tmp")]
    assert start(manifest, out, "--set", "workers=0").returncode == 0
    assert figures(out) == whole


@pytest.mark.slow
def test_a_disk_that_fills_up_stops_training_with_the_last_checkpoint_readable(
    manifest: Path, tmp_path: Path, whole: list[dict[str, object]]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small disk")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        out = disk / "run"
        first = start(manifest, out)  # one checkpoint fits, two and the best weights beside it do not
        assert first.returncode == 2, first.stderr
        assert "is full" in first.stderr
        assert "Traceback" not in first.stderr
        n_safe = len(figures(out))
        assert figures(out) == whole[:n_safe]
        moved = tmp_path / "moved"
        shutil.copytree(out, moved)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert start(manifest, moved).returncode == 0
    assert figures(moved) == whole
