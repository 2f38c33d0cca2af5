"""A workspace: the folder in which one collection is curated, with every intermediate result and every decision.

    manifest.parquet        one row an image in the order of import, which never changes: a position names one
    manifest.json           a digest of it, to tell what was made from an earlier one
    imports.json            which data sets were imported when, and the problems met on the way
    prints-NNNNN.parquet    one row a file content: what tells a file and its picture   (scan)
    quality-NNNNN.parquet   one row a file content: measures of its quality             (scan)
    edges.parquet, .json    edges of the duplicate graph, by position, and what they were made from   (link)
    folds.parquet, .json    test set and folds, and what they were made from            (split)
    pair_decisions.csv      what a person decided about pairs of pictures
    quality_decisions.csv   what a person decided about flagged pictures
    features.json           which bundle's features are used     (features)
    settings.json           thresholds and rules that were applied

Decisions are kept by content hash: they outlive a new import. Every file is replaced whole, so a reader never sees half
of one, and whoever reads needs no lock. Stages that write take the workspace's lock (`Workspace.locked`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derm_model.curation.shards import Shards
from derm_model.errors import CurationError
from derm_model.files import write_json
from derm_model.home import home

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.problems import Problem

FOLDER = "curation"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
FORMAT = 1


@dataclass(frozen=True)
class ImportNote:
    """One import: what, when, how many images it brought, and what could not be used."""

    what: str
    at: str
    n_images: int
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, object]:
        """As `imports.json` holds it."""
        return asdict(self)

    @staticmethod
    def from_json(entry: dict[str, Any]) -> ImportNote:
        """Read an entry of `imports.json`."""
        from derm_model.data.problems import Problem

        problems = tuple(Problem(**p | {"examples": tuple(p["examples"])}) for p in entry["problems"])
        return ImportNote(entry["what"], entry["at"], entry["n_images"], problems)


@dataclass(frozen=True)
class WorkspacePaths:
    """Files of a workspace."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """All images."""
        return self.folder / "manifest.parquet"

    @property
    def manifest_facts(self) -> Path:
        """Digest of the manifest."""
        return self.folder / "manifest.json"

    @property
    def imports(self) -> Path:
        """What was imported when, and its problems."""
        return self.folder / "imports.json"

    @property
    def edges(self) -> Path:
        """Edges of the duplicate graph."""
        return self.folder / "edges.parquet"

    @property
    def edges_facts(self) -> Path:
        """What the edges were made from."""
        return self.folder / "edges.json"

    @property
    def folds(self) -> Path:
        """Test set and folds."""
        return self.folder / "folds.parquet"

    @property
    def folds_facts(self) -> Path:
        """What the folds were made from."""
        return self.folder / "folds.json"

    @property
    def pair_decisions(self) -> Path:
        """Decisions about pairs."""
        return self.folder / "pair_decisions.csv"

    @property
    def quality_decisions(self) -> Path:
        """Decisions about flagged images."""
        return self.folder / "quality_decisions.csv"

    @property
    def settings(self) -> Path:
        """Rules and thresholds that were applied."""
        return self.folder / "settings.json"

    @property
    def features_facts(self) -> Path:
        """Which bundle's features are used."""
        return self.folder / "features.json"

    @property
    def lock(self) -> Path:
        """Held by a stage, for as long as it works."""
        return self.folder / ".lock"

    def shards(self, kind: str) -> Shards:
        """Results of the scan; `kind` is "prints" or "quality"."""
        return Shards(self.folder, kind)


class Workspace:
    """One workspace folder. Reads what is there; what is not there yet is None.

    Parameters
    ----------
    folder : Path
        Of `create_workspace` or `list_workspaces`.

    Raises
    ------
    CurationError
        The folder is no workspace.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = WorkspacePaths(folder)
        if not self.paths.settings.is_file():
            raise CurationError(
                f"A workspace is a folder with a settings.json. {folder} has none. "
                "Name an existing workspace or let `curate` make a new one."
            )

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    def table(self) -> pd.DataFrame | None:
        """All images, one row each (docs/data-format.md); None before the first import."""
        from derm_model.data.table import read_table

        return read_table(self.paths.manifest) if self.paths.manifest.is_file() else None

    def need_table(self) -> pd.DataFrame:
        """As `table`; a CurationError where there is none."""
        table = self.table()
        if table is None:
            raise CurationError(f"The workspace {self.name} holds no images yet. Import a data set first.")
        return table

    def imports(self) -> tuple[ImportNote, ...]:
        """What was imported, in order, and what could not be used of it."""
        return tuple(ImportNote.from_json(entry) for entry in read_json(self.paths.imports).get("imports", []))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock: only one stage writes at a time. It is freed when the process ends, however it ends.

        Raises
        ------
        CurationError
            Another process holds it.
        """
        with self.paths.lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CurationError(
                    f"Only one job at a time may change a workspace, and another one is working on {self.name}. "
                    "Wait for it or cancel it."
                ) from None
            yield


def workspaces_root(base: Path | None = None) -> Path:
    """Folder that holds the workspaces."""
    return (base or home()) / FOLDER


def create_workspace(name: str, base: Path | None = None) -> Workspace:
    """Make an empty workspace below `$DERM_HOME`.

    Raises
    ------
    CurationError
        The name cannot be a folder's, or is taken.
    """
    if not NAME.fullmatch(name):
        raise CurationError(
            "A workspace's name has 1 to 64 letters, digits, spaces, dots, hyphens or underscores and begins with a "
            f"letter or digit. {name!r} does not."
        )
    folder = workspaces_root(base) / name
    if folder.exists():
        raise CurationError(f"There is already a workspace {name}. Open it or choose another name.")
    return make_workspace(folder)


def make_workspace(folder: Path) -> Workspace:
    """The workspace in this folder, made if it is not there."""
    paths = WorkspacePaths(folder)
    if not paths.settings.is_file():
        if folder.exists() and any(folder.iterdir()):
            raise CurationError(
                f"A workspace begins in an empty folder. {folder} holds other files. Choose another folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        write_json(paths.settings, {"format": FORMAT, "created_at": now()})
    return Workspace(folder)


def list_workspaces(base: Path | None = None) -> list[Workspace]:
    """Workspaces below `$DERM_HOME`, by name."""
    root = workspaces_root(base)
    if not root.is_dir():
        return []
    return [Workspace(f) for f in sorted(root.iterdir()) if WorkspacePaths(f).settings.is_file()]


def digest_of(frame: pd.DataFrame) -> str:
    """Digest of a table's content, order and columns included; 0.2 s for 130,000 rows."""
    import pandas as pd

    digest = hashlib.sha256("\0".join(map(str, frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def now() -> str:
    """UTC, to the second, e.g. 2026-11-23T03:58:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where the file is not there.

    Raises
    ------
    CurationError
        The file is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("it holds no JSON object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CurationError(
            f"{path} cannot be read ({error}). Restore it, or delete it to begin that step again."
        ) from error
    return values
