"""Questions of reader studies: which answer is right for a label, and which of the network's classes stand for it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.errors import EvaluationError
from derm_model.reader_questions import choice_probs, study_question, study_questions
from derm_model.taxonomy import Aggregator, Taxonomy, partition, read_tasks, read_taxonomy, restrict, task_score


@pytest.fixture(scope="module")
def tree() -> Taxonomy:
    return read_taxonomy()


@pytest.mark.parametrize(
    ("question", "node", "right"),
    [
        ("biopsy-melanocytic", "melanoma-nos", "biopsy"),
        ("biopsy-melanocytic", "melanocytic-nevus-nos", "reassure"),
        ("biopsy-melanocytic", "seborrheic-keratosis", None),  # no melanocytic lesion
        ("biopsy-epidermal", "actinic-keratosis", "biopsy"),
        ("malignant-epidermal", "seborrheic-keratosis", "benign"),
        ("malignant-any", "actinic-keratosis", "malignant"),
        ("malignant-any", "melanocytic-nevus-nos", "benign"),
        ("three-way", "melanoma-nos", "malignant"),
        ("nine-way", "melanocytic-nevus-nos", "benign-melanocytic"),
        ("nine-way", "benign", None),  # too coarse
    ],
)
def test_the_right_answer_follows_from_the_label(tree: Taxonomy, question: str, node: str, right: str | None) -> None:
    assert study_question(question, tree).truth(tree, node) == right


def test_every_disease_has_one_right_answer_of_three_and_of_nine_that_is_above_it(tree: Taxonomy) -> None:
    for question in (study_question("three-way", tree), study_question("nine-way", tree)):
        for leaf in tree.leaves():
            right = question.truth(tree, leaf)
            assert right is not None and tree.is_within(leaf, right)


def test_questions_of_two_answers_have_the_positive_one_first_and_others_none(tree: Taxonomy) -> None:
    for question in study_questions(tree).values():
        assert question.positive == (question.choice_ids[0] if len(question.choices) == 2 else None)
        assert len(set(question.choice_ids)) == len(question.choices)
    assert [len(study_question(q, tree).choices) for q in ("three-way", "nine-way")] == [3, 9]


def test_an_unknown_question_is_refused_with_those_there_are(tree: Taxonomy) -> None:
    with pytest.raises(EvaluationError, match=r"asks 'ten-way'.*nine-way"):
        study_question("ten-way", tree)


@pytest.mark.parametrize("region", ["epidermal", "melanocytic"])
def test_the_networks_answer_to_two_choices_is_the_score_of_the_task(tree: Taxonomy, region: str) -> None:
    classes = partition(tree, dict.fromkeys(tree.leaves(), 10), 400).classes
    question = study_question(f"biopsy-{region}", tree)
    columns = question.columns(tree, classes)
    task = restrict(read_tasks()[region], tree, classes)
    assert columns is not None and task is not None
    probs = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 20)
    summed = choice_probs(probs, columns)
    assert summed[:, 0] == pytest.approx(task_score(probs, task))
    assert summed.sum(axis=1) == pytest.approx(1.0)


def test_the_networks_answer_to_nine_choices_is_the_sum_below_each_node(tree: Taxonomy) -> None:
    classes = partition(tree, dict.fromkeys(tree.leaves(), 10), 400).classes
    question = study_question("nine-way", tree)
    columns = question.columns(tree, classes)
    assert columns is not None
    probs = np.random.default_rng(1).dirichlet(np.ones(len(classes)))
    aggregator = Aggregator(tree, classes)
    assert choice_probs(probs, columns) == pytest.approx(
        [aggregator.probability(probs, n) for n in question.choice_ids]
    )


def test_a_class_that_covers_two_answers_cannot_be_asked(tree: Taxonomy) -> None:
    classes = partition(tree, dict.fromkeys(tree.leaves(), 10), 10**9).classes  # the roots
    assert study_question("nine-way", tree).columns(tree, classes) is None
    assert study_question("three-way", tree).columns(tree, classes) is not None


def test_no_probability_on_any_answer_is_undefined() -> None:
    assert np.isnan(choice_probs([[0.0, 0.0, 1.0]], ((0,), (1,)))).all()
