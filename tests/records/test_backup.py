"""Backup while others work, and back again; and what `check` finds."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, text

from derm_model.errors import RecordsError
from derm_model.records import audit, migrating
from derm_model.records.anchor import anchor_file, read_anchor
from derm_model.records.backup import backup, restore
from derm_model.records.cases import case_record
from derm_model.records.checking import problems
from derm_model.records.deleting import delete_case
from derm_model.records.engine import new_engine, reading, writing
from derm_model.records.image_store import ImageStore
from derm_model.records.saving import save_visit
from tests.records.material import lesion, visit

KEY = bytes(32)


@pytest.fixture
def sealed(store: ImageStore) -> ImageStore:
    return ImageStore(store.folder, (KEY,))


@pytest.fixture
def database() -> str:
    """Backups are SQLite's here; PostgreSQL has its own."""
    return "sqlite"


@contextlib.contextmanager
def opened(url: URL) -> Iterator[Engine]:
    engine = new_engine(url)
    yield engine
    engine.dispose()


def lose(engine: Engine, store: ImageStore) -> None:
    """The machine is gone; only what was kept elsewhere is left."""
    engine.dispose()
    for path in Path(str(engine.url.database)).parent.glob("records.db*"):
        path.unlink()
    shutil.rmtree(store.folder)


def test_a_backup_is_brought_back_as_it_was(engine: Engine, sealed: ImageStore, tmp_path: Path) -> None:
    saved = save_visit(engine, sealed, lesion(), visit(1, 2), "dr")
    with reading(engine) as session:
        before = case_record(session, saved.case_id)
    report = backup(engine, sealed, tmp_path / "backups" / "monday", "admin")
    assert (report.n_images, report.missing) == (2, ())
    lose(engine, sealed)

    done = restore(report.folder, engine.url, sealed, "admin")
    assert (done.n_images, done.entries_lost) == (2, None)
    with opened(engine.url) as again, reading(again) as session:
        assert case_record(session, saved.case_id) == before
        assert all(sealed.get(image.sha256) for image in before.visits[0].images)
        assert [row.action for row in audit.entries(session)] == ["restore", "backup", "save"]
        assert audit.verify(session, read_anchor(again.url)).problem is None
        assert list(problems(again, sealed, read_images=True)) == []


def test_what_is_written_while_a_backup_is_made_is_in_it_whole_or_not_at_all(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    save_visit(engine, sealed, lesion(), visit(1), "dr")
    with writing(engine) as session:  # somebody is in the middle of something
        session.execute(text("UPDATE visits SET note = 'half'"))
        session.flush()
        with contextlib.closing(sqlite3.connect(":memory:")) as copy:
            source = engine.raw_connection()
            assert isinstance(source.driver_connection, sqlite3.Connection)
            source.driver_connection.backup(copy)
            source.close()
            assert copy.execute("SELECT note FROM visits").fetchall() == [("",)]


def test_a_case_deleted_while_a_backup_is_made_is_not_in_it(
    engine: Engine, sealed: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = save_visit(engine, sealed, lesion(), visit(1), "dr")
    gone = save_visit(engine, sealed, lesion(name="B"), visit(2), "dr")
    copy, n_calls = shutil.copy2, 0

    def copy_meanwhile(source: Path, target: Path) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            delete_case(engine, sealed, gone.case_id, "dr")
        copy(source, target)

    monkeypatch.setattr("derm_model.records.backup.shutil.copy2", copy_meanwhile)
    report = backup(engine, sealed, tmp_path / "b", "admin")
    assert (report.n_images, report.missing) == (1, ())
    with contextlib.closing(sqlite3.connect(report.folder / "records.db")) as database:
        assert database.execute("SELECT id FROM cases").fetchall() == [(kept.case_id,)]


def test_a_backup_is_for_its_owner_only_and_leaves_images_encrypted(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    save_visit(engine, sealed, lesion(), visit(1), "dr")
    folder = backup(engine, sealed, tmp_path / "b", "admin").folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "records.db").stat().st_mode) == 0o600
    copies = ImageStore(folder / "images")
    with pytest.raises(RecordsError, match="is encrypted"):
        copies.get(next(copies.all()))
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert names == {"backup.json", "images", "records.db", "records.db.head.json"}
    with pytest.raises(RecordsError, match="there already"):
        backup(engine, sealed, folder, "admin")


def test_an_image_that_has_no_file_is_named_and_the_rest_is_kept(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    save_visit(engine, sealed, lesion(), visit(1, 2), "dr")
    lost = next(sealed.all())
    sealed.drop(lost)
    report = backup(engine, sealed, tmp_path / "b", "admin")
    assert (report.n_images, report.missing) == (1, (lost,))
    assert json.loads((report.folder / "backup.json").read_text())["missing"] == [lost]


def test_a_restore_touches_no_database_that_is_there(engine: Engine, sealed: ImageStore, tmp_path: Path) -> None:
    report = backup(engine, sealed, tmp_path / "b", "admin")
    with pytest.raises(RecordsError, match="There is a database"):
        restore(report.folder, engine.url, sealed, "admin")


def test_a_backup_that_is_not_whole_is_refused_before_anything_is_written(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    save_visit(engine, sealed, lesion(), visit(1), "dr")
    good = backup(engine, sealed, tmp_path / "good", "admin").folder
    lose(engine, sealed)

    def attempt(name: str) -> Path:
        return Path(shutil.copytree(good, tmp_path / name))

    changed = attempt("changed")
    with (changed / "records.db").open("ab") as file:
        file.write(b"x")
    without_image = attempt("without image")
    ImageStore(without_image / "images").drop(next(ImageStore(without_image / "images").all()))
    newer = attempt("newer")
    facts = json.loads((newer / "backup.json").read_text())
    (newer / "backup.json").write_text(json.dumps({**facts, "format": 2}))
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder, says in (
        (changed, "were changed"),
        (without_image, "no whole backup"),
        (newer, "format 2"),
        (empty, "no whole backup"),
    ):
        with pytest.raises(RecordsError, match=says):
            restore(folder, engine.url, sealed, "admin")
        assert not Path(str(engine.url.database)).exists()


def test_a_restore_says_what_the_audit_log_has_lost_and_keeps_the_old_head(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    folder = backup(engine, sealed, tmp_path / "b", "admin").folder
    save_visit(engine, sealed, lesion(), visit(1), "dr")
    save_visit(engine, sealed, lesion(), visit(2), "dr")
    engine.dispose()
    anchor = anchor_file(engine.url)
    before = anchor.read_bytes()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{engine.url.database}{suffix}").unlink(missing_ok=True)
    assert restore(folder, engine.url, sealed, "admin").entries_lost == 2
    with opened(engine.url) as again, reading(again) as session:
        assert audit.verify(session, read_anchor(again.url)).problem is None
        assert audit.entries(session)[0].details["entries lost"] == 2
    (old,) = anchor.parent.glob("*.before-*")
    assert old.read_bytes() == before


def test_an_older_backup_is_migrated(home: Path, sealed: ImageStore, tmp_path: Path) -> None:
    with opened(URL.create("sqlite+pysqlite", database=str(tmp_path / "old.db"))) as old:
        migrating.upgrade(old, "0001")
        folder = backup(old, sealed, tmp_path / "b", "admin").folder
    url = URL.create("sqlite+pysqlite", database=str(home / "records.db"))
    restore(folder, url, sealed, "admin")
    with opened(url) as engine:
        assert migrating.revision(engine) == migrating.HEAD


def test_check_finds_what_is_wrong(engine: Engine, sealed: ImageStore) -> None:
    save_visit(engine, sealed, lesion(), visit(1, 2), "dr")
    assert list(problems(engine, sealed, read_images=True)) == []
    one, other = sealed.all()
    sealed.path(one).write_bytes(sealed.path(other).read_bytes())
    sealed.drop(other)
    sealed.put(b"of nobody")
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_visits_case_id"))
    with contextlib.closing(sqlite3.connect(str(engine.url.database))) as plain:  # without foreign keys
        plain.execute("UPDATE visits SET case_id = 'nobody'")
        plain.commit()
    found = "\n".join(problems(engine, sealed, read_images=True))
    for words in ("ix_visits_case_id", "refers to a row of cases", "have no file", "is damaged", "belong to no case"):
        assert words in found
    assert len(found.splitlines()) == 5


def test_check_of_an_empty_or_older_database_names_the_command(home: Path, sealed: ImageStore) -> None:
    with opened(URL.create("sqlite+pysqlite", database=str(home / "new.db"))) as engine:
        assert "records upgrade" in "".join(problems(engine, sealed))


def test_postgresql_has_its_own_way_to_be_backed_up(tmp_path: Path, sealed: ImageStore) -> None:
    url = URL.create("postgresql+psycopg", host="nowhere")
    with opened(url) as engine, pytest.raises(RecordsError, match="pg_dump"):
        backup(engine, sealed, tmp_path / "b", "admin")
    with pytest.raises(RecordsError, match="pg_dump"):
        restore(tmp_path, url, sealed, "admin")


def test_a_newer_backup_or_one_with_other_names_is_refused_before_anything_is_written(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    folder = backup(engine, sealed, tmp_path / "b", "admin").folder
    facts = json.loads((folder / "backup.json").read_text())
    for change, says in (({"schema": "9999"}, "schema 9999"), ({"images": {"../../x": "0"}}, "no whole backup")):
        (folder / "backup.json").write_text(json.dumps({**facts, **change}))
        url = engine.url.set(database=str(tmp_path / "new" / "records.db"))
        with pytest.raises(RecordsError, match=says):
            restore(folder, url, sealed, "admin")
        assert not (tmp_path / "new").exists()


def test_a_restore_that_fails_keeps_the_head_and_what_a_database_left_behind(
    engine: Engine, sealed: ImageStore, tmp_path: Path
) -> None:
    save_visit(engine, sealed, lesion(), visit(1), "dr")
    folder = backup(engine, sealed, tmp_path / "b", "admin").folder
    save_visit(engine, sealed, lesion(), visit(2), "dr")
    lost_with = anchor_file(engine.url).read_bytes()
    lose(engine, sealed)
    anchor_file(engine.url).write_bytes(lost_with)
    log = Path(f"{engine.url.database}-wal")
    log.write_bytes(b"the last of a database that was moved away without it")
    sealed.folder.write_text("in the way")
    with pytest.raises(RecordsError, match="cannot be restored"):
        restore(folder, engine.url, sealed, "admin")
    assert anchor_file(engine.url).read_bytes() == lost_with
    sealed.folder.unlink()
    assert restore(folder, engine.url, sealed, "admin").entries_lost == 1
    (kept,) = log.parent.glob("records.db-wal.before-*")
    assert kept.read_bytes() == b"the last of a database that was moved away without it"
