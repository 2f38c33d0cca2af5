"""Save to a case from Classify, without a browser: what is asked, what is kept, what goes wrong."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from derm_model.card import read_card
from derm_model.records.cases import CaseRecord, case_record, list_cases
from derm_model.records.deleting import delete_patient
from derm_model.records.engine import reading, records_engine
from derm_model.records.image_store import image_store
from pages.ui import state
from pages.ui.cases import keys
from pages.ui.cases.saving import NEW
from tests.pages.conftest import OpenPage, png, texts, upload
from tests.pages.records_made import save_lesion


def cases() -> list[CaseRecord]:
    with reading(records_engine()) as session:
        return [case_record(session, row.case_id) for row in list_cases(session).rows]


def opened(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Images read and the form open: without a browser nobody can press on the fold itself."""
    page.session_state["save_case"] = True
    return upload(page, *files or (("clinic.png", png(1)),))


def fill(page: AppTest, patient: str = "P-17", lesion: str = "A") -> AppTest:
    page.text_input(key=keys.SAVE_PATIENT).set_value(patient).run()
    page.text_input(key=keys.SAVE_NEW_LESION).set_value(lesion)
    page.selectbox(key=keys.SAVE_SITE).set_value("upper back")
    page.selectbox(key=keys.SAVE_SIDE).set_value("left")
    return page.run()


def save(page: AppTest) -> AppTest:
    page.button(key="save_it").click().run()
    assert not page.exception
    return page


def choose_known(page: AppTest, name: str, patient: str = "P-17") -> AppTest:
    return page.radio(key=f"{keys.SAVE_LESION}_{patient}").set_value(name).run()


def test_nothing_is_saved_unless_somebody_chooses_to(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("clinic.png", png(1)))
    assert "Save to a case" in [expander.label for expander in page.expander]
    assert keys.SAVE_PATIENT not in [box.key for box in page.text_input]
    assert cases() == []


def test_a_visit_is_saved_with_pixels_answers_and_thresholds(open_classify: OpenPage, tiny_bundle: Path) -> None:
    page = opened(open_classify())
    page.selectbox(key=state.QUESTION).set_value("melanocytic").run()
    fill(page)
    page.selectbox(key=f"{keys.SAVE_MODALITY}_1").set_value("dermoscopic")
    page.text_area(key=keys.SAVE_NOTE).set_value("itches")
    save(page)
    (case,) = cases()
    assert (case.patient_key, case.lesion, case.site, case.side) == ("P-17", "A", "upper back", "left")
    (visit,) = case.visits
    assert (visit.seen_on, visit.note) == (date.today(), "itches")
    (image,) = visit.images
    assert (image.width_px, image.height_px, image.modality) == (320, 320, "dermoscopic")
    (prediction,) = visit.predictions
    card = read_card(tiny_bundle)
    assert (prediction.bundle_id, prediction.bundle_digest) == (card.bundle_id, card.weights_sha256)
    assert sum(prediction.class_probs.values()) == pytest.approx(1)
    answers = {answer.task_id: answer for answer in prediction.answers}
    assert set(answers) == set(card.tasks)
    first = card.tasks["melanocytic"].presets[0]
    assert answers["melanocytic"].threshold == pytest.approx(first.threshold)
    assert answers["melanocytic"].threshold_rule is not None
    assert first.name in answers["melanocytic"].threshold_rule
    assert f"/cases?case={case.case_id}" in texts(page)


def test_the_stored_image_holds_the_pixels_that_were_read(open_classify: OpenPage) -> None:
    page = save(fill(opened(open_classify())))
    (case,) = cases()
    stored = Image.open(io.BytesIO(image_store().get(case.visits[0].images[0].sha256)))
    (held,) = page.session_state["dermtree_case"].images
    assert np.array_equal(np.asarray(stored.convert("RGB")), held.pixels)


def test_a_threshold_set_by_hand_is_kept_as_such(open_classify: OpenPage, tiny_bundle: Path) -> None:
    page = opened(open_classify())
    page.session_state["dermtree_thresholds"][read_card(tiny_bundle).bundle_id, "melanocytic"] = 0.123
    save(fill(page.run()))
    (answer,) = [a for a in cases()[0].visits[0].predictions[0].answers if a.task_id == "melanocytic"]
    assert (answer.threshold, answer.threshold_rule) == (0.123, "set by hand")


def test_views_of_one_lesion_are_one_visit_with_a_common_answer(open_classify: OpenPage) -> None:
    save(fill(opened(open_classify(), ("a.png", png(1)), ("b.png", png(2)))))
    (visit,) = cases()[0].visits
    assert len(visit.images) == 2
    assert sorted(p.image is None for p in visit.predictions) == [False, False, True]
    single = [p.class_probs for p in visit.predictions if p.image is not None]
    (together,) = [p.class_probs for p in visit.predictions if p.image is None]
    for name, value in together.items():
        assert value == pytest.approx(sum(probs[name] for probs in single) / 2)


def test_of_separate_lesions_the_shown_one_alone_is_saved(open_classify: OpenPage) -> None:
    page = opened(open_classify(), ("a.png", png(1)), ("b.png", png(2)))
    page.segmented_control(key=state.GROUPING).set_value("Separate lesions").run()
    assert "the shown image is saved alone" in texts(page)
    save(fill(page))
    (visit,) = cases()[0].visits
    assert len(visit.images) == len(visit.predictions) == 1


def test_a_drawing_is_refused_with_the_reason(open_classify: OpenPage) -> None:
    page = open_classify()
    page.session_state["save_case"] = True
    page.button(key="drawing_1").click().run()
    assert not page.exception
    assert "A drawing is no patient" in texts(page)
    assert "save_it" not in [button.key for button in page.button]


def test_known_keys_and_lesions_are_offered_while_somebody_types(open_classify: OpenPage) -> None:
    page = save(fill(opened(open_classify())))
    page.text_input(key=keys.SAVE_PATIENT).set_value("p-1").run()
    page.button(key="save_key_P-17").click().run()
    assert page.text_input(key=keys.SAVE_PATIENT).value == "P-17"
    radio = page.radio(key=f"{keys.SAVE_LESION}_P-17")
    assert radio.options[0].startswith("A · upper back, left · 1 visit")
    assert radio.options[-1] == NEW


def test_a_known_lesion_must_be_chosen_and_takes_its_place_along(open_classify: OpenPage) -> None:
    save(fill(opened(open_classify())))
    other = opened(open_classify(), ("other.png", png(5)))
    other.text_input(key=keys.SAVE_PATIENT).set_value("P-17").run()
    assert other.button(key="save_it").disabled
    choose_known(other, "A")
    save(other)
    (case,) = cases()
    assert len(case.visits) == 2


def test_the_same_images_on_the_same_day_are_asked_about(open_classify: OpenPage) -> None:
    page = save(fill(opened(open_classify())))
    save(page)
    assert "Saved already" in texts(page)
    assert len(cases()[0].visits) == 1
    page.button(key="save_not_again").click().run()
    assert len(cases()[0].visits) == 1
    save(page)
    page.button(key="save_again").click().run()
    assert not page.exception
    assert len(cases()[0].visits) == 2


def test_a_double_press_saves_once(open_classify: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui.cases import saving

    once = saving._save

    def twice(*args: Any) -> None:
        once(*args)
        once(*args)

    monkeypatch.setattr(saving, "_save", twice)
    page = save(fill(opened(open_classify())))
    assert len(cases()[0].visits) == 1
    assert not page.error
    page.button(key="save_again").click().run()
    assert len(cases()[0].visits) == 2


def test_other_images_of_that_day_are_not_said_to_be_saved_already(open_classify: OpenPage) -> None:
    page = save(save(fill(opened(open_classify()))))
    assert "Saved already" in texts(page)
    upload(page.button(key="new_case").click().run(), ("other.png", png(9)))
    page.text_input(key=keys.SAVE_PATIENT).set_value("P-17").run()
    choose_known(page, "A")
    assert "Saved already" not in texts(page)
    save(page)
    assert len(cases()[0].visits) == 2


def test_a_new_lesion_does_not_become_a_visit_of_one_that_another_tab_has_saved(open_classify: OpenPage) -> None:
    one, other = fill(opened(open_classify())), fill(opened(open_classify(), ("other.png", png(5))))
    save(one)
    save(other)
    assert "has a lesion A already" in other.error[0].value
    (case,) = cases()
    assert len(case.visits) == 1
    choose_known(other, NEW)
    save(fill(other, lesion="B"))
    assert sorted(case.lesion for case in cases()) == ["A", "B"]


def test_a_lesion_that_another_tab_has_deleted_does_not_come_back(open_classify: OpenPage) -> None:
    save(fill(opened(open_classify())))
    other = opened(open_classify(), ("other.png", png(5)))
    other.text_input(key=keys.SAVE_PATIENT).set_value("P-17").run()
    choose_known(other, "A")
    delete_patient(records_engine(), image_store(), "P-17", "dr")
    save(other)
    assert "somebody deleted it" in other.error[0].value
    assert cases() == []
    save(fill(other))
    assert [len(case.visits) for case in cases()] == [1]


def test_a_lesion_changed_in_the_moment_of_the_press_is_not_taken_for_the_one_before(
    open_classify: OpenPage, tiny_bundle: Path
) -> None:
    card = read_card(tiny_bundle)
    save_lesion(card, "P-17", "A", seed=1)
    save_lesion(card, "P-17", "B", seed=2)
    page = opened(open_classify())
    page.text_input(key=keys.SAVE_PATIENT).set_value("P-17").run()
    choose_known(page, "A")
    page.radio(key=f"{keys.SAVE_LESION}_P-17").set_value("B")
    save(page)  # one message to the server: the button still means A
    assert "changed" in page.error[0].value
    page.text_input(key=keys.SAVE_PATIENT).set_value("P-18")
    save(page)  # as above: the button still means lesion B of P-17
    assert "changed" in page.error[0].value
    assert [len(case.visits) for case in cases()] == [1, 1]
    save(fill(page, patient="P-18"))
    assert {case.patient_key for case in cases()} == {"P-17", "P-18"}


def test_a_key_that_names_somebody_is_refused_and_the_form_is_kept(open_classify: OpenPage) -> None:
    page = fill(opened(open_classify()), patient="1975-03-04")
    page.text_area(key=keys.SAVE_NOTE).set_value("itches")
    save(page)
    assert "a date of birth must not be kept" in page.error[0].value
    assert page.text_input(key=keys.SAVE_PATIENT).value == "1975-03-04"
    assert page.text_area(key=keys.SAVE_NOTE).value == "itches"
    assert cases() == []


def test_an_image_store_that_cannot_be_written_saves_nothing_and_keeps_the_form(
    open_classify: OpenPage, tmp_path: Path
) -> None:
    page = fill(opened(open_classify()))
    (tmp_path / "home" / "images").write_text("no folder")
    page.button(key="save_it").click().run()
    assert "It was not saved" in page.error[0].value
    assert page.text_input(key=keys.SAVE_NEW_LESION).value == "A"
    assert cases() == []


def test_without_the_database_the_answer_stands_and_saving_says_why(
    open_classify: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DERM_DATABASE_URL", f"sqlite:///{tmp_path}/home/records.db/none.db")
    page = opened(open_classify())
    assert "##### Probabilities" in texts(page)
    page.text_input(key=keys.SAVE_PATIENT).set_value("P-17").run()
    assert not page.exception
    assert "Cases cannot be saved now" in page.error[0].value
