"""Several processes at once, and processes that are killed: real ones, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from derm_model.records import audit
from derm_model.records.anchor import read_anchor
from derm_model.records.deleting import missing_files
from derm_model.records.engine import new_engine, reading, writing
from derm_model.records.image_store import ImageStore
from derm_model.records.reader_view import own_order, reader_state
from derm_model.records.readings import record_reading
from derm_model.records.studies import create_study, join_study
from tests.records.material import study

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


def start(engine: Engine, *words: str) -> subprocess.Popen[str]:
    url = engine.url.render_as_string(hide_password=False)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.records.writer", words[0], url, *words[1:]],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def begin(*processes: subprocess.Popen[str]) -> None:
    """Let them go together, once all are ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def end(process: subprocess.Popen[str]) -> list[str]:
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    return said.split()


def reader_of(engine: Engine, folder: Path, n: int) -> str:
    with writing(engine) as session:
        return join_study(session, create_study(session, study(folder, n), "me"), "R1")


def kept(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT position FROM readings ORDER BY id")))


def test_two_processes_append_to_one_chain(engine: Engine) -> None:
    writers = [start(engine, "audit", "40", who) for who in ("one", "other")]
    begin(*writers)
    for writer in writers:
        end(writer)
    with reading(engine) as session:
        report = audit.verify(session, read_anchor(engine.url))
        who = [row.who for row in audit.entries(session, size=100)]
    assert report.problem is None
    assert report.head.n == report.anchored == 80
    assert Counter(who) == {"one": 40, "other": 40}


def test_two_tabs_of_one_reader_answer_every_image_once(engine: Engine, tmp_path: Path) -> None:
    person = reader_of(engine, tmp_path, 30)
    tabs = [start(engine, "read", person) for _ in range(2)]
    begin(*tabs)
    said = [line for tab in tabs for line in end(tab) if line != "taken"]
    assert sorted(map(int, said)) == sorted(kept(engine)) == list(range(30))


def test_two_readers_at_once_do_not_disturb_each_other(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as session:
        study_id = create_study(session, study(tmp_path, 20), "me")
        people = [join_study(session, study_id, code) for code in ("R1", "R2")]
    readers = [start(engine, "read", person) for person in people]
    begin(*readers)
    for reader, code in zip(readers, ("R1", "R2"), strict=True):
        assert tuple(map(int, end(reader))) == own_order(7, code, False, range(20))


@pytest.mark.parametrize("after", [1, 7])
def test_a_process_killed_in_the_middle_of_reading_loses_no_answer(engine: Engine, tmp_path: Path, after: int) -> None:
    person = reader_of(engine, tmp_path, 500)
    process = start(engine, "read", person)
    begin(process)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(after)]
    process.kill()
    rest, _ = process.communicate(timeout=PATIENCE_S)
    said += [int(line) for line in rest.split("\n")[:-1]]
    assert len(said) < 500, "it was to be killed before its end"

    after_restart = new_engine(engine.url)
    there = kept(after_restart)
    assert there[: len(said)] == said
    assert len(there) - len(said) <= 1  # committed, and killed before it could say so
    order = own_order(7, "R1", False, range(500))
    with reading(after_restart) as session:
        state = reader_state(session, person)
    assert state.done == len(there)
    assert state.next is not None
    assert (state.next.position, state.next.number) == (order[len(there)], len(there) + 1)
    with writing(after_restart) as session:
        record_reading(session, person, state.next.position, "biopsy", seconds=1.0)
    after_restart.dispose()


def test_a_process_killed_before_its_commit_leaves_no_half_answer_and_no_lock(engine: Engine, tmp_path: Path) -> None:
    person = reader_of(engine, tmp_path, 6)
    process = start(engine, "die", person, "3")
    begin(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "flushed\n"
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert kept(engine) == []
    with writing(engine) as session:
        record_reading(session, person, 3, "reassure", seconds=1.0)
    assert kept(engine) == [3]


def test_images_that_come_and_go_in_two_processes_are_there_exactly_when_a_case_shows_them(
    engine: Engine, home: Path
) -> None:
    writers = [start(engine, "cases", "12", patient) for patient in ("P1", "P2")]
    begin(*writers)
    for writer in writers:
        end(writer)
    store = ImageStore(home / "images")
    assert missing_files(engine, store) == ()
    assert len(list(store.all())) == 2
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM cases")) == 12
    with reading(engine) as session:
        assert audit.verify(session, read_anchor(engine.url)).problem is None
