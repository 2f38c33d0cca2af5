"""Questions of reader studies: which answer is right, and which classes of a network stand for it."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.errors import EvaluationError
from derm_model.reader_questions import choice_probs, study_question, study_questions
from derm_model.taxonomy import Taxonomy, TrainingClass, partition, read_tasks, restrict, task_score
from tests.support import COUNTS, MAX_CLASS_SIZE, tiny_partition


def the_class(taxonomy: Taxonomy, node: str, *, residual: bool = False) -> TrainingClass:
    members = (node,) if residual else taxonomy.descendants(node)
    return TrainingClass(node, node, node, members, 1, residual)


@pytest.mark.parametrize(
    ("question", "node", "right"),
    [
        ("biopsy-melanocytic", "melanoma-nos", "biopsy"),
        ("biopsy-melanocytic", "melanocytic-nevus-nos", "reassure"),
        ("biopsy-melanocytic", "seborrheic-keratosis", None),  # not asked about
        ("malignant-melanocytic", "melanoma", "malignant"),
        ("biopsy-epidermal", "actinic-keratosis", "biopsy"),
        ("biopsy-epidermal", "malignant", None),  # too coarse
        ("malignant-any", "actinic-keratosis", "malignant"),
        ("malignant-any", "inflammatory", "benign"),
        ("malignant-any", "benign-dermal", "benign"),  # none of its diseases of definite status is malignant
        ("malignant-any", "cutaneous-lymphoma", None),  # holds benign infiltrates, too
        ("three-way", "cutaneous-lymphoma", "malignant"),
        ("nine-way", "melanoma-nos", "melanoma"),
        ("nine-way", "malignant", None),
    ],
)
def test_a_label_says_the_right_answer_or_that_it_does_not(
    taxonomy: Taxonomy, question: str, node: str, right: str | None
) -> None:
    assert study_question(question, taxonomy).truth(taxonomy, node) == right


def test_a_leaf_of_indeterminate_status_has_no_right_answer_and_every_other_one_has(taxonomy: Taxonomy) -> None:
    question = study_question("malignant-any", taxonomy)
    for leaf in taxonomy.leaves():
        status = taxonomy.node(leaf).malignancy_status
        expected = {"malignant": "malignant", "premalignant": "malignant", "indeterminate": None}.get(
            status or "", "benign"
        )
        assert question.truth(taxonomy, leaf) == expected


def test_the_levels_cover_every_leaf_once(taxonomy: Taxonomy) -> None:
    for name, n in (("three-way", 3), ("nine-way", 9)):
        question = study_question(name, taxonomy)
        found = [question.truth(taxonomy, leaf) for leaf in taxonomy.leaves()]
        assert len(question.choices) == n and set(found) == set(question.choice_ids)


def test_classes_of_a_task_are_those_of_the_task(taxonomy: Taxonomy) -> None:
    classes = tiny_partition(taxonomy).classes
    for task in read_tasks().values():
        sides = restrict(task, taxonomy, classes)
        assert sides is not None
        for wording in ("biopsy", "malignant"):
            found = study_question(f"{wording}-{task.id}", taxonomy).columns(taxonomy, classes)
            assert found == (sides.positive, sides.negative)


def test_a_network_whose_class_reaches_over_both_answers_cannot_be_asked(taxonomy: Taxonomy) -> None:
    melanocytic = study_question("biopsy-melanocytic", taxonomy)
    nevi = the_class(taxonomy, "benign-melanocytic")
    assert melanocytic.columns(taxonomy, [the_class(taxonomy, "malignant"), nevi]) is None
    assert melanocytic.columns(taxonomy, [the_class(taxonomy, "malignant", residual=True), nevi]) is None  # one side
    any_lesion = study_question("malignant-any", taxonomy)
    mixed, melanoma = the_class(taxonomy, "cutaneous-lymphoma"), the_class(taxonomy, "melanoma")
    assert any_lesion.columns(taxonomy, [mixed, melanoma, nevi]) is None
    assert any_lesion.columns(taxonomy, [melanoma, nevi]) == ((0,), (1,))
    nine = study_question("nine-way", taxonomy)
    assert nine.columns(taxonomy, [the_class(taxonomy, "malignant"), nevi]) is None
    coarse = the_class(taxonomy, "malignant", residual=True)
    found = nine.columns(taxonomy, [coarse, melanoma, nevi])
    assert found is not None and found[nine.choice_ids.index("melanoma")] == (1,)
    assert sum(map(len, found)) == 2  # a coarse label stands for none of the nine


def test_a_practical_partition_of_any_size_never_puts_a_class_behind_two_answers(taxonomy: Taxonomy) -> None:
    nodes = {taxonomy.find(name): n for name, n in COUNTS.items()}
    for size in (1, 10, MAX_CLASS_SIZE, 1000, 10_000):
        classes = partition(taxonomy, {node: n for node, n in nodes.items() if node}, size).classes
        for question in study_questions(taxonomy).values():
            columns = question.columns(taxonomy, classes)
            flat = [i for side in columns or () for i in side]
            assert len(flat) == len(set(flat))


def test_probability_of_two_answers_is_the_score_of_the_task(taxonomy: Taxonomy) -> None:
    classes = tiny_partition(taxonomy).classes
    probs = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 5)
    sides = restrict(read_tasks()["melanocytic"], taxonomy, classes)
    columns = study_question("biopsy-melanocytic", taxonomy).columns(taxonomy, classes)
    assert sides is not None and columns is not None
    found = choice_probs(probs, columns)
    np.testing.assert_allclose(found[:, 0], task_score(probs, sides))
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_where_no_answer_has_any_probability_there_is_none() -> None:
    found = choice_probs([[0.0, 0.0, 1.0], [0.2, 0.6, 0.2]], ((0,), (1,)))
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], [0.25, 0.75])


def test_ids_are_unique_and_an_unknown_question_is_refused(taxonomy: Taxonomy) -> None:
    questions = study_questions(taxonomy)
    assert len(questions) == 8 and all(len(set(q.choice_ids)) == len(q.choices) for q in questions.values())
    assert [q.positive for q in questions.values()].count(None) == 2
    with pytest.raises(EvaluationError, match="Update DermTree"):
        study_question("colour", taxonomy)
