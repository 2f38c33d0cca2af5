"""The reader study page without a browser: making a study, joining it, who may what, how it ends."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.access import Person, Role
from derm_model.records.engine import reading, records_engine, writing
from derm_model.records.participants import code_of, list_participants
from derm_model.records.reader_view import left_out, own_order
from derm_model.records.readings import record_reading, record_vote
from derm_model.records.results import frozen_images
from derm_model.records.studies import StudyRow, join_study, list_studies
from derm_model.records.study_tables import Reason
from derm_model.records.study_tables import Role as StudyRole
from pages.ui import access, state
from tests.drawn_study import make_study, write_drawn
from tests.pages.conftest import open_alone, texts

CODES = ("biopsy-melanocytic_biopsy", "biopsy-melanocytic_reassure")


@pytest.fixture
def manifest(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight labelled drawings where the page may find them."""
    monkeypatch.setenv("DERM_DATA", str(home / "data"))
    return write_drawn(home / "data" / "drawn", 8)


def studies() -> tuple[StudyRow, ...]:
    with reading(records_engine()) as session:
        return list_studies(session)


def join(study: str, code: str, role: StudyRole = StudyRole.READER) -> str:
    with writing(records_engine()) as session:
        return join_study(session, study, code, role)


def answer_all(study: str, person: str, n: int) -> None:
    with writing(records_engine()) as session:
        for position in range(n):
            record_reading(session, person, position, "biopsy", seconds=1.0)


def sign_in(monkeypatch: pytest.MonkeyPatch, name: str, role: Role) -> None:
    """Work as somebody who signed in."""
    somebody = Person(name, role)
    monkeypatch.setattr(access, "person", lambda: somebody)

    def who(right: object) -> str:
        from derm_model.access import check_right

        check_right(somebody, right)  # type: ignore[arg-type]
        return somebody.name

    monkeypatch.setattr(access, "who", who)


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    return texts(page) + "\n".join(str(toast.value) for toast in page.toast)


# making one


def test_a_study_is_made_of_a_manifest_and_its_images_are_frozen(home: Path, manifest: Path) -> None:
    page = open_alone("readers")
    assert "No study yet" in texts(page)
    page.text_input(key=state.STUDY_NAME).set_value("Autumn").run()
    for code in CODES:
        page.number_input(key=state.study_count(code)).set_value(3).run()
    assert not page.exception
    assert "| Biopsy or treat | 4 | 3 |" in texts(page)
    press(page, "make_study")
    (study,) = studies()
    assert study.name == "Autumn" and study.n_images == 6 and study.choices == ("biopsy", "reassure")
    with reading(records_engine()) as session:
        images = frozen_images(session, study.study_id)
    assert Counter(image.node for image in images) == {"melanoma-nos": 3, "melanocytic-nevus-nos": 3}
    assert all(Path(image.path).is_absolute() and Path(image.path).is_file() for image in images)
    assert study.study_id in page.query_params["study"]
    assert "Autumn" in [heading.value for heading in page.subheader]


def test_the_same_seed_draws_the_same_images_and_another_one_others(home: Path, manifest: Path) -> None:
    drawn = []
    for name, seed in (("One", 1), ("Same", 1), ("Other", 2)):
        page = open_alone("readers")
        page.session_state[state.STUDY_NEW] = True  # the form is folded where there is a study
        page.run()
        page.text_input(key=state.STUDY_NAME).set_value(name)
        page.number_input(key=state.STUDY_SEED).set_value(seed)
        for code in CODES:
            page.number_input(key=state.study_count(code)).set_value(2)
        press(page.run(), "make_study")
        study = next(study for study in studies() if study.name == name)
        with reading(records_engine()) as session:
            drawn.append([image.image_id for image in frozen_images(session, study.study_id)])
    assert drawn[0] == drawn[1] and set(drawn[0]) != set(drawn[2])


def test_the_papers_set_says_how_many_images_are_missing(home: Path, manifest: Path) -> None:
    page = open_alone("readers")
    page.segmented_control(key=state.STUDY_SIZE).set_value("dermoscopic").run()
    assert not page.exception
    assert "67 more of Biopsy or treat \\(4 of 71 are there\\)" in texts(page)
    assert not [button for button in page.button if button.key == "make_study"]


def test_files_that_are_gone_are_named_and_nothing_is_made(home: Path, manifest: Path) -> None:
    page = open_alone("readers")
    page.text_input(key=state.STUDY_NAME).set_value("Gone").run()
    shutil.rmtree(manifest.parent / "melanoma-nos")
    for path in (manifest.parent / "melanocytic-nevus-nos").iterdir():
        path.write_bytes(b"no picture")
    press(page, "make_study")
    assert "8 images of 8 cannot be used" in texts(page) and "cannot be read" in texts(page)
    assert studies() == ()


def test_a_warning_says_when_the_model_may_have_learnt_from_the_images(
    home: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(",drawn,", ",invented,"), encoding="utf-8")
    assert "Not new to" in texts(open_alone("readers"))


def test_without_a_name_nothing_is_made(home: Path, manifest: Path) -> None:
    page = press(open_alone("readers"), "make_study")
    assert "Give the study a name" in texts(page) and studies() == ()


# taking part


def test_a_reader_joins_under_a_code_and_comes_back_under_it(home: Path) -> None:
    study = make_study(home, 4)
    page = open_alone("readers", study=study)
    page.text_input(key=state.STUDY_OWN_CODE).set_value("R07")
    page.selectbox(key=state.STUDY_EXPERIENCE).set_value("resident")
    press(page.run(), "join_study")
    assert "0 of 4 images" in texts(page)
    with reading(records_engine()) as session:
        (row,) = list_participants(session, study)
    assert (row.code, row.role, row.experience) == ("R07", "reader", "resident")
    with writing(records_engine()) as session:
        record_reading(session, row.participant_id, own_order(3, "R07", False, range(4))[0], "biopsy", seconds=1.0)
    again = open_alone("readers", study=study, code="R07")
    assert "1 of 4 images" in texts(again) and again.button(key="begin_study").label == "Continue with image 2"


def test_who_does_not_say_how_experienced_they_are_is_in_no_group(home: Path) -> None:
    study = make_study(home, 2)
    page = open_alone("readers", study=study)
    page.text_input(key=state.STUDY_OWN_CODE).set_value("R07")
    press(page.run(), "join_study")
    with reading(records_engine()) as session:
        (row,) = list_participants(session, study)
    assert row.experience is None


def test_a_code_that_looks_like_a_date_of_birth_is_refused(home: Path) -> None:
    page = open_alone("readers", study=make_study(home, 2))
    page.text_input(key=state.STUDY_OWN_CODE).set_value("1987-04-12")
    press(page.run(), "join_study")
    assert "looks like a date" in said(page) and studies()[0].n_readers == 0


def test_who_signs_in_reads_as_themselves_whatever_code_the_address_holds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(home, 2)
    join(study, code_of(study, "ada@clinic"))
    join(study, "R1")
    sign_in(monkeypatch, "bob@clinic", Role.READER)
    for code in ("R1", code_of(study, "ada@clinic")):
        page = open_alone("readers", study=study, code=code)
        assert "Take part" in texts(page) and "images** answered" not in texts(page)
        assert not page.text_input
    press(page, "join_study")
    with reading(records_engine()) as session:
        codes = {row.code for row in list_participants(session, study)}
    assert code_of(study, "bob@clinic") in codes and len(codes) == 3 and not any("bob" in code for code in codes)


def test_a_reader_sees_no_results_and_makes_no_study(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study(home, 2)
    sign_in(monkeypatch, "bob@clinic", Role.READER)
    page = open_alone("readers", study=study)
    assert not page.segmented_control
    page = open_alone("readers")
    assert not page.expander and "New study" not in texts(page)


def test_begin_fills_the_window_and_the_address_holds_it(home: Path) -> None:
    study = make_study(home, 2)
    join(study, "R1")
    page = press(open_alone("readers", study=study, code="R1"), "begin_study")
    assert page.query_params["take"] in ("1", ["1"])
    assert "Your reading" not in texts(page) and not page.segmented_control


def test_readers_wait_while_images_are_being_checked_or_say_that_they_will_not(home: Path) -> None:
    study = make_study(home, 4)
    checker, _ = join(study, "P1", StudyRole.PRESCREENER), join(study, "R1")
    with writing(records_engine()) as session:
        record_vote(session, checker, 0, False, Reason.BLURRED)
    page = open_alone("readers", study=study, code="R1")
    assert "still being checked" in texts(page) and "3 images to go" in texts(page)
    assert not [button for button in page.button if button.key == "begin_study"]
    page.checkbox(key=state.STUDY_ANYWAY).check().run()
    assert page.button(key="begin_study")
    with reading(records_engine()) as session:
        assert left_out(session, study) == {0}


def test_who_has_finished_is_thanked_and_told(home: Path) -> None:
    study = make_study(home, 2)
    answer_all(study, join(study, "R1"), 2)
    page = open_alone("readers", study=study, code="R1")
    assert "Thank you. Nothing is left to do." in texts(page)
    assert any("sensitivity" in metric.label.lower() for metric in page.metric)


def test_part_two_waits_for_its_day(home: Path, tiny_bundle: Path) -> None:
    study = make_study(home, 2, bundle=tiny_bundle, second_pass=True, pause_days=3)
    answer_all(study, join(study, "R1"), 2)
    page = open_alone("readers", study=study, code="R1")
    assert "begins on" in texts(page)
    assert not page.metric  # the truth is not told yet


def test_a_link_to_no_study_says_so(home: Path) -> None:
    page = open_alone("readers", study="0" * 32)
    assert "The study is not there" in texts(page)
    assert "No study yet" in texts(press(page, "all_studies"))


# who runs it


def test_who_runs_a_study_sees_how_far_everybody_is_and_closes_it(home: Path) -> None:
    study = make_study(home, 2)
    answer_all(study, join(study, "R1"), 2)
    join(study, "R2")
    page = open_alone("readers", study=study)
    page.segmented_control(key=state.STUDY_VIEW).set_value("people").run()
    told = texts(page).replace("\u00a0", " ")
    assert "| R1 | Reader |" in told and "2 of 2" in told and "0 of 2" in told
    assert f"study={study}" in page.code[0].value
    assert not [button for button in page.button if button.key == "delete_study"]
    press(page, "close_study")
    assert studies()[0].closed_at is not None
    page = open_alone("readers", study=study, code="R2", take="1")
    assert "The study is closed: no more answers are taken." in texts(page)


def test_a_study_nobody_has_begun_is_deleted_after_a_question(home: Path) -> None:
    study = make_study(home, 2)
    page = open_alone("readers", study=study)
    page.segmented_control(key=state.STUDY_VIEW).set_value("people").run()
    press(page, "delete_study")
    assert "Nobody has answered yet" in texts(page)
    press(page, "delete_this_study")
    assert studies() == () and "No study yet" in texts(page)


def test_the_page_without_records_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", "mysql://somewhere/else")
    page = open_alone("readers")
    assert "The studies cannot be shown" in texts(page)
