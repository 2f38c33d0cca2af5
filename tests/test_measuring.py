"""The figures of a bundle's card, worked out by hand on a few images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derm_model.data.data_sets import known_data_sets
from derm_model.data.manifest import Record
from derm_model.evaluation.subgroups import subgroups
from derm_model.measuring import Measured, accuracy, task_aucs, task_cards
from derm_model.taxonomy import Taxonomy, partition, read_tasks, restrict, task_score

COUNTS = {
    "actinic-keratosis": 100,
    "basal-cell-carcinoma-nos": 100,
    "melanoma-nos": 100,
    "pigmented-benign-keratosis": 100,
    "seborrheic-keratosis": 100,
    "melanocytic-nevus-nos": 100,
}


def measured(taxonomy: Taxonomy, answers: list[tuple[str, str]], data_set: str) -> tuple[Measured, tuple]:
    """Images with (true node, node the network is sure of)."""
    classes = partition(taxonomy, COUNTS, 50).classes
    position = {c.node: i for i, c in enumerate(classes)}
    probs = np.full((len(answers), len(classes)), 0.01)
    for row, (_, said) in enumerate(answers):
        probs[row, position[said]] = 1 - 0.01 * (len(classes) - 1)
    records = tuple(Record(str(i), Path("x"), truth, None, data_set) for i, (truth, _) in enumerate(answers))
    return Measured(records, np.array([position[truth] for truth, _ in answers]), probs), classes


def test_any_keratosis_class_counts_as_ham10000s_pooled_label(taxonomy: Taxonomy) -> None:
    part, classes = measured(
        taxonomy,
        [
            ("pigmented-benign-keratosis", "seborrheic-keratosis"),  # both are bkl: right
            ("melanoma-nos", "melanoma-nos"),
            ("melanoma-nos", "melanocytic-nevus-nos"),  # wrong
        ],
        "HAM10000",
    )
    metric = accuracy(part, "HAM10000", taxonomy, classes)[0]
    assert metric.value == pytest.approx((1 + 0.5) / 2)
    assert metric.n == 3
    assert metric.name == "balanced accuracy over 2 classes"


def test_an_unknown_data_set_is_measured_on_the_training_classes(taxonomy: Taxonomy) -> None:
    part, classes = measured(taxonomy, [("pigmented-benign-keratosis", "seborrheic-keratosis")], "mine")
    assert accuracy(part, "mine", taxonomy, classes)[0].value == 0


def test_auc_is_given_per_data_set_and_only_where_both_sides_have_images(taxonomy: Taxonomy) -> None:
    answers = [("melanoma-nos", "melanoma-nos"), ("melanocytic-nevus-nos", "melanocytic-nevus-nos")]
    part, classes = measured(taxonomy, [*answers, ("actinic-keratosis", "melanoma-nos")], "mine")
    sides = {name: restrict(task, taxonomy, classes) for name, task in read_tasks().items()}
    assert sides["melanocytic"] is not None
    assert sides["epidermal"] is not None
    (metric,) = task_aucs(part, sides["melanocytic"])
    assert (metric.data_set, metric.value, metric.n_pos, metric.n_neg) == ("mine", 1.0, 1, 1)
    assert task_aucs(part, sides["epidermal"]) == []


def drawn(taxonomy: Taxonomy, seed: int, n: int = 240) -> tuple[Measured, tuple]:
    """Melanomas and nevi with unsure answers; every third person is a woman, of some the sex is not known."""
    rng = np.random.default_rng(seed)
    part, classes = measured(
        taxonomy, [("melanoma-nos" if i % 3 else "melanocytic-nevus-nos", "melanoma-nos") for i in range(n)], "mine"
    )
    records = tuple(
        replace(record, sex=("female", "male", "male", None)[i % 4], age=20.0 + i % 60, fitzpatrick_type=2)
        for i, record in enumerate(part.records)
    )
    return Measured(records, part.labels, rng.dirichlet(np.ones(len(classes)), n)), classes


def test_subgroups_are_those_of_the_held_out_images_at_the_first_presets_threshold(taxonomy: Taxonomy) -> None:
    (validation, classes), (holdout, _) = drawn(taxonomy, 0), drawn(taxonomy, 1)
    (card,) = task_cards(validation, holdout, taxonomy, classes).values()
    found = card.subgroups
    assert found is not None
    assert (found.preset, found.threshold) == (card.presets[0].name, card.presets[0].threshold)
    assert set(found.attributes) == {"Sex", "Age"}  # one skin type, data set and modality are no subgroups
    sides = restrict(read_tasks()["melanocytic"], taxonomy, classes)
    assert sides is not None
    labels, scores = np.isin(holdout.labels, sides.positive), task_score(holdout.probs, sides)
    expected = subgroups(labels, scores, found.threshold, [r.sex for r in holdout.records])
    assert found.attributes["Sex"] == expected.in_brief()
    assert [row.value for row in expected.rows] == ["female", "male", None]


def test_without_held_out_images_there_are_no_subgroups(taxonomy: Taxonomy) -> None:
    validation, classes = drawn(taxonomy, 0)
    assert all(card.subgroups is None for card in task_cards(validation, None, taxonomy, classes).values())


def test_every_node_a_known_data_set_names_is_in_the_tree(taxonomy: Taxonomy) -> None:
    for data_set in known_data_sets().values():
        for label, nodes in data_set.labels.items():
            assert all(node in taxonomy.index for node in nodes), (data_set.name, label)
