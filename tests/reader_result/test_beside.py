"""Readers beside an evaluation: closed studies only, on the images that both have, in the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derm_model.assessment.answers import Answers
from derm_model.assessment.assess import assess
from derm_model.assessment.level_figures import PAPERS_ORDER
from derm_model.card import BundleCard, read_card
from derm_model.evaluation_report import html_report
from derm_model.reader_result.beside import Beside, all_beside
from derm_model.reader_result.network import about_answers, records_of
from derm_model.records.engine import records_engine, writing
from derm_model.records.readings import record_reading
from derm_model.records.studies import FrozenImage, NewStudy, close_study, create_study, join_study
from derm_model.taxonomy import Taxonomy
from tests.reader_result.material import KERATOSIS, MELANOMA, NEVUS, frozen

NODES = [MELANOMA] * 4 + [NEVUS] * 4 + [KERATOSIS] * 2
TRUTH = ["melanoma"] * 4 + ["benign-melanocytic"] * 4 + ["benign-epidermal"] * 2


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    monkeypatch.delenv("DERM_DATABASE_URL", raising=False)
    return tmp_path


def answered(card: BundleCard, bundle: Path, images: tuple[FrozenImage, ...]) -> Answers:
    """The network calls every image a melanoma."""
    probs = np.full((len(images), len(card.classes)), 0.1 / (len(card.classes) - 1))
    index = card.partition.class_index(MELANOMA)
    assert index is not None
    probs[:, index] = 0.9
    return Answers(about_answers("set", card, bundle, images, len(images)), records_of(images), probs)


def take(taxonomy: Taxonomy, *, close: bool = True, name: str = "Autumn") -> None:
    """Two people who take the first melanoma for a nevus, and one script that stops early."""
    choices = taxonomy.cut(2)
    new = NewStudy(name=name, question="nine-way", choices=choices, images=frozen(NODES), seed=1)
    with writing(records_engine()) as session:
        study_id = create_study(session, new, "local")
        for code, stop in (("R-1", 10), ("R-2", 10), ("script-1", 3)):
            person = join_study(session, study_id, code)
            for position in range(stop):
                said = TRUTH[position] if position else "benign-melanocytic"
                record_reading(session, person, position, said, seconds=1.0)
        if close:
            close_study(session, study_id, "local")


def beside(answers: Answers, card: BundleCard, bundle: Path, taxonomy: Taxonomy) -> list[Beside]:
    return list(all_beside(answers, card, bundle, taxonomy))


def test_matrices_are_of_the_same_images_in_the_same_rows(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card = read_card(tiny_bundle)
    take(taxonomy)
    (found,) = beside(answered(card, tiny_bundle, frozen(NODES)), card, tiny_bundle, taxonomy)
    assert found.readers.classes == found.network.classes == PAPERS_ORDER
    assert found.readers.n_of_class.tolist() == (2 * found.network.n_of_class).tolist()
    assert (found.mean, found.accuracy.value) == (pytest.approx((0.75 + 1 + 1) / 3), pytest.approx(1 / 3))
    assert (found.n_readers, found.n_scripts, found.n_images) == (2, 0, 10)


def test_only_common_images_count_and_that_is_said(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card, images = read_card(tiny_bundle), frozen(NODES)
    take(taxonomy)
    other = replace(images[1], content_hash="f" * 64)  # another file under the same name
    (found,) = beside(answered(card, tiny_bundle, (images[0], other, images[2])), card, tiny_bundle, taxonomy)
    assert (found.n_images, found.n_of_study) == (2, 10)
    assert (found.n_readers, found.n_scripts) == (3, 1)  # of these two images the script answered every one
    assert "2 images of 10. 3 readers, 1 of them scripts and no people," in found.sentence


def test_open_studies_and_other_images_are_not_offered(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card = read_card(tiny_bundle)
    take(taxonomy, close=False)
    assert beside(answered(card, tiny_bundle, frozen(NODES)), card, tiny_bundle, taxonomy) == []
    take(taxonomy, name="Winter")
    others = tuple(replace(image, source="elsewhere") for image in frozen(NODES))
    assert beside(answered(card, tiny_bundle, others), card, tiny_bundle, taxonomy) == []
    assert len(beside(answered(card, tiny_bundle, frozen(NODES)), card, tiny_bundle, taxonomy)) == 1


def test_the_report_has_them_where_they_are_given(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card = read_card(tiny_bundle)
    take(taxonomy)
    answers = answered(card, tiny_bundle, frozen(NODES))
    found = beside(answers, card, tiny_bundle, taxonomy)
    assessment = assess(answers, card, taxonomy)
    assert found[0].sentence in html_report(assessment, readers=found)
    assert "Autumn" not in html_report(assessment)
