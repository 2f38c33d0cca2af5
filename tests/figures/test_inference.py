"""The inference figure: every number is the aggregator's, and every node the sum of what is drawn below it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.figures.inference import plot_inference, shown
from derm_model.inference import ROOT, inference_tree, sums
from derm_model.palette import DARK, LIGHT, Palette
from derm_model.taxonomy import Aggregator, Taxonomy, partition
from tests.taxonomy.trees import SKIN, counted_taxonomies, tree

COUNTS = {"blue nevus": 40, "halo nevus": 30, "keratosis": 120, "melanoma": 9, "nodular": 20, "carcinoma": 50}
both = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)


def answer(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(n))


@given(counted_taxonomies(), st.integers(1, 60), st.integers(1, 12))
@settings(deadline=None, database=None)
def test_every_number_is_the_aggregators_and_the_sum_of_its_children(
    case: tuple[Taxonomy, dict[str, int]], limit: int, most: int
) -> None:
    taxonomy, counts = case
    classes = partition(taxonomy, counts, limit).classes
    aggregator, probs = Aggregator(taxonomy, classes), answer(len(classes))
    nodes = inference_tree(taxonomy, aggregator, classes, probs, most)
    by_key = {node.key: node for node in nodes}
    for key, children in sums(nodes).items():
        assert by_key[key].probability == pytest.approx(sum(child.probability for child in children))
        if key != ROOT:
            assert by_key[key].probability == pytest.approx(aggregator.probability(probs, key))
    ends = [i for node in nodes if node.is_class for i in node.classes]
    assert sorted(ends) == list(range(len(classes)))  # each output hangs at exactly one end
    for node in nodes:
        if node.is_class and len(node.classes) == 1 and node.key.startswith("class "):
            assert node.probability == probs[node.classes[0]]


def test_the_least_probable_classes_are_drawn_together_and_said_to_be() -> None:
    taxonomy = tree(SKIN)
    classes = partition(taxonomy, COUNTS, 35).classes
    nodes = inference_tree(taxonomy, Aggregator(taxonomy, classes), classes, answer(len(classes)), most=2)
    rest = [node for node in nodes if node.is_class and not node.key.startswith("class ")]
    assert rest
    assert all("less probable" in node.name for node in rest)
    assert sum(len(node.classes) for node in rest) == len(classes) - 2


@both
def test_the_figure_shows_each_node_once_and_its_probability_on_the_edge_to_it(palette: Palette) -> None:
    taxonomy = tree(SKIN)
    classes = partition(taxonomy, COUNTS, 35).classes
    nodes = inference_tree(taxonomy, Aggregator(taxonomy, classes), classes, answer(len(classes)))
    edges, numbers, marks = plot_inference(nodes, palette).data
    assert list(marks.ids) == [node.key for node in nodes]
    assert list(numbers.text) == [f"<b>{shown(node.probability)}</b>" for node in nodes[1:]]
    rows = [y for y, node in zip(marks.y, nodes, strict=True) if node.is_class]
    assert rows == list(range(len(rows)))  # ends stand below each other, so no two labels overlap
    assert sum(x is None for x in edges.x) == len(nodes) - 1


def test_a_small_probability_is_never_written_as_none() -> None:
    assert [shown(p) for p in (0.0, 0.0004, 0.0005, 0.6, 1.0)] == ["0.000", "<0.001", "0.001", "0.600", "1.000"]
