"""The result of a study on the page: what is shown to whom, and what it says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from derm_model.access import Person, Role
from derm_model.assessment.answers import Answers, write_answers
from derm_model.card import read_card
from derm_model.reader_result import Material, collect, study_result, text
from derm_model.reader_result.network import about_answers, network_answers, records_of
from derm_model.records import audit
from derm_model.records.engine import reading, records_engine, writing
from derm_model.records.readings import record_reading
from derm_model.records.studies import (
    FrozenImage,
    NewStudy,
    StudyRow,
    StudySettings,
    close_study,
    create_study,
    get_study,
    join_study,
)
from derm_model.records.study_tables import Origin
from derm_model.records.study_tables import Role as StudyRole
from derm_model.taxonomy import Taxonomy
from pages.ui.evaluate import readers
from tests.pages.conftest import TIMEOUT_S, open_alone, texts
from tests.pages.test_evaluate import settle
from tests.support import noise_image

SCRIPT = """
from derm_model.access import Right
from derm_model.errors import NotAllowed
from derm_model.records.engine import reading, records_engine
from derm_model.records.studies import get_study
from pages.ui import frame
from pages.ui.dataset.current import draw_messages
from pages.ui.readers import results
import streamlit as st

choices = frame.open_page("Reader study", "A test.", Right.TAKE_STUDY)
draw_messages()
with reading(records_engine()) as session:
    study = get_study(session, st.query_params["study"])
if "own" in st.query_params:
    results.draw_own_result(study, st.query_params["own"], choices.model)
else:
    try:
        results.draw_results(study, choices.model)
    except NotAllowed as error:
        st.warning(str(error))
"""
NODES = ["melanoma-nos"] * 6 + ["melanocytic-nevus-nos"] * 8


@pytest.fixture
def images(tmp_path: Path) -> tuple[FrozenImage, ...]:
    found = []
    for i, node in enumerate(NODES):
        path = tmp_path / f"{i}.png"
        Image.fromarray(noise_image(i, 60, 60)).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found.append(FrozenImage("own", f"image-{i}", digest, str(path), node))
    return tuple(found)


def make(
    images: tuple[FrozenImage, ...],
    bundle: Path,
    question: str = "malignant-melanocytic",
    choices: tuple[str, ...] = ("malignant", "benign"),
    *,
    second_pass: bool = True,
) -> str:
    card = read_card(bundle)
    new = NewStudy(
        name="Autumn",
        question=question,
        choices=choices,
        images=images,
        seed=1,
        settings=StudySettings(second_pass=second_pass),
        bundle_id=card.bundle_id,
        bundle_digest=card.weights_sha256,
    )
    with writing(records_engine()) as session:
        return create_study(session, new, "local")


def answer(study_id: str, code: str, *, share_right: float = 0.8, stop_at: int = 99, passes: int = 2) -> str:
    """Have a reader answer, wrong at every image whose number says so; return the participant's id."""
    rng = np.random.default_rng(sum(code.encode()))
    with reading(records_engine()) as session:
        study = get_study(session, study_id)
    with writing(records_engine()) as session:
        person = join_study(session, study_id, code, StudyRole.READER)
        for with_ai in (False, True)[:passes]:
            for position, node in enumerate(NODES[:stop_at]):
                right = _truth(study, node)
                others = [choice for choice in study.choices if choice != right]
                said = right if rng.random() < share_right else others[0]
                record_reading(session, person, position, said, with_ai=with_ai, seconds=2.0 + position)
        return person


def _truth(study: StudyRow, node: str) -> str:
    if study.question == "malignant-melanocytic":
        return "malignant" if node.startswith("melanoma") else "benign"
    return "melanoma" if node.startswith("melanoma") else "benign-melanocytic"


def close(study_id: str) -> None:
    with writing(records_engine()) as session:
        close_study(session, study_id, "local")


def keep_answers(images: tuple[FrozenImage, ...], bundle: Path) -> None:
    card, rng = read_card(bundle), np.random.default_rng(2)
    what = about_answers("Autumn", card, bundle, images, len(images))
    write_answers(Answers(what, records_of(images), rng.dirichlet(np.ones(len(card.classes)), len(images))))


def open_study(study_id: str, **query: str) -> AppTest:
    page = AppTest.from_string(SCRIPT, default_timeout=TIMEOUT_S)
    for key, value in {"study": study_id, **query}.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def read(study_id: str, taxonomy: Taxonomy) -> Material:
    return collect(study_id, taxonomy)


def test_an_open_study_shows_nothing_before_somebody_asks_and_that_is_written_down(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...]
) -> None:
    study_id = make(images, tiny_bundle)
    answer(study_id, "R-1")
    page = open_study(study_id)
    assert "still open" in texts(page)
    assert not page.metric and "Sensitivity" not in texts(page)
    page.button("reveal_study").click().run()
    assert not page.exception
    assert page.metric
    with reading(records_engine()) as session:
        last = audit.entries(session)[0]
    assert (last.action, dict(last.details)) == ("study", {"done": "interim results seen"})


def test_the_page_says_what_the_result_says(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...], taxonomy: Taxonomy
) -> None:
    study_id = make(images, tiny_bundle)
    for code in ("R-1", "R-2", "script-1"):
        answer(study_id, code)
    answer(study_id, "R-3", stop_at=5, passes=1)
    close(study_id)
    keep_answers(images, tiny_bundle)
    page = open_study(study_id)
    from derm_model.assessment.answers import read_answers
    from derm_model.reader_result.network import answers_folder

    material, card = read(study_id, taxonomy), read_card(tiny_bundle)
    kept = read_answers(answers_folder(card.bundle_id, images))
    network = network_answers(material, card, taxonomy, kept, tiny_bundle)
    result = study_result(material, network, network)
    metrics = {metric.label: (metric.value, metric.delta) for metric in page.metric}
    assert result.yes_no is not None and result.yes_no.mean is not None and result.yes_no.network is not None
    mean, area = result.yes_no.mean, result.yes_no.network.area
    assert metrics["Mean sensitivity"] == (f"{mean.sensitivity:.0%}", f"± {mean.sensitivity_sd:.0%} SD")
    assert metrics["Network AUC"] == (f"{area.value:.2f}", f"{area.low:.2f}–{area.high:.2f}")
    assert metrics["Agreement (Fleiss κ)"] == text.kappa(result.kappa)
    assert metrics["Below the curve"][0].endswith("of 3")
    said = texts(page).replace("\\", "")
    assert str(text.headline(result)) in said
    assert "1 of 4 readers is a script, not a person: script-1" in said
    assert "R-3 (5 of 14)" in said
    assert "Obuchowski" in said and "Hillis 2007" in said
    assert "went from wrong to right" in said
    assert "None" not in said


def test_another_threshold_changes_the_network_and_not_the_readers(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...]
) -> None:
    study_id = make(images, tiny_bundle, second_pass=False)
    answer(study_id, "R-1", passes=1)
    close(study_id)
    keep_answers(images, tiny_bundle)
    page = open_study(study_id)
    before = {metric.label: metric.value for metric in page.metric}
    page.selectbox("result_threshold").select("More likely than not").run()
    assert not page.exception
    after = {metric.label: metric.value for metric in page.metric}
    assert before["Mean sensitivity"] == after["Mean sensitivity"]
    assert (before["Network sensitivity"], before["Network specificity"]) != (
        after["Network sensitivity"],
        after["Network specificity"],
    )


def test_answers_with_help_alone_say_nothing_about_help(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...]
) -> None:
    study_id = make(images, tiny_bundle)
    with writing(records_engine()) as session:
        person = join_study(session, study_id, "R-1")
        for position in range(len(NODES)):
            record_reading(session, person, position, "benign", with_ai=True, seconds=1.0, origin=Origin.IMPORT)
    close(study_id)
    keep_answers(images, tiny_bundle)
    said = texts(open_study(study_id))
    assert "Nobody has answered an image both without and with" in said
    assert "Every reader answered without help first" not in said


def test_nine_ways_have_matrices_and_accuracies(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...], taxonomy: Taxonomy
) -> None:
    study_id = make(images, tiny_bundle, "nine-way", taxonomy.cut(2), second_pass=False)
    for code in ("R-1", "R-2"):
        answer(study_id, code, passes=1)
    close(study_id)
    keep_answers(images, tiny_bundle)
    page = open_study(study_id)
    labels = [metric.label for metric in page.metric]
    assert labels == ["Mean accuracy", "Network accuracy", "Agreement (Fleiss κ)"]
    assert "Readers, mean of 2 readers" in texts(page)
    assert "Images answered rightly" in texts(page)
    page.selectbox("result_reader").select("R-2").run()
    assert not page.exception


def test_the_network_is_asked_once_and_only_about_the_images_of_the_study(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...]
) -> None:
    from pages.ui.readers import results_network

    study_id = make(images, tiny_bundle, second_pass=False)
    answer(study_id, "R-1", passes=1)
    close(study_id)
    Path(images[0].path).write_bytes(b"another file")
    page = open_study(study_id)
    page.button("ask_network").click().run()
    _wait(results_network)
    page.run()
    assert "the file of image-0 is another one now" in texts(page).replace("\\", "")
    Image.fromarray(noise_image(0, 60, 60)).save(images[0].path)
    page.button("ask_network").click().run()
    _wait(results_network)
    page.run()
    assert not page.exception
    assert "Network AUC" in [metric.label for metric in page.metric]
    assert not [button for button in page.button if button.key == "ask_network"]


def _wait(module: object) -> None:
    for work in list(module._works()[1].values()):  # type: ignore[attr-defined]
        work.future.exception(timeout=TIMEOUT_S)  # what went wrong is the page's to say


def test_a_reader_who_has_finished_sees_the_own_answers_and_nobody_elses(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...]
) -> None:
    study_id = make(images, tiny_bundle)
    own = answer(study_id, "R-1", share_right=0.5)
    answer(study_id, "R-2")
    keep_answers(images, tiny_bundle)
    page = open_study(study_id, own=own)
    said = texts(page).replace("\\", "")
    assert [metric.label for metric in page.metric] == ["Your sensitivity", "Your specificity"]
    assert "of 14 answers right" in said
    assert "Truth: Malignant (Melanoma, not otherwise specified)" in said
    assert "R-2" not in said
    assert "Your point lies" in said


def test_nothing_is_told_to_a_reader_who_has_not_finished(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...]
) -> None:
    study_id = make(images, tiny_bundle)
    own = answer(study_id, "R-1", passes=1)  # the second pass is left
    page = open_study(study_id, own=own)
    assert "told when all of them are answered" in texts(page)
    assert not page.metric and "Truth" not in texts(page)


class Somebody:
    """Somebody with a role, as the login would say."""

    login = None
    idle_s = 60.0

    def __init__(self, person: Person) -> None:
        self.person = person

    def note(self) -> None:
        """Nothing is remembered."""


def test_readers_stand_beside_an_evaluation_of_the_same_images(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...], taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = make(images, tiny_bundle, "nine-way", taxonomy.cut(2), second_pass=False)
    for code in ("R-1", "R-2"):
        answer(study_id, code, passes=1)
    keep_answers(images, tiny_bundle)  # an evaluation is nothing else
    page = settle(open_alone("evaluate"))
    assert not [box for box in page.selectbox if box.key == readers.STUDY]  # it is open: interim
    close(study_id)
    page = settle(open_alone("evaluate"))
    page.selectbox(readers.STUDY).select(study_id).run()
    assert not page.exception
    said = texts(page).replace("\\", "")
    assert "Autumn: 14 images. 2 readers have a mean of class accuracies of" in said
    monkeypatch.setattr(readers.access, "may", lambda right: False)
    page = settle(open_alone("evaluate"))
    assert "Autumn" not in texts(page) and not [box for box in page.selectbox if box.key == readers.STUDY]


def test_who_may_not_run_studies_gets_no_result(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.ui import access

    study_id = make(images, tiny_bundle, second_pass=False)
    answer(study_id, "R-1", passes=1)
    close(study_id)
    monkeypatch.setattr("pages.ui.login.caller_of", lambda claims: Somebody(Person("somebody", Role.READER)))
    monkeypatch.setattr(access, "admit", lambda right: Somebody(Person("somebody", Role.READER)))
    page = AppTest.from_string(SCRIPT, default_timeout=TIMEOUT_S)
    page.query_params["study"] = study_id
    page.run()
    assert not page.exception
    assert "does not let you run reader studies" in texts(page)
    assert not page.metric and "##### Readers" not in texts(page)


def test_readings_are_imported_after_a_preview_and_every_problem_is_listed(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...], taxonomy: Taxonomy
) -> None:
    study_id = make(images, tiny_bundle, second_pass=False)
    page = open_study(study_id)
    page.session_state["import_readings"] = True
    page.run()
    assert not page.exception
    bad = "reader,image_id,answer\nR-7,image-0,purple\nR-7,image-99,benign\n"
    page.file_uploader[0].upload("bad.csv", bad.encode(), "text/csv").run()
    said = texts(page).replace("\\", "")
    assert "Row 2" in said and "Row 3" in said and "2 rows are wrong" in said
    good = "reader,image_id,answer\n" + "\n".join(f"R-7,image-{i},benign" for i in range(14))
    page.file_uploader[0].upload("good.csv", good.encode(), "text/csv").run()
    page.button("import_readings_now").click().run()
    assert not page.exception
    assert [(r.code, r.n) for r in read(study_id, taxonomy).readers] == [("R-7", 14)]
    with reading(records_engine()) as session:
        last = audit.entries(session)[0]
    assert json.loads(json.dumps(dict(last.details))) == {"done": "imported", "readings": 14}


def test_a_file_that_leaves_is_written_into_the_audit_log(
    home: Path, tiny_bundle: Path, images: tuple[FrozenImage, ...], taxonomy: Taxonomy
) -> None:
    from pages.ui.readers import exporting

    study_id = make(images, tiny_bundle, second_pass=False)
    answer(study_id, "R-1", passes=1)
    material = read(study_id, taxonomy)
    content = exporting._made(material, study_result(material), "readings.csv", "local")
    assert b"R-1" not in content
    with reading(records_engine()) as session:
        last = audit.entries(session)[0]
    assert last.action == "export" and last.subjects == (study_id,)
    assert dict(last.details) == {"file": "readings.csv", "readings": 14}
