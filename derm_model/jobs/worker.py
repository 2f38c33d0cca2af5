"""The process of one job: `python -m derm_model.jobs.worker FOLDER`. Started by `launcher`.

Exit codes: 0 however the job ended, as long as status.json says so; 1 when that could not be written; 2 when the folder
holds no job that waits to be run or another worker is at it.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from derm_model.disk import full_disk
from derm_model.errors import Cancelled, DermTreeError, JobError
from derm_model.jobs.job import Job, JobPaths, JobState
from derm_model.jobs.locks import try_lock
from derm_model.jobs.log import LastLine, forgiving_stderr
from derm_model.jobs.slots import slot_of
from derm_model.jobs.status_file import StatusFile
from derm_model.jobs.store import read_request, read_status
from derm_model.progress import Report

# A page answers people while a job computes on the same cores; the job can wait. 10 is what `nice` itself adds.
NICENESS = 10
# Whoever lists jobs holds the lock for an instant to see whether it is free.
LOCK_ATTEMPTS, LOCK_PAUSE_S = 20, 0.05
SHUT_DOWN = "The system ended the job. What was finished by then is kept."


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
    for _ in range(LOCK_ATTEMPTS):
        try:
            lock = try_lock(paths.lock)
        except OSError as error:
            raise JobError(f"A worker needs the folder of a job. {paths.folder}: {error.strerror}.") from error
        if lock is not None:
            break
        time.sleep(LOCK_PAUSE_S)
    else:
        raise JobError(f"A job has one worker. {paths.folder} has one already. Let it finish or cancel it.")
    with lock:
        yield


def work(paths: JobPaths) -> int:
    """Run the command of a job whose lock is held, in its turn, and write how it ends."""
    request, status = read_request(paths), read_status(paths)
    if request is None or status is None or status.state is not JobState.QUEUED:
        state = "damaged" if request is None or status is None else status.state
        raise JobError(f"A worker runs a job that is queued. {paths.folder} is {state}. Launch a new job.")
    with forgiving_stderr(), LastLine() as output, ExitStack() as held:
        file = StatusFile(paths, status)
        # a machine that shuts down asks this way: stop like a cancelled job, with everything kept
        signal.signal(signal.SIGTERM, lambda *_: file.stop(SHUT_DOWN))
        # never less than that, and not on top of it: a job that launches jobs has them at its own level
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        with file.beating():
            outcome = run_in_turn(Job(paths, request, file.status), file, held)
        return 0 if file.finish(outcome.state, outcome.message, outcome.exit_code, output.line) else 1


def run_in_turn(job: Job, file: StatusFile, held: ExitStack) -> Outcome:
    """Wait for the job's device where it names one, then run its command; `held` keeps the device."""
    try:
        held.enter_context(slot_of(job, file.wait))
        file.begin()
    except (Cancelled, KeyboardInterrupt) as error:
        return Outcome(JobState.CANCELLED, str(error) or "Stopped.", None)
    except (JobError, OSError) as error:
        return failed(error, str(error), None)
    return run_command(job.arguments, file)


def run_command(arguments: Sequence[str], report: Report) -> Outcome:
    """Run `python -m derm_model ARGUMENTS` in this process; a traceback goes to the log, its reason to the message."""
    # by name: the door opens to all commands, one of which may well launch jobs
    call: Callable[[Sequence[str], Report], int] = importlib.import_module("derm_model.__main__").call
    try:
        code = call(arguments, report)
    except (Cancelled, KeyboardInterrupt) as error:
        return Outcome(JobState.CANCELLED, str(error) or "Stopped.", None)
    except DermTreeError as error:
        return failed(error, str(error), 2)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code:
            return Outcome(JobState.FAILED, "The command did not accept its arguments. The log says why.", code)
    except MemoryError as error:
        return failed(error, "The memory of this machine was not enough. The log says where.", None)
    except BaseException as error:
        what = f"{type(error).__name__}: {error}".rstrip(".: ")
        return failed(error, f"{what}. The log says where.", None)
    if code > 1:
        return Outcome(JobState.FAILED, f"The command ended with code {code}. The log says why.", code)
    return Outcome(JobState.FINISHED, "", code)


def failed(error: BaseException, message: str, exit_code: int | None) -> Outcome:
    """Outcome of an error, its traceback in the log; a full disk is named, whatever the error made of it."""
    traceback.print_exception(error)
    return Outcome(JobState.FAILED, full_disk(error) or message, exit_code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
