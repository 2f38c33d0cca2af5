"""Locks that tell who lives: the system frees them however their holder ends."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from pathlib import Path
from weakref import WeakSet

_held: WeakSet[FileIO] = WeakSet()


def try_lock(path: Path) -> FileIO | None:
    """Take a lock without waiting; None where somebody has it. Closing the file, or the end of this process, frees it.

    Raises
    ------
    OSError
        The file cannot be made.
    """
    file = path.open("ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            return None
        raise
    _held.add(file)
    return file


def is_locked(path: Path) -> bool:
    """Whether somebody has the lock: no ended process has, not even a zombie."""
    try:
        with path.open("rb") as file:
            # shared: two that look at the same time do not see each other
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _let_go() -> None:
    # A forked child (a loader of images) shares the lock, and would keep it when its parent is killed. Closing its own
    # copy of the file leaves the parent's lock as it is.
    for file in list(_held):
        file.close()


os.register_at_fork(after_in_child=_let_go)
