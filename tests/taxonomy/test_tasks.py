"""The two questions of the paper, asked of any set of classes, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Task, TaskClasses, Taxonomy, TrainingClass, partition, read_tasks, restrict, task_score
from tests.taxonomy.trees import tree

TASK = Task("melanocytic", "M", "?", "melanoma", "nevus", positive=("melanoma",), negative=("melanocytic",))


def classes(counts: dict[str, int], limit: int) -> tuple[TrainingClass, ...]:
    return partition(tree(), counts, limit).classes


def test_the_shipped_tasks_are_those_of_the_paper(taxonomy: Taxonomy) -> None:
    tasks = read_tasks()
    assert list(tasks) == ["epidermal", "melanocytic"]
    assert tasks["epidermal"].question == "Epidermal: carcinoma or seborrheic keratosis?"
    assert tasks["melanocytic"].question == "Melanocytic: melanoma or nevus?"
    assert tasks["epidermal"].positive == (
        "basal-cell-carcinoma",
        "invasive-squamous-cell-carcinoma",
        "squamous-cell-carcinoma-in-situ",
        "actinic-and-premalignant-keratoses",
    )
    assert tasks["epidermal"].negative == ("seborrheic-keratoses",)
    assert (tasks["melanocytic"].positive, tasks["melanocytic"].negative) == (("melanoma",), ("benign-melanocytic",))


def test_the_sides_of_the_shipped_tasks_are_in_the_tree_and_do_not_overlap(taxonomy: Taxonomy) -> None:
    for task in read_tasks().values():
        sides = [
            {below for node in side for below in taxonomy.descendants(node)} for side in (task.positive, task.negative)
        ]
        assert not sides[0] & sides[1]
        assert {taxonomy.node(leaf).malignancy_status for node in task.positive for leaf in taxonomy.leaves(node)} <= {
            "malignant",
            "premalignant",
        }


def test_classes_at_or_below_a_side_count_for_it_and_others_for_none() -> None:
    found = restrict(
        TASK, tree(), classes({"blue nevus": 5, "halo nevus": 5, "melanoma": 2, "nodular": 8, "keratosis": 9}, 8)
    )
    assert found is not None
    names = [
        entry.id
        for entry in classes({"blue nevus": 5, "halo nevus": 5, "melanoma": 2, "nodular": 8, "keratosis": 9}, 8)
    ]
    assert [names[index] for index in found.positive] == ["melanoma--own", "nodular"]
    assert [names[index] for index in found.negative] == ["blue nevus", "halo nevus"]


def test_a_class_that_straddles_makes_the_task_unanswerable() -> None:
    straddling = classes({"nodular": 5, "carcinoma": 5, "blue nevus": 50, "keratosis": 50}, 20)
    assert "malignant" in {entry.id for entry in straddling}
    assert restrict(TASK, tree(), straddling) is None


def test_a_residual_class_above_a_side_stays_outside() -> None:
    coarse = classes({"malignant": 5, "nodular": 20, "blue nevus": 20, "keratosis": 20}, 20)
    assert "malignant--own" in {entry.id for entry in coarse}
    found = restrict(TASK, tree(), coarse)
    assert found is not None
    assert [coarse[index].id for index in (*found.positive, *found.negative)] == ["nodular", "blue nevus"]


def test_a_task_with_an_empty_side_is_unanswerable() -> None:
    assert restrict(TASK, tree(), classes({"nodular": 50, "keratosis": 50}, 20)) is None


def test_a_task_on_unknown_nodes_is_refused() -> None:
    foreign = Task("x", "X", "?", "+", "-", positive=("psoriasis",), negative=("melanoma",))
    with pytest.raises(TaxonomyError, match="psoriasis"):
        restrict(foreign, tree(), classes({"nodular": 5}, 20))


def test_renormalised_is_the_share_within_the_region_and_raw_the_positive_mass() -> None:
    sides = TaskClasses(TASK, positive=(0, 1), negative=(2,))
    probs = np.array([[0.2, 0.1, 0.2, 0.5], [0.0, 0.0, 0.1, 0.9]])
    np.testing.assert_allclose(task_score(probs, sides), [0.6, 0.0])
    np.testing.assert_allclose(task_score(probs, sides, mode="raw"), [0.3, 0.0])


def test_without_mass_in_the_region_the_renormalised_score_is_undefined_not_zero() -> None:
    sides = TaskClasses(TASK, positive=(0,), negative=(1,))
    probs = np.array([0.0, 0.0, 1.0])
    assert np.isnan(task_score(probs, sides))
    assert task_score(probs, sides, mode="raw") == 0


def test_scores_keep_the_leading_shape() -> None:
    sides = TaskClasses(TASK, positive=(0,), negative=(1,))
    assert task_score(np.full((2, 3, 4), 0.25), sides).shape == (2, 3)
    assert task_score(np.full(4, 0.25), sides).shape == ()


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'renormalised' or 'raw'"):
        task_score(np.ones(2), TaskClasses(TASK, (0,), (1,)), mode="softmax")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["{", '[{"id": "x"}]', "[1]", '{"a": 1}'])
def test_a_broken_task_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "tasks.json").write_text(text, encoding="utf-8")
    with pytest.raises(TaxonomyError, match="no list of tasks"):
        read_tasks(tmp_path / "tasks.json")
