"""What lies on a reader's desk: messages of the browser, time, pictures, and what the network says."""

from __future__ import annotations

import base64
import io
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from PIL import Image

from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.reader_questions import choice_probs, study_question
from derm_model.records.engine import reading, records_engine, writing
from derm_model.records.participants import code_of, image_after, order_of
from derm_model.records.reader_view import reader_state
from derm_model.records.results import study_readings, tell_truths
from derm_model.records.studies import join_study
from derm_model.taxonomy import Taxonomy
from pages.ui.readers import freezing, sample
from pages.ui.readers.desk import Desk, Message, Place, keep_reading, last_answer
from pages.ui.readers.pictures import VIEW_PX, picture_url
from pages.ui.readers.sheets import Network, ask
from pages.ui.train.sources import Images
from tests.drawn_study import draw_records, make_study
from tests.support import noise_image


@pytest.fixture
def person(home: Path) -> str:
    """A reader of a study of three drawings."""
    study = make_study(home, 3)
    with writing(records_engine()) as session:
        return join_study(session, study, "R1")


def message(position: int, **more: object) -> Message:
    said = {"id": "1", "kind": "answer", "position": position, "helped": False, "answer": "biopsy", "seconds": 2.0}
    found = Message.of(said | more)
    assert found is not None
    return found


def kept(person: str) -> list[tuple[int, str, int]]:
    from derm_model.records.reader_view import participant_of

    with reading(records_engine()) as session:
        _, study = participant_of(session, person)
        return [(row.position, row.answer, row.n_corrections) for row in study_readings(session, study.id)]


# messages


@pytest.mark.parametrize("said", [None, "answer", 7, ["answer"]])
def test_what_is_no_message_is_none(said: object) -> None:
    assert Message.of(said) is None


def test_a_message_of_the_wrong_types_says_nothing() -> None:
    found = Message.of({"position": "1; drop", "seconds": float("nan"), "confidence": True, "held": None, "answer": 3})
    assert found == Message("", "", frozenset(), None, "3", None, None, None)


def test_an_answer_sent_again_after_a_restart_is_kept_once_and_without_a_word(person: str) -> None:
    for _ in range(2):
        desk = Desk()  # a server that came back knows nothing
        keep_reading(desk, person, message(1))
        assert desk.notice == ""
    assert kept(person) == [(1, "biopsy", 0)]
    desk = Desk()
    keep_reading(desk, person, message(1, answer="reassure"))
    assert "answered already" in desk.notice
    assert kept(person) == [(1, "biopsy", 0)]


def test_a_correction_counts_for_the_image_that_is_corrected_and_for_no_other(person: str) -> None:
    desk = Desk()
    keep_reading(desk, person, message(1))
    desk.correcting = last_answer(person, helped=False, is_reader=True)
    assert desk.correcting is not None and desk.correcting.place == Place(1, False)
    first = desk.correcting.reading_id
    keep_reading(desk, person, message(2, answer="reassure", corrects=first))  # of another image
    assert kept(person) == [(1, "biopsy", 0)]
    desk.correcting = last_answer(person, helped=False, is_reader=True)
    keep_reading(desk, person, message(1, answer="reassure", corrects=first))
    assert kept(person) == [(1, "reassure", 1)]


def test_a_correction_sent_again_after_a_restart_is_kept_once_and_without_a_word(person: str) -> None:
    keep_reading(Desk(), person, message(1))
    before = last_answer(person, helped=False, is_reader=True)
    assert before is not None
    for _ in range(2):
        desk = Desk()  # a server that came back knows nothing
        keep_reading(desk, person, message(1, answer="reassure", corrects=before.reading_id))
        assert desk.notice == ""
    assert kept(person) == [(1, "reassure", 1)]
    desk = Desk()
    keep_reading(desk, person, message(1, corrects=before.reading_id))  # of an answer that is corrected already
    assert "answered already" in desk.notice
    assert kept(person) == [(1, "reassure", 1)]


def test_what_the_records_refuse_is_said_and_nothing_is_kept(person: str) -> None:
    for said in (message(9), message(0, answer="nonsense"), message(0, confidence=50), message(0, seconds=None)):
        desk = Desk()
        keep_reading(desk, person, said)
        assert desk.notice.startswith("The answer was not kept.") and not desk.has_answered
    assert kept(person) == []


def test_once_a_tab_has_shown_the_truth_no_other_tab_corrects_an_answer(person: str) -> None:
    desk = Desk()
    for position in range(3):
        keep_reading(desk, person, message(position))
    desk.correcting = last_answer(person, helped=False, is_reader=True)
    with writing(records_engine()) as session:
        tell_truths(session, person)
    assert desk.correcting is not None
    keep_reading(desk, person, message(2, answer="reassure", corrects=desk.correcting.reading_id))
    assert desk.notice == "You have been shown what the images show. Answers given before stay as they are."
    assert desk.correcting is None
    assert sorted(kept(person))[2] == (2, "biopsy", 0)
    assert last_answer(person, helped=False, is_reader=True) is None


def test_time_is_the_browsers_and_never_longer_than_the_servers() -> None:
    desk, place = Desk(), Place(3, False)
    assert desk.seconds(place, 4.0) == 4.0  # sent before this server began
    assert desk.seconds(place, None) is None
    desk.laid_at[place.key] = time.monotonic() - 10
    assert desk.seconds(place, 4.0) == 4.0
    assert desk.seconds(place, 400.0) == pytest.approx(11, abs=0.5)
    assert desk.seconds(place, None) == pytest.approx(10, abs=0.5)


def test_the_image_after_is_the_next_one_that_is_not_answered(person: str) -> None:
    with writing(records_engine()) as session:
        order = order_of(session, person, with_ai=False)
        where = reader_state(session, person)
        assert where.next is not None and where.next.position == order[0]
        after = image_after(session, person, where)
    assert after is not None and (after.position, after.number) == (order[1], 2)
    keep_reading(Desk(), person, message(order[1]))  # e.g. imported, or from another tab
    with reading(records_engine()) as session:
        after = image_after(session, person, reader_state(session, person))
    assert after is not None and (after.position, after.number) == (order[2], 3)


def test_a_code_is_of_one_person_and_one_study_and_holds_no_name() -> None:
    codes = {code_of(study, who) for study in ("s1", "s2") for who in ("ada", "bob", "ada@b", "")}
    assert len(codes) == 8 and all(code.isalpha() and len(code) == 12 for code in codes)
    assert code_of("s1", "ada") == code_of("s1", "ada")


# pictures and the network


def test_a_picture_is_fitted_and_holds_nothing_but_pixels() -> None:
    url = picture_url(noise_image(0, 1500, 3000))
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (VIEW_PX, VIEW_PX // 2)
        assert not picture.getexif() and "comment" not in picture.info
    with Image.open(io.BytesIO(base64.b64decode(picture_url(noise_image(0, 60, 90)).partition(",")[2]))) as small:
        assert small.size == (90, 60)  # never enlarged


@pytest.mark.parametrize("name", ["biopsy-melanocytic", "nine-way"])
def test_the_network_is_put_to_the_question_of_the_study(tiny_bundle: Path, taxonomy: Taxonomy, name: str) -> None:
    future: Future[Engine] = Future()
    engine = Engine(load_bundle(tiny_bundle, taxonomy))
    future.set_result(engine)
    question = study_question(name, taxonomy)
    columns = question.columns(taxonomy, engine.bundle.card.classes)
    assert columns is not None
    pixels = noise_image(3)
    said = ask(Network(future, question, columns), pixels)
    expected = choice_probs(engine.predict([pixels])[0].class_probs, columns)
    assert [share for share in said.shares if share is not None] == pytest.approx(expected.tolist(), abs=1e-5)
    best = question.choices[int(expected.argmax())].words
    assert said.sentence.startswith(f"The network: {best} ")
    assert said.map_url is not None and said.map_url.startswith("data:image/webp;base64,")


# samples


def test_one_image_of_a_lesion_is_drawn_while_that_is_enough(tmp_path: Path, taxonomy: Taxonomy) -> None:
    question = study_question("biopsy-melanocytic", taxonomy)
    nodes = ("melanoma-nos", "melanocytic-nevus-nos")
    records = [
        Record(f"{node}{i}", tmp_path / "x", node, None, "own", lesion_id=f"{node}{i // 2}")
        for node in nodes
        for i in range(10)
    ]
    of = sample.usable(question, taxonomy, records)
    assert sample.n_repeated(sample.draw(question, of, {"biopsy": 5, "reassure": 5}, 1)) == 0
    assert sample.n_repeated(sample.draw(question, of, {"biopsy": 7, "reassure": 5}, 1)) == 2
    order = [record.node for record in sample.draw(question, of, {"biopsy": 10, "reassure": 10}, 1)]
    assert order != sorted(order) and order != sorted(order, reverse=True)  # a place tells nothing
    with pytest.raises(EvaluationError, match="two answers"):
        sample.draw(question, of, {"biopsy": 5, "reassure": 0}, 1)


def test_parts_are_those_that_can_be_told_apart(tmp_path: Path) -> None:
    bundle = tmp_path / "run" / "bundle"
    bundle.mkdir(parents=True)
    records = [
        Record(str(i), tmp_path / "x", "melanoma-nos", None, "own", official_split="test" if i < 2 else None)
        for i in range(6)
    ]
    images = Images(str(tmp_path / "m.csv"), "m", is_workspace=False)
    assert sample.parts_of(images, records, None) == [sample.OFFICIAL_TEST, sample.ALL]
    assert [r.image_id for r in sample.in_part(images, records, sample.OFFICIAL_TEST, None)] == ["0", "1"]
    rows = "\n".join(f"own,{i},{'test' if i == 5 else 'train'}" for i in range(6))
    (bundle.parent / "split.csv").write_text(f"source,image_id,part\n{rows}\n", encoding="utf-8")
    assert sample.parts_of(images, records, bundle)[0] == sample.HELD_OUT
    assert [r.image_id for r in sample.in_part(images, records, sample.HELD_OUT, bundle)] == ["5"]


def test_a_copy_under_another_name_is_no_second_image(tmp_path: Path) -> None:
    one, other = draw_records(tmp_path, 2)
    other.path.write_bytes(one.path.read_bytes())
    found = list(freezing.check_each([one, other]))
    assert found[0].image is not None and found[1].image is None
    assert found[1].reason == f"It is the same file as {one.image_id}."
