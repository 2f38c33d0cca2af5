"""A full disk: how it is recognised, how it is said, and the space kept back to say it."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

# no space, no more of what this user may have, a file longer than this process may write
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# status.json takes 1 kB; blocks are at most 64 kB on the disks there are
RESERVE_BYTES = 65_536


def keep_reserve(path: Path) -> None:
    """Take space that `free_reserve` can give back; nothing where there is none to take."""
    try:
        path.write_bytes(os.urandom(RESERVE_BYTES))  # zeros would take no space where a disk compresses
    except OSError:
        free_reserve(path)


def free_reserve(path: Path) -> None:
    """Give the space back."""
    with contextlib.suppress(OSError):
        path.unlink()


def is_full(error: OSError) -> bool:
    """Whether it was raised because nothing more can be written."""
    return error.errno in FULL


def full_disk(error: BaseException) -> str | None:
    """Sentence for people when the error, or one it came from, says that the disk is full; None otherwise."""
    cause: BaseException | None = error
    while cause is not None:
        what = _what_is_full(cause)
        if what is not None:
            return f"The disk is full: {what}. Free some space, then resume; what was finished is kept."
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None


def _what_is_full(error: BaseException) -> str | None:
    if isinstance(error, OSError):
        if not is_full(error):
            return None
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    # libraries in other languages (safetensors) pass on the system's words, without its number
    return next((words for words in map(os.strerror, FULL) if words in str(error)), None)
