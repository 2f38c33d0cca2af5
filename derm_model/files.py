"""Files that several people or processes read and write: replaced whole, and changed one after the other."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name and rename it at the end: a reader sees the old or the new one, never half.

    Yields
    ------
    Path
        The temporary name, in the same folder. Nothing is left of it when the block raises, and `path` is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace a JSON file whole. ASCII only: the name of a file that is no valid UTF-8 survives, too."""
    with replaced(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1), encoding="ascii")


@contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Wait until nobody else is within such a block for this file, so that read, change, write loses no change.

    For moments, not minutes: whoever comes second waits. The lock is a file beside `path`; the system frees it when its
    holder ends, however it ends.
    """
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
