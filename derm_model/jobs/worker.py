"""The process of one job: `python -m derm_model.jobs.worker FOLDER`. Started by `launcher.launch`.

Exit codes: 0 however the job ended, as long as status.json says so; 1 when that could not be written; 2 when the folder
holds no job that waits to be run or another worker is at it.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from derm_model.errors import Cancelled, DermTreeError, JobError
from derm_model.jobs.job import JobPaths, JobRequest, JobState
from derm_model.jobs.status_file import LastLine, StatusFile
from derm_model.jobs.store import NOT_BEGUN, read_request, read_status
from derm_model.progress import Report

# A page answers people while a job computes on the same cores; the job can wait. 10 is what `nice` itself adds.
NICENESS = 10
# Whoever lists jobs holds the lock for an instant to see whether it is free.
LOCK_ATTEMPTS, LOCK_PAUSE_S = 20, 0.05


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    state: JobState
    message: str
    exit_code: int | None


def main(arguments: Sequence[str]) -> int:
    """Run the job in the folder named by the only argument."""
    if len(arguments) != 1:
        print("usage: python -m derm_model.jobs.worker FOLDER", file=sys.stderr)
        return 2
    paths = JobPaths(Path(arguments[0]).absolute())
    try:
        with claimed(paths):
            return work(paths)
    except JobError as error:
        print(f"python -m derm_model.jobs.worker: {error}", file=sys.stderr)
        return 2


@contextmanager
def claimed(paths: JobPaths) -> Iterator[None]:
    """Hold the job's lock, which tells everybody that its worker lives.

    Raises
    ------
    JobError
        The folder is not there, or another worker holds the lock.
    """
    try:
        file = paths.lock.open("ab")
    except OSError as error:
        raise JobError(f"A worker needs the folder of a job. {paths.folder}: {error.strerror}.") from error
    with file:
        for _ in range(LOCK_ATTEMPTS):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(LOCK_PAUSE_S)
        else:
            raise JobError(f"A job has one worker. {paths.folder} has one already. Let it finish or cancel it.")
        yield


def work(paths: JobPaths) -> int:
    """Run the command of a job whose lock is held, and write how it ends."""
    request, status = read_request(paths), read_status(paths)
    if request is None or status is None or status.state is not JobState.QUEUED:
        state = "damaged" if request is None or status is None else status.state
        raise JobError(f"A worker runs a job that is queued. {paths.folder} is {state}. Launch a new job.")
    file = StatusFile(paths, status)
    if file.is_to_stop():
        return 0 if file.finish(JobState.CANCELLED, NOT_BEGUN, None, None) else 1
    # a machine that shuts down asks this way: stop like a cancelled job, with everything kept
    signal.signal(signal.SIGTERM, lambda *_: file.stop("The system ended the job. What was finished by then is kept."))
    os.nice(NICENESS)
    with file.beating(), LastLine() as output:
        outcome = run_command(request, file)
    return 0 if file.finish(outcome.state, outcome.message, outcome.exit_code, output.line) else 1


def run_command(request: JobRequest, report: Report) -> Outcome:
    """Run `python -m derm_model ARGUMENTS` in this process; a traceback goes to the log, its reason to the message."""
    # by name: the door opens to all commands, one of which may well launch jobs
    call: Callable[[Sequence[str], Report], int] = importlib.import_module("derm_model.__main__").call
    try:
        code = call(request.arguments, report)
    except (Cancelled, KeyboardInterrupt) as error:
        return Outcome(JobState.CANCELLED, str(error) or "Stopped.", None)
    except DermTreeError as error:
        traceback.print_exc()
        return Outcome(JobState.FAILED, str(error), 2)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code:
            return Outcome(JobState.FAILED, "The command did not accept its arguments. The log says why.", code)
    except MemoryError:
        traceback.print_exc()
        return Outcome(JobState.FAILED, "The memory of this machine was not enough. The log says where.", None)
    except BaseException as error:
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}".rstrip(".: ")
        return Outcome(JobState.FAILED, f"{what}. The log says where.", None)
    if code > 1:
        return Outcome(JobState.FAILED, f"The command ended with code {code}. The log says why.", code)
    return Outcome(JobState.FINISHED, "", code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
