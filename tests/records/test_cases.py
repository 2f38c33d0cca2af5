"""Cases: saved whole or not at all, found again, and gone for good when deleted."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import IntegrityError

from derm_model.errors import RecordsError
from derm_model.records import audit
from derm_model.records.body import SITES, Side
from derm_model.records.case_tables import Case
from derm_model.records.cases import CaseFilter, CaseRecord, case_record, list_cases
from derm_model.records.deleting import (
    CASE_TABLES,
    delete_case,
    delete_patient,
    delete_visit,
    expired,
    missing_files,
    purge,
    retention_days,
    scrub,
    sweep,
)
from derm_model.records.engine import reading, writing
from derm_model.records.exporting import export_case
from derm_model.records.image_store import ImageStore, encode_pixels
from derm_model.records.saving import NewVisit, add_predictions, save_visit, set_outcome
from derm_model.words import NOTICE
from tests.records.material import BUNDLE, DAY, DIGEST, TAXONOMY, image, lesion, prediction, visit

WHO = "dr-1"
MOMENT_S = 0.5  # for what would not wait
HOW = {"taxonomy_digest": TAXONOMY, "confirmed_by": "histopathology", "diagnosed_on": DAY, "who": WHO}


def record(engine: Engine, case_id: str) -> CaseRecord:
    with reading(engine) as session:
        return case_record(session, case_id)


def rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in CASE_TABLES}


def outcome(engine: Engine, case_id: str, node: str = "melanoma", day: date = DAY) -> None:
    with writing(engine) as session:
        set_outcome(
            session,
            case_id,
            node,
            taxonomy_digest=TAXONOMY,
            confirmed_by="histopathology",
            diagnosed_on=day,
            who=WHO,
        )


def test_a_saved_visit_comes_back_as_it_was(engine: Engine, store: ImageStore) -> None:
    answers = (prediction(0.7, 0.5, of=1), prediction(None, None))
    saved = save_visit(
        engine, store, lesion(side=Side.LEFT), visit(1, 2, note=" grew \n a bit ", predictions=answers), WHO
    )
    case = record(engine, saved.case_id)
    assert (case.patient_key, case.lesion, case.site, case.side) == ("P-17", "A", "upper back", Side.LEFT)
    (seen,) = case.visits
    assert (seen.seen_on, seen.note) == (DAY, "grew\na bit")
    assert [store.get(i.sha256) for i in seen.images] == [encode_pixels(image(s).pixels) for s in (1, 2)]
    assert [(i.width_px, i.height_px, i.modality) for i in seen.images] == [(16, 12, "dermoscopic")] * 2
    by_image = {p.image: p for p in seen.predictions}
    assert set(by_image) == {1, None}
    assert by_image[1].class_probs == {"melanoma": 0.6, "nevus": 0.4}
    assert by_image[1].quality_notes == ("The image is blurred.",)
    assert by_image[1].ood_percentile == 12.5
    assert (by_image[1].bundle_id, by_image[1].bundle_digest) == (BUNDLE, DIGEST)
    assert [(a.task_id, a.score, a.threshold) for a in by_image[1].answers] == [("melanocytic", 0.7, 0.5)]
    assert [(a.score, a.threshold) for a in by_image[None].answers] == [(None, None)]


def test_visits_of_one_lesion_are_a_timeline_by_day_seen(engine: Engine, store: ImageStore) -> None:
    first = save_visit(engine, store, lesion(), visit(1, day=DAY), WHO)
    earlier = save_visit(engine, store, lesion(), visit(2, day=DAY - timedelta(days=90)), WHO)
    other = save_visit(engine, store, lesion(name="B"), visit(3), WHO)
    assert (first.is_new_case, earlier.is_new_case, other.is_new_case) == (True, False, True)
    assert first.case_id == earlier.case_id != other.case_id
    assert [v.visit_id for v in record(engine, first.case_id).visits] == [earlier.visit_id, first.visit_id]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("Jane Doe", "names nobody"),
        ("", "names nobody"),
        ("jane@example.org", "names nobody"),
        ("x" * 41, "names nobody"),
        ("1965-03-12", "date"),
        ("P19650312", "date"),
        ("12.03.1965", "date"),
    ],
)
def test_keys_that_could_tell_who_somebody_is_are_refused_and_not_repeated(
    engine: Engine, store: ImageStore, key: str, why: str
) -> None:
    with pytest.raises(RecordsError, match=why) as error:
        save_visit(engine, store, lesion(key), visit(), WHO)
    assert not key or key not in str(error.value)
    assert not any(rows(engine).values())


def test_a_lesion_keeps_its_place(engine: Engine, store: ImageStore) -> None:
    save_visit(engine, store, lesion(), visit(), WHO)
    with pytest.raises(RecordsError, match="upper back"):
        save_visit(engine, store, lesion(site="chest"), visit(), WHO)
    with pytest.raises(RecordsError, match="site is one of"):
        save_visit(engine, store, lesion(name="C", site="moon"), visit(), WHO)


def test_what_cannot_be_saved_leaves_neither_rows_nor_files(engine: Engine, store: ImageStore) -> None:
    kept = save_visit(engine, store, lesion(), visit(0), WHO)
    before = rows(engine), set(store.all())
    wrong = (
        visit(0, 5, predictions=(replace(prediction(), ood_percentile=101.0),)),
        visit(0, 5, predictions=(prediction(1.2),)),
        visit(0, 5, predictions=(prediction(of=2),)),
        visit(0, 5, predictions=(replace(prediction(), class_probs={"melanoma": float("nan")}),)),
        visit(0, 5, note="x" * 501),
        visit(0, 5, note="bell \x07"),
        NewVisit(DAY, (), ()),
        NewVisit(DAY, (image(5), image(6, "X-ray")), ()),
    )
    for attempt in wrong:
        with pytest.raises(RecordsError):
            save_visit(engine, store, lesion(name="B"), attempt, WHO)
        assert (rows(engine), set(store.all())) == before
    with pytest.raises(RecordsError, match="person who acts is missing"):
        save_visit(engine, store, lesion(), visit(9), " ")
    assert (rows(engine), set(store.all())) == before
    assert missing_files(engine, store) == ()
    assert record(engine, kept.case_id).visits


def test_the_database_itself_refuses_what_is_out_of_range(engine: Engine, store: ImageStore) -> None:
    save_visit(engine, store, lesion(), visit(), WHO)
    for statement in (
        "UPDATE answers SET score = 2",
        "UPDATE cases SET side = 'front'",
        "UPDATE predictions SET ood_percentile = -1",
        f"UPDATE visits SET note = '{'x' * 501}'",
        "UPDATE visits SET case_id = 'nobody'",
        "DELETE FROM images",
    ):
        with pytest.raises(Exception, match=r"(?i)constraint|too long"), engine.begin() as connection:
            connection.execute(text(statement))


def test_later_answers_of_another_bundle_stand_beside_the_earlier(engine: Engine, store: ImageStore) -> None:
    saved = save_visit(engine, store, lesion(), visit(), WHO)
    with writing(engine) as session:
        add_predictions(session, saved.visit_id, [prediction(0.2, of=0, bundle="demo-2")], WHO)
    (seen,) = record(engine, saved.case_id).visits
    assert [p.bundle_id for p in seen.predictions] == [BUNDLE, "demo-2"]
    with pytest.raises(RecordsError, match="no longer there"), writing(engine) as session:
        add_predictions(session, "nowhere", [prediction()], WHO)


def test_the_last_outcome_counts_and_the_earlier_stay(engine: Engine, store: ImageStore) -> None:
    saved = save_visit(engine, store, lesion(), visit(), WHO)
    outcome(engine, saved.case_id, "nevus")
    outcome(engine, saved.case_id, "melanoma")
    case = record(engine, saved.case_id)
    assert [o.node for o in case.outcomes] == ["nevus", "melanoma"]
    assert case.outcome is not None
    assert case.outcome.node == "melanoma"
    with pytest.raises(RecordsError, match="today or earlier"):
        outcome(engine, saved.case_id, day=date(2999, 1, 1))
    with pytest.raises(RecordsError, match="no longer there"):
        outcome(engine, "nowhere")


def test_search_filters_and_pages(engine: Engine, store: ImageStore) -> None:
    ids = {}
    for n in range(5):
        own = lesion(f"P-{n}", site="chest" if n % 2 else "sole", side=Side.LEFT if n == 3 else None)
        ids[n] = save_visit(engine, store, own, visit(n, note="100% sure" if n == 2 else "100 sure"), WHO).case_id
    outcome(engine, ids[1], "melanoma")
    outcome(engine, ids[2], "melanoma")
    outcome(engine, ids[2], "nevus")
    with writing(engine) as session:  # so that the order is known
        for n, case_id in ids.items():
            session.execute(update(Case).where(Case.id == case_id).values(last_active_on=DAY + timedelta(days=n)))

    def found(**chosen: object) -> list[int]:
        with reading(engine) as session:
            page = list_cases(session, CaseFilter(**chosen))  # type: ignore[arg-type]
        numbers = [n for row in page.rows for n, case_id in ids.items() if case_id == row.case_id]
        assert page.n == len(numbers)
        return numbers

    assert found() == [4, 3, 2, 1, 0]
    assert found(search="p-3") == [3]
    assert found(search="100% S") == [2]  # % is no wildcard
    assert found(search="_") == []
    assert found(search=ids[0][:12]) == [0]
    assert found(site="chest") == [3, 1]
    assert found(site="chest", side=Side.LEFT) == [3]
    assert found(has_outcome=True) == [2, 1]
    assert found(has_outcome=False) == [4, 3, 0]
    assert found(outcome_nodes={"melanoma"}) == [1]
    assert found(outcome_nodes=frozenset()) == []
    assert found(bundle_id=BUNDLE) == [4, 3, 2, 1, 0]
    assert found(bundle_id="other") == []
    assert found(active_from=DAY + timedelta(days=1), active_to=DAY + timedelta(days=2)) == [2, 1]
    with reading(engine) as session:
        pages = [list_cases(session, page=number, size=2) for number in (1, 2, 3, 99)]
        assert [[row.case_id for row in page.rows] for page in pages[:3]] == [
            [ids[4], ids[3]],
            [ids[2], ids[1]],
            [ids[0]],
        ]
        assert (pages[3].page, pages[3].n_pages, pages[3].n) == (3, 3, 5)
        assert (pages[0].rows[0].n_visits, pages[0].rows[0].n_images) == (1, 1)
        assert list_cases(session, CaseFilter(search="nothing")).n_pages == 1
        with pytest.raises(ValueError, match="from 1"):
            list_cases(session, page=0)


def test_an_image_two_cases_show_stays_until_the_last_lets_go(engine: Engine, store: ImageStore) -> None:
    one = save_visit(engine, store, lesion(), visit(1, 2), WHO)
    other = save_visit(engine, store, lesion(name="B"), visit(2, 2, 3), WHO)
    assert len(set(store.all())) == 3
    shared = record(engine, one.case_id).visits[0].images[1].sha256
    delete_case(engine, store, one.case_id, WHO)
    assert len(set(store.all())) == 2
    assert store.get(shared)
    delete_case(engine, store, other.case_id, WHO)
    assert list(store.all()) == []
    assert not any(rows(engine).values())


def test_deleting_leaves_nothing_in_the_files_of_the_database(home: Path, engine: Engine, store: ImageStore) -> None:
    saved = save_visit(engine, store, lesion("SECRETKEY"), visit(note="SECRETNOTE"), WHO)
    outcome(engine, saved.case_id, "SECRETNODE")
    secrets = (b"SECRETKEY", b"SECRETNOTE", b"SECRETNODE")
    if engine.dialect.name == "sqlite":
        content = b"".join(path.read_bytes() for path in home.glob("records.db*"))
        assert all(secret in content for secret in secrets)
    delete_case(engine, store, saved.case_id, WHO)
    assert not any(rows(engine).values())
    if engine.dialect.name == "sqlite":
        content = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
        assert not any(secret in content for secret in secrets)
    else:
        with engine.connect() as connection:  # dead rows of the tables' files, by PostgreSQL's own count
            query = text("SELECT pg_relation_size('cases') + pg_relation_size('visits') + pg_relation_size('outcomes')")
            assert connection.scalar(query) == 0


def test_a_delete_does_not_wait_for_who_reads_and_the_next_one_empties_the_log(
    home: Path, engine: Engine, store: ImageStore
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("the log is SQLite's")
    saved = save_visit(engine, store, lesion("SECRETKEY"), visit(), WHO)
    with reading(engine) as session:
        list_cases(session)
        begun = time.monotonic()
        delete_case(engine, store, saved.case_id, WHO)
        assert time.monotonic() - begun < 10
        assert not scrub(engine)
        with engine.connect() as connection:
            assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
    assert scrub(engine)
    assert not any(b"SECRETKEY" in path.read_bytes() for path in home.glob("records.db*"))


def test_a_visit_a_case_or_a_patient_can_be_deleted(engine: Engine, store: ImageStore) -> None:
    first = save_visit(engine, store, lesion(), visit(1), WHO)
    second = save_visit(engine, store, lesion(), visit(2), WHO)
    save_visit(engine, store, lesion(name="B"), visit(3), WHO)
    stranger = save_visit(engine, store, lesion("P-18"), visit(4), WHO)
    delete_visit(engine, store, first.visit_id, WHO)
    assert [v.visit_id for v in record(engine, first.case_id).visits] == [second.visit_id]
    delete_visit(engine, store, second.visit_id, WHO)  # the last one takes the case along
    with pytest.raises(RecordsError, match="no longer there"):
        record(engine, first.case_id)
    assert delete_patient(engine, store, "P-17", WHO) == 1
    assert delete_patient(engine, store, "P-17", WHO) == 0
    assert rows(engine)["cases"] == len(list(store.all())) == 1
    assert record(engine, stranger.case_id).visits
    for gone in (delete_case, delete_visit):
        with pytest.raises(RecordsError, match="no longer there"):
            gone(engine, store, "nowhere", WHO)


def test_a_delete_that_fails_loses_no_file(engine: Engine, store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = save_visit(engine, store, lesion(), visit(1), WHO)

    def fails(*args: object, **kwargs: object) -> None:
        raise IntegrityError("", None, Exception("something"))

    monkeypatch.setattr("derm_model.records.deleting.audit.append", fails)
    with pytest.raises(IntegrityError):
        delete_case(engine, store, saved.case_id, WHO)
    assert store.get(record(engine, saved.case_id).visits[0].images[0].sha256)


def test_cases_go_when_their_retention_is_over_and_not_a_day_before(engine: Engine, store: ImageStore) -> None:
    old = save_visit(engine, store, lesion(), visit(1), WHO).case_id
    followed = save_visit(engine, store, lesion(name="B"), visit(2), WHO).case_id
    today = datetime.now(UTC).date()
    with writing(engine) as session:
        session.execute(update(Case).values(last_active_on=today - timedelta(days=31)))
    outcome(engine, followed)  # activity: counted anew
    with reading(engine) as session:
        assert expired(session, 31) == []
        assert expired(session, 30) == [old]
        with pytest.raises(ValueError, match="one day or more"):
            expired(session, 0)
    assert purge(engine, store, 30, WHO) == (1, 0)
    assert purge(engine, store, 30, WHO) == (0, 0)
    assert record(engine, followed).visits
    assert len(list(store.all())) == 1


def test_files_of_nobody_are_swept(engine: Engine, store: ImageStore) -> None:
    save_visit(engine, store, lesion(), visit(1), WHO)
    stray = store.put(b"of a process that was killed before its commit")
    (store.path(stray).parent / f".{stray}.1-2.tmp").write_bytes(b"half")
    assert sweep(engine, store) == 2
    assert sweep(engine, store) == 0
    assert len(list(store.all())) == 1
    assert missing_files(engine, store) == ()


def test_the_retention_is_read_from_the_environment() -> None:
    assert retention_days({}) is None
    assert retention_days({"DERM_RETENTION_DAYS": "730"}) == 730
    for wrong in ("0", "-1", "two years", "1.5", "²"):
        with pytest.raises(RecordsError, match="whole number"):
            retention_days({"DERM_RETENTION_DAYS": wrong})


def test_every_act_is_in_the_audit_log_by_id_and_without_what_a_patient_is_called(
    engine: Engine, store: ImageStore
) -> None:
    saved = save_visit(engine, store, lesion("P-17"), visit(), WHO)
    outcome(engine, saved.case_id)
    export_case(engine, store, saved.case_id, "dr-2")
    delete_case(engine, store, saved.case_id, WHO)
    with reading(engine) as session:
        log = audit.entries(session, subject=saved.case_id)
        assert [(row.action, row.who) for row in reversed(log)] == [
            ("save", WHO),
            ("outcome", WHO),
            ("export", "dr-2"),
            ("delete", WHO),
        ]
        assert log[-1].bundle_digest == DIGEST
        assert all("P-17" not in str(row) for row in log)
        assert audit.verify(session, None).problem is None


def test_a_case_can_be_taken_away_as_a_zip(engine: Engine, store: ImageStore) -> None:
    sealed = ImageStore(store.folder, (bytes(32),))
    answers = (prediction(0.7, of=0), replace(prediction(None), quality_notes=("=HYPERLINK(1)",)))
    saved = save_visit(engine, sealed, lesion(), visit(1, 2, predictions=answers), WHO)
    save_visit(engine, sealed, lesion(), visit(2, day=DAY + timedelta(days=3)), WHO)
    outcome(engine, saved.case_id)
    with zipfile.ZipFile(io.BytesIO(export_case(engine, sealed, saved.case_id, WHO))) as archive:
        names = archive.namelist()
        case = json.loads(archive.read("case.json"))
        table = list(csv.DictReader(io.StringIO(archive.read("answers.csv").decode("utf-8-sig"))))
        assert NOTICE in archive.read("NOTICE.txt").decode()
        assert "note" in archive.read("NOTICE.txt").decode()
        pictures = {n: np.asarray(Image.open(io.BytesIO(archive.read(n)))) for n in names if n.startswith("images/")}
    assert case["notice"] == NOTICE
    assert case["outcomes"][0]["node"] == "melanoma"
    files = [image["file"] for seen in case["visits"] for image in seen["images"]]
    assert files == ["images/01-2026-03-01-1.webp", "images/01-2026-03-01-2.webp", "images/01-2026-03-01-2.webp"]
    assert (pictures[files[0]] == image(1).pixels).all()
    assert set(pictures) == set(files)
    assert sorted(line["score"] for line in table) == ["", "0.7", "0.7"]
    assert {line["quality"] for line in table} == {"The image is blurred.", "'=HYPERLINK(1)"}
    assert re.search("NaN|Infinity", json.dumps(case)) is None


def test_an_export_without_the_key_says_which_is_missing(engine: Engine, store: ImageStore) -> None:
    saved = save_visit(engine, ImageStore(store.folder, (bytes(32),)), lesion(), visit(), WHO)
    with pytest.raises(RecordsError, match="DERM_IMAGE_KEY is not set"):
        export_case(engine, store, saved.case_id, WHO)


def test_every_place_on_the_body_has_a_name_of_its_own_and_a_place_on_the_map() -> None:
    assert len({site.id for site in SITES}) == len(SITES)
    for site in SITES:
        assert len(site.id) <= 20
        assert 0 <= site.across <= 0.5
        assert 0 <= site.down <= 1
        assert site.front or site.back or site.id == "not recorded"


def test_a_lesion_of_a_patient_is_one_case_for_the_database_too(engine: Engine, store: ImageStore) -> None:
    save_visit(engine, store, lesion(), visit(), WHO)
    columns = "patient_key, lesion, site, created_at"
    twin = f"INSERT INTO cases (id, {columns}) SELECT 'x', {columns}"
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(f"{twin} FROM cases"))


def test_an_image_deleted_while_all_are_encrypted_does_not_come_back(
    engine: Engine, store: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save_visit(engine, store, lesion(), visit(1), WHO)
    deleting = threading.Thread(target=delete_case, args=(engine, store, saved.case_id, WHO))
    sealed, seal = ImageStore(store.folder, (bytes(32),)), ImageStore._seal

    def seal_meanwhile(self: ImageStore, sha256: str, data: bytes) -> bytes:
        deleting.start()
        deleting.join(MOMENT_S)
        return seal(self, sha256, data)

    monkeypatch.setattr(ImageStore, "_seal", seal_meanwhile)
    assert sealed.encrypt_all() == 1
    deleting.join()
    assert list(store.all()) == []


def test_a_database_in_which_nobody_ever_saved_sweeps_no_images(engine: Engine, store: ImageStore) -> None:
    """As when a nightly purge is run without DERM_DATABASE_URL."""
    assert purge(engine, store, 30, WHO) == (0, 0)
    store.put(b"of a case in another database")
    with pytest.raises(RecordsError, match="DERM_DATABASE_URL"):
        purge(engine, store, 30, WHO)
    assert len(list(store.all())) == 1


def test_a_retention_longer_than_there_are_days_keeps_all(engine: Engine, store: ImageStore) -> None:
    save_visit(engine, store, lesion(), visit(1), WHO)
    with reading(engine) as session:
        assert expired(session, 10**9) == []


def test_a_case_whose_outcome_is_recorded_during_a_purge_stays(engine: Engine, store: ImageStore) -> None:
    saved = save_visit(engine, store, lesion(), visit(1), WHO)
    with writing(engine) as session:
        session.execute(update(Case).values(last_active_on=date(2020, 1, 1)))
    purging = threading.Thread(target=purge, args=(engine, store, 30, WHO))
    with writing(engine) as session:
        set_outcome(session, saved.case_id, "melanoma", **HOW)  # type: ignore[arg-type]
        purging.start()
        purging.join(MOMENT_S)
    purging.join()
    assert record(engine, saved.case_id).outcome is not None


def test_a_case_cannot_go_while_its_outcome_is_recorded(
    engine: Engine, store: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save_visit(engine, store, lesion(), visit(1), WHO)
    deleting = threading.Thread(target=delete_case, args=(engine, store, saved.case_id, WHO))

    def check_meanwhile(what: str, word: str, words: object) -> str:
        deleting.start()
        deleting.join(MOMENT_S)
        return word

    monkeypatch.setattr("derm_model.records.saving.check_word", check_meanwhile)
    with writing(engine) as session:
        set_outcome(session, saved.case_id, "melanoma", **HOW)  # type: ignore[arg-type]
    deleting.join()
    with pytest.raises(RecordsError, match="no longer there"):
        record(engine, saved.case_id)
