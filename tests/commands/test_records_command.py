"""`records`: each action reaches the database, says what it found and ends with the right code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text, update

from derm_model.__main__ import main
from derm_model.records.case_tables import Case
from derm_model.records.engine import records_engine, writing
from derm_model.records.image_store import MAGIC, image_store
from derm_model.records.migrating import HEAD
from derm_model.records.saving import save_visit
from tests.records.material import DAY, lesion, visit


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    for name in ("DERM_DATABASE_URL", "DERM_IMAGE_KEY", "DERM_RETENTION_DAYS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def call(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["records", *arguments]) == code
    found = capsys.readouterr()
    return found.err if code == 2 else found.out


def save(name: str = "A") -> str:
    return save_visit(records_engine(), image_store(), lesion(name=name), visit(1), "dr").case_id


def test_upgrade_says_from_where_to_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"Schema none -> {HEAD}" in call(capsys, "upgrade")
    assert "as before" in call(capsys, "upgrade")


def test_check_is_quiet_when_all_is_well_and_ends_with_1_when_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert "records upgrade" in call(capsys, "check", code=1)
    save()
    assert "Nothing is wrong" in call(capsys, "check", "--read-images")
    store = image_store()
    store.drop(next(store.all()))
    assert "have no file" in call(capsys, "check", code=1)


def test_verify_audit_prints_the_head_and_names_the_first_broken_link(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("A", "B", "C"):
        save(name)
    said = call(capsys, "verify-audit")
    assert "All 3 entries hold" in said
    head = re.search(r"Head: (3:[0-9a-f]{64})", said)
    assert head is not None
    assert call(capsys, "verify-audit", "--expect", head[1]) == said
    assert "NUMBER:HASH" in call(capsys, "verify-audit", "--expect", "3", code=2)
    with writing(records_engine()) as session:
        session.execute(text("DROP TRIGGER audit_entries_no_delete"))
        session.execute(text("DELETE FROM audit_entries WHERE seq = 2"))
    assert "broken at entry 2" in call(capsys, "verify-audit", code=1)


def test_purge_needs_a_retention_and_counts_first_where_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "DERM_RETENTION_DAYS" in call(capsys, "purge", code=2)
    save()
    with writing(records_engine()) as session:
        session.execute(update(Case).values(last_active_on=DAY.replace(year=2020)))
    monkeypatch.setenv("DERM_RETENTION_DAYS", "365")
    assert call(capsys, "purge", "--dry-run").startswith("1 cases")
    assert "Deleted 1 cases" in call(capsys, "purge")
    assert "Deleted 0 cases" in call(capsys, "purge", "--days", "1")
    assert list(image_store().all()) == []


def test_backup_and_restore(capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path) -> None:
    save()
    assert "1 images" in call(capsys, "backup", "--to", str(tmp_path / "b"))
    assert "There is a database" in call(capsys, "restore", str(tmp_path / "b"), code=2)
    records_engine().dispose()
    home.rename(tmp_path / "lost")
    assert "1 images" in call(capsys, "restore", str(tmp_path / "b"))
    assert "Nothing is wrong" in call(capsys, "check", "--read-images")


def test_a_new_key_encrypts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    save()
    assert "DERM_IMAGE_KEY is not set" in call(capsys, "encrypt-images", code=2)
    monkeypatch.setenv("DERM_IMAGE_KEY", call(capsys, "new-key").strip())
    assert "Encrypted 1" in call(capsys, "encrypt-images")
    store = image_store()
    assert store.path(next(store.all())).read_bytes().startswith(MAGIC)
    assert "Nothing is wrong" in call(capsys, "check", "--read-images")


def test_the_audit_log_names_who_ran_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call(capsys, "backup", "--to", str(tmp_path / "b"))
    with records_engine().connect() as connection:
        assert str(connection.scalar(text("SELECT who FROM audit_entries"))).endswith("command line)")
