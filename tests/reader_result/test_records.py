"""What is read from the records is what readers answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.reader_result import Material, collect, study_result
from derm_model.records.engine import records_engine, writing
from derm_model.records.readings import correct_reading, record_reading, record_vote
from derm_model.records.studies import NewStudy, StudySettings, close_study, create_study, join_study
from derm_model.records.study_tables import Experience, Role
from derm_model.taxonomy import Taxonomy
from tests.reader_result.material import KERATOSIS, MELANOMA, NEVUS, frozen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    monkeypatch.delenv("DERM_DATABASE_URL", raising=False)
    return tmp_path


def make(nodes: tuple[str, ...] = (MELANOMA, MELANOMA, NEVUS, NEVUS), **settings: bool) -> str:
    with writing(records_engine()) as session:
        return create_study(
            session,
            NewStudy(
                name="Autumn",
                question="malignant-melanocytic",
                choices=("malignant", "benign"),
                images=frozen(nodes),
                seed=3,
                settings=StudySettings(**settings),
            ),
            "local",
        )


def read(study_id: str, taxonomy: Taxonomy) -> Material:
    return collect(study_id, taxonomy)


def test_a_correction_counts_once_and_is_named_and_its_time_added(taxonomy: Taxonomy) -> None:
    study_id = make()
    with writing(records_engine()) as session:
        person = join_study(session, study_id, "R-1", Role.READER, Experience.STUDENT)
        first = record_reading(session, person, 0, "benign", seconds=3.0)
        correct_reading(session, person, first, "malignant", seconds=2.0)
    found = read(study_id, taxonomy)
    (reader,) = found.readers
    assert (reader.n, reader.n_corrections, reader.seconds, reader.experience) == (1, 1, 5.0, "student")
    assert [(one.image_id, one.answer) for one in found.answers()] == [("image-000", "malignant")]
    assert not reader.is_complete
    assert found.is_open


def test_images_that_were_voted_out_or_have_no_answer_are_counted_and_left_out(taxonomy: Taxonomy) -> None:
    study_id = make((MELANOMA, MELANOMA, NEVUS, NEVUS, KERATOSIS))  # a keratosis is no melanocytic lesion
    with writing(records_engine()) as session:
        record_vote(session, join_study(session, study_id, "V-1", Role.PRESCREENER), 1, usable=False)
        person = join_study(session, study_id, "R-1")
        for position in (0, 2, 3, 4):
            record_reading(session, person, position, "malignant", seconds=1.0)
    found = read(study_id, taxonomy)
    assert (found.n_left_out, found.n_without_truth, len(found.images)) == (1, 1, 3)
    assert found.truth == ("malignant", "benign", "benign")
    assert found.readers[0].is_complete
    result = study_result(found)
    assert result.yes_no is not None
    assert result.yes_no.points[0].counts.__dict__ == {"found": 1, "missed": 0, "false_alarms": 2, "spared": 0}
    notes = " ".join(result.notes())
    assert "1 image left out by the pre-screen" in notes
    assert "1 image left out: their label" in notes


def test_scripts_are_named_as_such_and_a_closed_study_is_final(taxonomy: Taxonomy) -> None:
    study_id = make()
    with writing(records_engine()) as session:
        for code in ("script-1", "R-1"):
            person = join_study(session, study_id, code)
            for position in range(4):
                record_reading(session, person, position, "benign", seconds=1.0)
    assert any("still open" in text for text in study_result(read(study_id, taxonomy)).warnings())
    with writing(records_engine()) as session:
        close_study(session, study_id, "local")
    warnings = study_result(read(study_id, taxonomy)).warnings()
    assert warnings == ["1 of 2 readers is a script, not a person: script-1."]
