"""Probabilities add up on every tree, and nothing is said where nothing was learnt."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Aggregator, Node, Resolution, Taxonomy, TrainingClass, partition
from tests.taxonomy.trees import counted_taxonomies, tree

VECTORS = json.loads((Path(__file__).parent / "partition_vectors.json").read_text(encoding="utf-8"))
LIMITS = st.integers(1, 60)
MODES = st.sampled_from(["practical", "faithful"])
CASES = st.tuples(counted_taxonomies(), LIMITS, MODES, st.integers(0, 2**32 - 1))
Case = tuple[tuple[Taxonomy, dict[str, int]], int, str, int]


def made(case: Case) -> tuple[Aggregator, npt.NDArray[np.float64]] | None:
    """The aggregator of a random partition and random distributions (5, n_classes); None without any class."""
    (taxonomy, counts), limit, mode, seed = case
    classes = partition(taxonomy, counts, limit, mode).classes
    if not classes:  # faithful may drop every leaf
        return None
    probs = np.random.default_rng(seed).dirichlet(np.ones(len(classes)), size=5)
    return Aggregator(taxonomy, classes), probs


@given(CASES)
def test_a_parent_is_the_sum_of_its_children_and_its_own_residual_class(case: Case) -> None:
    if (pair := made(case)) is None:
        return
    aggregator, probs = pair
    taxonomy = aggregator.taxonomy
    nodes = aggregator.node_probs(probs)
    own = {entry.node: index for index, entry in enumerate(aggregator.classes) if entry.residual}
    tops = {entry.node for entry in aggregator.classes if not entry.residual}
    for node_id in taxonomy.index:
        children = [taxonomy.index[child] for child in taxonomy.children(node_id)]
        if node_id in tops or not children:
            continue
        parts = [nodes[:, child] for child in children if aggregator.resolved[child]]
        parts += [probs[:, own[node_id]]] if node_id in own else []
        value = nodes[:, taxonomy.index[node_id]]
        if parts:
            np.testing.assert_allclose(value, np.sum(parts, axis=0), atol=1e-12)
        else:
            assert np.isnan(value).all()


@given(CASES)
def test_probabilities_on_every_cut_sum_to_one_less_the_classes_above_it(case: Case) -> None:
    if (pair := made(case)) is None:
        return
    aggregator, probs = pair
    taxonomy = aggregator.taxonomy
    nodes = aggregator.node_probs(probs)
    for level in range(1, max(map(taxonomy.level, taxonomy.index)) + 1):
        cut = taxonomy.cut(level)
        on_cut = [taxonomy.index[node_id] for node_id in cut if aggregator.resolved[taxonomy.index[node_id]]]
        above = [
            index
            for index, entry in enumerate(aggregator.classes)
            if not any(taxonomy.is_within(entry.node, node_id) for node_id in cut)
        ]
        total = nodes[:, on_cut].sum(axis=1) + probs[:, above].sum(axis=1)
        np.testing.assert_allclose(total, 1, atol=1e-12)


@given(CASES)
def test_the_roots_sum_to_one(case: Case) -> None:
    if (pair := made(case)) is None:
        return
    aggregator, probs = pair
    roots = [aggregator.taxonomy.index[root] for root in aggregator.taxonomy.children(None)]
    np.testing.assert_allclose(np.nansum(aggregator.node_probs(probs)[:, roots], axis=1), 1, atol=1e-12)


@given(CASES)
def test_a_probability_is_missing_exactly_where_the_node_is_not_resolved(case: Case) -> None:
    if (pair := made(case)) is None:
        return
    aggregator, probs = pair
    nodes = aggregator.node_probs(probs)
    tops = {entry.node for entry in aggregator.classes}
    for node_id, position in aggregator.taxonomy.index.items():
        resolution = aggregator.resolution(node_id)
        assert np.isnan(nodes[:, position]).all() == (resolution is not Resolution.RESOLVED)
        below_a_class = bool(tops & set(aggregator.taxonomy.ancestors(node_id)))
        if resolution is not Resolution.RESOLVED:
            assert (resolution is Resolution.FINER_THAN_MODEL) == below_a_class
            assert aggregator.probability(probs[0], node_id) is None
        else:
            assert aggregator.probability(probs[0], node_id) == pytest.approx(nodes[0, position], abs=1e-12)


def skin_model() -> Aggregator:
    """Classes: benign melanocytic, keratosis, melanoma's own images, nodular; nothing on carcinoma or milia."""
    counts = {"blue nevus": 3, "keratosis": 9, "melanoma": 4, "nodular": 6}
    return Aggregator(tree(), partition(tree(), counts, 9).classes)


def test_why_a_node_is_not_resolved() -> None:
    aggregator = skin_model()
    assert [entry.id for entry in aggregator.classes] == ["melanocytic", "keratosis", "melanoma--own", "nodular"]
    assert aggregator.resolution("malignant") is Resolution.RESOLVED
    assert aggregator.resolution("blue nevus") is Resolution.FINER_THAN_MODEL
    assert aggregator.resolution("lentigo") is Resolution.FINER_THAN_MODEL
    assert aggregator.resolution("carcinoma") is Resolution.NO_CLASS
    assert aggregator.resolution("milia") is Resolution.NO_CLASS


def test_classes_at_below_and_above_a_node() -> None:
    aggregator = skin_model()
    assert aggregator.class_indices("malignant") == (2, 3)
    assert aggregator.class_indices("halo nevus") == ()
    assert aggregator.covering_class("halo nevus") == 0
    assert aggregator.covering_class("melanoma") == 2
    assert aggregator.covering_class("malignant") is None


def test_one_distribution_gives_one_row() -> None:
    aggregator = skin_model()
    probs = np.array([0.1, 0.2, 0.3, 0.4])
    nodes = aggregator.node_probs(probs)
    assert nodes.shape == (len(tree()),)
    assert nodes[tree().index["malignant"]] == pytest.approx(0.7)
    assert aggregator.probability(probs, "malignant") == pytest.approx(0.7)


def test_the_input_is_not_changed_and_the_matrix_cannot_be() -> None:
    aggregator = skin_model()
    probs = np.full((2, 4), 0.25)
    aggregator.node_probs(probs)
    assert (probs == 0.25).all()
    with pytest.raises(ValueError, match="read-only"):
        aggregator.matrix[0, 0] = 5


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 4), ()])
def test_probabilities_of_the_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must end in 4 classes"):
        skin_model().node_probs(np.zeros(shape))


def test_an_aggregator_needs_classes_of_the_tree_each_node_once() -> None:
    entry = TrainingClass("milia", "milia", "milia", ("milia",), 1)
    with pytest.raises(TaxonomyError, match="without training classes"):
        Aggregator(tree(), [])
    with pytest.raises(TaxonomyError, match="two training classes stand for the node 'milia'"):
        Aggregator(tree(), [entry, entry])
    with pytest.raises(TaxonomyError, match="no node 'psoriasis'"):
        Aggregator(tree(), [TrainingClass("psoriasis", "psoriasis", "psoriasis", ("psoriasis",), 1)])


def test_blocks_are_the_rows_of_the_whole() -> None:
    aggregator = skin_model()
    probs = np.random.default_rng(0).dirichlet(np.ones(4), size=10)
    blocks = list(aggregator.blocks(probs, block_rows=4))
    assert [len(block) for block in blocks] == [4, 4, 2]
    np.testing.assert_allclose(np.concatenate(blocks), aggregator.node_probs(probs))
    with pytest.raises(ValueError, match="at least 1"):
        next(aggregator.blocks(probs, block_rows=0))


def test_many_distributions_over_the_shipped_tree_need_one_block_of_memory(taxonomy: Taxonomy) -> None:
    classes = partition(taxonomy, dict.fromkeys(taxonomy.leaves(), 10), 300).classes
    aggregator = Aggregator(taxonomy, classes)
    n_images, block_rows = 20_000, 500
    probs = np.full((n_images, len(classes)), 1 / len(classes), dtype=np.float32)
    block_bytes = block_rows * len(taxonomy) * 8
    tracemalloc.start()
    try:
        seen = sum(len(block) for block in aggregator.blocks(probs, block_rows))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == n_images
    assert peak < 4 * block_bytes  # the whole would be 40 blocks


def test_extended_data_figure_1() -> None:
    example = VECTORS["inference"][0]
    parents = {child: parent for parent, children in example["assumed_tree"].items() for child in children}
    names = ["root", *parents]
    taxonomy = Taxonomy([Node(name, name, parents.get(name)) for name in names])
    given_probs = example["assumed_training_probabilities"]
    classes = [TrainingClass(name, name, name, (name,), 1) for name in given_probs]
    aggregator = Aggregator(taxonomy, classes)
    probs = np.array(list(given_probs.values()))
    for node_id, expected in example["expected"].items():
        assert aggregator.probability(probs, node_id) == pytest.approx(expected, abs=example["tolerance"])
    benign = aggregator.probability(probs, "benign")
    assert benign == pytest.approx(sum(example["training_probabilities_of_benign_descendants"]), abs=1e-9)
    assert benign == pytest.approx(example["expected_P_benign"], abs=example["tolerance"])
