"""Backup of a SQLite database with its images, while others work on; and back again, where there is nothing yet."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine

from derm_model.data.hashing import content_hash
from derm_model.errors import RecordsError
from derm_model.files import write_json
from derm_model.records import audit
from derm_model.records.anchor import anchor_file, read_anchor
from derm_model.records.engine import new_engine, writing
from derm_model.records.image_store import ImageStore
from derm_model.records.migrating import HEAD, REVISIONS, prepare, revision
from derm_model.records.tables import now

FORMAT = 1
DATABASE, IMAGES, FACTS = "records.db", "images", "backup.json"
N_TRIES = 3  # a case deleted between the copy of the rows and that of its images makes the rows out of date
_SHA256 = re.compile("[0-9a-f]{64}")

ONLY_SQLITE = (
    "The records are in PostgreSQL, which has its own way: `pg_dump --format=custom`, and a copy of $DERM_HOME/images "
    "made after it. See docs/records.md."
)


@dataclass(frozen=True)
class BackupReport:
    """A backup: its folder, the images in it, and those that had no file."""

    folder: Path
    n_images: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, and how many entries the audit log had after the backup was made (None: not known)."""

    n_images: int
    made_at: str
    entries_lost: int | None


def backup(engine: Engine, store: ImageStore, folder: Path, who: str) -> BackupReport:
    """Copy database and images into a new folder. Encrypted images stay so; the database is not encrypted.

    Raises
    ------
    RecordsError
        The folder is there already or cannot be written, or the records are in PostgreSQL.
    """
    if engine.dialect.name != "sqlite":
        raise RecordsError(ONLY_SQLITE)
    if folder.exists():
        raise RecordsError(f"A backup is a new folder, and {folder} is there already. Name another.")
    with writing(engine) as session:  # first, so that the backup knows of itself
        audit.append(session, audit.Action.BACKUP, who)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True, mode=0o700)
        for _ in range(N_TRIES):
            hashes = _copy_database(engine, part / DATABASE)
            missing = tuple(_copy_images(store, hashes, part / IMAGES))
            if not missing:
                break
        _write_facts(part, engine, missing)
        part.rename(folder)
    except OSError as error:
        raise RecordsError(f"The backup cannot be written to {folder} ({error.strerror}).") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return BackupReport(folder, len(hashes) - len(missing), missing)


def _copy_database(engine: Engine, path: Path) -> list[str]:
    """Copy all pages as of one moment, and return the images the copy knows."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    source, copy = engine.raw_connection(), sqlite3.connect(path)
    try:
        assert isinstance(source.driver_connection, sqlite3.Connection)
        source.driver_connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        n, digest = copy.execute(
            "SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1"
        ).fetchone()  # there is one: that of this backup
        write_json(anchor_file(URL.create("sqlite", database=str(path))), {"n": n, "hash": digest})
        return [row[0] for row in copy.execute("SELECT sha256 FROM images ORDER BY sha256")]
    except sqlite3.Error as error:
        raise RecordsError(
            f"The database cannot be copied: {error}. Run `python -m derm_model records check`."
        ) from error
    finally:
        copy.close()
        source.close()


def _copy_images(store: ImageStore, hashes: Iterable[str], folder: Path) -> Iterable[str]:
    """Make `folder` hold just these images; return those that are missing."""
    shutil.rmtree(folder, ignore_errors=True)
    copies = ImageStore(folder)
    missing = []
    for sha256 in hashes:
        target = copies.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            shutil.copy2(store.path(sha256), target)
        except FileNotFoundError:
            missing.append(sha256)
    return missing


def _write_facts(folder: Path, engine: Engine, missing: tuple[str, ...]) -> None:
    copies = ImageStore(folder / IMAGES)
    facts = {
        "format": FORMAT,
        "made_at": now().isoformat(timespec="seconds"),
        "schema": revision(engine),
        "database": content_hash(folder / DATABASE),
        "images": {sha256: content_hash(copies.path(sha256)) for sha256 in copies.all()},  # of the files as they are
        "missing": list(missing),
    }
    write_json(folder / FACTS, facts)


def restore(folder: Path, url: URL, store: ImageStore, who: str) -> RestoreReport:
    """Bring back a backup to where no database is; the audit log says so.

    An older DermTree's backup is migrated. The head that was kept of the audit log before is renamed, not deleted, and
    so is a log that a database left behind.

    Raises
    ------
    RecordsError
        The folder is no whole backup or a newer DermTree's, there is a database already, or the records are in
        PostgreSQL.
    """
    if url.get_backend_name() != "sqlite":
        raise RecordsError(ONLY_SQLITE)
    target = Path(url.database or "")
    if target.exists():
        raise RecordsError(
            f"There is a database in {target}. Stop the app and move it away first, together with its -wal and -shm."
        )
    facts = _check(folder)
    head = read_anchor(URL.create("sqlite", database=str(folder / DATABASE)))
    try:
        for sha256 in facts["images"]:
            _bring(ImageStore(folder / IMAGES).path(sha256), store.path(sha256))
        lost = _set_anchor_aside(url, None if head is None else head.n)
        # of a database that was moved away: they would be taken for this one's, and may hold the last of that one
        for suffix in ("-wal", "-shm"):
            _set_aside(Path(f"{target}{suffix}"))
        _bring(folder / DATABASE, target)
    except OSError as error:
        raise RecordsError(f"The backup cannot be restored to {target.parent} ({error.strerror}).") from error
    engine = new_engine(url)
    try:
        prepare(engine)
        with writing(engine) as session:
            details = {"made at": facts["made_at"], "entries lost": lost}
            audit.append(session, audit.Action.RESTORE, who, details=details)
    finally:
        engine.dispose()
    return RestoreReport(len(facts["images"]), facts["made_at"], lost)


def _check(folder: Path) -> Mapping[str, Any]:
    """Facts of a backup that is whole."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_bytes())
        if facts["format"] != FORMAT:
            raise RecordsError(f"The backup has format {facts['format']}, this DermTree reads {FORMAT}. Update it.")
        if facts["schema"] not in REVISIONS:
            raise RecordsError(
                f"The backup is of a newer DermTree (schema {facts['schema']}, this one knows up to {HEAD}). Update it."
            )
        if not all(_SHA256.fullmatch(name) for name in facts["images"]):
            raise ValueError("an image is not called by a hash")
        files = {folder / DATABASE: facts["database"]}
        files |= {ImageStore(folder / IMAGES).path(sha256): own for sha256, own in facts["images"].items()}
        wrong = [path for path, own in files.items() if content_hash(path) != own]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordsError(f"{folder} is no whole backup ({error}). Take another.") from error
    if wrong:
        raise RecordsError(f"{len(wrong)} files of the backup were changed, {wrong[0]} first. Take another.")
    return facts


def _set_anchor_aside(url: URL, n: int | None) -> int | None:
    """Rename the head that is kept now; return how many entries it counts that the backup does not have."""
    path = anchor_file(url)
    if not path.exists():
        return None
    lost = None
    with contextlib.suppress(RecordsError):  # a damaged one is kept all the same
        kept = read_anchor(url)
        lost = None if kept is None or n is None else max(0, kept.n - n)
    _set_aside(path)
    return lost


def _set_aside(path: Path) -> None:
    if path.exists():
        path.rename(path.with_name(f"{path.name}.before-{now():%Y%m%dT%H%M%S}"))


def _bring(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.copyfile(source, temporary)
    temporary.chmod(0o600)
    temporary.replace(target)
