"""What a job is: the files of its folder, what was asked for, and where it stands.

request.json   what to run; written once, before the worker starts
status.json    where it stands; replaced whole, by the worker, and by whoever resumes the job when there is none
log.txt        what the worker and its children printed, tracebacks included; log.1.txt what came before
cancel         there when somebody asked the job to stop
worker.lock    locked by the worker as long as it lives, and freed by the system however it ends
reserve        space on the disk, given back to write how the job ended where the disk is full

A training's folder is its run folder, too: checkpoint, metrics and bundle are other files in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from derm_model.typed_json import encode

PLACEHOLDER = "{job}"


class JobState(StrEnum):
    """Where a job stands. LOST is never written: a reader finds it out (`JobStore.read`)."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_active(self) -> bool:
        """Whether a worker is at it or about to be."""
        return self in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class JobRequest:
    """What was asked for.

    Attributes
    ----------
    arguments
        As after `python -m derm_model`; `{job}` in one stands for the job's folder (`Job.arguments`).
    title
        For people: "Import HAM10000".
    about
        What the job works on, for whoever lists jobs: {"workspace": "..."}.
    folder
        Working folder, against which relative paths in the arguments are read.
    created_at
        UTC, ISO 8601.
    device
        What it computes on, "cpu" or "cuda:0": it waits until no other job of the same store does. None does not wait.
    """

    arguments: tuple[str, ...]
    title: str
    about: Mapping[str, str]
    folder: str
    created_at: str
    device: str | None = None


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands. Times are UTC, ISO 8601; what is not known is None.

    Attributes
    ----------
    state
    stage, done, total, unit
        The last `Progress` the command reported; stage is "" before the first.
    remaining_s
        Seconds this stage will still take at its recent speed.
    started_at, updated_at, finished_at
        `updated_at` is renewed every few seconds as long as the worker lives (heartbeat).
    message
        Why it failed, was stopped or is taken for lost; "" otherwise.
    result
        The last line the command printed to standard output.
    exit_code
        What the command returned: 0 done, 1 done with something to look at.
    pid, host
        The worker's process and machine; None until it has started.
    queued_at
        When it was asked for, or resumed: those that wait for a device start in this order.
    n_resumed
        How often it was resumed.
    """

    state: JobState = JobState.QUEUED
    stage: str = ""
    done: int = 0
    total: int | None = None
    unit: str = "images"
    remaining_s: float | None = None
    started_at: str | None = None
    updated_at: str | None = None
    finished_at: str | None = None
    message: str = ""
    result: str | None = None
    exit_code: int | None = None
    pid: int | None = None
    host: str | None = None
    queued_at: str | None = None
    n_resumed: int = 0

    @property
    def fraction(self) -> float | None:
        """Share of this stage that is done, 0 to 1; None where the total is not known."""
        if not self.total:
            return None
        return min(self.done / self.total, 1.0)


@dataclass(frozen=True)
class JobPaths:
    """The files of a job's folder."""

    folder: Path

    @property
    def request(self) -> Path:
        """What to run."""
        return self.folder / "request.json"

    @property
    def status(self) -> Path:
        """Where it stands."""
        return self.folder / "status.json"

    @property
    def log(self) -> Path:
        """What the worker printed."""
        return self.folder / "log.txt"

    @property
    def cancel(self) -> Path:
        """There when the job was asked to stop."""
        return self.folder / "cancel"

    @property
    def lock(self) -> Path:
        """Locked by the worker as long as it lives."""
        return self.folder / "worker.lock"

    @property
    def reserve(self) -> Path:
        """Space kept back to write how the job ended."""
        return self.folder / "reserve"


@dataclass(frozen=True)
class Job:
    """A job as it was found when it was read."""

    paths: JobPaths
    request: JobRequest
    status: JobStatus

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.paths.folder.name

    @property
    def is_active(self) -> bool:
        """Whether a worker is at it or about to be."""
        return self.status.state.is_active

    @property
    def is_resumable(self) -> bool:
        """Whether it ended before it was finished, and is known well enough to go on."""
        return not self.is_active and self.status.state is not JobState.FINISHED and bool(self.request.arguments)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments as they are run. Filled in here and not when the job is made: its folder may have been moved."""
        folder = str(self.paths.folder.absolute())
        return tuple(argument.replace(PLACEHOLDER, folder) for argument in self.request.arguments)

    @property
    def turn(self) -> tuple[str, str]:
        """What jobs that wait for the same device are ordered by."""
        return self.status.queued_at or self.request.created_at, self.id

    def to_json(self) -> dict[str, object]:
        """What is known of it, for programs."""
        known = {"id": self.id, "folder": str(self.paths.folder.absolute()), "arguments": list(self.arguments)}
        return known | {"request": encode(self.request), "status": encode(self.status)}


def utc_now() -> str:
    """UTC to the millisecond: 2026-11-23T03:58:00.123Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str | None) -> float:
    """Seconds since an ISO 8601 moment, >= 0 on a clock that was not set back; infinite where none is known."""
    if moment is None:
        return float("inf")
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
