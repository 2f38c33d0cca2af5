"""The printable report of an evaluation."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest

from derm_model.assessment.answers import Answers, about
from derm_model.assessment.assess import Assessment, assess
from derm_model.assessment.numbers import predictive_row
from derm_model.card import read_card
from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError
from derm_model.evaluation.predictive import PREVALENCES, over_prevalences
from derm_model.evaluation.sampling import SampleSize
from derm_model.evaluation_report import html_report, write_report
from derm_model.taxonomy import Taxonomy

SEXES = ("female", "male", None)


def made(bundle: Path, taxonomy: Taxonomy, nodes: list[str], name: str = "drawn") -> Assessment:
    card = read_card(bundle)
    rng = np.random.default_rng(0)
    records = tuple(
        Record(str(i), Path(f"{i}.png"), nodes[i % len(nodes)], None, "own", "clinical", sex=SEXES[i % 3])
        for i in range(180)
    )
    probs = rng.dirichlet(np.ones(len(card.classes)), len(records))
    what = about(name, card.bundle_id, [c.id for c in card.classes], records, "held out")
    return assess(Answers(what, records, probs), card, taxonomy)


NODES = ["melanoma-nos", "melanocytic-nevus-nos", "seborrheic-keratosis", "basal-cell-carcinoma-nos"]


def test_every_level_question_and_subgroup_stands_in_it_with_n(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    found = made(tiny_bundle, taxonomy, NODES)
    page = html_report(found)
    for text in ("training classes", "nine classes", "three roots", "Most confused", "Net benefit", "Sex", "too few"):
        assert text in page
    for question in found.questions:
        assert f"{question.positive_name} against {question.negative_name}" in page
        assert f"n = {question.curve.n_pos} + {question.curve.n_neg}" in page
    assert "Research tool, not a medical device" in page
    samples = [question.sample for question in found.questions if question.sample is not None]
    assert page.count("<figure") == len(found.levels) + 4 * len(found.questions) + len(samples) + 1


def test_predictive_values_and_biopsies_per_case_stand_in_it_at_rarer_diseases(
    tiny_bundle: Path, taxonomy: Taxonomy
) -> None:
    found = made(tiny_bundle, taxonomy, NODES)
    page = html_report(found)
    assert "NPV is high wherever a disease is rare" in page
    for question in found.questions:
        for values in over_prevalences(question.points[0].point, PREVALENCES):
            cells = predictive_row(values)
            assert f'<th scope="row">{cells[0]}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])}' in page
    assert all(f'"row">{share}<' in page for share in ("0.5%", "1%", "2%", "5%", "10%", "20%"))


def test_a_sample_stands_beside_all_images_where_there_is_one(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    found = made(tiny_bundle, taxonomy, NODES)
    sizes = {question.question: question.sample and question.sample.size for question in found.questions}
    assert sizes == {"epidermal": SampleSize(42, 45), "melanocytic": None}  # of 45 + 45; 15 melanomas are too few
    page = html_report(found)
    assert page.count("Sample set against full set, as in the paper&#39;s Figure 3. A sample of 42 + 45 images") == 1


def test_it_needs_no_network_and_shows_foreign_words_as_words(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    page = html_report(made(tiny_bundle, taxonomy, NODES, name="<script>alert(1)</script>"))
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script>alert(1)" not in page
    assert not re.search(r"""(src|href)=["']https?:""", own)


def test_what_is_not_defined_is_said_and_not_drawn(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    one_sided = made(tiny_bundle, taxonomy, ["melanoma-nos"])
    assert one_sided.questions == ()
    assert "not defined" in html_report(one_sided)  # classes without an image
    outside = made(tiny_bundle, taxonomy, ["psoriasis"])
    assert outside.n_outside == 180 and outside.certainty is None and outside.brier is None
    assert any("no training class covers" in warning for warning in outside.warnings)
    assert "180 of 180 images" in html_report(outside)


def test_answers_of_another_bundle_are_refused(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    card = read_card(tiny_bundle)
    what = about("x", "another", [c.id for c in card.classes], [], "held out")
    with pytest.raises(EvaluationError, match="are of bundle another"):
        assess(Answers(what, (), np.zeros((0, len(card.classes)))), card, taxonomy)


def test_a_folder_that_cannot_be_written_is_named(tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    found = made(tiny_bundle, taxonomy, NODES)
    with pytest.raises(EvaluationError, match="could not be written"):
        write_report(tmp_path / "nowhere", replace(found))
    write_report(tmp_path, found)
    assert (tmp_path / "report.html").stat().st_size > 1_000_000
