"""Who takes part and how far they are; on both databases."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from derm_model.records.engine import reading, writing
from derm_model.records.participants import (
    code_of,
    find_participant,
    image_after,
    last_vote,
    list_participants,
    order_of,
)
from derm_model.records.reader_view import reader_state
from derm_model.records.readings import record_reading, record_vote
from derm_model.records.study_tables import Reason, Role
from tests.records.material import CHOICES, study
from tests.records.test_studies import join, make


def test_who_signed_in_has_one_code_in_a_study_and_another_in_the_next() -> None:
    codes = {(s, p): code_of(s, p) for s in ("s1", "s2") for p in ("ada@example.org", "bob@example.org")}
    assert len(set(codes.values())) == 4
    assert codes["s1", "ada@example.org"] == code_of("s1", "ada@example.org")
    assert all(len(code) == 12 and code.isalpha() and "ada" not in code for code in codes.values())


def test_somebody_is_found_by_their_code_only_in_their_study(engine: Engine, tmp_path: Path) -> None:
    first, second = make(engine, study(tmp_path)), make(engine, study(tmp_path, name="Another"))
    person = join(engine, first, "R1")
    with reading(engine) as session:
        found = find_participant(session, first, "R1")
        assert found is not None and found.participant_id == person and found.last_at is None
        assert find_participant(session, first, "R2") is None
        assert find_participant(session, second, "R1") is None


def test_the_list_says_how_far_everybody_is(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    checker, reader = join(engine, study_id, "C1", Role.PRESCREENER), join(engine, study_id, "R1")
    with writing(engine) as session:
        record_vote(session, checker, 0, False, Reason.BLURRED)
    with writing(engine) as session:
        order = order_of(session, reader, with_ai=False)
        record_reading(session, reader, order[0], CHOICES[0], seconds=1.0)
    with reading(engine) as session:
        rows = {row.code: row for row in list_participants(session, study_id)}
        assert 0 not in order and 0 in order_of(session, checker, with_ai=False)
        vote = last_vote(session, checker)
        assert vote is not None and (vote.position, vote.usable, vote.reason) == (0, False, Reason.BLURRED)
    assert (rows["C1"].role, rows["C1"].state.done) == ("prescreener", 1)
    assert (rows["R1"].state.done, rows["R1"].state.total) == (1, len(order))
    assert rows["R1"].last_at is not None


def test_the_image_after_is_the_next_that_is_not_answered(engine: Engine, tmp_path: Path) -> None:
    study_id = make(engine, study(tmp_path))
    reader = join(engine, study_id)
    seen = []
    while True:
        with writing(engine) as session:
            state = reader_state(session, reader)
            if state.next is None:
                assert image_after(session, reader, state) is None
                break
            seen.append((state.next.position, image_after(session, reader, state)))
            record_reading(session, reader, state.next.position, CHOICES[0], seconds=1.0)
    with reading(engine) as session:
        assert tuple(position for position, _ in seen) == order_of(session, reader, with_ai=False)
    followed = [None if after is None else after.position for _, after in seen]
    assert followed == [position for position, _ in seen[1:]] + [None]
