"""The result of a cross-validation on the page: drawn from the files of its job, whatever state they are in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.evaluation.cross_validation import (
    RESULT,
    ClassFolds,
    CrossValidation,
    LevelResult,
    TargetsResult,
)
from derm_model.jobs import Job, JobStore
from tests.pages.conftest import texts

TIMEOUT_S = 60


def page(root: str, job_id: str) -> None:
    from pathlib import Path

    from derm_model.jobs import JobStore
    from pages.ui.train.crossval_result import draw_crossval

    draw_crossval(JobStore(Path(root)).read(job_id))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return JobStore(tmp_path).new(["crossval"], "Cross-validation", {"kind": "crossval"})


def draw(job: Job) -> AppTest:
    folder = job.paths.folder
    found = AppTest.from_function(page, args=(str(folder.parent), job.id), default_timeout=TIMEOUT_S).run()
    assert not found.exception
    return found


def result(n_folds: int) -> CrossValidation:
    folds = tuple(range(n_folds))
    level = LevelResult(folds, (ClassFolds("melanoma", "Malignant | Melanoma", (10,) * n_folds, (7,) * n_folds),))
    images = (10,) * n_folds
    kinds = (
        TargetsResult("partition", 5, folds, images, level, level),
        TargetsResult("three", 2, folds, images, level, None),
    )
    return CrossValidation(3, kinds)


def test_without_a_finished_fold_it_says_so(job: Job) -> None:
    assert "No fold is finished yet" in texts(draw(job))


def test_the_result_has_its_table_its_honest_sentences_and_its_files(job: Job) -> None:
    (job.paths.folder / RESULT).write_text(json.dumps(result(3).to_json()))
    found = draw(job)
    said = texts(found)
    assert "| partition | 5 | 70\\.0 ± 0\\.0% | 70\\.0 ± 0\\.0% | 3 of 3 | 30 |" in said
    assert "| directly on three classes | 2 | 70\\.0 ± 0\\.0% | – |" in said
    assert "for orientation only" in said
    assert "no p\\-value is given" in said
    assert "Malignant \\| Melanoma" in said  # names cannot break the table
    assert [button.label for button in found.get("download_button")] == ["Result (CSV)", "Result (JSON)"]


def test_a_partial_result_says_on_how_many_folds_it_rests(job: Job) -> None:
    (job.paths.folder / RESULT).write_text(json.dumps(result(2).to_json()))
    said = texts(draw(job))
    assert "2 of 3" in said
    assert "Not all of the 3 folds are there yet" in said


@pytest.mark.parametrize("text", ["{", "{}", '{"format": 9}'])
def test_a_damaged_result_is_no_crash(text: str, job: Job) -> None:
    (job.paths.folder / RESULT).write_text(text)
    assert "cannot be read" in texts(draw(job))
