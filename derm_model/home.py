"""Where DermTree keeps what it makes while running: bundles, runs, workspaces, jobs, caches. Never in git."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "DERM_HOME"


def home() -> Path:
    """The folder that ``$DERM_HOME`` names, or ``var`` below the folder the command was started in."""
    return Path(os.environ.get(VARIABLE, "var")).expanduser()
