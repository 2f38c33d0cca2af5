"""A bundle's kept answers are put to a study's question, and only those of the images the readers saw."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derm_model.assessment.answers import Answers, read_answers, write_answers
from derm_model.assessment.seen import HELD_OUT, TRAIN, UNKNOWN, VALIDATION
from derm_model.card import read_card
from derm_model.errors import EvaluationError
from derm_model.reader_result import Material
from derm_model.reader_result.network import (
    about_answers,
    answers_folder,
    check_files,
    network_answers,
    records_of,
    seen_sentence,
    what_was_seen,
)
from derm_model.records.studies import FrozenImage
from derm_model.taxonomy import Taxonomy, task_score
from tests.reader_result.material import MELANOMA, NEVUS, material


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


STUDY = material([MELANOMA] * 3 + [NEVUS] * 3, {"a": lambda i, right, with_ai: right}, left_out=(4,))


def keep(bundle: Path, study: Material, n: int = 6) -> Answers:
    card, rng = read_card(bundle), np.random.default_rng(1)
    records = records_of(study.everything)[:n]
    what = about_answers("Autumn", card, bundle, study.everything, n)
    answers = Answers(what, records, rng.dirichlet(np.ones(len(card.classes)), n))
    assert write_answers(answers) == answers_folder(card.bundle_id, study.everything)
    return read_answers(answers_folder(card.bundle_id, study.everything))


def test_the_score_is_that_of_the_task_and_images_left_out_have_none(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card, answers = read_card(tiny_bundle), keep(tiny_bundle, STUDY)
    found = network_answers(STUDY, card, taxonomy, answers, tiny_bundle)
    from derm_model.taxonomy import read_tasks, restrict

    sides = restrict(read_tasks()["melanocytic"], taxonomy, card.classes)
    assert sides is not None
    assert found.probs.shape == (5, 2)
    assert np.allclose(found.probs[:, 0], task_score(answers.probs[[0, 1, 2, 3, 5]], sides))
    assert np.allclose(found.probs.sum(axis=1), 1)


def test_presets_come_first_and_were_chosen_elsewhere(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card = read_card(tiny_bundle)
    found = network_answers(STUDY, card, taxonomy, keep(tiny_bundle, STUDY), tiny_bundle)
    presets = card.tasks["melanocytic"].presets
    assert {t.name for t in found.thresholds} == {*(p.name for p in presets), "More likely than not"}
    assert found.threshold(None).name == "Sensitivity 90%"
    assert found.threshold("Youden").value == next(p.threshold for p in presets if p.name == "Youden")
    assert found.threshold(None).rule.endswith("chosen on validation images")


def test_an_image_that_could_not_be_read_has_no_answer(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    found = network_answers(STUDY, read_card(tiny_bundle), taxonomy, keep(tiny_bundle, STUDY, n=3), tiny_bundle)
    assert found.answered.tolist() == [0, 1, 2]


def test_answers_of_another_model_or_of_other_files_are_refused(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card, answers = read_card(tiny_bundle), keep(tiny_bundle, STUDY)
    with pytest.raises(EvaluationError, match="not those of"):
        network_answers(STUDY, replace(card, bundle_id="other"), taxonomy, answers, tiny_bundle)
    other = replace(STUDY, images=tuple(replace(image, content_hash="f" * 64) for image in STUDY.images))
    with pytest.raises(EvaluationError, match="none of the study's images"):
        network_answers(other, card, taxonomy, answers, tiny_bundle)


def test_answers_to_changed_files_lie_elsewhere(tiny_bundle: Path) -> None:
    bundle_id = read_card(tiny_bundle).bundle_id
    changed = tuple(replace(image, content_hash="f" * 64) for image in STUDY.everything)
    assert answers_folder(bundle_id, changed) != answers_folder(bundle_id, STUDY.everything)
    assert answers_folder(bundle_id, STUDY.everything[::-1]) == answers_folder(bundle_id, STUDY.everything)


def test_files_that_are_gone_or_others_now_are_named(tmp_path: Path) -> None:
    images = []
    for i in range(3):
        path = tmp_path / f"{i}.png"
        path.write_bytes(str(i).encode())
        images.append(FrozenImage("set", f"image-{i}", hashlib.sha256(path.read_bytes()).hexdigest(), str(path), NEVUS))
    check_files(images)
    (tmp_path / "1.png").unlink()
    (tmp_path / "2.png").write_bytes(b"another")
    with pytest.raises(EvaluationError, match=r"image-1 cannot be read.*file of image-2 is another one now"):
        check_files(images)


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        (("test", "test"), HELD_OUT),
        (("test", "validation"), VALIDATION),
        (("validation", "train"), TRAIN),
        (None, UNKNOWN),
    ],
)
def test_whether_the_model_learnt_from_the_images_is_told_by_the_split_beside_it(
    tmp_path: Path, tiny_bundle: Path, taxonomy: Taxonomy, parts: tuple[str, str] | None, seen: str
) -> None:
    bundle = tmp_path / "run" / "bundle"
    bundle.parent.mkdir()
    bundle.symlink_to(tiny_bundle) if parts is None else bundle.mkdir()
    if parts is not None:
        lines = [f"set,{image.image_id},{part}" for image, part in zip(STUDY.images, parts, strict=False)]
        (bundle.parent / "split.csv").write_text("\n".join(["source,image_id,part", *lines]) + "\n")
    found, n_train, n_validation = what_was_seen(bundle, STUDY.images)
    assert found == seen
    assert (n_train, n_validation) == ((parts or ()).count("train"), (parts or ()).count("validation"))
    network = network_answers(STUDY, read_card(tiny_bundle), taxonomy, keep(tiny_bundle, STUDY), bundle)
    sentence = seen_sentence(network, 5)
    assert (sentence is None) == (seen == HELD_OUT)
    if seen == TRAIN:
        assert sentence is not None
        assert "1 image of 5 it learnt from and 1 image of 5 it was chosen on: the comparison flatters it" in sentence
