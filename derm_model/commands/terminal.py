"""Progress of a command on the terminal it was started from: one line that changes, or a line now and then in a log."""

from __future__ import annotations

import getpass
import sys
import time
from typing import TextIO

from derm_model.jobs.remaining import Remaining, in_words
from derm_model.progress import Progress, Report

BAR_WIDTH = 24
REDRAW_S = 0.1  # ten times a second looks continuous
LINE_EVERY_S = 30.0  # where lines stay, e.g. in a log: often enough to see that it goes on
CLEAR_LINE = "\r\x1b[K"


def terminal_report(stream: TextIO | None = None) -> Report:
    """Make a report that draws on a terminal, or prints lines where the stream is none.

    Parameters
    ----------
    stream
        Standard error by default: standard output is for results.

    Returns
    -------
    Report
        Shows each stage's first and last report, and some of those between.
    """
    stream = sys.stderr if stream is None else stream
    return _Bar(stream) if stream.isatty() else _Lines(stream)


class _Lines:
    """A line when a stage begins, every `LINE_EVERY_S`, and when it is done."""

    every_s = LINE_EVERY_S

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._remaining = Remaining()
        self._stage: str | None = None
        self._shown = Progress("", -1)
        self._shown_at = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        self._remaining.add(progress, now)
        begins = progress.stage != self._stage
        is_done = progress.done == progress.total
        if progress == self._shown or not (begins or is_done or now - self._shown_at >= self.every_s):
            return
        self._stage, self._shown, self._shown_at = progress.stage, progress, now
        self.show(progress, in_words(self._remaining.seconds(now)), is_done)

    def show(self, progress: Progress, remaining: str, is_done: bool) -> None:
        """Print one line."""
        left = f", {remaining} left" if remaining and not is_done else ""
        print(f"{progress.stage}: {amount(progress)}{left}", file=self._stream, flush=True)


class _Bar(_Lines):
    """One line that changes; it stays when its stage is done."""

    every_s = REDRAW_S

    def show(self, progress: Progress, remaining: str, is_done: bool) -> None:
        """Draw the line anew."""
        left = f", {remaining} left" if remaining and not is_done else ""
        end = "\n" if is_done else ""
        print(f"{CLEAR_LINE}{progress.stage} {bar(progress)}{amount(progress)}{left}", end=end, file=self._stream)
        self._stream.flush()


def say(text: str) -> None:
    """Print a line on standard error, in place of a progress line that was not finished."""
    print(f"{CLEAR_LINE if sys.stderr.isatty() else ''}{text}", file=sys.stderr)


def amount(progress: Progress) -> str:
    """How much is done: "1,200 of 5,984 images"."""
    of = "" if progress.total is None else f" of {progress.total:,}"
    return f"{progress.done:,}{of} {progress.unit}"


def bar(progress: Progress) -> str:
    """A bar of `BAR_WIDTH` characters and a space; "" where the total is not known."""
    if not progress.total:
        return ""
    filled = round(BAR_WIDTH * min(progress.done / progress.total, 1.0))
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] "


def operator() -> str:
    """Whoever is logged in on this machine, as the audit log and cards name them."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError, ImportError):  # a user without a name, as in a container
        return "command line"
