"""The queue of a device: jobs that name one wait for each other, in the order they were asked for, without a daemon.

Each waiting worker looks for itself. A device has a lock file per slot in the store's folder; who holds one computes,
and the system frees it however that process ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO

from derm_model.errors import JobError
from derm_model.files import taking_turns
from derm_model.jobs.job import Job, JobPaths, JobState
from derm_model.jobs.locks import try_lock
from derm_model.jobs.store import ID, observed_status, read_request, read_status

VARIABLE = "DERM_JOBS_PER_DEVICE"
POLL_S = 0.5  # nobody minds half a second before hours of training


def jobs_per_device() -> int:
    """How many jobs of a store compute on one device at a time: $DERM_JOBS_PER_DEVICE, by default 1.

    Raises
    ------
    JobError
        It is no whole number >= 1.
    """
    text = os.environ.get(VARIABLE, "1")
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise JobError(f"{VARIABLE} is a whole number, 1 or more. Found {text!r}. Correct it, or unset it for 1.")
    return int(text)


@contextmanager
def slot_of(job: Job, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until the job may compute on its device, and hold its slot within; at once where it names none.

    Parameters
    ----------
    job
        Its worker is this process.
    say
        Told at every look why it waits; what it raises ends the waiting.

    Raises
    ------
    JobError
        The number of slots cannot be understood.
    """
    if job.request.device is None:
        yield
        return
    queue = _Queue(job, job.request.device, jobs_per_device())
    while (slot := queue.take()) is None:
        say(queue.reason())
        time.sleep(POLL_S)
    with slot:
        yield


class _Queue:
    """The other jobs on the device of one."""

    def __init__(self, job: Job, device: str, n_slots: int) -> None:
        self._job, self._device = job, device
        self._root = job.paths.folder.parent
        self._slots = [self._root / f".slot-{device}-{i}.lock" for i in range(n_slots)]
        # Looks are many and old jobs may be, too: what cannot change is read once.
        self._ended: dict[str, tuple[int, int]] = {}
        self._devices: dict[str, str | None] = {}

    def take(self) -> FileIO | None:
        """A slot, where one is free and no older job waits for it."""
        # in turns: one that looks holds a free slot for a moment, and another would take it for busy
        with taking_turns(self._root / "queue"):
            slot = next((slot for path in self._slots if (slot := try_lock(path)) is not None), None)
            if slot is not None and any(other.status.state is JobState.QUEUED for other in self._before()):
                slot.close()
                return None
            return slot

    def reason(self) -> str:
        """Why the job waits."""
        n = len(self._before())
        if n == 0:
            return f"Waits for its turn on {self._device}."
        return f"Waits for {n} other {'job' if n == 1 else 'jobs'} on {self._device}."

    def _before(self) -> list[Job]:
        """Jobs that compute on the device, and those that wait for it longer."""
        return [
            other
            for other in self._others()
            if other.status.state is JobState.RUNNING
            or (other.status.state is JobState.QUEUED and other.turn < self._job.turn)
        ]

    def _others(self) -> Iterator[Job]:
        """Active jobs on the same device."""
        for folder in self._root.iterdir():
            paths, name = JobPaths(folder), folder.name
            if name == self._job.id or not ID.fullmatch(name):
                continue
            if name not in self._devices:
                request = read_request(paths)
                self._devices[name] = None if request is None else request.device
            if self._devices[name] == self._device and not self._has_ended(paths):
                status, request = observed_status(paths), read_request(paths)
                if request is not None and status.state.is_active:
                    yield Job(paths, request, status)

    def _has_ended(self, paths: JobPaths) -> bool:
        try:
            stat = paths.status.stat()
        except OSError:
            return False
        version = (stat.st_mtime_ns, stat.st_ino)
        if self._ended.get(paths.folder.name) == version:
            return True
        written = read_status(paths)
        if written is None or written.state.is_active:
            return False
        self._ended[paths.folder.name] = version
        return True
