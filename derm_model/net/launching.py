"""Training in several processes of this machine, started and watched by torch's own launcher.

`train --processes N` starts `torchrun`, which starts N times the same command. The leader writes how far it is into
the run folder; this process reads it there, and asks all to stop by a file beside it. When this process dies, the
system ends the launcher, and with it the others: nobody trains on unseen.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import derm_model
from derm_model.errors import Cancelled, DermTreeError, TrainingError
from derm_model.files import replaced, write_json
from derm_model.net.run_state import RunPaths
from derm_model.progress import Progress, Report

POLL_S = 0.3
MIN_BETWEEN_WRITES_S = 0.5
GRACE_S = 120.0  # a step of a large batch on a slow machine takes a minute; then the launcher is ended
SOURCE_ROOT = Path(derm_model.__file__).resolve().parents[1]
FAILURE = "failure.json"
REASON_FIRST_S = 2.0  # the launcher tells failures apart by the whole second
PR_SET_PDEATHSIG = 1  # Linux: a signal for this process when its parent dies


def is_one_of_several() -> bool:
    """Whether a launcher started this process as one of a team."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def train_in_processes(n: int, arguments: Sequence[str], paths: RunPaths, report: Report) -> None:
    """Run `python -m derm_model ARGUMENTS` in `n` processes that train together, until they end.

    Parameters
    ----------
    arguments
        As after `python -m derm_model`; `--processes` is left out.

    Raises
    ------
    TrainingError
        A process failed or was lost; the reason is that of the first.
    Cancelled
        `report` said so; the processes have ended.
    """
    paths.folder.mkdir(parents=True, exist_ok=True)
    for file in (paths.stop, paths.progress, paths.folder / FAILURE):
        file.unlink(missing_ok=True)
    threads = max(1, (os.cpu_count() or 1) // n)
    environment = {
        "OMP_NUM_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join([str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "TORCHELASTIC_ERROR_FILE": str((paths.folder / FAILURE).absolute()),
    }
    launcher = subprocess.Popen(
        [
            *(sys.executable, "-u", "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}"),
            *("-m", "derm_model", *_without_processes(arguments)),
        ],
        env={**environment, **os.environ, "PYTHONPATH": environment["PYTHONPATH"]}
        | {"TORCHELASTIC_ERROR_FILE": environment["TORCHELASTIC_ERROR_FILE"]},
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: die_with_parent(signal.SIGTERM),
    )
    try:
        _watch(launcher, paths, report)
    except (Cancelled, KeyboardInterrupt):
        _stop(launcher, paths)
        raise
    finally:
        if launcher.poll() is None:
            launcher.kill()
        launcher.wait()
        for file in (paths.stop, paths.progress):
            file.unlink(missing_ok=True)
    if launcher.returncode:
        raise TrainingError(_reason(paths, launcher.returncode))


def _watch(launcher: subprocess.Popen[bytes], paths: RunPaths, report: Report) -> None:
    seen: Progress | None = None
    while launcher.poll() is None:
        time.sleep(POLL_S)
        progress = _read_progress(paths)
        if progress is not None:
            seen = progress
        report(seen or Progress("Starting the processes", 0, None, "steps"))


def _read_progress(paths: RunPaths) -> Progress | None:
    try:
        return Progress(**json.loads(paths.progress.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _stop(launcher: subprocess.Popen[bytes], paths: RunPaths) -> None:
    """Ask for the end of the step at hand, then for the end of the processes, then end them."""
    paths.stop.touch()
    for wait_s, then in ((GRACE_S, launcher.terminate), (20.0, launcher.kill), (20.0, launcher.kill)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            launcher.wait(wait_s)
            return
        then()


def _reason(paths: RunPaths, code: int) -> str:
    """Why the launcher ended with `code`: what the first process that failed said of itself."""
    try:
        found = json.loads((paths.folder / FAILURE).read_bytes())["message"]
        text = found if isinstance(found, str) else str(found.get("message", found))
    except (OSError, ValueError, KeyError, AttributeError):
        text = ""
    if "Signal" in text or not text:
        detail = text.splitlines()[0].strip() if text else f"the launcher ended with code {code}"
        text = f"A training process was lost ({detail}): it was killed, or the memory ran out."
    return f"{text.removeprefix('TrainingError: ')} The last finished epoch is kept; resume to go on from it."


def _without_processes(arguments: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for word in arguments:
        if skip:
            skip = False
        elif word == "--processes":
            skip = True
        elif not word.startswith("--processes="):
            kept.append(word)
    return kept


def die_with_parent(how: int) -> None:
    """Let the system send this process a signal when its parent ends, however that ends. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


class ProgressFile:
    """A report that the process which started the team can read."""

    def __init__(self, paths: RunPaths) -> None:
        self._path, self._written_at = paths.progress, 0.0

    def __call__(self, progress: Progress) -> None:
        """Write it down, at most twice a second."""
        if time.monotonic() - self._written_at < MIN_BETWEEN_WRITES_S and progress.done != progress.total:
            return
        self._written_at = time.monotonic()
        with contextlib.suppress(OSError):  # a full disk is told by what must be written, not by this
            write_json(self._path, vars(progress))


@contextmanager
def failures_noted(paths: RunPaths) -> Iterator[None]:
    """Of a process of a team: die with the launcher, and leave word of what went wrong where it looks."""
    die_with_parent(signal.SIGKILL)
    try:
        yield
    except Cancelled:
        raise
    except Exception as error:
        is_reason = isinstance(error, DermTreeError)
        if not is_reason:  # perhaps a connection lost because another process failed: that one shall be heard first
            time.sleep(REASON_FIRST_S)
        file = os.environ.get("TORCHELASTIC_ERROR_FILE")
        if file:
            text = str(error) if is_reason else f"{type(error).__name__}: {error}"
            with contextlib.suppress(OSError), replaced(Path(file)) as temporary:
                note = {"message": {"message": text, "extraInfo": {"timestamp": str(int(time.time()))}}}
                temporary.write_text(json.dumps(note), encoding="utf-8")
        raise
