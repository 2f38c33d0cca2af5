"""Which schema a database has, and how it gets the present one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from derm_model.errors import RecordsError

if TYPE_CHECKING:
    from alembic.config import Config

# Known to the code without Alembic, which takes longer to import than an up-to-date schema takes to check
REVISIONS = ("0001", "0002", "0003")
HEAD = REVISIONS[-1]
MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x6465726D  # "derm": a number of its own for PostgreSQL's advisory locks


def revision(engine: Engine) -> str | None:
    """Revision of the schema; None of an empty database.

    Raises
    ------
    RecordsError
        The database is newer than this DermTree, or holds something else.
    """
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    found = "alembic_version" in tables and connection.scalar(text("SELECT version_num FROM alembic_version"))
    if not found:
        if "cases" in tables:
            raise RecordsError("The database has tables of records and no version of them. Restore a backup.")
        return None
    if found not in REVISIONS:
        raise RecordsError(
            f"The records were written by a newer DermTree (schema {found}, this one knows up to {HEAD}). Update "
            "DermTree, or restore a backup made before."
        )
    return str(found)


def prepare(engine: Engine) -> None:
    """Bring a SQLite schema up to date; of a PostgreSQL database only check that it is.

    Raises
    ------
    RecordsError
        The schema is newer, or is an older one of a PostgreSQL database, which others may be using at this moment.
    """
    found = revision(engine)
    if found == HEAD:
        return
    if engine.dialect.name != "sqlite":
        has = "no tables yet" if found is None else f"schema {found}"
        raise RecordsError(
            f"The database of the records has {has}, and this DermTree needs schema {HEAD}. Back it up, then run "
            "`python -m derm_model records upgrade`."
        )
    upgrade(engine)


def upgrade(engine: Engine, to: str = HEAD) -> tuple[str | None, str]:
    """Migrate in one transaction: killed half-way, the database is as it was. Two at once come one after the other.

    Returns
    -------
    (before, after)
        Revisions; `before` is None of an empty database.

    Raises
    ------
    RecordsError
        The database is newer than this DermTree.
    """
    from alembic import command

    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = _revision(connection)
        command.upgrade(alembic_config(connection), to)
        after = _revision(connection)
        assert after is not None
        return before, after


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for one connection; no file is needed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
