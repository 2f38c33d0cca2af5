"""Long work of one session beside the page: one piece after the other, with progress, a way to stop it, and its end.

No Streamlit in here. A session that goes away takes its `Works` with it, and whatever is still at work then stops where
it next reports: nobody computes for a page that nobody looks at.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from derm_model.errors import Cancelled, DermTreeError
from derm_model.progress import Progress, Report

MAX_KEPT = 120  # finished pieces of a session; a map of 299 px is 360 kB, or twice that with its direction
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Work:
    """A piece of work and where it is."""

    future: Future[Any] = field(default_factory=Future)
    progress: Progress | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    seconds: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.future.done()

    @property
    def result(self) -> Any:
        """What came of it; None where it is not there."""
        return self.future.result() if self.is_done and self.error is None else None

    @property
    def error(self) -> BaseException | None:
        """Why it ended without a result."""
        if not self.is_done:
            return None
        return Cancelled("Stopped.") if self.future.cancelled() else self.future.exception()

    @property
    def was_stopped(self) -> bool:
        """Whether somebody stopped it."""
        return isinstance(self.error, Cancelled)

    @property
    def trouble(self) -> str:
        """What to say of a failure, "" where there is none."""
        if self.error is None or self.was_stopped:
            return ""
        if isinstance(self.error, DermTreeError):
            return str(self.error)
        return "An unexpected error; the log of the server has the details."

    def report(self, progress: Progress) -> None:
        """Take where the work is; raises `Cancelled` where it shall stop."""
        self.progress = progress
        if self.stop.is_set():
            raise Cancelled("Stopped.")


class Works:
    """The pieces of work of one session, by what they are of."""

    def __init__(self) -> None:
        self._works: dict[Hashable, Work] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-saliency")
        weakref.finalize(self, _stop_all, self._works)

    def get(self, key: Hashable) -> Work | None:
        """What was started under a key."""
        return self._works.get(key)

    def start(self, key: Hashable, make: Callable[[Report], object]) -> Work:
        """Begin, unless it is at work or has ended well already."""
        known = self._works.get(key)
        if known is not None and known.error is None and not known.stop.is_set():
            return known
        work = self._works[key] = Work()
        work.future = self._pool.submit(_run, work, make)
        ended = [old for old, other in self._works.items() if other.is_done]
        for old in ended[: max(0, len(self._works) - MAX_KEPT)]:
            del self._works[old]
        return work

    def stop(self, key: Hashable) -> None:
        """Have it end where it next reports, or never begin."""
        work = self._works.get(key)
        if work is not None and not work.is_done:
            work.stop.set()
            work.future.cancel()

    def forget(self, key: Hashable) -> None:
        """Stop it and let its result go."""
        self.stop(key)
        self._works.pop(key, None)

    def forget_others(self, wanted: Collection[Hashable]) -> None:
        """Stop what is at work and nobody waits for any more; asked for again, it begins anew."""
        for key, work in list(self._works.items()):
            if key not in wanted and not work.is_done:
                self.forget(key)


def _run(work: Work, make: Callable[[Report], object]) -> object:
    start = time.perf_counter()
    try:
        work.report(Progress("Starting", 0, None))
        return make(work.report)
    except DermTreeError:
        raise
    except Exception:  # said on the page in general, and here in full
        log.exception("work of the saliency lab failed")
        raise
    finally:
        work.seconds = time.perf_counter() - start


def _stop_all(works: dict[Hashable, Work]) -> None:
    for work in works.values():
        work.stop.set()


def wait_for(works: Collection[Work], seconds: float) -> None:
    """Give quick work a moment, so that the page is drawn once and not twice."""
    wait([work.future for work in works], timeout=seconds)
