"""The worker's side of status.json: progress written now and then, a heartbeat, the end."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TextIO

from derm_model.errors import Cancelled
from derm_model.files import write_json
from derm_model.jobs.job import JobPaths, JobState, JobStatus, utc_now
from derm_model.jobs.remaining import Remaining
from derm_model.progress import Progress
from derm_model.typed_json import encode

MIN_BETWEEN_WRITES_S = 0.5  # a page asks once a second
HEARTBEAT_S = 2.0
WRITE_ATTEMPTS = 5  # of the end, which nobody writes later


class StatusFile:
    """Keeps status.json up to date; used as the `report` of a command and by the heartbeat, from any thread.

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
        now = utc_now()
        self.status = replace(
            status, state=JobState.RUNNING, started_at=now, updated_at=now, pid=os.getpid(), host=socket.gethostname()
        )
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
        if self.is_to_stop():
            raise Cancelled(self._stop)

    def is_to_stop(self) -> bool:
        """Whether somebody asked the job to stop."""
        if not self._stop and self._paths.cancel.exists():
            self._stop = "Cancelled. What was finished by then is kept."
        return bool(self._stop)

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
        for attempt in range(WRITE_ATTEMPTS):
            if self.write():
                return True
            time.sleep(attempt)
        return False

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Renew the heartbeat every `HEARTBEAT_S` within, also while the command reports nothing."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_S):
                self.write()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class LastLine:
    """Standard output that also remembers the last line printed with something in it.

    Used as `with LastLine() as output: ...`; writes go on to what was standard output before.
    """

    def __init__(self) -> None:
        self._stream: TextIO = sys.stdout
        self._line = self._complete = ""

    @property
    def line(self) -> str | None:
        """That line; None where nothing was printed."""
        return self._line.strip() or self._complete or None

    def write(self, text: str) -> int:
        """Pass on, and remember."""
        *complete, self._line = (self._line + text).split("\n")
        self._complete = next((line.strip() for line in reversed(complete) if line.strip()), self._complete)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def __enter__(self) -> LastLine:
        self._stream, sys.stdout = sys.stdout, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout = self._stream
