"""Start a job's worker and ask it to stop."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import derm_model
from derm_model.errors import JobError
from derm_model.jobs.job import Job
from derm_model.jobs.store import JobStore, has_worker

# -u and utf8: the log is complete and readable at any moment; faulthandler: a crash in native code leaves its trace
PYTHON_OPTIONS = ("-u", "-X", "utf8", "-X", "faulthandler")
SOURCE_ROOT = Path(derm_model.__file__).resolve().parents[1]


def launch(store: JobStore, arguments: Sequence[str], title: str, about: Mapping[str, str] | None = None) -> Job:
    """Make a job and start its worker, which outlives this process.

    Parameters
    ----------
    store
    arguments
        As after `python -m derm_model`.
    title
        For people: "Import HAM10000".
    about
        What it works on, for whoever lists jobs: {"workspace": "..."}.

    Returns
    -------
    Job
        In state QUEUED; `store.read(job.id)` says how it goes on.

    Raises
    ------
    JobError
        When its folder cannot be written or no process can be started.
    """
    job = store.new(arguments, title, about)
    folder = job.paths.folder.absolute()
    paths = [str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, *PYTHON_OPTIONS, "-m", "derm_model.jobs.worker", str(folder)]
    try:
        with job.paths.log.open("ab") as log:
            worker = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=job.request.folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C in our terminal, or its end, is none of the job's business
            )
    except OSError as error:
        shutil.rmtree(job.paths.folder, ignore_errors=True)
        raise JobError(f"A job runs as a process of its own. It could not be started ({error}). Try again.") from error
    # Somebody must wait for a child, or it stays a zombie until we end. When we end first, the system does it.
    threading.Thread(target=worker.wait, name=f"wait for job {job.id}", daemon=True).start()
    return job


def cancel(store: JobStore, job_id: str, *, force: bool = False) -> Job:
    """Ask a job to stop; what it has finished is kept. A job that has ended is left as it is.

    Parameters
    ----------
    store, job_id
    force
        End its process, and those it started, at once. Without, it stops when it next reports progress.

    Raises
    ------
    JobError
        There is no such job, or `force` is asked for a worker on another machine.
    """
    job = store.read(job_id)
    if not (job.is_active or has_worker(job.paths)):
        return job
    job.paths.cancel.touch()
    if force and has_worker(job.paths):
        _kill(job)
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
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.killpg(pid, signal.SIGKILL)  # the worker leads its session, so the group has its number
