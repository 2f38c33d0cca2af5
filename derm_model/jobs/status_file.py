"""The worker's side of status.json: waiting, progress written now and then, a heartbeat, the end."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from derm_model.disk import free_reserve, keep_reserve
from derm_model.errors import Cancelled
from derm_model.files import write_json
from derm_model.jobs.job import JobPaths, JobState, JobStatus, utc_now
from derm_model.jobs.log import rotate
from derm_model.jobs.remaining import Remaining
from derm_model.jobs.store import not_begun
from derm_model.progress import Progress
from derm_model.typed_json import encode

MIN_BETWEEN_WRITES_S = 0.5  # a page asks once a second
HEARTBEAT_S = 2.0
WRITE_ATTEMPTS = 5  # of the end, which nobody writes later


class StatusFile:
    """Keeps status.json up to date; used as the `report` of a command and by the heartbeat, from any thread.

    The job stays QUEUED until `begin`.

    Parameters
    ----------
    paths
    status
        What is there when the worker takes over.
    """

    def __init__(self, paths: JobPaths, status: JobStatus) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._written_at = 0.0
        self._remaining = Remaining()
        self._stop = ""
        self.status = replace(status, pid=os.getpid(), host=socket.gethostname())
        keep_reserve(paths.reserve)
        self.write()

    def wait(self, reason: str) -> None:
        """Say why the work does not begin yet.

        Raises
        ------
        Cancelled
            The job was asked to stop.
        """
        if reason != self.status.message:
            with self._lock:
                self.status = replace(self.status, message=reason)
            self.write()
        self.check_stop()

    def begin(self) -> None:
        """Say that the work begins.

        Raises
        ------
        Cancelled
            The job was asked to stop; it stays QUEUED.
        """
        self.check_stop()
        with self._lock:
            self.status = replace(self.status, state=JobState.RUNNING, started_at=utc_now(), message="")
        self.write()

    def __call__(self, progress: Progress) -> None:
        """Take note of progress; raises Cancelled when the job was asked to stop."""
        with self._lock:
            self._remaining.add(progress)
            self.status = replace(
                self.status, stage=progress.stage, done=progress.done, total=progress.total, unit=progress.unit
            )
        if time.monotonic() - self._written_at >= MIN_BETWEEN_WRITES_S:
            self.write()
        self.check_stop()

    def check_stop(self) -> None:
        """Raise Cancelled when the job was asked to stop."""
        if not self._stop and self._paths.cancel.exists():
            is_waiting = self.status.state is JobState.QUEUED
            self._stop = not_begun(self.status) if is_waiting else "Cancelled. What was finished by then is kept."
        if self._stop:
            raise Cancelled(self._stop)

    def stop(self, why: str) -> None:
        """Let the next report raise Cancelled."""
        self._stop = why

    def write(self) -> bool:
        """Write the status as it is, with a fresh heartbeat; False where that failed, which must not end the work."""
        with self._lock:
            self._written_at = time.monotonic()
            if self.status.state.is_active:
                self.status = replace(self.status, updated_at=utc_now(), remaining_s=self._remaining.seconds())
            try:
                write_json(self._paths.status, encode(self.status))
            except OSError as error:
                print(f"status.json could not be written: {error}", file=sys.stderr)
                return False
            return True

    def finish(self, state: JobState, message: str, exit_code: int | None, result: str | None) -> bool:
        """Write how it ended; False where that failed in spite of several attempts."""
        now = utc_now()
        with self._lock:
            self.status = replace(
                self.status,
                state=state,
                message=message,
                exit_code=exit_code,
                result=result,
                updated_at=now,
                finished_at=now,
                remaining_s=None,
            )
        free_reserve(self._paths.reserve)  # on a full disk, this is the space to say it in
        for attempt in range(WRITE_ATTEMPTS):
            if self.write():
                return True
            time.sleep(attempt)
        return False

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Renew the heartbeat and keep the log short every `HEARTBEAT_S` within, also while nothing is reported."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_S):
                self.write()
                self._rotate()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._rotate()

    def _rotate(self) -> None:
        with suppress(OSError):  # no log (a worker started by hand), or no space: looked at again later
            rotate(self._paths.log)
