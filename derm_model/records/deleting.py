"""Deleting so that it is gone: rows with all that hangs on them, files no other case shows, and what databases keep."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Engine, Select, delete, exists, select, text
from sqlalchemy.orm import Session

from derm_model.errors import RecordsError
from derm_model.records import audit
from derm_model.records.audit_table import AuditEntry
from derm_model.records.case_tables import Case, StoredImage, Visit, VisitImage
from derm_model.records.engine import BUSY_S, explaining, reading
from derm_model.records.image_changes import MAX_ASKED, changing_images, drop_unheld
from derm_model.records.image_store import ImageStore
from derm_model.records.tables import now

VARIABLE = "DERM_RETENTION_DAYS"
SCRUB_MS = 1000  # a person waits; whoever still reads then is a backup, and the next delete will do
CASE_TABLES = ("cases", "visits", "visit_images", "images", "predictions", "answers", "outcomes")


def retention_days(environment: Mapping[str, str] = os.environ) -> int | None:
    """Days a case is kept after it was last active, from ``$DERM_RETENTION_DAYS``; None where none is set.

    Raises
    ------
    RecordsError
        The variable holds no whole number above 0.
    """
    given = environment.get(VARIABLE, "").strip()
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and int(given) > 0):
        raise RecordsError(f"{VARIABLE} is a whole number of days above 0, got {given!r}. Correct or unset it.")
    return int(given)


def delete_visit(engine: Engine, store: ImageStore, visit_id: str, who: str) -> None:
    """Delete a visit with its images and answers; the last visit of a case takes the case along.

    Raises
    ------
    RecordsError
        There is no such visit.
    """
    with changing_images(engine, store) as (session, touched):
        visit = session.get(Visit, visit_id)
        if visit is None:
            raise RecordsError("The visit is no longer there: somebody deleted it.")
        case_id = visit.case_id
        others = session.scalar(select(exists().where(Visit.case_id == case_id, Visit.id != visit_id)))
        if others:
            touched |= _images(session, [visit_id])
            session.execute(delete(Visit).where(Visit.id == visit_id))
        else:
            touched |= _delete_cases(session, [case_id])
        _drop_images(session, touched)
        audit.append(session, audit.Action.DELETE, who, subjects=[visit_id] if others else [case_id, visit_id])
    scrub(engine)


def delete_case(engine: Engine, store: ImageStore, case_id: str, who: str) -> None:
    """Delete a case with all that is kept of it.

    Raises
    ------
    RecordsError
        There is no such case.
    """
    with changing_images(engine, store) as (session, touched):
        if session.get(Case, case_id) is None:
            raise RecordsError("The case is no longer there: somebody deleted it.")
        session.expunge_all()
        touched |= _delete_cases(session, [case_id])
        _drop_images(session, touched)
        audit.append(session, audit.Action.DELETE, who, subjects=[case_id])
    scrub(engine)


def delete_patient(engine: Engine, store: ImageStore, patient_key: str, who: str) -> int:
    """Delete all cases of a patient; return how many."""
    with changing_images(engine, store) as (session, touched):
        case_ids = session.scalars(select(Case.id).where(Case.patient_key == patient_key)).all()
        if case_ids:
            touched |= _delete_cases(session, case_ids)
            _drop_images(session, touched)
            audit.append(session, audit.Action.DELETE, who, subjects=case_ids)
    scrub(engine)
    return len(case_ids)


def expired(session: Session, days: int, today: date | None = None) -> Sequence[str]:
    """Ids of cases that were last active more than `days` days ago.

    Raises
    ------
    ValueError
        `days` is below 1.
    """
    return session.scalars(_expired(days, today)).all()


def _expired(days: int, today: date | None) -> Select[str]:
    if days < 1:
        raise ValueError(f"a retention is one day or more, got {days}")
    end = today or now().date()
    limit = end - timedelta(days=min(days, end.toordinal() - 1))  # not before the first day there is
    return select(Case.id).where(Case.last_active_on < limit).order_by(Case.last_active_on)


def purge(engine: Engine, store: ImageStore, days: int, who: str, today: date | None = None) -> tuple[int, int]:
    """Delete the cases whose retention is over, and files nobody holds; return how many of each.

    Files without a row are left by a process that was killed between writing a file and committing its row.

    Raises
    ------
    RecordsError
        No case was ever saved in this database, and there are images: they are another database's.
    """
    with changing_images(engine, store) as (session, touched):
        # PostgreSQL: a case whose outcome is recorded at this moment is waited for, and is active then
        case_ids = session.scalars(_expired(days, today).with_for_update()).all()
        if case_ids:
            touched |= _delete_cases(session, case_ids)
            _drop_images(session, touched)
            audit.append(session, audit.Action.PURGE, who, subjects=case_ids, details={"days": days})
    n_files = sweep(engine, store)
    scrub(engine)
    return len(case_ids), n_files


def sweep(engine: Engine, store: ImageStore) -> int:
    """Delete files no row holds, half-written ones too; return how many.

    Raises
    ------
    RecordsError
        No case was ever saved in this database, and there are images: they are another database's.
    """
    store.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with store.locked():
        _check_whose(engine, store)
        n = drop_unheld(engine, store, store.all())
        for path in store.leftovers():
            path.unlink(missing_ok=True)
            n += 1
    return n


def _check_whose(engine: Engine, store: ImageStore) -> None:
    """Stop where a command was called without the address of the database: a new one holds none of the images."""
    n_files = sum(1 for _ in store.all())
    with reading(engine) as session:
        if n_files and not session.scalar(select(exists().where(AuditEntry.action == audit.Action.SAVE.value))):
            where = engine.url.render_as_string(hide_password=True)
            raise RecordsError(
                f"No case was ever saved in {where}, and {store.folder} has {n_files} images. None was deleted. "
                "Is DERM_DATABASE_URL right?"
            )


def scrub(engine: Engine) -> bool:
    """Have the database let go of deleted rows; False where somebody reads at this moment and it will do so later.

    SQLite overwrites what is deleted (secure_delete), and its log, which holds older pages, is emptied here. PostgreSQL
    keeps deleted rows until a vacuum.
    """
    if engine.dialect.name == "sqlite":
        return _empty_log(engine)
    with explaining(engine), engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"VACUUM {', '.join(CASE_TABLES)}"))
    return True


def _empty_log(engine: Engine) -> bool:
    with explaining(engine):
        pooled = engine.raw_connection()  # outside any transaction
    driver = pooled.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        driver.execute(f"PRAGMA busy_timeout = {SCRUB_MS}")
        busy: int = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        driver.execute(f"PRAGMA busy_timeout = {1000 * BUSY_S}")
    except sqlite3.Error as error:
        raise RecordsError(f"What was deleted is still in the database's log: {error}. Try `records purge`.") from error
    finally:
        pooled.close()
    return not busy


def missing_files(engine: Engine, store: ImageStore) -> tuple[str, ...]:
    """Hashes of images that have a row and no file."""
    with reading(engine) as session:
        hashes = session.scalars(select(StoredImage.sha256).order_by(StoredImage.sha256)).all()
    return tuple(sha256 for sha256 in hashes if not store.path(sha256).is_file())


def _delete_cases(session: Session, case_ids: Sequence[str]) -> set[str]:
    """Delete cases with their visits and answers; return the images they showed."""
    shown: set[str] = set()
    for start in range(0, len(case_ids), MAX_ASKED):
        part = case_ids[start : start + MAX_ASKED]
        shown |= _images(session, session.scalars(select(Visit.id).where(Visit.case_id.in_(part))).all())
        session.execute(delete(Case).where(Case.id.in_(part)))  # the database takes along what refers to them
    return shown


def _images(session: Session, visit_ids: Sequence[str]) -> set[str]:
    shown: set[str] = set()
    for start in range(0, len(visit_ids), MAX_ASKED):
        part = visit_ids[start : start + MAX_ASKED]
        shown |= set(session.scalars(select(VisitImage.sha256).where(VisitImage.visit_id.in_(part))))
    return shown


def _drop_images(session: Session, hashes: set[str]) -> None:
    """Delete the rows of images no visit shows any more."""
    asked = sorted(hashes)
    for start in range(0, len(asked), MAX_ASKED):
        part = asked[start : start + MAX_ASKED]
        is_shown = exists().where(VisitImage.sha256 == StoredImage.sha256)
        session.execute(delete(StoredImage).where(StoredImage.sha256.in_(part), ~is_shown))
