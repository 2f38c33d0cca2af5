"""log.txt: what the worker and its children print, kept from growing without end, and read from its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from types import TracebackType
from typing import TextIO

from derm_model.disk import is_full
from derm_model.files import replaced

# Of each of the two files. A training of a week prints less; what prints more is an error in a loop.
KEPT_BYTES = 5_000_000
# Rotated before it is full: what is printed until the next look still fits, and no line is dropped.
ROTATED_AT_BYTES = KEPT_BYTES - 500_000
PIECE_BYTES = 1 << 20


def earlier(path: Path) -> Path:
    """Where the lines before those of a log are: log.1.txt of log.txt."""
    return path.with_name(f"{path.stem}.1{path.suffix}")


def rotate(path: Path, *, at_bytes: int = ROTATED_AT_BYTES, kept_bytes: int = KEPT_BYTES) -> bool:
    """Move a log's lines to the earlier file when they are many; True when that was done.

    They are copied, and the log is emptied: children have the file open and would go on to write into one that was
    renamed. Everybody appends (O_APPEND), so nobody writes beyond the new end. Only what is printed within the
    microseconds between the last read and the emptying is lost.

    Raises
    ------
    OSError
        There is no space for the copy; the log is as it was.
    """
    with path.open("r+b", buffering=0) as log, ExitStack() as stack:
        size = log.seek(0, os.SEEK_END)
        if size < at_bytes:
            return False
        log.seek(max(0, size - kept_bytes))
        with replaced(earlier(path)) as temporary:
            copy = stack.enter_context(temporary.open("wb"))
            if size > kept_bytes:
                copy.write(log.read(PIECE_BYTES).partition(b"\n")[2])  # its first line was cut in two
            while piece := log.read(PIECE_BYTES):
                copy.write(piece)
            copy.flush()
        while piece := log.read(PIECE_BYTES):  # printed meanwhile
            copy.write(piece)
            copy.flush()
        log.truncate(0)
    return True


def tail(path: Path, n_lines: int = 200, *, max_bytes: int = 65_536) -> str:
    """The last lines of a log and of the earlier one before it, "" where there is none.

    However long they are, `max_bytes` are read.
    """
    data, is_cut = _end(path, max_bytes)
    if not is_cut and data.count(b"\n") < n_lines:
        before, is_cut = _end(earlier(path), max_bytes - len(data))
        data = before + data
    lines = data.decode("utf-8", errors="replace").splitlines()
    if is_cut:
        lines = lines[1:]  # its beginning was cut off
    return "\n".join(lines[-n_lines:])


def _end(path: Path, max_bytes: int) -> tuple[bytes, bool]:
    """The last bytes of a file, and whether there are more before them."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - max_bytes))
            return file.read(max_bytes), size > max_bytes
    except FileNotFoundError:
        return b"", False


class _Output:
    """A stream that drops what no longer fits on the disk: a log that cannot be written must not end the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Pass on."""
        try:
            return self._stream.write(text)
        except OSError as error:
            if not is_full(error):
                raise
            return len(text)

    def flush(self) -> None:
        """Pass on."""
        try:
            self._stream.flush()
        except OSError as error:
            if not is_full(error):
                raise

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class LastLine(_Output):
    """Standard output that also remembers the last line printed with something in it.

    Used as `with LastLine() as output: ...`; writes go on to what was standard output before.
    """

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self._line = self._complete = ""

    @property
    def line(self) -> str | None:
        """That line; None where nothing was printed."""
        return self._line.strip() or self._complete or None

    def write(self, text: str) -> int:
        """Pass on, and remember."""
        *complete, self._line = (self._line + text).split("\n")
        self._complete = next((line.strip() for line in reversed(complete) if line.strip()), self._complete)
        return super().write(text)

    def __enter__(self) -> LastLine:
        self._stream, sys.stdout = sys.stdout, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout = self._stream


@contextmanager
def forgiving_stderr() -> Iterator[None]:
    """Standard error drops within what no longer fits on the disk."""
    with redirect_stderr(_Output(sys.stderr)):
        yield
