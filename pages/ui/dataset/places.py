"""Which folders of the server may be imported from. No Streamlit in here.

Whoever opens the page can name a folder, so the page must not be a way to list or show everything the server can read:
only what lies below the folders that its owner named in ``$DERM_DATA`` is accepted, links resolved.
"""

from __future__ import annotations

import os
from pathlib import Path

from derm_model.errors import ImportProblem
from derm_model.home import home

VARIABLE = "DERM_DATA"  # list of folders, separated as in PATH; by default `data` below $DERM_HOME
MAX_SUGGESTIONS = 200  # a list that is longer is no help
SUGGESTED_DEPTH = 2  # a data set is a folder of the root, or of a folder in it ("isic/2019")


def roots() -> tuple[Path, ...]:
    """Folders below which data sets may be imported, absolute and without links."""
    listed = os.environ.get(VARIABLE, "")
    named = [Path(entry).expanduser() for entry in listed.split(os.pathsep) if entry.strip()]
    return tuple(path.resolve() for path in named or [home() / "data"])


def suggestions() -> list[str]:
    """Folders below the roots, at most `MAX_SUGGESTIONS`, shallow ones first."""
    found: list[Path] = []
    level = [root for root in roots() if root.is_dir()]
    for _ in range(SUGGESTED_DEPTH):
        level = [folder for parent in level for folder in _folders(parent)]
        found += level[: MAX_SUGGESTIONS - len(found)]
    return [str(folder) for folder in found]


def _folders(parent: Path) -> list[Path]:
    try:
        entries = sorted(entry.path for entry in os.scandir(parent) if entry.is_dir() and entry.name[0] != ".")
    except OSError:  # not ours to read: then it is no suggestion
        return []
    return [Path(entry) for entry in entries]


def check_folder(text: str) -> Path:
    """Folder that a user named, absolute.

    Raises
    ------
    ImportProblem
        It is outside the folders that may be imported from, or not a folder that can be read. A path outside is refused
        in the same words whether or not it exists.
    """
    allowed = roots()
    if not text.strip():
        raise ImportProblem(f"An import begins with a folder on the server. Choose or type one below {_list(allowed)}.")
    typed = Path(text.strip()).expanduser()
    candidates = [typed] if typed.is_absolute() else [root / typed for root in allowed]
    inside = [path for path in (_resolve(c) for c in candidates) if any(path.is_relative_to(root) for root in allowed)]
    if not inside:
        raise ImportProblem(
            f"Data sets may be imported from below {_list(allowed)} only. {text.strip()} is not there. "
            f"Copy or link the data set to that place, or ask the owner of this server to add a folder to {VARIABLE}."
        )
    for path in inside:
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            return path
    kind = "is a file" if inside[0].is_file() else "cannot be read" if inside[0].exists() else "is not there"
    raise ImportProblem(
        f"An import reads a folder that the server can open. {inside[0]} {kind}. Check spelling and permissions."
    )


def check_file(text: str, base: Path) -> Path:
    """File that a user named as an option, absolute; a relative path is one below `base`, a folder already checked.

    Raises
    ------
    ImportProblem
        It lies in no folder that may be imported from, or is not there.
    """
    path = base / Path(text.strip()).expanduser()
    found = check_folder(str(path.parent)) / path.name
    resolved = _resolve(found)
    if not any(resolved.is_relative_to(root) for root in roots()) or not os.access(resolved, os.R_OK):
        raise ImportProblem(f"An option names a file that the server can open. {found} is none. Check the spelling.")
    return resolved


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, or characters that no path may hold
        return Path("/")


def _list(folders: tuple[Path, ...]) -> str:
    return " or ".join(str(folder) for folder in folders)
