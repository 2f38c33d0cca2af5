"""Targets: what the outputs are, and which label an image trains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import PartitionError
from derm_model.taxonomy import Taxonomy, make_targets, partition
from derm_model.taxonomy.targets import LEVELS, TARGETS, level_classes
from tests.taxonomy.trees import counted_taxonomies, tree

TREE = tree()
COUNTS = {"blue nevus": 4, "halo nevus": 2, "keratosis": 3, "nodular": 5, "melanoma": 2, "malignant": 1, "benign": 1}


def names(counts: dict[str, int], targets: str, **options: object) -> list[str]:
    made = make_targets(TREE, counts, targets=targets, **options)  # type: ignore[arg-type]
    return [c.node for c in made.partition.classes]


def test_outputs_of_a_level_are_its_nodes_that_have_images() -> None:
    assert names(COUNTS, "three") == ["benign", "malignant"]
    assert names(COUNTS, "nine") == ["melanocytic", "epidermal", "melanoma"]  # nobody has a carcinoma


def test_a_class_of_a_level_holds_all_images_below_it() -> None:
    nine = level_classes(TREE, COUNTS, "nine")
    assert {c.node: c.n_images for c in nine.classes} == {"melanocytic": 6, "epidermal": 3, "melanoma": 7}
    assert nine.classes[0].members == TREE.descendants("melanocytic")
    assert (nine.mode, nine.max_class_size, nine.taxonomy_digest) == ("nine", 0, TREE.digest)
    assert not any(c.residual for c in nine.classes)


def test_the_shipped_tree_has_three_and_nine_outputs(taxonomy: Taxonomy) -> None:
    counts = dict.fromkeys((node.id for node in taxonomy.nodes), 1)
    assert make_targets(taxonomy, counts, targets="three").n_classes == 3
    assert make_targets(taxonomy, counts, targets="nine").n_classes == 9


def test_the_partition_is_that_of_algorithm_1() -> None:
    made = make_targets(TREE, COUNTS, max_class_size=4)
    assert made.partition == partition(TREE, COUNTS, 4)
    assert made.coarse == ()
    assert made.n_labels == made.n_classes


def test_without_coarse_labels_an_image_above_the_level_trains_nothing() -> None:
    made = make_targets(TREE, COUNTS, targets="nine")
    assert made.label("malignant") is None
    assert made.label("nodular") == 2


def test_a_coarse_label_stands_for_the_outputs_below_its_node() -> None:
    made = make_targets(TREE, COUNTS, targets="nine", coarse=True)
    assert [(c.node, c.classes, c.n_images) for c in made.coarse] == [("benign", (0, 1), 1), ("malignant", (2,), 1)]
    assert made.label("benign") is not None
    assert made.n_labels == made.n_classes + 2


def test_with_coarse_labels_the_partition_has_no_residual_class() -> None:
    plain = make_targets(TREE, COUNTS, max_class_size=4)
    coarse = make_targets(TREE, COUNTS, max_class_size=4, coarse=True)
    assert any(c.residual for c in plain.partition.classes)
    assert not any(c.residual for c in coarse.partition.classes)
    residual = {c.node for c in plain.partition.classes if c.residual}
    assert residual == {c.node for c in coarse.coarse}


def test_membership_has_a_row_per_label_with_the_outputs_it_stands_for() -> None:
    made = make_targets(TREE, COUNTS, targets="nine", coarse=True)
    rows = made.membership()
    assert rows.shape == (5, 3)
    np.testing.assert_array_equal(rows[:3], np.eye(3, dtype=bool))
    benign, malignant = made.label("benign"), made.label("malignant")
    np.testing.assert_array_equal(rows[benign], [True, True, False])
    np.testing.assert_array_equal(rows[malignant], [False, False, True])


def test_a_node_without_images_has_no_coarse_label() -> None:
    made = make_targets(TREE, {"blue nevus": 1, "keratosis": 1}, targets="nine", coarse=True)
    assert made.coarse == ()


def test_unknown_targets_are_refused_with_the_choices() -> None:
    with pytest.raises(PartitionError, match="partition, three, nine, not 'ten'"):
        make_targets(TREE, COUNTS, targets="ten")


def test_images_above_the_level_alone_make_no_output() -> None:
    with pytest.raises(PartitionError, match=r"level 2.*more finely"):
        make_targets(TREE, {"benign": 5}, targets="nine")


def test_no_image_makes_no_partition() -> None:
    with pytest.raises(PartitionError, match="needs images"):
        make_targets(TREE, {})


@given(counted_taxonomies(), st.sampled_from(TARGETS), st.integers(1, 30), st.booleans())
def test_every_image_is_labelled_at_most_once_and_by_a_label_that_holds_it(
    counted: tuple[Taxonomy, dict[str, int]], targets: str, max_class_size: int, coarse: bool
) -> None:
    taxonomy, counts = counted
    try:
        made = make_targets(taxonomy, counts, targets=targets, max_class_size=max_class_size, coarse=coarse)
    except PartitionError:
        assert targets in LEVELS  # a partition there always is
        return
    members = [member for c in made.partition.classes for member in c.members]
    assert len(members) == len(set(members))
    assert not set(members) & {c.node for c in made.coarse}
    rows = made.membership()
    assert rows.shape == (made.n_labels, made.n_classes)
    assert rows.any(axis=1).all()
    for node, n in counts.items():
        label = made.label(node)
        if label is None:
            assert not n or coarse or targets in LEVELS
            continue
        for index in np.flatnonzero(rows[label]):
            own = made.partition.classes[index].node
            if label < made.n_classes:
                assert taxonomy.is_within(node, own)
            else:
                assert taxonomy.is_within(own, node)


@given(counted_taxonomies(), st.integers(1, 30))
def test_with_coarse_labels_every_image_of_a_partition_trains_something(
    counted: tuple[Taxonomy, dict[str, int]], max_class_size: int
) -> None:
    taxonomy, counts = counted
    made = make_targets(taxonomy, counts, max_class_size=max_class_size, coarse=True)
    assert made.n_classes > 0
    assert all(made.label(node) is not None for node, n in counts.items() if n)
