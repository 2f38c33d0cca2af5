"""The audit log: nobody changes it unseen. The chain is broken on purpose in every way the docs name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3

import pytest
from sqlalchemy import Engine, text

from derm_model.errors import RecordsError
from derm_model.records import audit
from derm_model.records.anchor import Head, anchor_file, parse_head, read_anchor
from derm_model.records.audit import Action, ChainReport, append
from derm_model.records.deleting import delete_case
from derm_model.records.engine import new_engine, reading, writing
from derm_model.records.image_store import ImageStore
from derm_model.records.migrating import prepare
from derm_model.records.saving import save_visit
from tests.records.material import DIGEST, lesion, visit

TABLES = ("audit_entries", "readings", "prescreen_votes")


def write(engine: Engine, n: int = 1, **more: object) -> Head:
    head = None
    for number in range(n):
        with writing(engine) as session:
            head = append(session, Action.OPEN, f"dr-{number}", subjects=["c" * 32], **more)  # type: ignore[arg-type]
    assert head is not None
    return head


def verified(engine: Engine, expected: Head | None = None) -> ChainReport:
    with reading(engine) as session:
        return audit.verify(session, read_anchor(engine.url), expected)


def tamper(engine: Engine, *statements: str) -> None:
    """What an owner of the database can do: drop the triggers, then change rows."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'"
            drops = [f"DROP TRIGGER {name}" for name in connection.scalars(text(query))]
        else:
            drops = ["ALTER TABLE audit_entries DISABLE TRIGGER USER"]
        for statement in (*drops, *statements):
            connection.execute(text(statement))


def test_an_empty_log_and_one_of_several_entries_hold(engine: Engine) -> None:
    assert verified(engine) == ChainReport(Head(0, "0" * 64), 0, None, None, None)
    head = write(engine, 5)
    assert head.n == 5
    assert verified(engine) == ChainReport(head, 5, None, None, 5)


def test_an_entry_says_who_what_when_and_with_which_model(engine: Engine) -> None:
    write(engine, threshold=0.25, bundle_digest=DIGEST, task_id="melanocytic", details={"b": 1, "a": "ä", "c": None})
    with reading(engine) as session:
        (row,) = audit.entries(session)
    assert (row.seq, row.who, row.action, row.threshold, row.bundle_digest) == (1, "dr-0", "open", 0.25, DIGEST)
    assert (row.task_id, row.subjects, dict(row.details)) == ("melanocytic", ("c" * 32,), {"a": "ä", "b": 1, "c": None})
    assert row.at.endswith("+00:00")


def test_the_hash_is_sha256_over_the_previous_hash_and_canonical_json(engine: Engine) -> None:
    """Computed here from the table alone, by the recipe in the docs."""
    write(engine, 3, threshold=1 / 3, details={"b": 2.5, "a": "ä"})
    previous = "0" * 64
    with engine.connect() as connection:
        for row in connection.execute(text("SELECT * FROM audit_entries ORDER BY seq")).mappings():
            names = ("seq", "at", "who", "action", "bundle_digest", "threshold", "task_id", "subjects", "details")
            content = json.dumps({name: row[name] for name in names}, sort_keys=True, separators=(",", ":"))
            assert row["previous_hash"] == previous
            previous = hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()
            assert row["hash"] == previous


def test_details_are_short_values_never_pixels(engine: Engine) -> None:
    for detail in (b"\x00" * 10, [1, 2], "x" * 201):
        with pytest.raises(RecordsError, match="detail"):
            write(engine, details={"picture": detail})
    with pytest.raises(RecordsError, match="between 0 and 1"):
        write(engine, threshold=50)
    assert verified(engine).n == 0


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_not_changed_or_deleted_whoever_asks(engine: Engine, table: str) -> None:
    seed(engine)
    column = "who" if table == "audit_entries" else "position"
    statements = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    if engine.dialect.name == "sqlite":
        statements += [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"]
    else:
        statements += [f"TRUNCATE {table} CASCADE"]
    for statement in statements:
        with pytest.raises(RecordsError, match=f"{table} is append-only"), writing(engine) as session:
            session.execute(text(statement))
        with engine.connect() as connection:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1


def test_replacing_a_row_is_refused_by_a_sqlite_that_was_opened_without_our_settings(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    seed(engine)
    with (
        contextlib.closing(sqlite3.connect(str(engine.url.database))) as plain,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        plain.execute("INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries")


def test_a_postgresql_user_that_owns_no_table_can_work_and_cannot_turn_the_rules_off(
    engine: Engine, store: ImageStore
) -> None:
    """The grants are those of docs/records.md."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no users")
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS app"))
        for grant in (
            "CREATE ROLE app LOGIN",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app",
        ):
            connection.execute(text(grant))
    app = new_engine(engine.url.set(username="app"))
    prepare(app)
    saved = save_visit(app, store, lesion(), visit(), "dr")
    delete_case(app, store, saved.case_id, "dr")
    assert verified(app).n == 2
    for statement in (
        "ALTER TABLE audit_entries DISABLE TRIGGER USER",
        "DROP TRIGGER audit_entries_no_update ON audit_entries",
        "SET session_replication_role = replica",
        "TRUNCATE audit_entries",
        "UPDATE audit_entries SET who = 'nobody'",
    ):
        with pytest.raises(RecordsError, match=r"owner|permission|append-only"), writing(app) as session:
            session.execute(text(statement))
    app.dispose()
    with engine.begin() as connection:
        connection.execute(text("DROP OWNED BY app"))
        connection.execute(text("DROP ROLE app"))


def seed(engine: Engine) -> None:
    """A row in every append-only table."""
    write(engine)
    at = "'2026-01-01 00:00:00'"
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO studies (id, name, question, choices, settings, seed, images_digest, created_at) "
            f"VALUES ('s', 's', 'q', '[]', '{{}}', 1, '', {at})",
            "INSERT INTO study_images VALUES ('s', 0, 'set', 'i', 'h', 'p')",
            f"INSERT INTO participants VALUES ('p', 's', 'R1', 'reader', NULL, {at}, NULL)",
            "INSERT INTO readings (participant_id, study_id, position, with_ai, answer, origin, recorded_at) "
            f"VALUES ('p', 's', 0, false, 'a', 'app', {at})",
            "INSERT INTO prescreen_votes (participant_id, study_id, position, usable, recorded_at) "
            f"VALUES ('p', 's', 0, true, {at})",
        ):
            connection.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [
        "who = 'nobody'",
        "at = '2001-01-01T00:00:00.000000+00:00'",
        "action = 'save'",
        "threshold = 0.75",
        "threshold = NULL",
        "subjects = '[]'",
        "details = '{}'",
        "bundle_digest = NULL",
        "task_id = 'epidermal'",
        "previous_hash = '" + "1" * 64 + "'",
        "hash = '" + "1" * 64 + "'",
    ],
)
def test_a_changed_row_is_the_first_broken_link(engine: Engine, change: str) -> None:
    write(engine, 5, threshold=0.5, bundle_digest=DIGEST, task_id="melanocytic", details={"a": 1})
    tamper(engine, f"UPDATE audit_entries SET {change} WHERE seq = 3")
    report = verified(engine)
    assert report.broken_at == 3
    assert "Entry 3 is not as it was written" in str(report.problem)
    assert report.head.n == 2


def test_a_changed_row_with_a_hash_made_anew_breaks_the_link_after_it(engine: Engine) -> None:
    write(engine, 5)
    tamper(engine, "UPDATE audit_entries SET who = 'nobody' WHERE seq = 3")
    with reading(engine) as session:
        row = session.get(audit.AuditEntry, 3)
        assert row is not None
        forged = audit.entry_digest(row)
    tamper(engine, f"UPDATE audit_entries SET hash = '{forged}' WHERE seq = 3")
    report = verified(engine)
    assert report.broken_at == 4
    assert "does not follow entry 3" in str(report.problem)


def test_a_row_that_is_gone_is_named(engine: Engine) -> None:
    write(engine, 5)
    tamper(engine, "DELETE FROM audit_entries WHERE seq = 3")
    report = verified(engine)
    assert (report.broken_at, report.n) == (3, 4)
    assert "Entry 3 is missing" in str(report.problem)


def test_a_row_that_is_gone_is_named_also_when_later_ones_are_renumbered(engine: Engine) -> None:
    write(engine, 5)
    tamper(
        engine,
        "DELETE FROM audit_entries WHERE seq = 3",
        "UPDATE audit_entries SET seq = 3 WHERE seq = 4",
        "UPDATE audit_entries SET seq = 4 WHERE seq = 5",
    )
    assert verified(engine).broken_at == 3


def test_a_row_put_in_between_is_named(engine: Engine) -> None:
    write(engine, 3)
    tamper(
        engine,
        "INSERT INTO audit_entries SELECT 0, at, who, action, bundle_digest, threshold, task_id, subjects, details, "
        "previous_hash, hash FROM audit_entries WHERE seq = 1",
    )
    assert verified(engine).broken_at == 1


def test_an_end_that_was_cut_off_shows_by_the_anchor(engine: Engine) -> None:
    write(engine, 5)
    tamper(engine, "DELETE FROM audit_entries WHERE seq > 3")
    report = verified(engine)
    assert (report.broken_at, report.head.n) == (4, 3)
    assert "has 3 entries, the head beside the database counts 5" in str(report.problem)


def test_an_end_that_was_cut_off_does_not_show_without_an_anchor_but_by_a_head_noted_elsewhere(engine: Engine) -> None:
    noted = write(engine, 5)
    tamper(engine, "DELETE FROM audit_entries WHERE seq > 3")
    anchor_file(engine.url).unlink()
    assert verified(engine).problem is None  # as docs/records.md says
    assert verified(engine, parse_head(str(noted))).broken_at == 4


def test_a_log_that_goes_on_after_its_end_was_cut_off_shows(engine: Engine) -> None:
    noted = write(engine, 5)
    tamper(engine, "DELETE FROM audit_entries WHERE seq > 3")
    write(engine, 4)
    report = verified(engine)
    assert (report.broken_at, report.n) == (5, 7)
    assert "Entry 5 was replaced" in str(report.problem)
    anchor_file(engine.url).unlink()
    assert verified(engine, noted).broken_at == 5


def test_an_anchor_a_crash_left_behind_is_no_break(engine: Engine) -> None:
    write(engine, 2)
    path = anchor_file(engine.url)
    before = path.read_bytes()
    head = write(engine, 2)
    path.write_bytes(before)
    assert verified(engine) == ChainReport(head, 4, None, None, 2)
    write(engine)
    assert verified(engine).anchored == 5


def test_a_damaged_anchor_is_left_and_said(engine: Engine) -> None:
    write(engine)
    anchor_file(engine.url).write_text("{}")
    write(engine)  # what people do goes on
    with pytest.raises(RecordsError, match="damaged"):
        verified(engine)


def test_a_log_is_verified_in_parts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PART", 2)
    head = write(engine, 5)
    assert verified(engine).head == head
    tamper(engine, "DELETE FROM audit_entries WHERE seq = 4")
    assert verified(engine).broken_at == 4


def test_databases_have_anchors_of_their_own(engine: Engine) -> None:
    assert anchor_file(engine.url) != anchor_file(engine.url.set(database="another"))


@pytest.mark.parametrize("text_", ["", "5", "5:abc", "-1:" + "0" * 64, "x:" + "0" * 64])
def test_a_head_that_is_none_is_refused(text_: str) -> None:
    with pytest.raises(RecordsError, match="NUMBER:HASH"):
        parse_head(text_)


def test_what_was_not_done_is_not_in_the_log(engine: Engine) -> None:
    write(engine)

    def fails() -> None:
        with writing(engine) as session:
            append(session, Action.SAVE, "dr")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert verified(engine).n == 1
    assert write(engine).n == 2


def test_entries_are_paged_newest_first_and_found_by_subject(engine: Engine) -> None:
    write(engine, 3)
    with writing(engine) as session:
        append(session, Action.SAVE, "dr", subjects=["d" * 32, "e" * 32])
    with reading(engine) as session:
        assert [row.seq for row in audit.entries(session, size=3)] == [4, 3, 2]
        assert [row.seq for row in audit.entries(session, size=3, page=2)] == [1]
        assert [row.seq for row in audit.entries(session, subject="e" * 32)] == [4]
        assert audit.entries(session, subject="e" * 31) == ()


def test_a_threshold_of_minus_zero_does_not_break_the_chain(engine: Engine) -> None:
    with writing(engine) as session:
        audit.append(session, audit.Action.THRESHOLD, "me", threshold=-0.0)
    with reading(engine) as session:
        assert audit.verify(session, None).problem is None
