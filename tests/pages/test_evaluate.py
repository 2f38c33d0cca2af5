"""The Evaluate page without a browser: what it says, computes, starts, compares and links to."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from derm_model.assessment import embedding, numbers
from derm_model.assessment.answers import list_answers, read_about
from derm_model.assessment.embedding import DEFAULT, EMBEDDING, PARAMETERS, _parameters
from derm_model.card import BundleCard, read_card, write_card
from derm_model.evaluation.predictive import predictive_values
from derm_model.evaluation.sampling import SampleSize
from derm_model.jobs import JobState, JobStore
from derm_model.progress import Progress, Report
from derm_model.taxonomy import Taxonomy
from pages.ui import resources, state
from pages.ui.evaluate import kept, keys, sections, starting
from pages.ui.evaluate.own import own_task
from tests.net.drawn import write_drawn_manifest
from tests.pages.conftest import TIMEOUT_S, open_alone, texts
from tests.pages.made_answers import N, make_answers

END = "The address of this page holds this view"


pytestmark = pytest.mark.usefixtures("home")


def open_page(**query: str) -> AppTest:
    return settle(open_alone("evaluate", **query))


def settle(page: AppTest) -> AppTest:
    """Look again until the figures are there, as the page's fragment does."""
    deadline = time.monotonic() + TIMEOUT_S
    while "Being worked out" in texts(page) and time.monotonic() < deadline:
        time.sleep(0.5)
        page.run()
    assert not page.exception
    return page


def go(page: AppTest, section: str) -> AppTest:
    return settle(page.segmented_control(key=keys.EVALUATION_SECTION).set_value(section).run())


# choosing, starting, deleting


def test_without_an_evaluation_the_page_says_what_to_do_and_offers_the_form() -> None:
    page = open_page()
    assert "No evaluation of tiny yet" in texts(page)
    assert page.button(key="start_evaluation").disabled  # there are no images to choose from
    assert "nothing tells which images it has seen" in texts(page)
    assert END not in texts(page)


def test_an_evaluation_that_is_started_is_a_job_of_its_own_and_no_run_of_the_train_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_drawn_manifest(tmp_path / "data" / "drawn", 2)
    monkeypatch.setenv("DERM_DATA", str(tmp_path / "data"))
    asked: list[tuple[list[str], dict[str, object]]] = []

    def launch(store: JobStore, words: list[str], title: str, about: dict[str, str], *, device: str | None) -> None:
        asked.append((words, {"root": store.root.name, "title": title, "about": about, "device": device}))

    monkeypatch.setattr(starting, "launch", launch)
    page = open_page()
    page.selectbox(key=keys.EVALUATE_IMAGES).set_value(str(manifest)).run()
    page.text_input(key=keys.EVALUATE_NAME).set_value("own images").run()
    page.button(key="start_evaluation").click().run()
    assert not page.exception
    (words, how), *_ = asked
    assert words[:2] == ["evaluate", "--out={job}"]
    assert f"--manifest={manifest}" in words and "--name=own images" in words
    assert not any(word.startswith("--part") for word in words)
    assert how["root"] == "jobs" and how["device"] == "cpu"
    assert how["about"] == {"kind": "evaluate", "bundle": read_card(tiny(page)).bundle_id}


def tiny(page: AppTest) -> Path:
    return Path(page.session_state[state.MODEL])


def test_the_part_is_asked_where_the_split_of_the_training_lies_beside_the_model(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_bundle, run / "bundle")
    (run / "split.csv").write_text("source,image_id,part\nown,1,test\n")
    monkeypatch.setenv("DERM_BUNDLES", str(run))
    page = open_page()
    assert page.segmented_control(key=keys.EVALUATE_PART).value == "test"


def test_a_job_that_could_not_read_some_images_and_one_that_failed_stay_in_sight(tiny_bundle: Path) -> None:
    from derm_model.files import write_json
    from derm_model.jobs import JobStatus
    from derm_model.typed_json import encode

    about = {"kind": "evaluate", "bundle": read_card(tiny_bundle).bundle_id}
    for title, status in (
        ("half read", JobStatus(updated_at="2026-11-26T00:00:00Z", state=JobState.FINISHED, exit_code=1)),
        ("broken", JobStatus(updated_at="2026-11-26T00:00:00Z", state=JobState.FAILED, message="It broke.")),
        ("fine", JobStatus(updated_at="2026-11-26T00:00:00Z", state=JobState.FINISHED, exit_code=0)),
    ):
        job = JobStore().new(["evaluate"], title, about)
        write_json(job.paths.status, encode(status))
    said = texts(open_page())
    assert "half read" in said and "Some images could not be read" in said
    assert "broken" in said and "It broke" in said
    assert "**fine**" not in said


def test_an_evaluation_is_deleted_after_a_question(tiny_bundle: Path) -> None:
    folder = make_answers(tiny_bundle)
    page = open_page()
    page.button(key="ask_delete_evaluation").click().run()
    assert folder.is_dir()
    page.button(key="delete_evaluation").click().run()
    assert not page.exception and not folder.exists() and not list_answers()


# figures


def test_warnings_come_first_and_every_level_has_its_n(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle, seen="train")
    page = open_page()
    assert "These are train images of the model" in page.warning[0].value.replace("\\", "")
    assert "Nine-way accuracy" in [metric.label for metric in page.metric]
    for level in ("classes", "nine", "three"):
        page.segmented_control(key=keys.EVALUATION_LEVEL).set_value(level).run()
        assert not page.exception
        assert f"n = {N}." in texts(page)
    assert "Most confused" in texts(page)
    page.selectbox(key=keys.EVALUATION_PAIR).set_value(page_pairs(page)[0]).run()
    assert "not on this server, so there are no pictures" in texts(page)


def page_pairs(page: AppTest) -> list[str]:
    """Values behind the options of the pairs: truth and answer."""
    found = next(iter(shown(page).assessment.levels[-1:]))
    return [f"{pair.truth} {pair.said}" for pair in found.confused]


def shown(page: AppTest) -> kept.Shown:
    model = next(m for m in resources.models()[0] if str(m.folder) == page.session_state[state.MODEL])
    folder = next(folder for folder, _ in list_answers(model.card.bundle_id))
    return kept.shown(model, folder).result(timeout=TIMEOUT_S)


def test_pictures_of_confused_pairs_are_read_from_the_files(tiny_bundle: Path, tmp_path: Path) -> None:
    make_answers(tiny_bundle, pictures=tmp_path / "pictures")
    page = open_page()
    page.segmented_control(key=keys.EVALUATION_LEVEL).set_value("three").run()
    page.selectbox(key=keys.EVALUATION_PAIR).set_value(page_pairs(page)[0]).run()
    assert not page.exception
    assert "Truth: " in texts(page).replace("\\", "") and "no pictures" not in texts(page)


def test_a_question_shows_areas_points_with_counts_and_subgroups(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    page = go(open_page(), "questions")
    labels = [metric.label for metric in page.metric]
    assert "AUC" in labels and "Patient interval" in labels
    said = texts(page).replace("\\", "")
    for text in (
        "False alarms",
        "Chosen on validation images",
        "Net benefit",
        "n = 20 + 20",
        "Subgroups",
        "Groups differ",
    ):
        assert text in said
    assert "ptimistic" not in said
    page.segmented_control(key=keys.EVALUATION_AXES).set_value("roc").run()
    assert not page.exception


def test_predictive_values_are_shown_at_a_threshold_and_a_prevalence_that_the_address_keeps(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    page = go(open_page(), "questions")
    said = texts(page).replace("\\", "")
    assert "at 50% prevalence PPV" in said  # that of these images
    assert "At 1% prevalence PPV" in said and "NPV is high wherever a disease is rare" in said
    assert "Biopsies per case" in said
    names = page.segmented_control(key=keys.EVALUATION_POINT).options
    assert names[:2] == ["Sensitivity 90%", "Sensitivity 95%"]
    page.segmented_control(key=keys.EVALUATION_POINT).set_value("Youden").run()
    page.segmented_control(key=keys.EVALUATION_PREVALENCE).set_value("5%").run()
    assert not page.exception
    question = shown(page).assessment.questions[0]
    youden = next(p for p in question.points if p.name == "Youden")
    assert f"Threshold Youden, {youden.point.threshold:.3f}" in texts(page).replace("\\", "")
    found = predictive_values(youden.point, 0.05)
    told = numbers.predictive_told(found)
    assert f"A{told[1:]}" in texts(page).replace("\\", "")
    assert (page.query_params["threshold"], page.query_params["prevalence"]) == ("Youden", "5%")
    again = open_page(section="questions", threshold="Sensitivity 95%", prevalence="20%")
    assert again.segmented_control(key=keys.EVALUATION_PREVALENCE).value == "20%"
    assert again.segmented_control(key=keys.EVALUATION_POINT).value == "Sensitivity 95%"


def test_a_sample_like_the_papers_lies_folded_or_the_reason_why_there_is_none(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle, n=400)
    page = go(open_page(), "questions")
    page.selectbox(key=keys.EVALUATION_QUESTION).set_value("epidermal").run()
    found = next(q.sample for q in shown(page).assessment.questions if q.question == "epidermal")
    assert found is not None and found.size == SampleSize(65, 70)
    lid = next(box.label for box in page.expander if "Figure 3" in box.label)
    assert f"AUC {found.sample.value:.2f} of 65 + 70 images, {found.full.value:.2f} of all" in lid
    assert "of the samples differ from all images by less than 0.03" in texts(page)
    page.selectbox(key=keys.EVALUATION_QUESTION).set_value("melanocytic").run()
    said = texts(page)  # photographs and dermoscopic images: the paper has a size for each, none for both
    assert "not defined here" in said and "one modality" in said
    page.segmented_control(key=keys.EVALUATION_IMAGES).set_value("dermoscopic").run()
    assert any("50 + 28 images" in box.label for box in page.expander)
    assert "All 50 images of melanoma are in every sample" in texts(page).replace("\\", "")


def test_a_question_without_images_on_both_sides_is_not_defined(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle, nodes=("melanoma-nos",), n=12)
    page = go(open_page(), "questions")
    assert "is **not defined** on these images" in texts(page)
    assert "not defined" in [metric.value for metric in page.metric]


def test_ones_own_question_takes_any_two_sets_and_its_thresholds_are_marked_as_optimistic(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    page = go(open_page(), "questions")
    page.selectbox(key=keys.EVALUATION_QUESTION).set_value("own").run()
    assert "on either side" in texts(page)
    page.text_input(key=keys.EVALUATION_SEARCH).set_value("melanoma").run()
    page.button(key=f"{keys.EVALUATION_POSITIVE}_melanoma").click().run()
    assert page.multiselect(key=keys.EVALUATION_POSITIVE).value == ["melanoma"]
    page.multiselect(key=keys.EVALUATION_NEGATIVE).set_value(["melanoma-nos"]).run()
    assert "cannot be on both sides" in texts(page)
    page.multiselect(key=keys.EVALUATION_NEGATIVE).set_value(["benign-epidermal"]).run()
    assert not page.exception
    said = texts(page).replace("\\", "")
    assert "**Optimistic.**" in said and "n = 20 + 20" in said and "Chosen on these images" in said
    assert page.query_params["positive"] == "melanoma"


def test_a_question_of_ones_own_is_named_by_its_sides(taxonomy: Taxonomy) -> None:
    task = own_task(taxonomy, ("melanoma",), ("benign-epidermal", "benign-dermal", "inflammatory"))
    assert task.positive_name == taxonomy.node("melanoma").name
    assert task.negative_name.endswith("and 2 more")


def test_calibration_is_shown_with_the_n_of_each_bin(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    said = texts(go(open_page(), "calibration"))
    assert "Expected calibration error" in said and f"n = {N}" in said and "Brier score" in said
    assert "Predicted" in said


# comparing


def test_without_another_model_on_the_same_images_that_is_said(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    assert "No other model has answered these images" in texts(go(open_page(), "compare"))


def test_two_models_on_the_same_images_are_compared_image_by_image(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = other_model(tiny_bundle, tmp_path)
    monkeypatch.setenv("DERM_BUNDLES", f"{tiny_bundle.parent}:{other.parent}")
    make_answers(tiny_bundle, sure=0.8)
    make_answers(other, seed=1)
    page = open_page(model=read_card(tiny_bundle).bundle_id)
    said = texts(go(page, "compare")).replace("\\", "")
    assert f"The {N} images that both have answered" in said
    assert "Paired DeLong: p < 0.001" in said and "AUC difference by patient or lesion" in said
    assert "Nine classes" in said and "20\u00a0+\u00a020" in said


def other_model(bundle: Path, tmp_path: Path) -> Path:
    """The same network under another name: its id is another one."""
    other = tmp_path / "others" / "other"
    shutil.copytree(bundle, other)
    card: BundleCard = read_card(other)
    document = json.loads((other / "bundle.json").read_text())
    if "bundle_id" in document:
        document["bundle_id"] = "0" * len(document["bundle_id"])
        (other / "bundle.json").write_text(json.dumps(document))
    else:
        write_card(replace(card, name="other"), other)
    return other


# map


def test_a_kept_map_is_drawn_said_in_words_and_shows_the_images_of_a_group(tiny_bundle: Path) -> None:
    folder = make_answers(tiny_bundle)
    keep_map(folder)
    page = go(open_page(), "map")
    said = texts(page).replace("\\", "")
    assert "Near each other: alike for the network" in said and "Of the ten nearest" in said
    page.segmented_control(key=keys.EVALUATION_COLOUR).set_value("modality").run()
    page.selectbox(key=keys.EVALUATION_GROUP).set_value("clinical").run()
    assert not page.exception
    assert "40 images chosen" in texts(page) and len(page.dataframe[0].value) == 40


def keep_map(folder: Path) -> None:
    n = read_about(folder).n_images
    np.save(folder / EMBEDDING, np.random.default_rng(0).normal(0, 1, (n, 2)).astype(np.float32))
    (folder / PARAMETERS).write_text(json.dumps(_parameters(DEFAULT)))


def test_a_map_that_is_being_made_can_be_cancelled_and_begun_again(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(folder: Path, report: Report) -> None:
        while True:
            report(Progress("Laying the images out", 30, 100, "steps"))
            time.sleep(0.05)

    monkeypatch.setattr(embedding, "make_embedding", endless)
    make_answers(tiny_bundle)
    page = go(open_page(), "map")
    page.button(key="make_map").click().run()
    page.button(key="stop_map").click().run()
    page = wait_for_button(page, "make_map")
    assert "There is no map" not in texts(page)


def test_a_map_that_cannot_be_made_says_why(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle, n=8)
    page = go(open_page(), "map")
    page.button(key="make_map").click().run()
    page = wait_for_button(page, "make_map")
    assert "There is no map" in texts(page) and "needs 10 images" in texts(page)


def wait_for_button(page: AppTest, key: str) -> AppTest:
    deadline = time.monotonic() + TIMEOUT_S
    while not any(button.key == key for button in page.button) and time.monotonic() < deadline:
        time.sleep(0.1)
        page.run()
    assert not page.exception
    return page


def test_without_features_there_is_no_map_and_that_is_said(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle, features=False)
    assert "features of these images were not kept" in texts(go(open_page(), "map"))


# files and address


def test_files_are_offered_and_made_from_what_is_shown(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    page = open_page()
    assert [button.label for button in page.get("download_button")] == [
        "Report (HTML)",
        "Figures (JSON)",
        "Answers (CSV)",
    ]
    from derm_model.assessment.exports import answers_csv, evaluation_json

    of = shown(page)
    assert json.loads(evaluation_json(of.assessment))["images"]["n"] == N
    assert len(answers_csv(of.answers).splitlines()) == N + 1


def test_an_address_brings_back_evaluation_section_and_what_was_chosen_in_it(tiny_bundle: Path) -> None:
    first = make_answers(tiny_bundle, name="first")
    make_answers(tiny_bundle, name="second", n=40)
    page = open_page(evaluation=first.name, section="questions", question="epidermal", axes="roc")
    assert page.session_state[keys.EVALUATION] == first.name
    assert page.session_state[keys.EVALUATION_QUESTION] == "epidermal"
    assert page.segmented_control(key=keys.EVALUATION_AXES).value == "roc"
    assert page.query_params["evaluation"] == first.name and page.query_params["section"] == "questions"
    assert END in texts(page)


def test_a_hand_that_is_quicker_than_the_address_wins_and_going_back_in_the_browser_still_works(
    tiny_bundle: Path,
) -> None:
    make_answers(tiny_bundle)
    page = go(open_page(), "questions")
    questions = dict(page.query_params)
    calibration = dict(go(page, "calibration").query_params)
    assert questions != calibration

    page.query_params.clear()
    page.query_params.update(questions)  # the browser still says the address of before
    go(page, "compare")
    assert page.session_state[keys.EVALUATION_SECTION] == "compare"
    assert page.query_params["section"] == "compare"

    page.query_params.clear()
    page.query_params.update(calibration)  # back, and no widget was touched
    settle(page.run())
    assert page.session_state[keys.EVALUATION_SECTION] == "calibration"


@pytest.mark.parametrize("patience_s", [0, TIMEOUT_S])  # figures that are late run the page again
def test_an_address_of_an_evaluation_that_is_not_here_is_said(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float
) -> None:
    monkeypatch.setattr(sections, "PATIENCE_S", patience_s)
    make_answers(tiny_bundle)
    page = open_page(evaluation="0" * 16, section="no such section")
    assert "an evaluation that is not kept here.** What stands below is another one." in texts(page)
    assert END in texts(page)


def test_where_no_evaluation_is_kept_the_address_promises_no_other_one() -> None:
    page = open_page(evaluation="0" * 16)
    assert "an evaluation that is not kept here.**" in texts(page)
    assert "another one" not in texts(page)
