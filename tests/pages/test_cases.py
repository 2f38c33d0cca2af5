"""The Cases page without a browser: finding, looking, recording, deleting, counting, and what may fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.card import BundleCard, read_card
from derm_model.errors import RecordsError
from derm_model.records import audit
from derm_model.records.cases import CaseRecord, case_record, list_cases
from derm_model.records.deleting import delete_case, delete_visit
from derm_model.records.engine import reading, records_engine
from derm_model.records.image_store import ImageStore, image_store, new_key
from derm_model.taxonomy import read_taxonomy
from pages.ui import look
from pages.ui.cases import keys
from pages.ui.cases.body_places import TARGET_PX, VIEWS, places
from pages.ui.cases.course import telling, time_points
from tests.pages.conftest import open_alone, texts
from tests.pages.records_made import TASK, record_outcome, save_lesion

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def card(tiny_bundle: Path) -> BundleCard:
    return read_card(tiny_bundle)


def record(case_id: str) -> CaseRecord:
    with reading(records_engine()) as session:
        return case_record(session, case_id)


def n_cases() -> int:
    with reading(records_engine()) as session:
        return list_cases(session).n


def acts() -> list[tuple[str, tuple[str, ...]]]:
    with reading(records_engine()) as session:
        return [(row.action, row.subjects) for row in audit.entries(session)]


def listed(page: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in page.button if (button.key or "").startswith("open_")]


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def test_without_cases_the_page_says_how_one_comes_to_be() -> None:
    assert "No case is saved" in texts(open_alone("cases"))


def test_cases_are_found_by_key_note_place_outcome_and_model(card: BundleCard) -> None:
    save_lesion(card, "P-1", "A", outcome="Melanoma in situ", seed=1)
    save_lesion(card, "P-1", "B", site="cheek", seed=2, note="bleeds")
    save_lesion(card, "Q-2", "A", outcome="Blue nevus", seed=3)
    page = open_alone("cases")
    assert len(listed(page)) == 3
    page.text_input(key=keys.SEARCH).set_value("p-1").run()
    assert sorted(listed(page)) == ["P-1 · A", "P-1 · B"]
    page.text_input(key=keys.SEARCH).set_value("BLEEDS").run()
    assert listed(page) == ["P-1 · B"]
    page.text_input(key=keys.SEARCH).set_value("").run()
    page.selectbox(key=keys.SITE).set_value("cheek").run()
    assert listed(page) == ["P-1 · B"]
    page.selectbox(key=keys.SITE).set_value("any").run()
    page.selectbox(key=keys.OUTCOME).set_value("without an outcome").run()
    assert listed(page) == ["P-1 · B"]
    page.selectbox(key=keys.OUTCOME).set_value("any").run()
    page.text_input(key=keys.DIAGNOSIS).set_value("melanoma").run()
    page.radio(key=keys.DIAGNOSIS_NODE).set_value(page.radio(key=keys.DIAGNOSIS_NODE).value).run()
    assert listed(page) == ["P-1 · A"]
    page.text_input(key=keys.DIAGNOSIS).set_value("").run()
    page.selectbox(key=keys.BUNDLE).set_value(card.bundle_id).run()
    assert len(listed(page)) == 3


def test_long_lists_have_pages_and_a_filter_begins_with_the_first(
    card: BundleCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derm_model.records.cases.list_cases.__kwdefaults__", {"page": 1, "size": 2})
    for number in range(5):
        save_lesion(card, f"P-{number}", seed=number)
    page = open_alone("cases")
    assert "1–2 of 5 cases" in texts(page)
    page.session_state[keys.PAGE] = 3
    page.run()
    assert not page.exception
    assert "5–5 of 5 cases" in texts(page)
    page.text_input(key=keys.SEARCH).set_value("P-").run()
    assert "1–2 of 5 cases" in texts(page)


def test_an_address_opens_its_case_and_the_opening_is_in_the_log_once(card: BundleCard) -> None:
    case_id = save_lesion(card, scores=(0.2, 0.6), note="itches")
    page = open_alone("cases", case=case_id)
    said = texts(page)
    assert "P\\-17 · A" in said
    assert "upper back, left · 2 visits" in said
    assert "itches" in said
    page.run()
    assert acts().count(("open", (case_id,))) == 1
    press(page, "all_cases")
    press(page, f"open_{case_id}")
    assert acts().count(("open", (case_id,))) == 2


def test_back_from_a_case_is_the_list_and_forward_the_case(card: BundleCard) -> None:
    case_id = save_lesion(card, note="itches")
    page = press(open_alone("cases"), f"open_{case_id}")
    assert page.query_params["case"] == case_id
    assert "itches" in texts(page)
    page.query_params.clear()  # as the browser says it
    page.run()
    assert listed(page) == ["P-17 · A"]
    assert "case" not in page.query_params
    page.query_params["case"] = case_id
    page.run()
    assert "itches" in texts(page)


def test_an_address_the_browser_still_says_does_not_open_the_case_again(card: BundleCard) -> None:
    case_id = save_lesion(card, note="itches")
    page = open_alone("cases")
    page.text_input(key=keys.SEARCH).set_value("P-").run()
    page = press(page, f"open_{case_id}")
    page = press(page, "all_cases")
    page.query_params["case"] = case_id  # the browser still says so
    page.text_input(key=keys.SEARCH).set_value("P-1").run()
    assert listed(page) == ["P-17 · A"]
    assert "case" not in page.query_params


def test_a_case_that_is_gone_says_so_and_the_list_is_one_press_away(card: BundleCard) -> None:
    save_lesion(card)
    page = open_alone("cases", case="0" * 32)
    assert "somebody deleted it" in texts(page)
    assert listed(press(page, "all_cases")) == ["P-17 · A"]


def test_an_outcome_is_found_by_a_synonym_and_said_again_the_last_word_counts(card: BundleCard) -> None:
    case_id = save_lesion(card)
    page = open_alone("cases", case=case_id)
    assert page.button(key="record_it").disabled
    page.text_input(key=f"{keys.NODE_SEARCH}_{case_id}").set_value("BCC").run()
    page.selectbox(key=f"{keys.CONFIRMED_BY}_{case_id}").set_value("follow_up").run()
    press(page, "record_it")
    taxonomy = read_taxonomy()
    outcome = record(case_id).outcome
    assert outcome is not None
    assert "asal cell carcinoma" in taxonomy.node(outcome.node).name
    assert (outcome.confirmed_by, outcome.taxonomy_digest) == ("follow_up", taxonomy.digest)
    record_outcome(case_id, "Blue nevus")
    page.run()
    last = taxonomy.node(taxonomy.find("Blue nevus") or "").name
    assert f"**{look.plain(last)} · " in texts(page)
    assert "Before that:" in texts(page)


@pytest.mark.parametrize("also_wait", [False, True])
def test_a_diagnosis_changed_in_the_moment_of_the_press_is_not_recorded_as_the_one_before(
    card: BundleCard, also_wait: bool
) -> None:
    case_id = save_lesion(card)
    page = open_alone("cases", case=case_id)
    page.text_input(key=f"{keys.NODE_SEARCH}_{case_id}").set_value("BCC").run()
    page.text_input(key=f"{keys.NODE_SEARCH}_{case_id}").set_value("blue nevus")
    if also_wait:
        page.run()
    press(page, "record_it")
    assert [outcome.node for outcome in record(case_id).outcomes] == ([read_taxonomy().find("Blue nevus")] * also_wait)
    assert ("was not recorded" in texts(page)) is not also_wait


def test_what_was_typed_for_one_case_is_not_recorded_for_the_next(card: BundleCard) -> None:
    one, other = save_lesion(card, "P-1", seed=1), save_lesion(card, "Q-2", seed=2)
    page = open_alone("cases", case=one)
    page.text_input(key=f"{keys.NODE_SEARCH}_{one}").set_value("BCC").run()
    assert not page.button(key="record_it").disabled
    page.query_params["case"] = other  # as the browser's own way back leads from case to case
    page.run()
    assert "Q\\-2 · A" in texts(page)
    assert page.button(key="record_it").disabled


def test_deleting_a_visit_a_case_and_a_patient_takes_the_files_along(card: BundleCard) -> None:
    one = save_lesion(card, "P-1", "A", scores=(0.2, 0.6), seed=1)
    save_lesion(card, "P-1", "B", seed=2)
    kept = save_lesion(card, "Q-2", "A", seed=3)
    assert len(list(image_store().all())) == 4
    visit = record(one).visits[0].visit_id
    page = press(open_alone("cases", case=one), f"delete_{visit}")
    assert len(record(one).visits) == 2  # nothing goes before the answer
    press(page, "delete_visit")
    assert len(record(one).visits) == 1
    assert len(list(image_store().all())) == 3
    press(press(page, "delete_this_case"), "delete_case")
    with pytest.raises(RecordsError):
        record(one)
    other = open_alone("cases")
    press(other, next(b.key for b in other.button if b.label.endswith("B")))  # type: ignore[arg-type]
    press(press(other, "delete_this_patient"), "delete_patient")
    assert n_cases() == 1
    assert list(image_store().all()) == [record(kept).visits[0].images[0].sha256]


def test_the_question_names_what_goes_and_is_not_asked_on_the_page_of_another_case(card: BundleCard) -> None:
    one, other = save_lesion(card, "P-1", seed=1), save_lesion(card, "Q-2", seed=2)
    page = press(open_alone("cases", case=one), "delete_this_case")
    assert "All visits of **P\\-1 · A** go" in texts(page)
    page.query_params["case"] = other
    page.run()
    assert "Q\\-2 · A" in texts(page)
    assert "delete_case" not in [button.key for button in page.button]
    assert n_cases() == 2


def test_a_visit_that_has_become_the_last_one_does_not_take_the_outcome_along(card: BundleCard) -> None:
    case_id = save_lesion(card, scores=(0.2, 0.6), outcome="Blue nevus")
    first, second = (visit.visit_id for visit in record(case_id).visits)
    page = press(open_alone("cases", case=case_id), f"delete_{second}")
    delete_visit(records_engine(), image_store(), first, "dr")  # in another tab
    press(page, "delete_visit")
    assert "It was not deleted" in texts(page)
    assert len(record(case_id).visits) == len(record(case_id).outcomes) == 1


def test_pictures_of_a_case_that_another_tab_has_deleted_are_kept_no_longer(card: BundleCard) -> None:
    case_id = save_lesion(card)
    page = open_alone("cases", case=case_id)
    assert page.session_state[keys.PICTURES]
    delete_case(records_engine(), image_store(), case_id, "dr")
    page.run()
    assert "somebody deleted it" in texts(page)
    assert keys.PICTURES not in page.session_state


def test_keeping_deletes_nothing(card: BundleCard) -> None:
    case_id = save_lesion(card)
    press(press(open_alone("cases", case=case_id), "delete_this_case"), "keep_case")
    assert n_cases() == 1


def test_a_stored_visit_is_read_again_on_classify_with_the_same_pixels(card: BundleCard) -> None:
    case_id = save_lesion(card)
    (visit,) = record(case_id).visits
    page = press(open_alone("cases", case=case_id), f"classify_{visit.visit_id}")
    (image,) = page.session_state["dermtree_case"].images
    assert image.digest == visit.images[0].sha256
    assert image.pixels.shape == (320, 320, 3)
    assert "P-17" not in image.name
    from derm_model.records.looking_up import image_hashes
    from derm_model.records.saving import NewImage

    assert image_hashes([NewImage(image.pixels)]) == (visit.images[0].sha256,)


def test_the_current_model_is_asked_once_about_a_visit_another_one_read(card: BundleCard) -> None:
    from dataclasses import replace

    case_id = save_lesion(replace(card, bundle_id="older", weights_sha256="a" * 64))
    (visit,) = record(case_id).visits
    page = press(open_alone("cases", case=case_id), f"ask_{visit.visit_id}")
    (visit,) = record(case_id).visits
    assert [prediction.bundle_id for prediction in visit.predictions] == ["older", card.bundle_id]
    assert set(telling(visit)) == {"a" * 64, card.weights_sha256}
    assert f"ask_{visit.visit_id}" not in [button.key for button in page.button]
    assert [point.bundle for point in time_points(record(case_id), TASK)] == ["older", card.bundle_id]


def test_images_whose_key_is_missing_say_so_and_the_rest_of_the_case_is_there(
    card: BundleCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_IMAGE_KEY", new_key())
    case_id = save_lesion(card)
    monkeypatch.delenv("DERM_IMAGE_KEY")
    page = open_alone("cases", case=case_id)
    assert "DERM\\_IMAGE\\_KEY is not set" in texts(page)
    assert "##### Score over time" in texts(page)
    (visit,) = record(case_id).visits
    press(page, f"classify_{visit.visit_id}")
    assert "could not be opened" in page.error[0].value


def test_without_the_database_the_page_says_why_and_the_log_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", f"sqlite:///{tmp_path}/home/records.db/none.db")
    page = open_alone("cases")
    assert "The records cannot be read now" in page.error[0].value
    page.run()
    page.run()
    told = sum("audit log cannot be written" in warning.value for warning in page.warning)
    assert told == 0


def over(page: AppTest, section: str) -> AppTest:
    page.segmented_control(key=keys.SECTION).set_value(section).run()
    assert not page.exception
    return page


def test_without_outcomes_nothing_is_counted_and_the_reason_is_said(card: BundleCard) -> None:
    page = over(open_alone("cases"), "This clinic")
    assert "No answer is saved to a case" in texts(page)
    save_lesion(card)
    assert "**Nothing to count yet.** A lesion counts when" in texts(over(page, "This clinic"))


def test_rates_here_are_counted_and_stand_beside_the_models_own(card: BundleCard) -> None:
    for number, (score, name) in enumerate(
        [(0.9, "Melanoma in situ"), (0.5, "Melanoma in situ"), (0.1, "Melanoma in situ"), (0.2, "Blue nevus")]
    ):
        save_lesion(card, f"P-{number}", scores=(score,), outcome=name, seed=number)
    save_lesion(card, "P-9", scores=(0.9,), outcome="Dermatofibroma", seed=9)
    page = over(open_alone("cases"), "This clinic")
    page.selectbox(key=keys.CLINIC_QUESTION).set_value(TASK).run()
    said = texts(page)
    assert "2 of 3 lesions with melanoma" in said
    assert "### 67% (21–94%)" in said  # Wilson, 2 of 3
    assert "1 of 1 lesions without it" in said
    assert "n = 3 + 1" in said
    assert "1 lesion turned out to be on neither side" in said
    holdout = card.tasks[TASK].holdout
    assert holdout is not None
    assert f"The model's own: {holdout.at_threshold(0.35).sensitivity:.0%}" in said
    assert "verification bias" in said
    page.segmented_control(key=keys.CLINIC_DECIDED).set_value("With the threshold in use now").run()
    assert not page.exception


def test_decisions_of_a_model_that_is_gone_are_said_to_be_those_of_then(card: BundleCard) -> None:
    from dataclasses import replace

    save_lesion(replace(card, bundle_id="older"), scores=(0.4,), outcome="Melanoma in situ")
    page = over(open_alone("cases"), "This clinic")
    page.selectbox(key=keys.CLINIC_QUESTION).set_value(TASK).run()
    assert "decisions of then" not in texts(page)
    page.segmented_control(key=keys.CLINIC_DECIDED).set_value("With the threshold in use now").run()
    assert "1 of 1 lesions with melanoma" in texts(page)
    assert "these are the decisions of then" in texts(page)


def test_the_retention_says_what_a_purge_would_delete_and_deletes_it(
    card: BundleCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import date

    from sqlalchemy import text

    from derm_model.records.engine import writing

    old = save_lesion(card, "P-1", seed=1)
    save_lesion(card, "P-2", seed=2)
    with writing(records_engine()) as session:
        session.execute(
            text("UPDATE cases SET last_active_on = :day WHERE id = :id"),
            {"day": date(2020, 1, 1).isoformat(), "id": old},
        )
    assert "No retention is set" in texts(over(open_alone("cases"), "Retention"))
    monkeypatch.setenv("DERM_RETENTION_DAYS", "365")
    page = over(open_alone("cases"), "Retention")
    assert "There is 1 case whose time is over" in texts(page)
    press(page, "purge")
    assert n_cases() == 1
    assert len(list(image_store().all())) == 1
    assert acts()[0] == ("purge", (old,)) or ("purge", (old,)) in acts()
    monkeypatch.setenv("DERM_RETENTION_DAYS", "soon")
    assert "whole number of days" in over(open_alone("cases"), "Retention").error[0].value


def test_the_zip_of_a_case_leaves_a_trace(card: BundleCard, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui.cases.one import _zip

    case_id = save_lesion(card)
    assert _zip(case_id, "local")[:2] == b"PK"
    assert ("export", (case_id,)) in acts()


def test_places_on_the_map_are_all_there_and_apart() -> None:
    from itertools import combinations
    from math import hypot

    from derm_model.records.body import SITE_IDS

    assert {place.site for place in places()} == set(SITE_IDS) - {"not recorded"}
    for view in VIEWS:
        own = [place for place in places() if place.view == view.name]
        assert min(hypot(a.x - b.x, a.y - b.y) for a, b in combinations(own, 2)) >= TARGET_PX
        assert all(TARGET_PX / 2 <= p.x <= view.width_px - TARGET_PX / 2 for p in own)
        assert all(TARGET_PX / 2 <= p.y <= view.height_px - TARGET_PX / 2 for p in own)
        right = [p.x for p in own if p.side == "right" and p.site == "shoulder"]
        if right:
            assert (right[0] < view.width_px / 2) is not view.mirrored  # as one looks at somebody


def test_a_store_without_a_key_reads_what_is_not_encrypted(card: BundleCard, tmp_path: Path) -> None:
    case_id = save_lesion(card)
    sha256 = record(case_id).visits[0].images[0].sha256
    assert ImageStore(tmp_path / "home" / "images").get(sha256)[:4] == b"RIFF"
