"""Accuracy at a level: probabilities summed up the tree, the highest sum answers, classes weigh alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.evaluation.levels import LevelAccuracy, accuracy_at_level
from derm_model.evaluation.metrics import mean_class_accuracy
from derm_model.taxonomy import Aggregator, TrainingClass
from tests.taxonomy.trees import tree

TREE = tree()
FINE = ("blue nevus", "keratosis", "nodular", "lentigo", "carcinoma")


def classes(*nodes: str) -> tuple[TrainingClass, ...]:
    return tuple(TrainingClass(node, node, node, TREE.descendants(node), 1) for node in nodes)


def judged(nodes: list[str], probs: list[list[float]], level: int, names: tuple[str, ...] = FINE) -> LevelAccuracy:
    found = accuracy_at_level(TREE, classes(*names), nodes, np.array(probs).reshape(len(nodes), len(names)), level)
    assert found is not None
    return found


def test_the_highest_sum_answers_not_the_highest_class() -> None:
    probs = [[0.4, 0.0, 0.3, 0.3, 0.0]]  # one nevus leads, the two melanomas together are ahead
    assert judged(["nodular"], probs, 2).mean == 1.0
    assert judged(["blue nevus"], probs, 2).mean == 0.0
    assert judged(["nodular"], probs, 1).mean == 1.0


def test_classes_weigh_alike_however_many_images_they_have() -> None:
    right, wrong = [0.9, 0.0, 0.1, 0.0, 0.0], [0.1, 0.0, 0.9, 0.0, 0.0]
    found = judged(["blue nevus"] * 9 + ["nodular"], [right] * 9 + [right], 1)
    assert found.mean == 0.5
    assert [(row.node, row.n, row.n_correct) for row in found.rows] == [("benign", 9, 9), ("malignant", 1, 0)]
    assert judged(["blue nevus"] * 9 + ["nodular"], [right] * 9 + [wrong], 1).mean == 1.0


def test_an_image_labelled_above_the_level_is_not_judged() -> None:
    found = judged(["benign", "blue nevus"], [[1.0, 0, 0, 0, 0]] * 2, 2)
    assert found.n_unjudged == 1
    assert sum(row.n for row in found.rows) == 1


def test_a_diagnosis_no_class_covers_is_answered_wrongly() -> None:
    found = judged(["carcinoma"], [[0.5, 0.5]], 2, ("blue nevus", "nodular"))
    rows = {row.node: (row.n, row.n_correct) for row in found.rows}
    assert rows == {"melanocytic": (0, 0), "melanoma": (0, 0), "carcinoma": (1, 0)}
    assert found.mean == 0.0


def test_a_class_without_an_image_has_no_accuracy_and_is_not_in_the_mean() -> None:
    found = judged(["blue nevus"], [[1.0, 0, 0, 0, 0]], 2)
    accuracies = {row.node: row.accuracy for row in found.rows}
    assert accuracies == {"melanocytic": 1.0, "epidermal": None, "melanoma": None, "carcinoma": None}
    assert found.mean == 1.0


def test_a_class_above_the_level_makes_it_undefined() -> None:
    probs = np.ones((1, 2)) / 2
    assert accuracy_at_level(TREE, classes("benign", "malignant"), ["nodular"], probs, 2) is None
    assert accuracy_at_level(TREE, classes("benign", "malignant"), ["nodular"], probs, 1) is not None


def test_no_image_is_no_accuracy() -> None:
    found = judged([], [], 1)
    assert (found.mean, found.n_unjudged) == (None, 0)
    assert [row.n for row in found.rows] == [0, 0]


def test_rows_stand_in_the_order_of_the_taxonomy() -> None:
    found = judged(["carcinoma"], [[0.2] * 5], 2)
    assert [row.node for row in found.rows] == ["melanocytic", "epidermal", "melanoma", "carcinoma"]
    mixed = judged(["carcinoma"], [[0.2] * 5], 2, tuple(reversed(FINE)))
    assert [row.node for row in mixed.rows] == [row.node for row in found.rows]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([1, 2]))
def test_it_is_the_mean_class_accuracy_of_the_summed_probabilities(seed: int, n: int, level: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = rng.choice(FINE, n).tolist()
    probs = rng.dirichlet(np.ones(len(FINE)), n)
    cut = [node for node in TREE.cut(level) if any(TREE.is_within(name, node) for name in FINE)]
    summed = Aggregator(TREE, classes(*FINE)).node_probs(probs)[:, [TREE.position(node) for node in cut]]
    truth = [cut.index(TREE.at_level(node, level)) for node in nodes]
    reference = mean_class_accuracy(truth, summed.argmax(axis=1), len(cut))
    found = accuracy_at_level(TREE, classes(*FINE), nodes, probs, level)
    assert found is not None
    assert found.mean == pytest.approx(reference)
