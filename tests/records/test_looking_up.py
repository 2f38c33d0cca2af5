"""What forms offer, and the audit log for people, on both databases."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from derm_model.records import audit
from derm_model.records.audit import Action
from derm_model.records.audit_view import AuditFilter, entries_csv, list_entries, people
from derm_model.records.engine import reading, writing
from derm_model.records.image_store import ImageStore
from derm_model.records.looking_up import (
    bundles_that_answered,
    image_hashes,
    known_lesions,
    patient_keys,
    same_visits,
)
from derm_model.records.saving import Saved, save_visit
from tests.records.material import DAY, image, lesion, prediction, visit


def save(engine: Engine, store: ImageStore, patient: str, name: str, *seeds: int, day: date = DAY) -> Saved:
    return save_visit(engine, store, lesion(patient, name), visit(*seeds, day=day), "dr")


def test_keys_that_hold_what_was_typed_are_offered_and_those_that_begin_so_come_first(
    engine: Engine, store: ImageStore
) -> None:
    for patient in ("A-P1", "P1-B", "P1-A", "Q"):
        save(engine, store, patient, "A")
    save(engine, store, "P1-A", "B")
    with reading(engine) as session:
        assert patient_keys(session, "p1") == ("P1-A", "P1-B", "A-P1")
        assert patient_keys(session, "p1", limit=1) == ("P1-A",)
        assert patient_keys(session, " ") == ()
        assert patient_keys(session, "%") == ()  # no wildcard


def test_lesions_of_a_patient_come_by_name_with_their_place_and_last_day(engine: Engine, store: ImageStore) -> None:
    for name, day in (("B", DAY), ("A", DAY), ("A", DAY + timedelta(days=40)), ("A", DAY - timedelta(days=4))):
        save(engine, store, "P-1", name, day=day)
    save(engine, store, "P-10", "C")
    with reading(engine) as session:
        found = known_lesions(session, " P-1 ")
    assert [(known.lesion, known.n_visits, known.last_seen_on) for known in found] == [
        ("A", 3, DAY + timedelta(days=40)),
        ("B", 1, DAY),
    ]
    assert (found[0].site, found[0].side) == ("upper back", None)


def test_a_visit_is_the_same_with_these_images_on_this_day_only(engine: Engine, store: ImageStore) -> None:
    saved = save(engine, store, "P-1", "A", 1, 2)
    one, both, more = image_hashes([image(1)]), image_hashes([image(2), image(1)]), image_hashes([image(1), image(3)])
    with reading(engine) as session:
        assert same_visits(session, "P-1", "A", DAY, both) == (saved.visit_id,)
        assert same_visits(session, "P-1", "A", DAY, one) == (saved.visit_id,)
        assert same_visits(session, "P-1", "A", DAY, more) == ()
        assert same_visits(session, "P-1", "A", DAY, ()) == ()
        assert same_visits(session, "P-1", "A", DAY + timedelta(days=1), both) == ()
        assert same_visits(session, "P-1", "B", DAY, both) == ()


def test_bundles_come_with_the_newest_answer_first(engine: Engine, store: ImageStore) -> None:
    for bundle in ("old", "new", "older"):
        new = visit(predictions=(prediction(bundle=bundle),))
        save_visit(engine, store, lesion(), new, "dr")
    with reading(engine) as session:
        assert bundles_that_answered(session) == ("older", "new", "old")


@pytest.fixture
def log(engine: Engine) -> Engine:
    """Five entries."""
    for who, action, subjects in (
        ("ann", Action.OPEN, ["a"]),
        ("bob", Action.SAVE, ["a", "b"]),
        ("ann", Action.EXPORT, ["ab"]),
        ("=cmd", Action.OPEN, []),
        ("bob", Action.OPEN, ["b"]),
    ):
        with writing(engine) as session:
            audit.append(session, action, who, subjects=subjects, threshold=0.25, details={"what": "test"})
    return engine


def numbers(engine: Engine, **chosen: object) -> list[int]:
    with reading(engine) as session:
        return [row.seq for row in list_entries(session, AuditFilter(**chosen)).rows]  # type: ignore[arg-type]


def test_entries_are_filtered_and_the_newest_come_first(log: Engine) -> None:
    today = datetime.now(UTC).date()
    assert numbers(log) == [5, 4, 3, 2, 1]
    assert numbers(log, who="bob") == [5, 2]
    assert numbers(log, action=Action.OPEN) == [5, 4, 1]
    assert numbers(log, subject="a") == [2, 1]  # a whole id, not a part of one
    assert numbers(log, day_from=today, day_to=today) == [5, 4, 3, 2, 1]
    assert numbers(log, day_from=today + timedelta(days=1)) == numbers(log, day_to=today - timedelta(days=1)) == []
    with reading(log) as session:
        assert set(people(session)) == {"=cmd", "ann", "bob"}


def test_entries_come_in_pages_and_the_last_one_is_not_passed(log: Engine) -> None:
    with reading(log) as session:
        page = list_entries(session, AuditFilter(), page=9, size=2)
        assert ([row.seq for row in page.rows], page.n, page.page, page.n_pages) == ([1], 5, 3, 3)
        with pytest.raises(ValueError, match="from 1"):
            list_entries(session, AuditFilter(), page=0)


def test_the_table_holds_every_entry_oldest_first_and_runs_no_formula(
    log: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derm_model.records.audit_view.PART", 2)
    with reading(log) as session:
        rows = list(csv.DictReader(io.StringIO(entries_csv(session, AuditFilter()).removeprefix("\ufeff"))))
        kept = audit.entries(session)
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[3]["who"] == "'=cmd"
    assert rows[1]["subjects"] == "a b"
    assert [row["hash"] for row in rows] == [entry.digest for entry in reversed(kept)]
