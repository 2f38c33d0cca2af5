"""Where the database is, and sessions on it: short, one transaction each, explained when they fail."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from derm_model.errors import RecordsError
from derm_model.home import home
from derm_model.records.anchor import Head, advance_anchor
from derm_model.records.migrating import prepare

VARIABLE = "DERM_DATABASE_URL"
FILE = "records.db"
BUSY_S = 30  # who writes does so for milliseconds; a disk that takes longer has other troubles
WAL_RETRY_S = 0.02
CONNECT_S = 5  # a person waits for it
POOL_SIZE = 5  # connections kept per process; ten more at a rush

# FULL: a reading that was answered survives a power cut, too. secure_delete: what is deleted is overwritten.
# recursive_triggers: without it, INSERT OR REPLACE deletes a row of an append-only table without its trigger.
PRAGMAS = (
    f"busy_timeout = {1000 * BUSY_S}",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "recursive_triggers = ON",
)


def database_url() -> URL:
    """Where the records are: ``$DERM_DATABASE_URL``, or ``records.db`` in ``$DERM_HOME``.

    Raises
    ------
    RecordsError
        The variable holds no address of a PostgreSQL database or SQLite file.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return URL.create("sqlite+pysqlite", database=str(home() / FILE))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise RecordsError(
            f"{VARIABLE} holds no address of a database, such as postgresql://USER:PASSWORD@HOST/NAME. Correct it, or "
            f"unset it for a SQLite file in $DERM_HOME."
        ) from None  # the message of the library repeats the address, and with it the password
    kind = url.drivername.split("+")[0]
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+pysqlite")
    raise RecordsError(
        f"Records are kept in PostgreSQL or in a SQLite file; {VARIABLE} names {kind!r}. Correct it, or unset it."
    )


def records_engine() -> Engine:
    """Engine of this process for the database in use, made once; a SQLite schema is brought up to date first.

    Raises
    ------
    RecordsError
        The database cannot be reached, is newer than this DermTree, or is a PostgreSQL database that waits for
        ``python -m derm_model records upgrade``.
    """
    return _opened(database_url().render_as_string(hide_password=False), os.getpid())


@lru_cache(maxsize=4)
def _opened(url: str, pid: int) -> Engine:  # pid: a connection must not be shared with a forked process
    engine = new_engine(make_url(url))
    with explaining(engine):
        prepare(engine)
    return engine


def new_engine(url: URL) -> Engine:
    """Make an engine with a pool of its own; nothing is read yet. A SQLite file is made, readable by its owner only.

    Raises
    ------
    RecordsError
        The folder of a SQLite file cannot be written.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=POOL_SIZE, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_S})
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the log and its index (-wal, -shm) take the mode of the file
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise RecordsError(f"The records in {path} cannot be opened ({error.strerror}). Check its folder.") from error
    engine = create_engine(url, pool_size=POOL_SIZE, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # transactions begin where we say: the driver's own never begin before a read
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    _turn_on_wal(connection)


def _turn_on_wal(connection: sqlite3.Connection) -> None:
    """Let readers and one writer work side by side; waits where several connections open a new file at once."""
    # Turning it on raises a read lock to an exclusive one, and there SQLite fails at once: it never waits busy_timeout
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(WAL_RETRY_S)


def _begin_sqlite(connection: Connection) -> None:
    # who will write takes the lock at once: taking it after a read fails when somebody else wrote in between
    immediate = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a session that only reads; nothing is kept of what it may change.

    Raises
    ------
    RecordsError
        The database cannot be reached or read.
    """
    with explaining(engine), Session(engine, autoflush=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a session that writes, in one transaction: committed at the end, or nothing of it when the block raises.

    Raises
    ------
    RecordsError
        The database cannot be reached or written.
    """
    with explaining(engine):
        with Session(engine.execution_options(writes=True), expire_on_commit=False) as session, session.begin():
            yield session
        head = session.info.get("audit_head")
        if isinstance(head, Head):
            advance_anchor(engine.url, head, lambda n: _audit_hash(engine, n))


def _audit_hash(engine: Engine, n: int) -> str | None:
    with explaining(engine), engine.connect() as connection:
        found: str | None = connection.scalar(text("SELECT hash FROM audit_entries WHERE seq = :n"), {"n": n})
    return found


@contextmanager
def connected() -> Iterator[Engine]:
    """Open the database as it is, whatever its schema, and let go of it at the end: for commands that care for it."""
    engine = new_engine(database_url())
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def explaining(engine: Engine) -> Iterator[None]:
    """Turn what the database says is wrong into a `RecordsError`; broken rules of a table pass through."""
    try:
        yield
    except PoolTimeout as error:
        raise RecordsError("All connections to the database are in use. Try again in a moment.") from error
    except DBAPIError as error:
        said = _explain(engine.url, error)
        if said is None:
            raise
        raise RecordsError(said) from error


def _explain(url: URL, error: DBAPIError) -> str | None:
    where = url.render_as_string(hide_password=True)
    said = " ".join(str(error.orig).split())
    if "append-only" in said:  # the words of our own triggers
        return f"The database refuses: {said.partition(' CONTEXT:')[0]}."
    if isinstance(error, IntegrityError | DataError):
        return None
    if "locked" in said or "LockNotAvailable" in type(error.orig).__name__:
        return f"Somebody else has been writing to the records for {BUSY_S} s ({where}). Try again in a moment."
    if "no such table" in said or "no such column" in said or "Undefined" in type(error.orig).__name__:
        return f"The records in {where} lack a table or column ({said}). Run `python -m derm_model records check`."
    if "disk is full" in said or "DiskFull" in type(error.orig).__name__:
        return f"The disk of the records is full ({where}). Free some space; what was saved before is kept."
    if "readonly" in said or "read-only" in said:
        return f"The records may not be written ({where}). Check the permissions."
    if "not a database" in said or "malformed" in said:
        return f"{where} is damaged or no database ({said}). Restore a backup: `python -m derm_model records restore`."
    return f"The database of the records cannot be used ({where}): {said}. Is it running, and is {VARIABLE} right?"
