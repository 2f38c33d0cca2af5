"""Parts of the page that need no page: images of a case, questions, small HTML, exports."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from derm_model import report
from derm_model.card import read_card
from derm_model.errors import NotAnImage
from derm_model.taxonomy import Aggregator, Taxonomy, read_tasks, restrict
from pages.ui import exports, look
from pages.ui.case import VIEW_PX, Case, read_image
from pages.ui.question import FIRST_THRESHOLD, Question, sides
from pages.ui.reading import MapView, Reading, Results, read
from pages.ui.resources import Model
from tests.pages.conftest import png


@pytest.fixture(scope="module")
def model(tiny_bundle: Path, taxonomy: Taxonomy) -> Model:
    """The tiny bundle without weights."""
    card = read_card(tiny_bundle)
    found = {task.id: restrict(task, taxonomy, card.classes) for task in read_tasks().values()}
    return Model(
        folder=tiny_bundle,
        stamp=0,
        card=card,
        taxonomy=taxonomy,
        aggregator=Aggregator(taxonomy, card.classes),
        tasks={task_id: classes for task_id, classes in found.items() if classes is not None},
    )


def ask(model: Model, probs: np.ndarray, task: str = "melanocytic") -> Question:
    return Question(model, model.tasks[task], probs, {})


def even(model: Model) -> np.ndarray:
    return np.full(len(model.card.classes), 1 / len(model.card.classes))


def test_the_browser_gets_pixels_and_no_metadata() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe, born 1950"
    Image.new("RGB", (3000, 2000), "tan").save(buffer, "JPEG", exif=exif)
    image = read_image("a.jpg", buffer.getvalue(), "0", False)
    kind, data = image.view_url.split(",")
    assert kind == "data:image/jpeg;base64"
    sent = base64.b64decode(data)
    assert b"Jane" not in sent
    with Image.open(io.BytesIO(sent)) as picture:
        assert picture.size == (VIEW_PX, round(VIEW_PX * 2 / 3))
        assert not picture.getexif()
    assert (image.width_px, image.height_px) == (3000, 2000)


def test_a_problem_speaks_of_the_last_files_only() -> None:
    case = Case()
    case.add([("a.png", b"text"), ("b.png", png(1))])
    assert [problem.name for problem in case.problems] == ["a.png"]
    case.add([("c.png", png(2))])
    assert case.problems == []
    assert [image.name for image in case.images] == ["b.png", "c.png"]


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(NotAnImage):
        read_image("a.jpg", b"text", "0", False)


def test_a_question_has_no_score_where_the_model_puts_nothing_on_either_side(model: Model) -> None:
    probs = even(model)
    task = model.tasks["melanocytic"]
    probs[list(task.positive + task.negative)] = 0
    question = ask(model, probs / probs.sum())
    assert question.score is None
    assert question.verdict is None
    assert question.region_probability == 0
    assert sides([question]) == (None,)
    assert question.result().verdict is None


def test_the_first_threshold_is_the_preset_of_90_per_cent_sensitivity(model: Model) -> None:
    question = ask(model, even(model))
    assert question.presets_in_force == ("Sensitivity 90%",)
    assert question.threshold == question.presets["Sensitivity 90%"]


def test_a_threshold_set_by_hand_belongs_to_its_question_and_stays_in_0_to_1(model: Model) -> None:
    question = ask(model, even(model))
    question.set_threshold(1.7)
    assert question.threshold == 1
    assert question.presets_in_force == ()
    assert question.result().threshold_rule == "set by hand"
    assert question.put_to(even(model)).threshold == 1
    other = Question(model, model.tasks["epidermal"], question.probs, question.thresholds)
    assert other.presets_in_force == ("Sensitivity 90%",)
    assert 0 < FIRST_THRESHOLD < 1


def test_two_presets_may_coincide_and_both_are_named(model: Model) -> None:
    task = model.card.tasks["melanocytic"]
    twin = replace(task.presets[0], name="Twin")
    card = replace(model.card, tasks={"melanocytic": replace(task, presets=(*task.presets, twin))})
    question = ask(replace(model, card=card), even(model))
    assert question.presets_in_force == ("Sensitivity 90%", "Twin")
    assert question.result().threshold_rule == "Sensitivity 90% = Twin"


def test_rates_are_those_of_held_out_images_at_the_threshold(model: Model) -> None:
    question = ask(model, even(model))
    card = question.card
    assert card is not None
    assert card.holdout is not None
    assert question.point == card.holdout.at_threshold(question.threshold)
    assert question.result().measured_on == "held-out images"


def test_views_are_averaged_and_only_the_shown_image_is_explained(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    from derm_model.net.bundle import load_bundle
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import Target

    engine, results, case = Engine(load_bundle(tiny_bundle, taxonomy)), Results(), Case()
    case.add((f"{seed}.png", png(seed)) for seed in (1, 2, 3))
    reading = read(engine, case.images, 1, Target.predicted(), results, average=True)
    alone = [prediction.class_probs for prediction in engine.predict([image.pixels for image in case.images])]
    np.testing.assert_allclose(reading.probs, np.mean(alone, axis=0), atol=1e-6)
    assert reading.probs.sum() == pytest.approx(1)
    assert [digest for _, digest, _ in results.maps] == [case.images[1].digest]
    one = read(engine, case.images, 1, Target.predicted(), results, average=False)
    np.testing.assert_allclose(one.probs, alone[1], atol=1e-6)


def test_a_report_of_separate_lesions_has_no_common_answer(tiny_bundle: Path, taxonomy: Taxonomy, model: Model) -> None:
    from derm_model.net.bundle import load_bundle
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import Target

    case = Case()
    case.add((f"{seed}.png", png(seed)) for seed in (1, 2))
    engine = Engine(load_bundle(tiny_bundle, taxonomy))
    reading = read(engine, case.images, 0, Target.predicted(), Results(), average=False)
    questions = [ask(model, reading.probs, task) for task in model.tasks]
    document = json.loads(report.case_json(exports.case_report(model, case.images, reading, questions, average=False)))
    assert document["class_probs"] is None
    assert document["tasks"] == {}
    assert [image["file"] for image in document["images"]] == ["1.png", "2.png"]
    for image, prediction in zip(document["images"], reading.predictions, strict=True):
        assert list(image["class_probs"].values()) == pytest.approx(prediction.class_probs.tolist())
        assert set(image["tasks"]) == {"epidermal", "melanocytic"}


def test_without_a_gradient_there_is_no_map_to_save(model: Model) -> None:
    case = Case()
    case.add([("a.png", png(1))])
    reading = Reading((), even(model), MapView(None, None, None))
    with pytest.raises(ValueError, match="no map"):
        exports.map_png(model, case.images[0], reading, 0.7)


@pytest.mark.parametrize("text", ["![x](http://a.b/c)", "**bold**", ":material/x:", "<b>", "$x$", "a_b_c", "`code`"])
def test_text_of_users_is_never_markdown(text: str) -> None:
    shown = look.plain(text)
    assert shown.replace("\\", "") == text
    assert all(shown[i - 1] == "\\" for i, letter in enumerate(shown) if letter in "*_[]()<>`$:!")


@pytest.mark.parametrize("threshold,shift", [(0.01, 0), (0.5, 50), (0.99, 100)])
def test_the_label_of_the_threshold_stays_on_the_card(threshold: float, shift: int) -> None:
    html = look.score_line(0.734, threshold)
    assert f"translateX(-{shift}%)" in html
    assert 'aria-label="Score 0.73, threshold' in html


@pytest.mark.parametrize("region,notices", [(0.12, 1), (0.5, 0), (0.9, 0)])
def test_a_question_outside_its_region_is_said_to_fit_badly(region: float, notices: int) -> None:
    def script(region_probability: float) -> None:
        from types import SimpleNamespace

        from pages.ui.verdict import draw_region_notice

        task = SimpleNamespace(positive_name="melanoma", negative_name="benign melanocytic lesion")
        question = SimpleNamespace(region_probability=region_probability, classes=SimpleNamespace(task=task))
        draw_region_notice(question)  # type: ignore[arg-type]

    page = AppTest.from_function(script, args=(region,)).run()
    assert not page.exception
    assert len(page.warning) == notices
    if notices:
        assert "puts only 12% on melanoma or benign melanocytic lesion" in page.warning[0].value
