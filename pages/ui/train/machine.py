"""What this machine has, and durations and sizes in words. No Streamlit in here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from derm_model.home import home
from derm_model.jobs.remaining import in_words

GB = 1e9
# Checkpoint with optimiser and average, a copy of each while it is replaced, best weights and bundle: 0.9 GB for
# Inception v3; some more runs and the log should fit, too.
ENOUGH_DISK_BYTES = 3 * GB
LIMIT = Path("/sys/fs/cgroup/memory.max")  # what a container may use; "max" without a limit
HOURS_ARE_DAYS = 48


def free_disk_bytes() -> int | None:
    """Space left where runs are written; None where that cannot be told."""
    folder = home().absolute()
    while not folder.is_dir() and folder != folder.parent:  # it may still have to be made
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def memory_bytes() -> int | None:
    """Memory of this machine, or what this container may use of it; None where that cannot be told."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
    try:
        limit = int(LIMIT.read_text())
    except (OSError, ValueError):
        return total
    return min(total, limit)


def duration(seconds: float) -> str:
    """``40 s``, ``1 h 12 min``, ``5 days``: whole days from two on."""
    if seconds >= HOURS_ARE_DAYS * 3600:
        return f"{seconds / 86_400:.0f} days"
    return in_words(seconds)


def size(n_bytes: float) -> str:
    """``2.0 GB``, ``140 MB``."""
    return f"{n_bytes / GB:.1f} GB" if n_bytes >= 0.95 * GB else f"{n_bytes / 1e6:.0f} MB"
