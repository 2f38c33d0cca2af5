"""The threshold desk without a browser: what it says, keeps and links to. Browser tests see what follows the hand."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from derm_model import words
from derm_model.assessment.answers import Answers, about, write_answers
from derm_model.card import BundleCard, read_card, write_card
from derm_model.data.manifest import Record
from derm_model.evaluation.curves import operating_curve
from derm_model.evaluation.predictive import predictive_values
from derm_model.operating_points import new_point, points_file, read_points, save_point
from derm_model.taxonomy import Taxonomy, read_tasks, restrict
from pages.ui import state
from pages.ui.threshold import gallery, link, sources
from pages.ui.threshold.desk import Desk, first_hand, warnings
from pages.ui.threshold.hand import Hand
from pages.ui.threshold.link import Link
from pages.ui.threshold.numbers import FIELDS, PEOPLE, benefits, people_text, rows
from tests.pages.conftest import open_alone, texts
from tests.support import noise_image

TASK = "melanocytic"
END = "The address of this page holds this view"


pytestmark = pytest.mark.usefixtures("home")


def open_desk(**query: str) -> AppTest:
    return open_alone("threshold", **query)


def ask(page: AppTest, task: str = TASK) -> AppTest:
    page.selectbox(key=state.DESK_QUESTION).set_value(task).run()
    assert not page.exception
    return page


def hand(page: AppTest, task: str = TASK) -> Hand:
    hands: Mapping[tuple[str, str], Hand] = page.session_state["dermtree_desk_hands"]
    return next(value for (_, question), value in hands.items() if question == task)


def preset(card: BundleCard, name: str) -> float:
    return next(p.threshold for p in card.tasks[TASK].presets if p.name == name)


# presets, prevalence and cost


def test_the_desk_begins_with_a_threshold_from_validation_and_rates_of_held_out_images(tiny_bundle: Path) -> None:
    page = ask(open_desk())
    assert hand(page).threshold == preset(read_card(tiny_bundle), "Sensitivity 90%")
    assert page.segmented_control(key=state.DESK_PRESET).value == "Sensitivity 90%"
    said = texts(page)
    assert "Threshold chosen on validation images of the card; rates of held\\-out images of the card." in said
    assert "ptimistic" not in said
    assert "Test sets are enriched" in said


def test_presets_set_the_threshold_chosen_on_validation_images(tiny_bundle: Path) -> None:
    page, card = ask(open_desk()), read_card(tiny_bundle)
    control = page.segmented_control(key=state.DESK_PRESET)
    assert control.options == ["Sensitivity 90%", "Sensitivity 95%", "Specificity 90%", "Youden", "Cost ratio"]
    control.set_value("Specificity 90%").run()
    point = card.tasks[TASK].validation.at_specificity(0.9)
    assert point is not None
    assert hand(page).threshold == point.threshold
    page.segmented_control(key=state.DESK_PRESET).set_value("Youden").run()
    assert hand(page).threshold == preset(card, "Youden")
    assert "ptimistic" not in texts(page)


def test_a_threshold_set_by_hand_on_the_images_shown_is_marked_as_optimistic() -> None:
    page = ask(open_desk())
    hand(page).move(0.5, sources.HOLDOUT)
    page.run()
    assert "**Optimistic.** This threshold was chosen on the images it is shown on." in texts(page)
    assert page.segmented_control(key=state.DESK_PRESET).value is None


def test_the_validation_curve_marks_its_own_presets_as_optimistic() -> None:
    page = ask(open_desk())
    page.selectbox(key=state.DESK_IMAGES).set_value(sources.VALIDATION).run()
    assert not page.exception
    assert "**Optimistic.** This threshold was chosen on the images it is shown on." in texts(page)


def test_prevalence_is_that_of_the_images_until_it_is_set_and_can_be_given_back() -> None:
    page = ask(open_desk())
    assert page.number_input(key=state.DESK_PREVALENCE).value == 333
    page.segmented_control(key=state.DESK_PREVALENCES).set_value("5%").run()
    assert hand(page).prevalence == 0.05
    assert page.number_input(key=state.DESK_PREVALENCE).value == 50
    assert "Test sets are enriched" not in texts(page)
    page.number_input(key=state.DESK_PREVALENCE).set_value(7).run()
    assert hand(page).prevalence == 0.007
    page.segmented_control(key=state.DESK_PREVALENCES).set_value("As in these images").run()
    assert hand(page).prevalence is None


def test_a_threshold_of_the_cost_ratio_follows_cost_and_prevalence() -> None:
    page = ask(open_desk())
    page.segmented_control(key=state.DESK_PREVALENCES).set_value("5%").run()
    page.number_input(key=state.DESK_COST).set_value(20.0).run()
    page.segmented_control(key=state.DESK_PRESET).set_value("Cost ratio").run()
    cautious = hand(page).threshold
    page.number_input(key=state.DESK_COST).set_value(3.0).run()
    assert hand(page).threshold > cautious  # misses cost less: fewer alarms are accepted
    assert page.segmented_control(key=state.DESK_PRESET).value == "Cost ratio"
    assert hand(page).chosen_on == sources.VALIDATION


def test_where_no_threshold_is_worth_using_the_cost_ratio_is_not_offered_and_that_is_said(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = tmp_path / "bundles" / "blind"
    shutil.copytree(tiny_bundle, blind)
    card = read_card(blind)
    useless = operating_curve([True, False, False], [0.5, 0.5, 0.5])
    write_card(replace(card, tasks={TASK: replace(card.tasks[TASK], validation=useless, presets=())}), blind)
    monkeypatch.setenv("DERM_BUNDLES", str(blind.parent))
    page = ask(open_desk())
    page.number_input(key=state.DESK_COST).set_value(1.0).run()
    assert "**No threshold is worth using** at this prevalence and cost: to call nobody costs no more" in texts(page)
    assert "Cost ratio" not in page.segmented_control(key=state.DESK_PRESET).options


def test_nothing_on_the_page_reassures() -> None:
    page = ask(open_desk(threshold="0.2", compare="0.6"))
    said = texts(page).lower()
    assert not {"safe", "normal", "cancer", "diagnosis", "healthy", "harmless"} & set(said.split())
    assert "excludes nothing in one patient" in said


# saving


def save(page: AppTest, name: str = "Our clinic", who: str = "Dr. Ada", why: str = "few may be missed") -> AppTest:
    page.text_input(key=state.DESK_NAME).set_value(name)
    page.text_input(key=state.DESK_WHO).set_value(who)
    page.text_area(key=state.DESK_WHY).set_value(why)
    next(button for button in page.button if button.label == "Save").click().run()
    assert not page.exception
    return page


def test_a_point_is_saved_with_its_origin_and_rates_and_the_bundle_is_not_touched(tiny_bundle: Path) -> None:
    before = {path.name: path.read_bytes() for path in tiny_bundle.iterdir()}
    page = save(ask(open_desk()))
    (point,) = read_points(read_card(tiny_bundle).bundle_id)
    assert (point.name, point.who, point.why, point.task_id) == ("Our clinic", "Dr. Ada", "few may be missed", TASK)
    assert (point.threshold, point.chosen_on) == (hand(page).threshold, "validation images of the card")
    assert point.measured_on == "held-out images of the card"
    assert not point.optimistic
    assert point.rates == read_card(tiny_bundle).tasks[TASK].holdout.at_threshold(point.threshold)  # type: ignore[union-attr]
    assert {path.name: path.read_bytes() for path in tiny_bundle.iterdir()} == before
    assert "**Our clinic** · threshold" in texts(page)
    assert r"Our clinic \(saved\)" in page.segmented_control(key=state.DESK_PRESET).options
    assert page.text_input(key=state.DESK_NAME).value == ""


def test_a_name_that_is_taken_or_a_missing_reason_is_refused_and_nothing_typed_is_lost(tiny_bundle: Path) -> None:
    page = save(ask(open_desk()), name="youden")
    assert "It was not saved." in page.error[0].value
    assert page.text_input(key=state.DESK_NAME).value == "youden"
    save(page, name="Our clinic", why=" ")
    assert "The reason is missing" in page.error[0].value
    assert read_points(read_card(tiny_bundle).bundle_id) == ()


def test_a_saved_point_can_be_taken_again_and_deleted(tiny_bundle: Path) -> None:
    page = ask(open_desk())
    hand(page).move(0.61, sources.HOLDOUT)
    save(page.run())
    page.segmented_control(key=state.DESK_PRESET).set_value("Youden").run()
    page.segmented_control(key=state.DESK_PRESET).set_value("Our clinic (saved)").run()
    assert (hand(page).threshold, hand(page).chosen_on) == (0.61, sources.HOLDOUT)
    assert "**Optimistic:** chosen on the images the rates were counted on." in texts(page)
    next(button for button in page.button if button.label == "Delete Our clinic").click().run()
    assert not page.exception
    assert read_points(read_card(tiny_bundle).bundle_id) == ()
    assert "Our clinic" not in "".join(page.segmented_control(key=state.DESK_PRESET).options)


def test_what_people_wrote_is_shown_as_text(tiny_bundle: Path) -> None:
    page = save(ask(open_desk()), name="![x](http:example.org/x.png)", why="[a](http:b)")
    assert "](http" not in texts(page)


def test_damaged_saved_points_are_said_and_the_desk_still_works(tiny_bundle: Path) -> None:
    bundle_id = read_card(tiny_bundle).bundle_id
    words = {"who": "a", "why": "b", "chosen_on": "c", "measured_on": "d"}
    save_point(bundle_id, new_point("x", TASK, 0.5, rates=None, **words))
    points_file(bundle_id).write_text("{", encoding="ascii")
    page = ask(open_desk())
    assert "Saved operating points are missing here." in page.error[0].value
    assert END in texts(page)


def test_the_threshold_can_be_set_on_classify_for_this_session(tiny_bundle: Path) -> None:
    page = ask(open_desk())
    page.button(key="desk_to_classify").click().run()
    assert not page.exception
    thresholds = page.session_state["dermtree_thresholds"]
    assert thresholds == {(read_card(tiny_bundle).bundle_id, TASK): hand(page).threshold}


# comparing


def test_two_points_are_compared_and_each_keeps_its_origin() -> None:
    page = ask(open_desk())
    first = hand(page).threshold
    page.button(key="desk_keep").click().run()
    hand(page).move(0.7, sources.HOLDOUT)
    page.run()
    said = texts(page)
    assert f"| Threshold | 0.700 | {first:.3f} |" in said
    assert "change sides** between" in said
    page.button(key="desk_swap").click().run()
    assert (hand(page).threshold, hand(page).chosen_on) == (first, sources.VALIDATION)
    assert (hand(page).other, hand(page).other_chosen_on) == (0.7, sources.HOLDOUT)
    page.button(key="desk_drop").click().run()
    assert hand(page).other is None
    assert "change sides" not in texts(page)


@pytest.fixture
def kept(tiny_bundle: Path, tmp_path: Path, taxonomy: Taxonomy) -> Answers:
    """Answers on 24 images of melanoma and nevus, of which one has lost its file."""
    card = read_card(tiny_bundle)
    sides = restrict(read_tasks()[TASK], taxonomy, card.classes)
    assert sides is not None
    rng = np.random.default_rng(3)
    records, probs = [], []
    for number in range(24):
        diseased = number % 3 == 0
        index = (sides.positive if diseased else sides.negative)[0]
        path = tmp_path / f"{number}.png"
        if number:
            Image.fromarray(noise_image(number)).save(path)
        records.append(Record(f"img{number}", path, card.classes[index].node, None, "invented"))
        row = np.full(len(card.classes), 0.01)
        row[sides.positive[0]] = rng.beta(4, 2) if diseased else rng.beta(2, 4)
        row[sides.negative[0]] = 1 - row[sides.positive[0]]
        probs.append(row / row.sum())
    what = about("Clinic 2026", card.bundle_id, [c.id for c in card.classes], records, "not known")
    answers = Answers(what, tuple(records), np.array(probs))
    write_answers(answers)
    return answers


def test_a_kept_evaluation_can_be_shown_and_says_what_is_not_known_of_it(kept: Answers) -> None:
    page = ask(open_desk())
    page.selectbox(key=state.DESK_IMAGES).set_value(kept.about.digest).run()
    assert not page.exception
    assert "It is not known whether the model learnt from these images." in texts(page)
    assert "n = 8 + 16" in texts(page)


@pytest.mark.parametrize(
    "seen,said", [("train", "The model learnt from these images."), ("validation", "presets were chosen on these")]
)
def test_images_the_model_knows_are_marked_as_optimistic(kept: Answers, seen: str, said: str) -> None:
    write_answers(replace(kept, about=replace(kept.about, seen=seen)))
    page = ask(open_desk())
    page.selectbox(key=state.DESK_IMAGES).set_value(kept.about.digest).run()
    assert "**Optimistic.**" in texts(page)
    assert said in texts(page)


def test_the_images_that_change_sides_are_shown_where_their_files_are(kept: Answers) -> None:
    page = ask(open_desk(question=TASK, images=kept.about.digest, threshold="0.0", compare="1.0"))
    assert not page.toggle(key=state.DESK_GALLERY).value  # a link never opens pictures
    page.toggle(key=state.DESK_GALLERY).set_value(True).run()
    assert not page.exception
    said = texts(page)
    assert "24 images, the first 12 shown" in said
    assert "No picture: the file is not here" in said  # the first is a melanoma without a file
    assert said.count("melanoma, score") == 8


def test_images_between_two_thresholds_are_those_above_the_lower_only() -> None:
    records = tuple(Record(str(i), Path(str(i)), "melanoma", None, "s") for i in range(5))
    scored = sources.Scored(
        records, np.array([True, False, False, True, True]), np.array([0.2, 0.3, 0.45, 0.5, 0.3]), 0
    )
    assert gallery.between(scored, 0.3, 0.5) == [4, 2, 1]


def test_answers_of_other_classes_are_not_offered(kept: Answers, tiny_bundle: Path) -> None:
    card = read_card(tiny_bundle)
    ids = sources.class_ids(card.classes)
    assert [c.key for c in sources.choices(card.bundle_id, None, ids)] == [kept.about.digest]
    assert sources.choices(card.bundle_id, None, ids[::-1]) == []


def test_images_outside_the_question_and_without_a_score_are_left_out(kept: Answers, taxonomy: Taxonomy) -> None:
    sides = restrict(read_tasks()[TASK], taxonomy, read_tasks_classes(kept, taxonomy))
    assert sides is not None
    probs = kept.probs.copy()
    probs[1] = 0
    probs[1, next(i for i in range(probs.shape[1]) if i not in (*sides.positive, *sides.negative))] = 1
    foreign = replace(kept.records[2], node="inflammatory")
    records = (*kept.records[:2], foreign, *kept.records[3:])
    scored = sources.score(replace(kept, probs=probs, records=records), taxonomy, sides)
    assert (len(scored.records), scored.n_unscored) == (22, 1)


def read_tasks_classes(kept: Answers, taxonomy: Taxonomy) -> tuple[object, ...]:
    from tests.support import tiny_partition

    classes = tiny_partition(taxonomy).classes
    assert tuple(c.id for c in classes) == kept.about.classes
    return classes


# links


def test_a_link_reproduces_the_view_to_the_last_digit(tiny_bundle: Path) -> None:
    page = ask(open_desk())
    page.segmented_control(key=state.DESK_PRESET).set_value("Youden").run()
    page.button(key="desk_keep").click().run()
    page.segmented_control(key=state.DESK_PREVALENCES).set_value("1%").run()
    page.number_input(key=state.DESK_COST).set_value(25.0).run()
    page.segmented_control(key=state.DESK_PRESET).set_value("Sensitivity 95%").run()
    query = {key: str(page.query_params[key]) for key in link.KEYS if key in page.query_params}
    again = open_desk(**query)
    assert hand(again) == hand(page)
    assert again.selectbox(key=state.DESK_QUESTION).value == TASK
    assert again.segmented_control(key=state.DESK_PRESET).value == "Sensitivity 95%"
    assert texts(again) == texts(page)


def test_a_link_holds_ids_and_numbers_only(kept: Answers) -> None:
    page = ask(open_desk(images=kept.about.digest))
    query = json.dumps(dict(page.query_params))
    assert "Clinic" not in query
    assert "/" not in query
    assert set(dict(page.query_params)) <= set(link.KEYS)


def test_a_link_of_an_unknown_model_or_images_says_so_and_shows_what_there_is() -> None:
    page = open_desk(model="other-12345678", question=TASK, threshold="0.9")
    assert "The address is of another model" in texts(page)
    assert all(value.threshold != 0.9 for value in page.session_state["dermtree_desk_hands"].values())
    assert "images that are not kept here" in texts(open_desk(question=TASK, images="0123456789abcdef"))


def test_a_threshold_from_a_link_without_its_origin_is_perhaps_optimistic() -> None:
    page = open_desk(question=TASK, threshold="0.42")
    assert hand(page).threshold == 0.42
    assert "**Perhaps optimistic.** On which images this threshold was chosen is not known here" in texts(page)


@pytest.mark.parametrize(
    "query,unusable",
    [
        ({"threshold": "1.5"}, ("threshold",)),
        ({"threshold": "nan", "cost": "-3"}, ("threshold", "cost")),
        ({"prevalence": "0"}, ("prevalence",)),
        ({"compare": "x", "model": "../../etc"}, ("compare", "model")),
        ({"images": "<b>", "embed": "true"}, ("images",)),
        ({"threshold": "0.5"}, ()),
    ],
)
def test_what_a_link_says_wrongly_is_left_out_and_named(query: dict[str, str], unusable: tuple[str, ...]) -> None:
    assert set(link.read(query).unusable) == set(unusable)


def test_part_of_a_link_that_cannot_be_used_is_said_on_the_page() -> None:
    page = open_desk(question=TASK, threshold="7")
    assert "**Part of the address could not be used** (threshold)." in texts(page)


def test_writing_and_reading_a_link_are_inverse() -> None:
    moved = Hand(0.1 + 0.2, "0123456789abcdef", True, 1 / 3, "validation", 0.05, 12.5)
    query = link.write("demo-2953f007", TASK, "holdout", moved)
    found = Hand(0.5, "")
    link.read(query).onto(found)
    assert found == moved
    assert link.read({}) == Link()


# states without a desk


def test_a_question_the_model_was_not_measured_on_has_no_curve_and_says_why(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bundles" / "bare"
    shutil.copytree(tiny_bundle, bare)
    write_card(replace(read_card(bare), tasks={}), bare)
    monkeypatch.setenv("DERM_BUNDLES", str(bare.parent))
    page = ask(open_desk())
    assert "This model was not measured on this question." in texts(page)
    assert END not in texts(page)


def test_without_a_bundle_the_desk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_BUNDLES", str(tmp_path))
    assert "No model to read with" in texts(open_desk())


# numbers


@pytest.fixture
def desk(tiny_bundle: Path, taxonomy: Taxonomy) -> Desk:
    card = read_card(tiny_bundle)
    known, sides = card.tasks[TASK], restrict(read_tasks()[TASK], taxonomy, card.classes)
    assert sides is not None
    offered = sources.choices(card.bundle_id, known, sources.class_ids(card.classes))
    shown, chosen_on = (sources.of_card(choice, known) for choice in offered[:2])
    return Desk(
        card.bundle_id, sides, known, shown, chosen_on, first_hand(known, chosen_on), (), tuple(offered), kept={}
    )


def row_at(desk: Desk, threshold: float) -> dict[str, object]:
    """As the browser looks a row up."""
    found = next(row for row in rows(desk) if row[0] is None or row[0] >= threshold)
    return dict(zip(FIELDS, found, strict=True))


@pytest.mark.parametrize("threshold", [0.0, 0.001, 0.25, 0.4999, 0.75, 1.0])
def test_every_place_of_the_slider_has_the_row_of_its_own_point(desk: Desk, threshold: float) -> None:
    desk.hand.move(threshold, "")
    row, point = row_at(desk, threshold), desk.point
    assert (row["se"], row["sp"]) == (point.sensitivity, point.specificity)
    assert (row["imagesFound"], row["imagesMissed"]) == (str(point.counts.found), str(point.counts.missed))


def test_a_row_carries_the_predictive_values_where_half_have_the_disease_or_null(desk: Desk) -> None:
    for threshold in (0.0, 0.25, 0.75, 1.0):
        desk.hand.move(threshold, "")
        row, found = row_at(desk, threshold), predictive_values(desk.point, 0.5)
        for name in ("ppv", "npv"):
            value, bounds = getattr(found, name), getattr(found, f"{name}_interval")
            carried = [row[f"{name}Half"], row[f"{name}HalfLow"], row[f"{name}HalfHigh"]]
            expected = [None] * 3 if value is None else [value, *bounds]
            assert carried == pytest.approx(expected, abs=1e-9)


def test_the_desk_shows_predictive_values_over_the_prevalence_and_reassures_nobody() -> None:
    page = ask(open_desk(prevalence="0.05"))
    said = texts(page)
    assert "##### Predictive values and prevalence" in said and "Biopsies per case" in said
    assert said.count("excludes nothing in one patient") == 2


def test_thresholds_between_places_of_the_slider_are_reached_exactly(desk: Desk) -> None:
    for threshold in (*desk.presets.values(), *desk.curve.thresholds[::17].tolist()):
        desk.hand.move(threshold, "")
        assert row_at(desk, threshold)["se"] == desk.point.sensitivity
        assert row_at(desk, threshold)["sp"] == desk.point.specificity


def test_people_of_every_row_add_up_and_the_ill_are_always_as_many(desk: Desk) -> None:
    desk.set_prevalence(0.05)
    for row in (dict(zip(FIELDS, row, strict=True)) for row in rows(desk)):
        assert row["found"] + row["missed"] == 50
        assert row["found"] + row["missed"] + row["alarms"] + row["spared"] == PEOPLE
        assert row["above"] + row["below"] == PEOPLE


def test_rows_are_worked_out_anew_only_when_something_they_depend_on_has_changed(desk: Desk) -> None:
    from pages.ui.threshold.numbers import kept_rows

    first = kept_rows(desk)
    desk.hand.move(0.123, "")
    moved = kept_rows(desk)  # away from a preset, onto a place of the slider
    desk.hand.move(0.4, "")
    assert kept_rows(desk) is moved
    desk.set_prevalence(0.05)
    assert kept_rows(desk) is not moved
    assert first[-1][0] is None


def test_predictive_values_stand_with_interval_and_prevalence(desk: Desk) -> None:
    desk.set_prevalence(0.05)
    row = row_at(desk, 0.4)
    assert re.fullmatch(r"\d+–\d+%, at 5\.0% prevalence", str(row["ppvNote"]))
    assert re.fullmatch(r"\d+\.\d–\d+\.\d%, at 5\.0% prevalence", str(row["npvNote"]))
    nobody = row_at(desk, 1.0)  # no image of the test has a score of 1
    assert (nobody["ppv"], nobody["ppvNote"], nobody["above"]) == ("not defined", "at 5.0% prevalence", 0)


def test_net_benefit_along_the_curve_ends_at_treating_none(desk: Desk) -> None:
    thresholds, along = benefits(desk)
    assert thresholds[0] == 0
    assert (np.diff(thresholds) >= 0).all()
    assert along[-1] == 0


def test_numbers_are_never_falsely_whole() -> None:
    assert [words.fine_percent(share) for share in (0.9999, 1.0, 0.0001, 0.993)] == [
        *(">99.9%", "100.0%", "<0.1%", "99.3%")
    ]
    assert (people_text(0, 0.4), people_text(0, 0.0), people_text(1200, 1200.2)) == ("0 (expected 0.4)", "0", "1,200")


def test_a_threshold_of_other_images_than_those_shown_may_still_be_of_the_same(desk: Desk) -> None:
    other = sources.Choice("0123456789abcdef", "Clinic", "held out", Path())
    curve = operating_curve([True, False], [0.8, 0.1])
    shown = replace(desk, shown=sources.Images(other, curve), offered=(*desk.offered, other))
    shown.hand.move(0.5, sources.HOLDOUT)
    assert warnings(shown) == [
        "**Perhaps optimistic.** This threshold was chosen on held-out images of the card, which may be these."
    ]
    shown.hand.move(0.5, sources.VALIDATION)
    assert warnings(shown) == []
