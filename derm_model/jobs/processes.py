"""End a process and everything it started."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Set
from pathlib import Path

PROC = Path("/proc")


def kill_tree(pid: int) -> None:
    """Kill a process, its group and all its descendants at once, also those in sessions of their own.

    Parameters
    ----------
    pid
        Processes that are not there any more, or not ours to end, are passed over. Where there is no /proc (macOS),
        only the process and its group are found.
    """
    doomed: set[int] = set()
    found: Set[int] = {pid}
    while new := found - doomed - {os.getpid()}:
        for process in new:
            _send(process, signal.SIGSTOP)  # or it would start others while we look
        doomed |= new
        found = _started_by(doomed)
    for process in doomed:
        _send(process, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # a worker leads its session, so the group has its number


def _send(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, what)


def _started_by(pids: Set[int]) -> set[int]:
    """Children of the processes, and members of the sessions they lead."""
    found = set()
    for entry in PROC.glob("[0-9]*"):
        try:
            # pid (name) state parent group session ...; a name may hold anything, brackets and spaces among it
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            parent, session = int(fields[1]), int(fields[3])
        except (OSError, IndexError, ValueError):
            continue  # it has just ended
        if parent in pids or session in pids:
            found.add(int(entry.name))
    return found
