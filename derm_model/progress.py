"""How long work tells where it is: the worker calls `report`, whoever started it decides what is done with that.

A report may raise `Cancelled` (derm_model.errors); work stops there, and what was finished by then is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

# Often enough to look alive and to be cancelled at once, seldom enough to cost nothing.
MIN_SECONDS_BETWEEN = 0.25


@dataclass(frozen=True)
class Progress:
    """Where a piece of work is.

    Attributes
    ----------
    stage
        What is being done, as the user reads it: "Reading images".
    done
        Pieces finished, >= 0.
    total
        Pieces there are; None where that is not known.
    unit
        What a piece is, in the plural.
    remaining_s
        Seconds to the end, where the work knows better than its recent speed tells; None otherwise.
    """

    stage: str
    done: int
    total: int | None = None
    unit: str = "images"
    remaining_s: float | None = None


Report = Callable[[Progress], None]


def quiet(progress: Progress) -> None:
    """Report to nobody."""


def track(
    items: Iterable[T], stage: str, report: Report, *, total: int | None = None, unit: str = "images", start: int = 0
) -> Iterator[T]:
    """Hand on the items and report how many are finished: at the start, at the end, and now and then between.

    Parameters
    ----------
    items, stage, report
    total
        Number of pieces; by default `start` and the length of `items`, where it has one.
    unit
    start
        Pieces that were finished before (by an earlier run).
    """
    if total is None and isinstance(items, Sized):
        total = start + len(items)
    done, last = start, time.monotonic()
    report(Progress(stage, done, total, unit))
    for item in items:
        yield item
        done += 1
        if time.monotonic() - last >= MIN_SECONDS_BETWEEN:
            last = time.monotonic()
            report(Progress(stage, done, total, unit))
    report(Progress(stage, done, total, unit))
