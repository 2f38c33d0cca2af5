"""Start a job's worker, also again, and ask it to stop."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import derm_model
from derm_model.disk import full_disk
from derm_model.errors import JobError
from derm_model.files import replaced, write_json
from derm_model.jobs.job import Job, JobState, JobStatus, utc_now
from derm_model.jobs.processes import kill_tree
from derm_model.jobs.slots import jobs_per_device
from derm_model.jobs.store import JobStore, hangs, has_worker
from derm_model.typed_json import encode

# -u and utf8: the log is complete and readable at any moment; faulthandler: a crash in native code leaves its trace
PYTHON_OPTIONS = ("-u", "-X", "utf8", "-X", "faulthandler")
SOURCE_ROOT = Path(derm_model.__file__).resolve().parents[1]
NOT_STARTED = "A job runs as a process of its own. It could not be started ({0}). Try again."


def launch(
    store: JobStore,
    arguments: Sequence[str],
    title: str,
    about: Mapping[str, str] | None = None,
    *,
    device: str | None = None,
) -> Job:
    """Make a job and start its worker, which outlives this process.

    Parameters
    ----------
    store
    arguments
        As after `python -m derm_model`; `{job}` in one stands for the job's folder: `--out={job}`.
    title
        For people: "Import HAM10000".
    about
        What it works on, for whoever lists jobs: {"workspace": "..."}.
    device
        What it computes on, "cpu" or "cuda:0": it waits until no other job of the store does. None does not wait.

    Returns
    -------
    Job
        In state QUEUED; `store.read(job.id)` says how it goes on.

    Raises
    ------
    JobError
        When its folder cannot be written, no process can be started or $DERM_JOBS_PER_DEVICE is no number.
    """
    if device is not None:
        jobs_per_device()  # better said here than by a worker that nobody sees
    job = store.new(arguments, title, about, device=device)
    try:
        _start(job)
    except OSError as error:
        shutil.rmtree(job.paths.folder, ignore_errors=True)
        raise JobError(NOT_STARTED.format(error)) from error
    return job


def resume(store: JobStore, job_id: str) -> Job:
    """Run a job again in its own folder, after it failed, was cancelled or lost. It takes the last place in the queue.

    Returns
    -------
    Job
        In state QUEUED.

    Raises
    ------
    JobError
        There is no such job, it is finished, damaged or still at work, or it cannot be started.
    """
    with store.deciding(job_id) as job:
        _check_resumable(job)
        status_before = job.paths.status.read_bytes() if job.paths.status.exists() else None
        now = utc_now()
        try:
            job.paths.cancel.unlink(missing_ok=True)
            status = JobStatus(updated_at=now, queued_at=now, n_resumed=job.status.n_resumed + 1)
            write_json(job.paths.status, encode(status))
            with suppress(OSError), job.paths.log.open("a", encoding="utf-8") as log:
                print(f"--- Resumed on {now} ---", file=log)
            _start(job)
        except OSError as error:
            if status_before is not None:
                with suppress(OSError), replaced(job.paths.status) as temporary:
                    temporary.write_bytes(status_before)
            raise JobError(full_disk(error) or NOT_STARTED.format(error)) from error
        return store.read(job_id)


def _check_resumable(job: Job) -> None:
    """Raise a JobError where a job cannot be run again."""
    title, state = job.request.title, job.status.state
    if job.is_active:
        raise JobError(f"A job that has ended can be resumed. {title} is {state}. Let it finish, or stop it first.")
    if state is JobState.FINISHED:
        raise JobError(f"A job that did not finish can be resumed. {title} is finished. Start a new one instead.")
    if not job.is_resumable:
        raise JobError(f"A job is resumed by its request.json. That of {title} is missing or damaged. Start a new one.")
    if hangs(job):
        raise JobError(f"A job has one worker. {title} has one that hangs. Stop it by force first, then resume it.")
    if job.request.device is not None:
        jobs_per_device()


def _start(job: Job) -> None:
    """Start the worker; raises OSError."""
    paths = [str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, *PYTHON_OPTIONS, "-m", "derm_model.jobs.worker", str(job.paths.folder.absolute())]
    with job.paths.log.open("ab") as log:  # appending: it is emptied now and then, see log.py
        worker = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=job.request.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # Ctrl-C in our terminal, or its end, is none of the job's business
        )
    # Somebody must wait for a child, or it stays a zombie until we end. When we end first, the system does it.
    threading.Thread(target=worker.wait, name=f"wait for job {job.id}", daemon=True).start()


def cancel(store: JobStore, job_id: str, *, force: bool = False) -> Job:
    """Ask a job to stop; what it has finished is kept. A job that has ended is left as it is.

    Parameters
    ----------
    store, job_id
    force
        End its process, and all those it started, at once. Without, it stops when it next reports progress, and one
        that waits for its device within a second.

    Raises
    ------
    JobError
        There is no such job, or `force` is asked for a worker on another machine.
    """
    with store.deciding(job_id) as job:
        if not (job.is_active or has_worker(job.paths)):
            return job
        job.paths.cancel.touch()
        if force and has_worker(job.paths):
            _kill(store.read(job_id))
    return store.read(job_id)


def _kill(job: Job) -> None:
    pid, host = job.status.pid, job.status.host
    if pid is None:
        return  # it is just starting, and looks for the request to stop before anything else
    if host != socket.gethostname():
        raise JobError(
            f"A process can be ended by force only on its own machine. {job.request.title} runs on {host}. "
            "Wait until it stops by itself, or end it there."
        )
    kill_tree(pid)
