"""The database as such: address, schema, migrations, and what is said when something is wrong with it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, inspect, text

from derm_model.errors import RecordsError
from derm_model.records import migrating
from derm_model.records.case_tables import Case, Visit
from derm_model.records.checking import schema_differences
from derm_model.records.engine import database_url, new_engine, reading, records_engine, writing
from derm_model.records.schema import METADATA
from derm_model.records.tables import UtcDateTime, new_id, now

ROOT = Path(__file__).resolve().parents[2]
IDENTIFYING = {"name", "first_name", "last_name", "birth", "birthday", "dob", "age", "address", "email", "phone", "mrn"}


def test_the_database_is_a_file_in_the_home_by_default(home: Path) -> None:
    assert database_url() == URL.create("sqlite+pysqlite", database=str(home / "records.db"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_postgresql_address_is_spoken_to_by_psycopg(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", f"{scheme}://me:secret@host/derm")
    assert database_url().drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "address", ["mysql://me:geheim@host/derm", "geheim", "sqlite://", "postgresql://me:geheim@host:x/y"]
)
def test_another_address_is_refused_without_repeating_its_password(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", address)
    with pytest.raises(RecordsError, match="DERM_DATABASE_URL") as error:
        database_url()
    assert "geheim" not in str(error.value)


def test_an_unreachable_server_is_a_clear_error_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", "postgresql://me:geheim@127.0.0.1:1/derm")
    with pytest.raises(RecordsError, match="cannot be used") as error:
        records_engine()
    assert "geheim" not in str(error.value)


def test_a_file_that_is_no_database_is_a_clear_error(home: Path) -> None:
    (home / "records.db").write_text("This is no database, and long enough to be read as one. " * 40)
    with pytest.raises(RecordsError, match="no database"):
        records_engine()


def test_the_file_and_its_log_are_for_their_owner_only(home: Path) -> None:
    os.umask(0o022)
    engine = records_engine()
    with writing(engine) as session:
        session.execute(text("CREATE TABLE something (x INTEGER)"))
    for path in home.glob("records.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert (home / "records.db-wal").exists()


def test_sqlite_keeps_its_promises_on_every_connection(home: Path) -> None:
    engine = records_engine()
    with engine.connect() as one, engine.connect() as other:
        for connection in (one, other):
            found = {
                name: connection.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "foreign_keys", "synchronous", "secure_delete", "busy_timeout")
            }
            assert found == {
                "journal_mode": "wal",
                "foreign_keys": 1,
                "synchronous": 2,
                "secure_delete": 1,
                "busy_timeout": 30_000,
            }


def test_first_use_migrates_sqlite_and_is_done_once(home: Path) -> None:
    assert migrating.revision(records_engine()) == migrating.HEAD
    assert records_engine() is records_engine()


def test_the_code_knows_the_revisions_there_are(empty_engine: Engine) -> None:
    with empty_engine.connect() as connection:
        scripts = ScriptDirectory.from_config(migrating.alembic_config(connection))
    found = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(found)) == migrating.REVISIONS
    assert len(found) >= 2


def test_an_empty_database_is_migrated_and_agrees_with_the_models(empty_engine: Engine) -> None:
    assert migrating.upgrade(empty_engine) == (None, migrating.HEAD)
    assert migrating.upgrade(empty_engine) == (migrating.HEAD, migrating.HEAD)
    assert schema_differences(empty_engine) == ()


def test_migrated_and_created_tables_are_the_same_by_the_database_s_own_account(
    empty_engine: Engine, engine: Engine
) -> None:
    """Independent of Alembic's comparison, which looks at no checks and no defaults."""
    METADATA.create_all(empty_engine)
    created, migrated = (described(e) for e in (empty_engine, engine))
    migrated.pop("alembic_version")
    assert created == migrated


def described(engine: Engine) -> dict[str, object]:
    looked = inspect(engine)
    tables = looked.get_table_names()

    def ordered(rows: list[object]) -> list[str]:
        return sorted(map(str, rows))

    return {
        table: {
            "columns": sorted(
                (c["name"], str(c["type"]), c["nullable"], str(c["default"]).split("::")[0].replace("nextval", "auto"))
                for c in looked.get_columns(table)
            ),
            "checks": sorted((c["name"], "".join(c["sqltext"].split())) for c in looked.get_check_constraints(table)),
            "unique": ordered([(c["name"], c["column_names"]) for c in looked.get_unique_constraints(table)]),
            "indexes": ordered([(c["name"], c["column_names"], c["unique"]) for c in looked.get_indexes(table)]),
            "foreign": ordered(
                [
                    (c["name"], c["constrained_columns"], c["referred_table"], c["referred_columns"], c["options"])
                    for c in looked.get_foreign_keys(table)
                ]
            ),
            "key": looked.get_pk_constraint(table)["constrained_columns"],
        }
        for table in tables
    }


def test_an_older_schema_is_migrated_with_its_rows(empty_engine: Engine) -> None:
    migrating.upgrade(empty_engine, "0001")
    long_ago, later = datetime(2024, 1, 5, 23, 30, tzinfo=UTC), datetime(2024, 3, 9, 12, tzinfo=UTC)
    old = "INSERT INTO cases (id, patient_key, lesion, site, created_at) VALUES (:id, 'P1', :id, 'chest', :at)"
    seen = "INSERT INTO visits (id, case_id, seen_on, note, created_at) VALUES ('v', 'b', '2024-03-08', '', :at)"
    is_sqlite = empty_engine.dialect.name == "sqlite"
    stored = {at: at.strftime("%Y-%m-%d %H:%M:%S.%f") if is_sqlite else at for at in (long_ago, later)}
    with empty_engine.begin() as connection:
        for case_id in ("a", "b"):
            connection.execute(text(old), {"id": case_id, "at": stored[long_ago]})
        connection.execute(text(seen), {"at": stored[later]})

    assert migrating.upgrade(empty_engine) == ("0001", migrating.HEAD)

    with reading(empty_engine) as session:
        case, visit = session.get(Case, "a"), session.get(Visit, "v")
        assert case is not None and visit is not None
        assert case.last_active_on == date(2024, 1, 5)
        assert case.created_at == long_ago
        assert session.get(Case, "b").last_active_on == date(2024, 3, 9)  # type: ignore[union-attr]
        assert visit.created_at == later
    assert schema_differences(empty_engine) == ()


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_engine: Engine) -> None:
    migrating.upgrade(empty_engine, "0001")
    with empty_engine.begin() as connection:
        connection.execute(text("CREATE TABLE prescreen_votes (x INTEGER)"))  # in the way of the last step
    with pytest.raises(Exception, match="prescreen_votes"):
        migrating.upgrade(empty_engine)
    assert migrating.revision(empty_engine) == "0001"
    assert "studies" not in inspect(empty_engine).get_table_names()
    assert "last_active_on" not in {column["name"] for column in inspect(empty_engine).get_columns("cases")}


def test_a_newer_database_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (migrating.prepare, migrating.upgrade):
        with pytest.raises(RecordsError, match="newer DermTree"):
            use(engine)


def test_an_older_postgresql_database_waits_for_the_command(server: URL, empty_engine: Engine) -> None:
    if empty_engine.dialect.name == "sqlite":
        migrating.prepare(empty_engine)
        assert migrating.revision(empty_engine) == migrating.HEAD
        return
    with pytest.raises(RecordsError, match="records upgrade"):
        migrating.prepare(empty_engine)
    migrating.upgrade(empty_engine, "0001")
    with pytest.raises(RecordsError, match="schema 0001"):
        migrating.prepare(empty_engine)


def test_two_processes_may_migrate_at_once(empty_url: URL) -> None:
    code = (
        "import sys; from sqlalchemy import make_url; from derm_model.records.engine import new_engine;"
        "from derm_model.records.migrating import upgrade; print(upgrade(new_engine(make_url(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, empty_url.render_as_string(hide_password=False)]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(run.communicate(timeout=60)[0].strip() for run in runs)
    assert said == [f"('{migrating.HEAD}', '{migrating.HEAD}')", f"(None, '{migrating.HEAD}')"]


def test_no_column_holds_what_identifies_a_patient_and_free_text_is_marked_and_limited() -> None:
    of_people = {"cases", "visits", "visit_images", "images", "predictions", "answers", "outcomes", "participants"}
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if table.name in of_people:
                assert not set(column.name.split("_")) & IDENTIFYING, column
            if column.info.get("free_text"):
                assert column.type.length <= 500, column  # type: ignore[attr-defined]
    marked = {f"{t.name}.{c.name}" for t in METADATA.sorted_tables for c in t.columns if c.info.get("free_text")}
    assert marked == {"visits.note", "studies.name"}


def test_times_keep_their_zone_and_one_without_is_refused(engine: Engine) -> None:
    at = now()
    row = Case(id=new_id(), patient_key="P", lesion="1", site="chest", side=None, created_at=at)
    with writing(engine) as session:
        session.add(row)
    with reading(engine) as session:
        assert session.get(Case, row.id).created_at == at  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="zone"):
        UtcDateTime().process_bind_param(datetime(2024, 1, 1), engine.dialect)


def test_nothing_is_kept_of_a_session_that_raises(engine: Engine) -> None:
    def interrupted() -> None:
        with writing(engine) as session:
            session.add(Case(id="x", patient_key="P", lesion="1", site="chest", side=None, created_at=now()))
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    with reading(engine) as session:
        assert session.get(Case, "x") is None


def test_a_locked_sqlite_file_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derm_model.records.engine.PRAGMAS", ("busy_timeout = 50", "journal_mode = WAL"))
    engine = new_engine(database_url())
    migrating.upgrade(engine)
    with writing(engine) as one:
        one.execute(text("SELECT 1"))
        with pytest.raises(RecordsError, match="Somebody else"), writing(engine) as other:
            other.execute(text("SELECT 1"))
    engine.dispose()
