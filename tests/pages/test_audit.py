"""What the app writes into the audit log, and the page that shows it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.access import Right
from derm_model.card import BundleCard, read_card
from derm_model.operating_points import read_points
from derm_model.records import audit
from derm_model.records.audit import AuditRow
from derm_model.records.engine import reading, records_engine
from pages.ui import audit_trail, state
from pages.ui.audit.entries import _csv
from pages.ui.cases import keys
from pages.ui.threshold.hand import Hand
from tests.pages.conftest import OpenPage, open_alone, png, texts, upload
from tests.pages.test_threshold import ask, open_desk, save

MELANOCYTIC = "melanocytic"


@pytest.fixture
def card(tiny_bundle: Path) -> BundleCard:
    return read_card(tiny_bundle)


def entries(action: str | None = None) -> list[AuditRow]:
    """Oldest first."""
    audit_trail.wait()
    with reading(records_engine()) as session:
        rows = audit.entries(session, size=500)
    return [row for row in reversed(rows) if action in (None, row.action)]


def test_a_session_is_written_once(open_classify: OpenPage) -> None:
    page = open_classify()
    page.run()
    (entry,) = entries()
    assert (entry.action, entry.who, dict(entry.details)) == ("open", "local", {"what": "session"})


def test_answers_are_written_once_for_a_set_of_images_and_model(open_classify: OpenPage, card: BundleCard) -> None:
    page = upload(open_classify(), ("clinic.png", png(1)))
    page.selectbox(key=state.QUESTION).set_value(MELANOCYTIC).run()
    page.run()
    (first,) = entries("classify")
    assert first.bundle_digest == card.weights_sha256
    assert dict(first.details) == {"images": 1, "lesions": 1}
    upload(page, ("other.png", png(2)))
    _, second = entries("classify")
    assert second.details["images"] == 2
    assert second.task_id == MELANOCYTIC
    assert second.threshold == pytest.approx(card.tasks[MELANOCYTIC].presets[0].threshold)


def test_nothing_in_the_log_names_a_file_or_holds_a_pixel(open_classify: OpenPage) -> None:
    upload(open_classify(), ("doe-jane.png", png(1)))
    assert "doe" not in json.dumps([[str(row.subjects), dict(row.details), row.who] for row in entries()])


def asked(page: AppTest) -> AppTest:
    upload(page, ("clinic.png", png(1)))
    page.selectbox(key=state.QUESTION).set_value(MELANOCYTIC).run()
    return page


def test_of_a_threshold_that_was_moved_only_what_stood_is_written(
    open_classify: OpenPage, card: BundleCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("pages.ui.audit_trail.time.monotonic", lambda: clock[0])
    page = asked(open_classify())
    for value in (0.2, 0.3, 0.4):
        page.session_state["dermtree_thresholds"][card.bundle_id, MELANOCYTIC] = value
        page.run()
        clock[0] += audit_trail.STANDING_S / 2
    assert entries("threshold change") == []
    clock[0] += audit_trail.STANDING_S
    page.run()
    page.run()
    (entry,) = entries("threshold change")
    assert (entry.threshold, entry.task_id, entry.bundle_digest) == (0.4, MELANOCYTIC, card.weights_sha256)


def test_a_threshold_is_written_before_what_is_done_with_it(open_classify: OpenPage, card: BundleCard) -> None:
    page = asked(open_classify())
    page.session_state["dermtree_thresholds"][card.bundle_id, MELANOCYTIC] = 0.2
    upload(page, ("other.png", png(2)))
    assert [row.action for row in entries()][-2:] == ["threshold change", "classify"]


def test_a_preset_that_is_pressed_is_a_change(open_classify: OpenPage, card: BundleCard) -> None:
    page = asked(open_classify())
    other = card.tasks[MELANOCYTIC].presets[1]
    page.segmented_control(key=state.PRESET).set_value(other.name).run()
    upload(page, ("other.png", png(2)))
    (entry,) = entries("threshold change")
    assert entry.threshold == pytest.approx(other.threshold)


def trail(hands: dict[tuple[str, str], Hand]) -> audit_trail.Trail:
    return audit_trail.Trail({}, hands)


def test_what_the_desk_began_with_is_no_change_and_what_a_hand_left_is() -> None:
    hand = Hand(0.3, "validation")
    found = trail({("bundle", MELANOCYTIC): hand})
    audit_trail._settle(found, "ann")
    assert entries() == []
    hand.move(0.6, "validation")
    hand.move(0.7, "validation")
    audit_trail._settle(found, "ann")
    audit_trail._settle(found, "ann")
    (entry,) = entries()
    assert (entry.threshold, dict(entry.details)) == (0.7, {"on": "threshold desk"})
    hand.move(0.3, "validation")  # back to the beginning: a change from what was written
    audit_trail._settle(found, "ann")
    assert [row.threshold for row in entries()] == [0.7, 0.3]


def test_an_operating_point_that_is_kept_or_deleted_is_written_at_once(home: Path, card: BundleCard) -> None:
    page = ask(open_desk())
    save(page)
    point = read_points(card.bundle_id)[0]
    page.button(key="desk_delete_0").click().run()
    assert not page.exception
    told = [row for row in entries("threshold change") if "operating point" in row.details]
    assert [(row.threshold, row.details["what"]) for row in told] == [(point.threshold, "kept"), (None, "deleted")]
    assert {(row.task_id, row.bundle_digest) for row in told} == {(MELANOCYTIC, card.weights_sha256)}


def test_a_file_that_leaves_is_written_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch, open_classify: OpenPage
) -> None:
    open_classify()
    found = trail({})
    monkeypatch.setattr(audit_trail, "trail", lambda: found)
    monkeypatch.setenv("DERM_ALLOW_OPEN", "1")  # outside of a page nobody knows the address it was asked for
    make = audit_trail.exporting(lambda: "content", "table (CSV)", Right.CLASSIFY, n_images=3)
    assert entries("export") == []
    assert make() == "content"
    (entry,) = entries("export")
    assert dict(entry.details) == {"what": "table (CSV)", "images": 3}


def test_a_log_that_cannot_be_written_is_said_once_and_the_page_works_on(
    open_classify: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", f"sqlite:///{tmp_path}/home/records.db/none.db")
    page = open_classify()
    audit_trail.wait()
    told = 0
    upload(page, ("clinic.png", png(1)))
    told += "The audit log cannot be written:" in texts(page)
    assert "##### Probabilities" in texts(page)
    page.run()
    told += "The audit log cannot be written:" in texts(page)
    assert told == 1


def test_the_page_shows_entries_and_filters_them(open_classify: OpenPage) -> None:
    upload(open_classify(), ("clinic.png", png(1)))
    audit_trail.wait()
    page = open_alone("audit")
    audit_trail.wait()
    page.run()
    table = page.dataframe[0].value
    assert list(table["No."]) == sorted(table["No."], reverse=True)
    assert {"open", "classify"} <= set(table["What"])
    page.selectbox(key=keys.AUDIT_ACTION).set_value("classify").run()
    assert not page.exception
    assert set(page.dataframe[0].value["What"]) == {"classify"}
    page.text_input(key=keys.AUDIT_SUBJECT).set_value("nobody").run()
    assert "No entry fits the filters." in texts(page)


def verified(page: AppTest) -> AppTest:
    page.button(key="verify_audit").click().run()
    assert not page.exception
    return page


def test_a_log_that_holds_shows_its_head_and_a_broken_one_where_it_breaks(
    open_classify: OpenPage, tmp_path: Path
) -> None:
    upload(open_classify(), ("clinic.png", png(1)))
    page = open_alone("audit")
    audit_trail.wait()
    verified(page)
    n = len(entries())
    assert f"All {n} entries hold.** The head kept beside the database agrees." in texts(page)
    assert page.code[0].value.startswith(f"{n}:")
    page.text_input(key=keys.AUDIT_EXPECTED).set_value(f"{n + 5}:{'0' * 64}")
    assert "broken at entry" in verified(page).error[0].value
    page.text_input(key=keys.AUDIT_EXPECTED).set_value("nonsense")
    assert "could not be verified" in verified(page).error[0].value
    page.text_input(key=keys.AUDIT_EXPECTED).set_value("")
    with sqlite3.connect(tmp_path / "home" / "records.db") as database:
        database.execute("DROP TRIGGER audit_entries_no_update")
        database.execute("UPDATE audit_entries SET who = 'somebody else' WHERE seq = 1")
    assert "**The log is broken at entry 1.**" in verified(page).error[0].value


def test_the_table_to_take_away_follows_the_filters(open_classify: OpenPage) -> None:
    from derm_model.records.audit import Action
    from derm_model.records.audit_view import AuditFilter

    upload(open_classify(), ("clinic.png", png(1)))
    audit_trail.wait()
    lines = _csv(AuditFilter(action=Action.CLASSIFY)).strip().splitlines()
    assert len(lines) == 2
    assert ",classify," in lines[1]


def test_without_the_database_the_page_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", f"sqlite:///{tmp_path}/home/records.db/none.db")
    assert "The audit log cannot be read now" in open_alone("audit").error[0].value


def test_a_table_of_images_that_leaves_a_data_set_is_written(
    home: Path, files: dict[str, Callable[[], str | bytes]]
) -> None:
    def draw() -> None:
        from pages.ui.dataset.tables import draw_downloads

        draw_downloads("faces-images", {"csv": lambda: b"a,b\n"}, key="export_images", what="Images")

    assert not AppTest.from_function(draw).run().exception
    assert files["export_images_csv"]() == b"a,b\n"
    (entry,) = entries("export")
    assert dict(entry.details) == {"what": "images of a data set (CSV)"}  # not the name, which somebody chose


def test_many_maps_that_leave_are_written(
    home: Path, tmp_path: Path, files: dict[str, Callable[[], str | bytes]]
) -> None:
    (tmp_path / "maps.csv").write_bytes(b"image,file\n")

    def draw(folder: str) -> None:
        from pathlib import Path
        from types import SimpleNamespace
        from typing import Any, cast

        from pages.ui.saliency.batch import _draw_files

        _draw_files(cast(Any, SimpleNamespace(id="7", paths=SimpleNamespace(folder=Path(folder)))))

    assert not AppTest.from_function(draw, kwargs={"folder": str(tmp_path)}).run().exception
    assert files["table_7"]() == b"image,file\n"
    assert files["zip_7"]()
    assert [dict(entry.details) for entry in entries("export")] == [
        {"what": "table of many saliency maps (CSV)"},
        {"what": "many saliency maps and their table (ZIP)"},
    ]
