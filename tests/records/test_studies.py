"""Reader studies: fixed images, own orders, answers that are only added, and a truth that stays inside."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from scipy.stats import spearmanr
from sqlalchemy import Engine, event, text

from derm_model.errors import AlreadyAnswered, RecordsError, TruthTold
from derm_model.evaluation.readers import Reading as Answer
from derm_model.records import audit, reader_view
from derm_model.records.engine import reading, writing
from derm_model.records.importing import import_readings
from derm_model.records.reader_view import (
    GivenAnswer,
    ReaderImage,
    ReaderState,
    given_answers,
    left_out,
    own_order,
    read_study_image,
    reader_state,
    was_told,
)
from derm_model.records.readings import correct_reading, record_reading, record_vote
from derm_model.records.results import frozen_images, study_readings, tell_truths
from derm_model.records.studies import (
    NewStudy,
    StudySettings,
    close_study,
    create_study,
    delete_study,
    get_study,
    join_study,
    list_studies,
)
from derm_model.records.study_tables import Experience, Origin, Participant, Reason, Role
from derm_model.records.tables import now
from tests.records.material import CHOICES, study

WHO = "researcher"


def make(engine: Engine, new: NewStudy) -> str:
    with writing(engine) as session:
        return create_study(session, new, WHO)


def join(engine: Engine, study_id: str, code: str = "R1", role: Role = Role.READER) -> str:
    with writing(engine) as session:
        return join_study(session, study_id, code, role, Experience.DERMATOLOGIST)


def state(engine: Engine, person: str, **more: object) -> ReaderState:
    with reading(engine) as session:
        return reader_state(session, person, **more)  # type: ignore[arg-type]


def answer(engine: Engine, person: str, position: int, word: str = "biopsy", **more: object) -> int:
    with writing(engine) as session:
        return record_reading(session, person, position, word, **{"seconds": 1.5, **more})  # type: ignore[arg-type]


def correct(engine: Engine, person: str, reading_id: int, word: str, **more: object) -> int:
    with writing(engine) as session:
        return correct_reading(session, person, reading_id, word, **{"seconds": 2.0, **more})  # type: ignore[arg-type]


def vote(engine: Engine, person: str, position: int, usable: bool, reason: Reason | None = None) -> None:
    with writing(engine) as session:
        record_vote(session, person, position, usable, reason)


def answer_all(engine: Engine, person: str) -> list[int]:
    """Answer what comes next until nothing does; return the positions in the order they came."""
    seen = []
    while (now_at := state(engine, person)).next is not None:
        answer(engine, person, now_at.next.position, with_ai=now_at.with_ai)
        seen.append(now_at.next.position)
    return seen


def test_a_study_is_as_it_was_made(engine: Engine, tmp_path: Path) -> None:
    new = study(tmp_path, second_pass=True, pause_days=14, washout_s=1.5, confidence=True)
    study_id = make(engine, new)
    with reading(engine) as session:
        row = get_study(session, study_id)
        assert frozen_images(session, study_id) == new.images
        assert list_studies(session) == (row,)
    assert (row.name, row.question, row.choices, row.seed) == (new.name, "biopsy", CHOICES, 7)
    assert row.settings == new.settings
    assert (row.n_images, row.n_readers, row.n_readings, row.closed_at) == (6, 0, 0, None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": ()}, "has images"),
        ({"choices": ("biopsy",)}, "two choices"),
        ({"choices": ("a", "a")}, "choice is in a study once"),
        ({"settings": StudySettings(washout_s=-1)}, "0 or longer"),
        ({"settings": StudySettings(second_pass=True), "bundle_digest": None}, "no bundle"),
        ({"name": " "}, "name of the study is missing"),
    ],
)
def test_a_study_that_cannot_be_taken_is_refused(
    engine: Engine, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    with pytest.raises(RecordsError, match=says):
        make(engine, replace(study(tmp_path), **change))  # type: ignore[arg-type]
    twice = study(tmp_path)
    with pytest.raises(RecordsError, match="image is in a study once"):
        make(engine, replace(twice, images=twice.images + twice.images[:1]))
    make(engine, study(tmp_path))
    with pytest.raises(RecordsError, match="is taken"):
        make(engine, study(tmp_path))


def test_images_and_truth_are_fixed(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    for table in ("study_images", "study_truths"):
        with pytest.raises(RecordsError, match="append-only"), writing(engine) as session:
            session.execute(text(f"UPDATE {table} SET position = position"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM study_images WHERE position = 3"))
    with reading(engine) as session, pytest.raises(RecordsError, match="not those it was made with"):
        frozen_images(session, study_id)


def test_orders_differ_between_readers_and_are_the_same_on_every_device() -> None:
    orders = {own_order(7, f"R{n}", with_ai, range(40)) for n in range(20) for with_ai in (False, True)}
    assert len(orders) == 40
    assert all(sorted(order) == list(range(40)) for order in orders)
    # worked example, by sha256sum: "7/R1/without/0" begins 6bd13cf2, .../1 015f8c71, .../2 1daa93da
    assert own_order(7, "R1", False, range(3)) == own_order(7, "R1", False, [2, 0, 1]) == (1, 2, 0)
    assert own_order(8, "R1", False, range(40)) != own_order(7, "R1", False, range(40))


def test_orders_are_random_over_readers() -> None:
    first = Counter(own_order(1, f"R{n}", False, range(4))[0] for n in range(2000))
    assert all(abs(count - 500) < 5 * (2000 * 0.25 * 0.75) ** 0.5 for count in first.values())
    pairs = [
        spearmanr(own_order(1, f"A{n}", False, range(50)), own_order(1, f"B{n}", False, range(50)))[0]
        for n in range(50)
    ]
    assert abs(sum(pairs) / 50) < 5 / (50 * 49) ** 0.5


def test_an_image_that_is_left_out_moves_no_other() -> None:
    whole = own_order(7, "R1", False, range(40))
    assert own_order(7, "R1", False, set(range(40)) - {whole[3]}) == tuple(p for p in whole if p != whole[3])


def test_a_study_is_taken_in_one_s_own_order_to_its_end(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    person = join(engine, study_id)
    first = state(engine, person)
    assert (first.done, first.total, first.with_ai, first.waits_until) == (0, 6, False, None)
    assert first.next is not None
    assert first.next.number == 1
    assert answer_all(engine, person) == list(own_order(7, "R1", False, range(6)))
    assert state(engine, person).is_finished


def test_who_comes_back_on_another_device_goes_on_where_they_were(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    person = join(engine, study_id)
    for _ in range(2):
        at = state(engine, person).next
        assert at is not None
        answer(engine, person, at.position)
    assert join(engine, study_id) == person
    again = state(engine, join(engine, study_id))
    assert again.done == 2
    assert again.next is not None
    assert again.next == ReaderImage(own_order(7, "R1", False, range(6))[2], 3)


def test_an_answer_is_kept_with_time_and_confidence(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path, confidence=True))
    person = join(engine, study_id)
    answer(engine, person, 0, "biopsy", seconds=2.5, confidence=80)
    with reading(engine) as session:
        (row,) = study_readings(session, study_id)
    assert (row.code, row.experience, row.position, row.image_id, row.node) == (
        "R1",
        "dermatologist",
        0,
        "melanoma-0",
        "melanoma",
    )
    assert (row.answer, row.confidence, row.seconds, row.with_ai, row.n_corrections) == ("biopsy", 80, 2.5, False, 0)


def test_a_second_answer_from_another_tab_is_refused_and_the_first_stays(engine: Engine, tmp_path: Path) -> None:
    person = join(engine, make(engine, study(tmp_path)))
    answer(engine, person, 2, "biopsy")
    with pytest.raises(AlreadyAnswered):
        answer(engine, person, 2, "reassure")
    with reading(engine) as session:
        assert [a.answer for a in given_answers(session, person)] == ["biopsy"]


def test_a_correction_is_a_new_row_and_there_is_one_last_word(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    person = join(engine, study_id)
    first = answer(engine, person, 2, "biopsy", seconds=1.0)
    second = correct(engine, person, first, "reassure", seconds=2.0)
    with pytest.raises(AlreadyAnswered):
        correct(engine, person, first, "biopsy")
    correct(engine, person, second, "biopsy", seconds=4.0)
    with reading(engine) as session:
        (given,) = given_answers(session, person)
        (row,) = study_readings(session, study_id)
    assert given == GivenAnswer(given.reading_id, 2, False, "biopsy", None)
    assert (row.answer, row.seconds, row.n_corrections) == ("biopsy", 7.0, 2)
    with engine.connect() as connection:
        kept = connection.scalars(text("SELECT answer FROM readings ORDER BY id")).all()
    assert kept == ["biopsy", "reassure", "biopsy"]


def test_only_one_s_own_answers_can_be_corrected(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    one, other = join(engine, study_id, "R1"), join(engine, study_id, "R2")
    given = answer(engine, one, 0)
    with pytest.raises(RecordsError, match="own answers"):
        correct(engine, other, given, "reassure")


@pytest.mark.parametrize(
    ("position", "word", "more", "says"),
    [
        (0, "melanoma", {}, "one of biopsy, reassure"),
        (6, "biopsy", {}, "no image 6"),
        (0, "biopsy", {"seconds": None}, "missing"),
        (0, "biopsy", {"seconds": float("nan")}, "0 s or longer"),
        (0, "biopsy", {"seconds": -1.0}, "0 s or longer"),
        (0, "biopsy", {"confidence": 50}, "Confidence"),
        (0, "biopsy", {"with_ai": True}, "no second pass"),
    ],
)
def test_an_answer_that_is_none_is_refused(
    engine: Engine, tmp_path: Path, position: int, word: str, more: dict[str, object], says: str
) -> None:
    person = join(engine, make(engine, study(tmp_path)))
    with pytest.raises(RecordsError, match=says):
        answer(engine, person, position, word, **more)


def test_the_second_pass_comes_after_the_first_and_its_pause_in_another_order(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = make(engine, study(tmp_path, second_pass=True, pause_days=14))
    person = join(engine, study_id)
    first = answer(engine, person, own_order(7, "R1", False, range(6))[0])
    with pytest.raises(RecordsError, match="second pass begins"):
        answer(engine, person, 0, with_ai=True)
    answer_all(engine, person)
    waits = state(engine, person)
    assert waits.with_ai
    assert waits.next is None
    assert not waits.is_finished
    assert waits.waits_until is not None
    assert timedelta(days=13.9) < waits.waits_until - now() <= timedelta(days=14)
    later = state(engine, person, at=now() + timedelta(days=15))
    assert (later.with_ai, later.done, later.total) == (True, 0, 6)
    assert later.next == ReaderImage(own_order(7, "R1", True, range(6))[0], 1)
    correct(engine, person, first, "reassure")  # not yet seen the network's answers
    with pytest.raises(RecordsError, match="pause is over"):
        answer(engine, person, 0, "biopsy", with_ai=True)
    monkeypatch.setattr("derm_model.records.reader_view.now", lambda: now() + timedelta(days=15))
    answer(engine, person, 0, "biopsy", with_ai=True)
    with pytest.raises(RecordsError, match="stay as they are"):
        correct(engine, person, first, "biopsy")
    with reading(engine) as session:
        assert Counter(row.with_ai for row in study_readings(session, study_id)) == {False: 6, True: 1}


def test_without_a_pause_the_second_pass_follows_at_once(engine: Engine, tmp_path: Path) -> None:
    person = join(engine, make(engine, study(tmp_path, second_pass=True)))
    seen = answer_all(engine, person)
    assert seen == [*own_order(7, "R1", False, range(6)), *own_order(7, "R1", True, range(6))]
    assert state(engine, person).is_finished


def test_pre_screeners_vote_blinded_and_what_one_finds_unfit_is_left_out(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    screener, second = (join(engine, study_id, code, Role.PRESCREENER) for code in ("S1", "S2"))
    for position in range(6):
        vote(engine, screener, position, usable=position != 2, reason=Reason.BLURRED)
        vote(engine, second, position, usable=position != 4)
    vote(engine, second, 4, usable=True)  # said again: the last word counts
    assert state(engine, screener).is_finished
    with reading(engine) as session:
        assert left_out(session, study_id) == {2}
    reader = join(engine, study_id)
    assert state(engine, reader).total == 5
    assert 2 not in answer_all(engine, reader)
    with pytest.raises(RecordsError, match="no image 2"):
        answer(engine, reader, 2)
    with pytest.raises(RecordsError, match="before the first reading"):
        vote(engine, screener, 1, usable=False)
    with engine.connect() as connection:
        reasons = connection.scalars(text("SELECT reason FROM prescreen_votes WHERE reason IS NOT NULL")).all()
    assert reasons == ["blurred"]


def test_nobody_both_pre_screens_and_reads(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    screener, reader = join(engine, study_id, "S1", Role.PRESCREENER), join(engine, study_id, "R1")
    with pytest.raises(RecordsError, match="does not read them"):
        join(engine, study_id, "S1")
    with pytest.raises(RecordsError, match="takes part as a prescreener"):
        answer(engine, screener, 0)
    with pytest.raises(RecordsError, match="takes part as a reader"):
        vote(engine, reader, 0, usable=True)


def test_an_image_is_shown_only_as_it_was_when_the_study_was_made(engine: Engine, tmp_path: Path) -> None:
    new = study(tmp_path)
    person = join(engine, make(engine, new))
    with reading(engine) as session:
        assert read_study_image(session, person, 3) == b"picture 3"
        Path(new.images[3].path).write_bytes(b"another")
        with pytest.raises(RecordsError, match="not the one of the study") as changed:
            read_study_image(session, person, 3)
        Path(new.images[3].path).unlink()
        with pytest.raises(RecordsError, match="cannot be read") as gone:
            read_study_image(session, person, 3)
        with pytest.raises(RecordsError, match="no image 17"):
            read_study_image(session, person, 17)
    for error in (changed, gone):
        assert not any(word in repr(error.value) for word in ("nevus", "melanoma"))


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """SQL as it is sent."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_nothing_a_reader_sees_knows_the_truth(engine: Engine, tmp_path: Path, statements: list[str]) -> None:
    study_id = make(engine, study(tmp_path, second_pass=True))
    person = join(engine, study_id)
    screener = join(engine, study_id, "S1", Role.PRESCREENER)
    statements.clear()
    said = [repr(state(engine, person)), repr(state(engine, screener))]
    answer(engine, person, 0)
    with reading(engine) as session:
        said.append(repr(given_answers(session, person)))
        said.append(repr(read_study_image(session, person, 1)))
        said.append(repr(get_study(session, study_id)))
        for who in (person, screener):
            with pytest.raises(RecordsError, match="when all of them are answered"):
                tell_truths(session, who)
    # neither in what comes back (source and file names tell it, too) nor in any query on the way
    assert not any(word in text for text in said for word in ("melanoma-", "nevus", "set'"))
    assert statements
    assert not any("study_truths" in statement for statement in statements)
    for kind in (ReaderImage, ReaderState, GivenAnswer):
        names = {field.name for field in dataclasses.fields(kind)}
        assert not names & {"node", "truth", "label", "source", "image_id", "path", "content_hash"}
    assert "StudyTruth" not in Path(reader_view.__file__).read_text()


def test_the_truth_is_told_at_the_end(engine: Engine, tmp_path: Path) -> None:
    new = study(tmp_path)
    study_id = make(engine, new)
    one, other = join(engine, study_id), join(engine, study_id, "R2")
    answer_all(engine, one)
    with writing(engine) as session:
        assert tell_truths(session, one) == {p: image.node for p, image in enumerate(new.images)}
        with pytest.raises(RecordsError):
            tell_truths(session, other)
    with writing(engine) as session:
        close_study(session, study_id, WHO)
    with writing(engine) as session:
        assert tell_truths(session, other)


def test_answers_are_final_once_the_truth_was_told(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    one, other = join(engine, study_id), join(engine, study_id, "R2")
    for person in (one, other):
        answer_all(engine, person)
    with reading(engine) as session:
        last = {person: given_answers(session, person)[-1] for person in (one, other)}
    with writing(engine) as session:
        tell_truths(session, one)
        first_told = session.get_one(Participant, one).told_at
    with writing(engine) as session:
        tell_truths(session, one)
        assert session.get_one(Participant, one).told_at == first_told
        assert was_told(session, one) and not was_told(session, other)
    with pytest.raises(TruthTold):
        correct(engine, one, last[one].reading_id, "reassure")
    assert correct(engine, other, last[other].reading_id, "reassure") > last[other].reading_id


def test_a_closed_study_takes_nothing_more_and_keeps_what_is_there(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    person = join(engine, study_id)
    given = answer(engine, person, 0)
    for _ in range(2):
        with writing(engine) as session:
            close_study(session, study_id, WHO)
    for attempt in (lambda: answer(engine, person, 1), lambda: correct(engine, person, given, "reassure")):
        with pytest.raises(RecordsError, match="closed"):
            attempt()
    with pytest.raises(RecordsError, match="closed"):
        join(engine, study_id, "R9")
    assert join(engine, study_id) == person
    with reading(engine) as session:
        assert len(study_readings(session, study_id)) == 1


def test_a_study_is_deleted_only_while_nobody_has_answered(engine: Engine, tmp_path: Path) -> None:
    begun, unused = make(engine, study(tmp_path, name="begun")), make(engine, study(tmp_path, name="unused"))
    join(engine, unused)
    answer(engine, join(engine, begun), 0)
    with writing(engine) as session:
        delete_study(session, unused, WHO)
    with pytest.raises(RecordsError, match="never deleted"), writing(engine) as session:
        delete_study(session, begun, WHO)
    with pytest.raises(RecordsError, match="not there"), writing(engine) as session:
        delete_study(session, unused, WHO)
    with reading(engine) as session:
        assert [row.name for row in list_studies(session)] == ["begun"]
        assert [row.action for row in audit.entries(session)] == ["delete", "study", "study"]


def test_imported_readings_say_so_and_need_no_time(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path, second_pass=True))
    person = join(engine, study_id)
    answer(engine, person, 0, seconds=None, origin=Origin.IMPORT)
    answer(engine, person, 0, seconds=None, origin=Origin.IMPORT, with_ai=True)
    with reading(engine) as session:
        assert [(r.origin, r.seconds, r.with_ai) for r in study_readings(session, study_id)] == [
            ("import", None, False),
            ("import", None, True),
        ]


def test_readings_from_elsewhere_come_in_whole_and_go_to_the_statistics(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path, second_pass=True))
    answers = [
        Answer(f"R{reader}", image.image_id, CHOICES[(reader + n) % 2], confidence=50, source=image.source)
        for reader in range(3)
        for n, image in enumerate(study(tmp_path).images)
    ]
    corrected = replace(answers[0], answer="reassure")
    with writing(engine) as session:
        assert import_readings(session, study_id, [*answers, corrected], WHO) == 18
    with reading(engine) as session:
        rows = study_readings(session, study_id)
    assert {row.origin for row in rows} == {"import"}
    assert {row.as_answer for row in rows} == {corrected, *answers[1:]}
    for wrong, error in (
        (answers[0], AlreadyAnswered),
        (Answer("R9", "moon", "biopsy", source="set"), RecordsError),
        (replace(answers[0], reader="Dr. Jane Doe"), RecordsError),
        (replace(answers[0], reader="R9", answer="melanoma"), RecordsError),
    ):
        with pytest.raises(error), writing(engine) as session:
            import_readings(session, study_id, [replace(answers[1], reader="R8"), wrong], WHO)
    with reading(engine) as session:
        assert get_study(session, study_id).n_readings == 18
        assert get_study(session, study_id).n_readers == 3


def test_codes_name_nobody(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    with pytest.raises(RecordsError, match="names nobody"):
        join(engine, study_id, "Dr. Jane Doe")


def test_a_reading_of_another_study_is_refused_by_the_database_itself(engine: Engine, tmp_path: Path) -> None:
    one, other = make(engine, study(tmp_path, name="one")), make(engine, study(tmp_path, name="other"))
    person = join(engine, one)
    wrong = (
        "INSERT INTO readings (participant_id, study_id, position, with_ai, answer, origin, recorded_at) "
        f"VALUES ('{person}', '{other}', 0, false, 'a', 'app', '2026-01-01 00:00:00')"
    )
    with pytest.raises(Exception, match=r"(?i)foreign key"), engine.begin() as connection:
        connection.execute(text(wrong))
