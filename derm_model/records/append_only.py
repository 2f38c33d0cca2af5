"""Rules in the database itself: rows of some tables are never changed, rows of others never deleted either.

They hold for every program that uses the database, until somebody who owns it drops them. Migrations call these
functions: what a function does for a table must not change once it is released.
"""

from __future__ import annotations

from collections.abc import Iterator

FUNCTION = "derm_refuse"


def refusals(dialect: str, table: str, *, deletes: bool = True) -> Iterator[str]:
    """Statements after which the database refuses to change rows of `table`, and with `deletes` to delete them."""
    verbs = ("UPDATE", "DELETE") if deletes else ("UPDATE",)
    if dialect == "sqlite":
        yield from (_sqlite(table, verb) for verb in verbs)
        if deletes:
            yield _sqlite_replace(table)
        return
    yield (
        f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only: rows are not changed or removed', TG_TABLE_NAME; END $$"
    )
    for verb in verbs:
        yield (
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()"
        )
    if deletes:
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()"
        )


def _sqlite(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table} is append-only: rows are not changed or removed'); END"
    )


def _sqlite_replace(table: str) -> str:
    """INSERT OR REPLACE deletes the row it replaces, and without recursive_triggers nobody would be asked."""
    key = "seq" if table == "audit_entries" else "id"
    return (
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) BEGIN "
        f"SELECT RAISE(ABORT, '{table} is append-only: rows are not changed or removed'); END"
    )
