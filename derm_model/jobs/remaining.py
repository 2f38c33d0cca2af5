"""How long a stage will still take, from its recent speed."""

from __future__ import annotations

import time
from collections import deque

from derm_model.progress import Progress

# Long enough to average over a slow image or a flush to disk, short enough to follow a change of speed: of files read
# anew after files known already, or of a machine that got something else to do.
WINDOW_S = 30.0
# Before that, or with nothing finished, an estimate would be a guess.
MIN_ELAPSED_S = 2.0
# Reports closer together than this add nothing to a window of 30 s.
MIN_BETWEEN_S = 0.25


class Remaining:
    """Estimator of the seconds a stage will still take; a new stage begins anew.

    The speed is taken over the last `WINDOW_S`, up to now and not up to the last report, so that the estimate grows
    when nothing is reported any more. What an earlier run had finished does not count as speed. Work that says itself
    how long it will take is believed.
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._samples: deque[tuple[float, int]] = deque()
        self._told_at = 0.0

    def add(self, progress: Progress, now: float | None = None) -> None:
        """Take note of a report; `now` in seconds of a monotonic clock."""
        now = time.monotonic() if now is None else now
        last = self._progress
        if last is None or last.stage != progress.stage or last.total != progress.total or last.done > progress.done:
            self._samples.clear()
        self._progress, self._told_at = progress, now
        if not self._samples or now - self._samples[-1][0] >= MIN_BETWEEN_S:
            self._samples.append((now, progress.done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= WINDOW_S:
            self._samples.popleft()

    def seconds(self, now: float | None = None) -> float | None:
        """Seconds until the stage is done, >= 0; None while that cannot be told."""
        now = time.monotonic() if now is None else now
        progress = self._progress
        if progress is not None and progress.remaining_s is not None:
            return max(0.0, progress.remaining_s - (now - self._told_at))
        if progress is None or progress.total is None:
            return None
        if progress.done >= progress.total:
            return 0.0
        begun, done_then = self._samples[0]
        elapsed, finished = now - begun, progress.done - done_then
        if elapsed < MIN_ELAPSED_S or finished <= 0:
            return None
        return (progress.total - progress.done) * elapsed / finished


def in_words(seconds: float | None) -> str:
    """A duration as people say it: "less than 10 s", "40 s", "3 min", "1 h 20 min"; "" for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "less than 10 s"
    if seconds < 90:
        return f"{round(seconds, -1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
