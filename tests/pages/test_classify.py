"""The Classify page without a browser: what it says in every state."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from derm_model import words
from derm_model.card import read_card, write_card
from derm_model.operating_points import new_point, points_file, save_point
from pages.ui import state
from tests.pages.conftest import ROOT, TIMEOUT_S, OpenPage, png, texts, upload


def test_every_page_opens_alone_and_says_that_it_is_no_medical_device(open_classify: OpenPage) -> None:
    pages = sorted((ROOT / "pages").glob("*.py"))
    assert pages
    for path in pages:
        page = AppTest.from_file(str(path), default_timeout=TIMEOUT_S).run()
        assert not page.exception, path.name
        assert words.BADGE in texts(page), path.name


def test_the_app_opens_on_classify(open_classify: OpenPage) -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT_S).run()
    assert not page.exception
    assert page.title[0].value == "Classify"


def test_without_an_image_the_page_says_how_to_begin_and_that_nothing_is_stored(open_classify: OpenPage) -> None:
    page = open_classify()
    assert "Fill the frame with one lesion" in texts(page)
    assert "Nothing is saved unless you save it, and nothing leaves this computer." in texts(page)
    assert len(page.file_uploader) == 1


def test_a_drawing_is_said_to_be_a_drawing(open_classify: OpenPage) -> None:
    page = open_classify()
    assert words.DRAWINGS in texts(page)
    page.button(key="drawing_1").click().run()
    assert not page.exception
    assert "drawing, not a patient" in texts(page)


def test_without_a_bundle_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_BUNDLES", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "pages" / "classify.py"), default_timeout=TIMEOUT_S).run()
    assert not page.exception
    assert "No model to read with" in texts(page)
    assert [code.value for code in page.code] == [str(tmp_path)]
    assert not page.file_uploader


def test_a_bundle_for_another_taxonomy_is_named_with_the_reason(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(tiny_bundle, foreign)
    card = read_card(foreign)
    write_card(replace(card, partition=replace(card.partition, taxonomy_digest="f" * 64)), foreign)
    monkeypatch.setenv("DERM_BUNDLES", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "pages" / "classify.py"), default_timeout=TIMEOUT_S).run()
    assert not page.exception
    assert "foreign cannot be used" in [expander.label for expander in page.expander]
    assert "another taxonomy" in texts(page)
    assert "No model to read with" in texts(page)


def test_an_upload_is_answered_and_the_file_itself_is_let_go(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("clinic.png", png(1)))
    assert "Case of 1 image" in texts(page)
    assert "##### Probabilities" in texts(page)
    (image,) = page.session_state["dermtree_case"].images
    assert (image.name, image.width_px, image.height_px) == ("clinic.png", 320, 320)
    assert not page.file_uploader[0].value


def test_an_unreadable_file_is_named_beside_the_uploader_and_the_others_are_kept(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("clinic.png", png(1)), ("notes.png", b"these are notes"))
    (error,) = page.error
    assert "**notes\\.png could not be read\\.**" in error.value.replace(".**", "\\.**")
    assert "The other images were kept." in error.value
    assert "Case of 1 image" in texts(page)


def test_a_file_name_is_shown_as_it_is_and_fetches_nothing(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("![x](http:example.org/x.png).png", b"no image"))
    assert "](" not in page.error[0].value


def test_the_same_file_is_not_added_twice(open_classify: OpenPage) -> None:
    page = upload(upload(open_classify(), ("a.png", png(1))), ("b.png", png(1)))
    assert len(page.session_state["dermtree_case"].images) == 1


def test_a_photograph_is_taken_and_the_camera_is_off_again(open_classify: OpenPage) -> None:
    page = open_classify()
    page.toggle(key=state.CAMERA).set_value(True).run()
    page.camera_input[0].upload("photo.jpg", png(1))
    page.run()
    assert not page.exception
    assert [image.name for image in page.session_state["dermtree_case"].images] == ["photo-1.jpg"]
    assert page.toggle(key=state.CAMERA).value is False


def test_a_case_has_a_limit_and_says_so(open_classify: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ui.case.MAX_IMAGES", 1)
    page = upload(open_classify(), ("a.png", png(1)), ("b.png", png(2)))
    assert "was not added" in page.error[0].value
    assert "at most 1" in page.error[0].value


def test_views_of_one_lesion_are_averaged_and_can_be_separated(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("a.png", png(1)), ("b.png", png(2)))
    assert "Case of 2 images" in texts(page)
    assert "probabilities averaged" in texts(page)
    page.segmented_control(key=state.GROUPING).set_value("Separate lesions").run()
    assert not page.exception
    assert "2 separate lesions" in texts(page)
    assert len(page.dataframe[0].value) == 2


def test_an_image_can_be_removed_and_a_new_case_forgets_everything(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("a.png", png(1)), ("b.png", png(2)))
    digest = page.session_state["dermtree_case"].images[0].digest
    page.button(key=f"remove_{digest}").click().run()
    assert "Case of 1 image" in texts(page)
    page.button(key="new_case").click().run()
    assert not page.exception
    assert "How to begin" in texts(page)
    assert "dermtree_results" not in page.session_state or not page.session_state["dermtree_results"].predictions


def ask(page: AppTest, question: str = "melanocytic") -> AppTest:
    page.selectbox(key=state.QUESTION).set_value(question).run()
    assert not page.exception
    return page


def threshold(page: AppTest) -> float:
    (value,) = page.session_state["dermtree_thresholds"].values()
    return float(value)


def test_a_question_gets_a_verdict_with_error_rates_and_n(open_classify: OpenPage) -> None:
    page = ask(upload(open_classify(), ("a.png", png(1))))
    said = texts(page)
    assert "operating point" in said
    assert "on 300 held-out images (n = 100 + 200)" in said
    assert "The presets were chosen on validation images, not on these." in said
    assert page.segmented_control(key=state.PRESET).value == "Sensitivity 90%"


def test_a_preset_sets_the_threshold_that_was_chosen_on_validation_images(
    open_classify: OpenPage, tiny_bundle: Path
) -> None:
    page = ask(upload(open_classify(), ("a.png", png(1))))
    page.segmented_control(key=state.PRESET).set_value("Youden").run()
    (youden,) = [p for p in read_card(tiny_bundle).tasks["melanocytic"].presets if p.name == "Youden"]
    assert threshold(page) == youden.chosen.threshold
    assert youden.held_out is not None
    assert words.rate(youden.held_out.sensitivity, youden.held_out.sensitivity_interval) in texts(page)


@pytest.mark.parametrize("value,side", [(0.0, "Consider biopsy or referral."), (1.0, "does not exclude malignancy")])
def test_the_verdict_follows_the_threshold(open_classify: OpenPage, value: float, side: str) -> None:
    page = ask(upload(open_classify(), ("a.png", png(1))))
    page.segmented_control(key=state.PRESET).set_value("Youden").run()
    thresholds = page.session_state["dermtree_thresholds"]
    for key in thresholds:
        thresholds[key] = value
    page.run()
    assert side in texts(page)
    assert page.segmented_control(key=state.PRESET).value is None


def test_each_question_has_a_threshold_of_its_own(open_classify: OpenPage) -> None:
    page = ask(upload(open_classify(), ("a.png", png(1))))
    page.segmented_control(key=state.PRESET).set_value("Youden").run()
    ask(page, "epidermal")
    assert page.segmented_control(key=state.PRESET).value == "Sensitivity 90%"
    ask(page, "melanocytic")
    assert page.segmented_control(key=state.PRESET).value == "Youden"


def test_a_model_without_curves_says_that_there_is_no_operating_point(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_classify: OpenPage
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(tiny_bundle, bare)
    write_card(replace(read_card(bare), tasks={}), bare)
    monkeypatch.setenv("DERM_BUNDLES", str(tmp_path))
    page = ask(upload(open_classify(), ("a.png", png(1))))
    assert words.NO_POINT in texts(page)
    assert not [control for control in page.segmented_control if control.key == state.PRESET]


def test_search_tolerates_typing_errors_and_a_picked_node_is_explained(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("a.png", png(1)))
    page.session_state["picker"] = True
    page.run()
    page.text_input(key=state.SEARCH).set_value("melanoma").run()
    page.button(key="hit_melanoma").click().run()
    assert not page.exception
    assert "**Picked: Malignant Melanoma**" in texts(page)
    assert page.selectbox(key=state.EXPLAIN).value == "picked"


def test_a_node_finer_than_the_model_is_said_in_words_with_its_class(open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("a.png", png(1)))
    page.session_state["dermtree_picked"] = "melanoma"
    page.run()
    finer = "superficial-spreading-melanoma"
    page.session_state["dermtree_picked"] = finer
    page.run()
    assert not page.exception
    assert "Not resolved by this model: it has no class this fine. It is part of " in texts(page)
    page.session_state["dermtree_picked"] = "inflammatory"
    page.run()
    assert "Not learnt: the model saw no images of it" in texts(page)


def test_a_rerun_does_not_run_the_model_again(open_classify: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    from derm_model.net.engine import Engine

    page = upload(open_classify(), ("a.png", png(1)), ("b.png", png(2)))
    asked: list[int] = []
    predict = Engine.predict

    def counted(self: Engine, images: list[np.ndarray], explain: object = None) -> object:
        asked.append(len(images))
        return predict(self, images, explain)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "predict", counted)
    page.run()
    assert asked == []
    ask(page)
    assert asked == [1]  # the map of the shown image for the new question; its answer is known
    page.segmented_control(key=state.PRESET).set_value("Youden").run()
    ask(page, "what")
    assert asked == [1]


def test_two_sessions_share_the_engine_but_no_images(open_classify: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    from derm_model.net import bundle

    loads: list[Path] = []
    load = bundle.load_bundle
    monkeypatch.setattr(bundle, "load_bundle", lambda folder, tree: loads.append(folder) or load(folder, tree))
    first = upload(open_classify(), ("a.png", png(1)))
    second = open_classify()
    assert not second.session_state["dermtree_case"].images
    upload(second, ("b.png", png(2)))
    assert [image.name for image in first.session_state["dermtree_case"].images] == ["a.png"]
    assert [image.name for image in second.session_state["dermtree_case"].images] == ["b.png"]
    assert len(loads) <= 1


def test_evidence_names_model_data_licence_and_how_thresholds_were_chosen(
    open_classify: OpenPage, tiny_bundle: Path
) -> None:
    said = texts(upload(open_classify(), ("a.png", png(1))))
    card = read_card(tiny_bundle)
    assert card.bundle_id in said
    assert card.data[0].name in said
    assert card.data[0].licence in said
    assert "Thresholds were chosen on 300 validation images." in said
    assert "0.87 (0.83–0.91)" in said
    assert "temperature 1.40" in said


def save_point_for(bundle: Path, name: str, threshold: float) -> None:
    words_of_it = {"who": "Dr. Ada", "why": "a test", "chosen_on": "held-out images", "measured_on": "held-out images"}
    save_point(read_card(bundle).bundle_id, new_point(name, "melanocytic", threshold, rates=None, **words_of_it))


def test_saved_operating_points_stand_after_the_presets_and_say_what_they_were_chosen_on(
    open_classify: OpenPage, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    save_point_for(tiny_bundle, "Our *clinic*", 0.123)
    page = ask(upload(open_classify(), ("a.png", png(1))))
    control = page.segmented_control(key=state.PRESET)
    assert control.options == ["Sensitivity 90%", "Sensitivity 95%", "Youden", r"Our \*clinic\* \(saved\)"]
    assert control.value == "Sensitivity 90%"
    control.set_value("Our *clinic* (saved)").run()
    assert not page.exception
    assert threshold(page) == 0.123
    assert "Our \\*clinic\\* was chosen on held\\-out images by Dr\\. Ada." in texts(page)
    assert "The presets were chosen on validation images" not in texts(page)
    ask(page, "epidermal")
    assert page.segmented_control(key=state.PRESET).options == ["Sensitivity 90%", "Sensitivity 95%", "Youden"]


def test_damaged_saved_operating_points_are_said_and_the_presets_still_work(
    open_classify: OpenPage, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    save_point_for(tiny_bundle, "Our clinic", 0.123)
    points_file(read_card(tiny_bundle).bundle_id).write_text("{", encoding="ascii")
    page = ask(upload(open_classify(), ("a.png", png(1))))
    assert "Saved operating points are missing here." in texts(page)
    page.segmented_control(key=state.PRESET).set_value("Youden").run()
    assert not page.exception
