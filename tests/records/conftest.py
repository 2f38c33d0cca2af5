"""Every test of this folder that asks for `engine` or `url` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, Engine

from derm_model.records.engine import new_engine
from derm_model.records.image_store import ImageStore
from derm_model.records.migrating import HEAD, upgrade
from derm_model.records.schema import METADATA
from tests.records import postgres

DATABASES = ("sqlite", "postgresql")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """A PostgreSQL server; its tests are skipped where there is none."""
    with postgres.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the present schema, to copy: migrating each time takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "records.db"
    engine = new_engine(URL.create("sqlite+pysqlite", database=str(path)))
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def shared(server: URL) -> URL:
    """A PostgreSQL database with the present schema, emptied for each test: a new one takes a thousand files."""
    url = create_database(server, "records")
    engine = new_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    for name in ("DERM_DATABASE_URL", "DERM_IMAGE_KEY", "DERM_RETENTION_DAYS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(database: str, home: Path, request: pytest.FixtureRequest) -> URL:
    """Address of an empty database."""
    if database == "sqlite":
        return URL.create("sqlite+pysqlite", database=str(home / "empty.db"))
    return create_database(request.getfixturevalue("server"), f"empty_{next(_numbers)}")


@pytest.fixture
def url(database: str, home: Path, request: pytest.FixtureRequest) -> URL:
    """Address of a database with the present schema and no rows."""
    if database == "sqlite":
        shutil.copy2(request.getfixturevalue("migrated"), home / "records.db")
        return URL.create("sqlite+pysqlite", database=str(home / "records.db"))
    found: URL = request.getfixturevalue("shared")
    empty(found)
    return found


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    engine = new_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def empty_engine(empty_url: URL) -> Iterator[Engine]:
    engine = new_engine(empty_url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(home: Path) -> ImageStore:
    return ImageStore(home / "images")


def connect(server: URL, database: str) -> psycopg.Connection:
    return psycopg.connect(host=str(server.query["host"]), user=server.username, dbname=database, autocommit=True)


def create_database(server: URL, name: str) -> URL:
    with connect(server, "postgres") as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")  # names are the tests' own
    return server.set(database=name)


def empty(url: URL) -> None:
    """Take away all rows, and what a test before has done to triggers and version. Only a superuser can."""
    with connect(url, str(url.database)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET session_replication_role = replica")  # without triggers
        connection.execute(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY")
        connection.execute("ALTER TABLE audit_entries ENABLE TRIGGER USER")
        connection.execute(f"UPDATE alembic_version SET version_num = '{HEAD}'")
