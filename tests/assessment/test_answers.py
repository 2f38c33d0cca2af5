"""Answers of a bundle, kept on disk and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derm_model.assessment.answers import (
    Answers,
    about,
    delete_answers,
    digest_of,
    folder_of,
    list_answers,
    read_answers,
    write_answers,
)
from derm_model.assessment.numbers import share
from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError
from derm_model.evaluation.metrics import Interval
from tests.pages.made_answers import make_answers

RECORDS = (
    Record("a", Path("/x/a.png"), "melanoma", "MEL", "HAM10000", "dermoscopic", "L1", age=55.0, fitzpatrick_type=2),
    Record("b", Path("/x/\udce9.png"), "nevus, blue", None, "own", sex="female", site='back, "left"'),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    return tmp_path


def made(name: str = "mine", features: bool = True) -> Answers:
    probs = np.array([[0.25, 0.75], [0.9, 0.1]])
    kept = np.ones((2, 4), np.float32) if features else None
    return Answers(
        about(name, "tiny-1", ("one", "two"), RECORDS, "held out"), RECORDS, probs, kept, np.array([3.0, 99.5])
    )


@pytest.mark.parametrize("features", [True, False])
def test_answers_come_back_as_they_were(features: bool) -> None:
    answers = made(features=features)
    found = read_answers(write_answers(answers))
    assert (found.about, found.records) == (answers.about, answers.records)
    assert np.allclose(found.probs, answers.probs, atol=1e-6)
    assert found.probs.sum(axis=1) == pytest.approx([1, 1], abs=1e-12)
    assert (found.features is not None) is features
    assert found.unusual is not None and found.unusual.tolist() == [3.0, 99.5]


def test_the_digest_follows_images_and_labels_and_nothing_else() -> None:
    assert digest_of(RECORDS) == digest_of([replace(RECORDS[1], path=Path("/elsewhere")), RECORDS[0]])
    assert digest_of(RECORDS) != digest_of([RECORDS[0], replace(RECORDS[1], node="melanoma")])
    assert digest_of(RECORDS) != digest_of(RECORDS[:1])


def test_the_same_images_again_replace_what_was_kept(home: Path) -> None:
    write_answers(made("first"))
    write_answers(made("second", features=False))
    ((folder, what),) = list_answers("tiny-1")
    assert what.name == "second" and folder == folder_of(made().about)
    assert read_answers(folder).features is None
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert list_answers("another") == [] and len(list_answers()) == 1


@pytest.mark.parametrize("file", ["about.json", "images.csv", "probs.npy"])
def test_damaged_answers_are_refused_and_not_listed(file: str) -> None:
    folder = write_answers(made())
    (folder / file).write_bytes(b"nothing useful")
    with pytest.raises(EvaluationError, match="Evaluate the bundle"):
        read_answers(folder)
    assert len(list_answers()) == (0 if file == "about.json" else 1)


def test_files_that_do_not_belong_together_are_refused() -> None:
    folder = write_answers(made())
    np.save(folder / "probs.npy", np.ones((3, 2)))
    with pytest.raises(EvaluationError, match="do not belong together"):
        read_answers(folder)


def test_a_full_disk_says_what_to_do(home: Path) -> None:
    (home / "evaluations").write_text("a file where the folder should be")
    with pytest.raises(EvaluationError, match="could not be kept"):
        write_answers(made())


def test_kept_answers_are_deleted_with_all_beside_them_and_nothing_else_is(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    folder, other = make_answers(tiny_bundle), make_answers(tiny_bundle, n=12)
    (folder / "embedding.npy").touch()
    delete_answers(folder)
    assert not folder.exists() and [found for found, _ in list_answers()] == [other]
    for wrong in (folder, tmp_path, other.parent):
        with pytest.raises(EvaluationError):
            delete_answers(wrong)
    assert other.is_dir() and tmp_path.is_dir()


def test_a_share_is_told_with_its_interval() -> None:
    assert share(Interval(0.5, 0.4, 0.6, 12, 12)) == "50.0% (40.0–60.0%)"
