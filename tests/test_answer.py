"""Rows and tree of a model's answer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from derm_model.answer import Level, level_answers, node_answer, region_mass, role_of, tree_slices
from derm_model.palette import Role
from derm_model.taxonomy import Aggregator, Partition, Resolution, Taxonomy, partition, read_tasks, restrict

COUNTS = {
    "Basal cell carcinoma, not otherwise specified": 450,
    "Seborrheic keratosis": 420,
    "Melanoma, not otherwise specified": 480,
    "Melanocytic nevus, not otherwise specified": 490,
}


@pytest.fixture(scope="module")
def classes(taxonomy: Taxonomy) -> Partition:
    """Four training classes on the real tree."""
    return partition(taxonomy, {str(taxonomy.find(name)): n for name, n in COUNTS.items()}, 500)


@pytest.fixture(scope="module")
def aggregator(taxonomy: Taxonomy, classes: Partition) -> Aggregator:
    return Aggregator(taxonomy, classes.classes)


@pytest.fixture(scope="module")
def probs(classes: Partition) -> NDArray[np.float64]:
    values = np.arange(1.0, len(classes.classes) + 1)
    return values / values.sum()


@pytest.mark.parametrize("level", Level)
def test_rows_are_most_probable_first_and_unresolved_last(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Partition, probs: NDArray[np.float64], level: Level
) -> None:
    rows = level_answers(taxonomy, aggregator, classes.classes, probs, level)
    known = [row.probability for row in rows if row.probability is not None]
    assert known == sorted(known, reverse=True)
    assert [row.probability for row in rows[: len(known)]] == known
    assert sum(known) == pytest.approx(1)
    assert len({row.key for row in rows}) == len(rows)


def test_what_was_not_learnt_is_none_and_never_0(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Partition, probs: NDArray[np.float64]
) -> None:
    answer = node_answer(taxonomy, aggregator, classes.classes, probs, "inflammatory")
    assert answer.probability is None
    assert answer.resolution is Resolution.NO_CLASS
    assert answer.role is Role.UNRESOLVED


def test_a_node_finer_than_the_model_names_the_class_that_covers_it(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Partition, probs: NDArray[np.float64]
) -> None:
    index = next(i for i, c in enumerate(classes.classes) if taxonomy.children(c.node))
    finer = taxonomy.children(classes.classes[index].node)[0]
    answer = node_answer(taxonomy, aggregator, classes.classes, probs, finer)
    assert answer.probability is None
    assert answer.resolution is Resolution.FINER_THAN_MODEL
    assert answer.covering == classes.classes[index].name
    assert answer.covering_probability == pytest.approx(probs[index])


def test_roles_follow_the_malignancy_status_and_melanoma_stands_apart(taxonomy: Taxonomy) -> None:
    assert role_of(taxonomy, "melanoma") is Role.MELANOMA
    assert role_of(taxonomy, str(taxonomy.find("Melanoma, not otherwise specified"))) is Role.MELANOMA
    assert role_of(taxonomy, "malignant") is Role.MALIGNANT
    assert role_of(taxonomy, "benign") is Role.BENIGN
    assert role_of(taxonomy, "inflammatory") is Role.NON_NEOPLASTIC
    benign_lymphoid = next(
        node.id
        for node in taxonomy.nodes
        if node.malignancy_status == "benign" and "malignant" in taxonomy.ancestors(node.id)
    )
    assert role_of(taxonomy, benign_lymphoid) is Role.BENIGN


def test_the_drawn_tree_holds_all_roots_and_nine_classes_and_every_training_class(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Partition, probs: NDArray[np.float64]
) -> None:
    slices = tree_slices(taxonomy, aggregator, classes.classes, probs)
    drawn = {s.answer.node for s in slices}
    assert set(taxonomy.cut(1)) | set(taxonomy.cut(2)) <= drawn
    leaves = drawn - {s.parent for s in slices}
    learnt = [aggregator.class_indices(node) for node in leaves]
    assert sorted(i for indices in learnt for i in indices) == list(range(len(classes.classes)))


def test_no_two_boxes_above_each_other_say_the_same_below_the_nine_classes(
    taxonomy: Taxonomy, aggregator: Aggregator, classes: Partition, probs: NDArray[np.float64]
) -> None:
    for s in tree_slices(taxonomy, aggregator, classes.classes, probs):
        if s.parent is not None and taxonomy.level(s.answer.node) > 2:
            assert aggregator.class_indices(s.answer.node) != aggregator.class_indices(s.parent)


def test_the_mass_of_a_question_is_that_of_both_sides(
    taxonomy: Taxonomy, classes: Partition, probs: NDArray[np.float64]
) -> None:
    task = restrict(read_tasks()["melanocytic"], taxonomy, classes.classes)
    assert task is not None
    inside = [
        taxonomy.is_within(c.node, "melanoma") or taxonomy.is_within(c.node, "benign-melanocytic")
        for c in classes.classes
    ]
    assert region_mass(probs, task) == pytest.approx(probs[inside].sum())
