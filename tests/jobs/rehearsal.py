"""A command to rehearse with, in real worker processes: Python's own `sitecustomize` adds it to the door's commands."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from derm_model.jobs import Job, JobStore, cancel

ROOT = Path(__file__).resolve().parents[2]

REHEARSAL = r'''
"""Only in the workers of the tests: `python -m derm_model rehearse`."""
import os, resource, subprocess, sys, tempfile, time, types
import derm_model.__main__
from derm_model.errors import CurationError
from derm_model.progress import Progress, track

def add_parser(subparsers):
    parser = subparsers.add_parser("rehearse")
    parser.add_argument("--out", default="out.txt")
    parser.add_argument("--pieces", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--then", default="return 0")
    parser.add_argument("--unless", default="")

SLEEP = "import time; time.sleep(60)"
GRANDCHILD = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)
print('grandchild', child.pid, flush=True)
time.sleep(60)"""

def escape(_):  # a grandchild in a session of its own, as the ranks of torchrun are
    subprocess.run([sys.executable, "-c", GRANDCHILD], start_new_session=True)

def fork(_):  # as loaders of images are
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    print("forked", pid)
    time.sleep(60)

def chatter(n_bytes):  # a child's lines, between ours
    line = "x" * 99
    code = f"for i in range({int(n_bytes) // 200}): print({line!r})"
    for i in range(int(n_bytes) // 200):
        print(f"{i:099d}")
    subprocess.run([sys.executable, "-c", code])
    print("The end of it")

def fill(path):  # until nothing fits any more, the log and the status neither
    try:
        with open(path, "ab", buffering=0) as file:
            while file.write(bytes(512)):
                pass
    except OSError as error:
        for _ in range(2000):
            print("A log that is full, too, ends no work.")
            print("Nor does this one.", file=sys.stderr)
        raise CurationError("The picture could not be kept.") from error

def limit(n_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(n_bytes), resource.RLIM_INFINITY))
    with tempfile.TemporaryDirectory() as folder:
        fill(os.path.join(folder, "big"))

def run(args):
    with open(args.out, "a", encoding="utf-8") as file:
        for number in track(range(args.pieces), "Rehearsing", args.report, unit="pieces"):
            if args.unless and os.path.exists(args.unless):
                continue
            time.sleep(args.seconds)
            print(number, file=file, flush=True)
    print(f"Wrote {args.pieces} pieces to {args.out}")
    what, _, how = args.then.partition(" ")
    if what in globals():
        globals()[what](how)
        how = "0"
    if what == "raise":
        raise {"ours": CurationError, "memory": MemoryError, "other": ZeroDivisionError}[how]("It went wrong.")
    if what == "hang":
        child = subprocess.Popen([sys.executable, "-c", SLEEP])
        print(child.pid)
        time.sleep(60)
    return int(how)

module = types.ModuleType("derm_model.commands.rehearse")
module.add_parser, module.run = add_parser, run
sys.modules[module.__name__] = module
derm_model.__main__.COMMANDS["rehearse"] = "rehearse"
'''

PATIENCE_S = 30.0  # a start takes 0.3 s; a machine with other work to do took ten


@pytest.fixture(autouse=True)
def rehearsal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("rehearsal")
    (folder / "sitecustomize.py").write_text(REHEARSAL, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    """An empty store with a space and letters of other languages in its path; its jobs are ended with the test."""
    store = JobStore(tmp_path / "häuser und schlüssel 家" / "jobs")
    yield store
    for job in store.list():
        cancel(store, job.id, force=True)


def wait_until(store: JobStore, job: Job, condition: Callable[[Job], bool]) -> Job:
    """The job once the condition holds; the test fails when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition(found := store.read(job.id)):
        assert time.monotonic() < deadline, f"{found.status}\n{found.paths.log.read_text('utf-8')}"
        time.sleep(0.02)
    return found


def wait_for_end(store: JobStore, job: Job) -> Job:
    return wait_until(store, job, lambda found: not found.is_active)


def wait_for_work(store: JobStore, job: Job) -> Job:
    """Until the command has finished at least one piece."""
    return wait_until(store, job, lambda found: found.status.done > 0 or not found.is_active)
