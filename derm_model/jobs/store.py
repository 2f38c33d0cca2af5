"""The jobs of one folder: made, listed, read and deleted. Everything is read from disk, nothing is remembered."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from derm_model.errors import JobError
from derm_model.files import taking_turns, write_json
from derm_model.home import home
from derm_model.jobs.job import (
    Job,
    JobPaths,
    JobRequest,
    JobState,
    JobStatus,
    seconds_since,
    utc_now,
)
from derm_model.jobs.locks import is_locked
from derm_model.typed_json import decode_dataclass, encode

FOLDER = "jobs"
RUNS_FOLDER = "runs"
ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
DEVICE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

# The lock tells at once that a worker is gone. The heartbeat (every 2 s, see worker.py) is for what the lock cannot
# tell: a worker on another machine, one that hangs, one that never started. A laptop's start under full load took 8 s.
SILENT_AFTER_S = 60.0

LOST = (
    "The process ended without a word: it was killed, the memory ran out or the machine was restarted. "
    "What was finished by then is kept. Start it again to go on."
)
SILENT = "The process has given no sign of life for {0:.0f} s. It may hang. Stop it, then start it again to go on."
STOPPED = "Stopped by force. What was finished by then is kept."
NOT_BEGUN = "Cancelled before it began."
NOT_RESUMED = "Cancelled before it went on. What was finished before is kept."


def jobs_root(base: Path | None = None) -> Path:
    """Folder that holds the jobs."""
    return (base or home()) / FOLDER


def runs_root(base: Path | None = None) -> Path:
    """Folder that holds the trainings: each a job, and its folder the run folder, too."""
    return (base or home()) / RUNS_FOLDER


class JobStore:
    """Jobs below one folder, each a folder of its own.

    Parameters
    ----------
    root
        `jobs_root()` by default, `runs_root()` for trainings; it need not be there yet.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = jobs_root() if root is None else root

    def new(
        self,
        arguments: Sequence[str],
        title: str,
        about: Mapping[str, str] | None = None,
        *,
        device: str | None = None,
    ) -> Job:
        """Make the folder of a job in state QUEUED; `launcher.launch` also starts it.

        Parameters
        ----------
        arguments
            As after `python -m derm_model`; `{job}` in one stands for the job's folder.
        title
            For people.
        about
            What it works on, for whoever lists jobs.
        device
            What it waits for, see `JobRequest`.

        Raises
        ------
        JobError
            When the folder cannot be written, or the device is no name.
        """
        if device is not None and not DEVICE.fullmatch(device):
            raise JobError(f"A device is named like cpu or cuda:0. Found {device!r}. Name one, or none.")
        created_at = utc_now()
        request = JobRequest(tuple(arguments), title, dict(about or {}), str(Path.cwd()), created_at, device)
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        being_made = JobPaths(self.root / f".{name}")
        try:
            being_made.folder.mkdir(parents=True)
            write_json(being_made.request, encode(request))
            write_json(being_made.status, encode(JobStatus(updated_at=created_at, queued_at=created_at)))
            being_made.folder.rename(self.root / name)  # so that nobody lists half a job
        except OSError as error:
            raise JobError(
                f"A job needs a folder to work in. {self.root} cannot be written ({error.strerror}). "
                "Free some space or let DERM_HOME name another folder."
            ) from error
        return self.read(name)

    def list(self, *, about: Mapping[str, str] | None = None) -> list[Job]:
        """Jobs, newest first; only those whose `about` has all the entries given. Damaged ones are listed as LOST."""
        if not self.root.is_dir():
            return []
        names = [entry.name for entry in self.root.iterdir() if ID.fullmatch(entry.name)]
        found = [job for name in names if (job := self._read(name)) is not None]
        wanted = (about or {}).items()
        jobs = [job for job in found if wanted <= job.request.about.items()]
        return sorted(jobs, key=lambda job: (job.request.created_at, job.id), reverse=True)

    def read(self, job_id: str) -> Job:
        """One job as it stands now.

        A job whose worker is gone or silent is LOST, or CANCELLED where it had been asked to stop. That is found out
        anew each time and never written: a machine that wakes from sleep goes on RUNNING. A job that waits for a device
        has a worker, too.

        Raises
        ------
        JobError
            There is no such job.
        """
        job = self._read(job_id) if ID.fullmatch(job_id) else None
        if job is None:
            raise JobError(
                f"A job is named by the name of its folder. {self.root} has no job {job_id}. "
                "It may have been deleted; list the jobs again."
            )
        return job

    def delete(self, job_id: str) -> None:
        """Delete a job's folder, log included; what the job made elsewhere stays.

        Raises
        ------
        JobError
            There is no such job, or it is still at work.
        """
        with self.deciding(job_id) as job:
            if job.is_active or hangs(job):
                raise JobError(f"A job at work cannot be deleted. {job.request.title} still is. Cancel it first.")
            going = job.paths.folder.with_name(f".{job_id}-deleted")
            job.paths.folder.rename(going)  # vanishes at once, however long deleting takes
        shutil.rmtree(going, ignore_errors=True)

    @contextmanager
    def deciding(self, job_id: str) -> Iterator[Job]:
        """Hold a job, read anew, so that nobody else resumes, cancels or deletes it within.

        Raises
        ------
        JobError
            There is no such job, or its folder cannot be written.
        """
        paths = self.read(job_id).paths
        with ExitStack() as stack:
            try:
                stack.enter_context(taking_turns(paths.status))
            except OSError as error:
                job = self.read(job_id)  # says it where the job was deleted meanwhile
                raise JobError(
                    f"A job's folder must be writable. {job.paths.folder}: {error.strerror}. "
                    "Free some space or ask whom it belongs to."
                ) from error
            yield self.read(job_id)

    def _read(self, job_id: str) -> Job | None:
        paths = JobPaths(self.root / job_id)
        if not paths.folder.is_dir():
            return None
        request, status = read_request(paths), observed_status(paths)
        if request is not None:
            return Job(paths, request, status)
        if not paths.folder.is_dir():  # deleted while we looked
            return None
        created_at = datetime.strptime(job_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).isoformat()
        return Job(paths, JobRequest((), f"Damaged job {job_id}", {}, "", created_at), status)


def read_status(paths: JobPaths) -> JobStatus | None:
    """What status.json says; None where it is missing or damaged."""
    try:
        status: JobStatus = decode_dataclass(JobStatus, json.loads(paths.status.read_bytes()))
    except (OSError, ValueError):
        return None
    return status


def observed_status(paths: JobPaths) -> JobStatus:
    """What status.json says, checked against whether the worker is alive."""
    written = read_status(paths)
    if written is not None and not written.state.is_active:
        return written
    is_here = written is None or written.host in (None, socket.gethostname())
    is_alive = not is_here or has_worker(paths)  # a lock of another machine is not always seen; its heartbeat is
    if not is_alive:
        written = read_status(paths)  # again: it may have ended properly between the first look and the second
        if written is not None and not written.state.is_active:
            return written
    if written is None:
        state, what = (JobState.RUNNING, "") if is_alive else (JobState.LOST, " " + LOST)
        return JobStatus(state=state, message=f"Its status.json is missing or damaged.{what}")
    silence_s = seconds_since(written.updated_at)
    is_starting = written.state is JobState.QUEUED and written.pid is None and silence_s < SILENT_AFTER_S
    if (is_alive and silence_s < SILENT_AFTER_S) or (is_starting and not paths.cancel.exists()):
        return written
    if not is_alive and paths.cancel.exists():
        message = not_begun(written) if written.state is JobState.QUEUED else STOPPED
        return replace(written, state=JobState.CANCELLED, message=message, remaining_s=None)
    message = SILENT.format(silence_s) if is_alive else LOST
    return replace(written, state=JobState.LOST, message=message, remaining_s=None)


def not_begun(status: JobStatus) -> str:
    """What is said of a job that was cancelled while it waited."""
    return NOT_RESUMED if status.n_resumed else NOT_BEGUN


def has_worker(paths: JobPaths) -> bool:
    """Whether a worker of this machine is alive: it holds the lock, which no ended process does."""
    return is_locked(paths.lock)


def hangs(job: Job) -> bool:
    """Whether a job that gives no sign of life has a worker all the same: it may well go on."""
    # one that has written its end is about to let go of the lock, and does nothing more
    return job.status.state is JobState.LOST and has_worker(job.paths)


def read_request(paths: JobPaths) -> JobRequest | None:
    """What request.json says; None where it is missing or damaged."""
    try:
        request: JobRequest = decode_dataclass(JobRequest, json.loads(paths.request.read_bytes()))
    except (OSError, ValueError):
        return None
    return request
