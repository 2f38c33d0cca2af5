"""The pseudocode line by line: it must end where `partition` ends, by the lines that are printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import PartitionError
from derm_model.taxonomy import Node, Taxonomy, partition, read_taxonomy
from derm_model.taxonomy.recursion import LISTINGS, trace
from tests.taxonomy.trees import counted_taxonomies, tree

MODES = ("faithful", "practical")
Case = tuple[Taxonomy, dict[str, int]]


@given(counted_taxonomies(), st.integers(1, 60), st.sampled_from(MODES))
def test_the_recursion_ends_in_the_classes_of_the_partition_in_the_same_order(
    case: Case, limit: int, mode: str
) -> None:
    taxonomy, counts = case
    found = trace(taxonomy, counts, limit, mode)
    assert found.partition == partition(taxonomy, counts, limit, mode)
    assert found.steps[-1].n_classes == len(found.partition.classes)


@given(counted_taxonomies(), st.integers(1, 60), st.sampled_from(MODES))
def test_every_line_that_runs_is_in_the_listing_and_every_call_comes_back(case: Case, limit: int, mode: str) -> None:
    steps = trace(*case, limit, mode).steps
    assert {step.line for step in steps} <= {line.number for line in LISTINGS[mode]}
    open_calls: list[str] = []
    for step in steps:
        if step.line == "13":
            assert step.node is not None
            parent = case[0].node(step.node).parent
            assert parent == (open_calls[-1] if open_calls else None)
            open_calls.append(step.node)
        elif step.line == "21":
            assert open_calls.pop() == step.node
        elif step.node is not None:
            assert step.node == open_calls[-1]
    assert not open_calls


@given(counted_taxonomies(), st.integers(1, 60), st.sampled_from(MODES))
def test_classes_only_become_more_and_lost_images_are_those_of_the_partition(case: Case, limit: int, mode: str) -> None:
    taxonomy, counts = case
    found = trace(taxonomy, counts, limit, mode)
    numbers = [step.n_classes for step in found.steps]
    assert numbers == sorted(numbers)
    assert found.steps[-1].n_lost == found.partition.n_lost


def test_a_small_tree_runs_as_it_would_by_hand() -> None:
    taxonomy = tree({"a": {"b": {}, "c": {}}})
    found = trace(taxonomy, {"b": 5, "c": 2}, 5, "faithful")
    assert [(s.line, s.node) for s in found.steps] == [
        ("12", None),
        ("22", None),
        *[(n, "a") for n in ("13", "14", "15", "18", "19")],  # 7 images: split
        *[(n, "b") for n in ("13", "14", "15", "18", "21")],  # 5 are not fewer than 5, and there is no child: lost
        *[(n, "a") for n in ("18", "19")],
        *[(n, "c") for n in ("13", "14", "15", "16", "21")],
        *[(n, "a") for n in ("18", "21")],
        ("23", None),
    ]
    assert [c.node for c in found.partition.classes] == ["c"]
    assert found.steps[-1].n_lost == 5


def test_practical_keeps_the_leaf_and_the_images_of_a_split_node_by_the_added_lines() -> None:
    found = trace(tree({"a": {"b": {}, "c": {}}}), {"a": 1, "b": 5}, 5, "practical")
    assert [(s.line, s.n_classes) for s in found.steps if s.line in ("16", "16b", "17b")] == [
        ("17b", 1),
        ("16b", 2),
        ("16", 2),  # c has no image: line 16 runs and appends nothing
    ]


def test_the_worked_cases_of_the_algorithm_hold_for_the_recursion_too() -> None:
    vectors = json.loads((Path(__file__).parent / "partition_vectors.json").read_text(encoding="utf-8"))
    n_cases = 0
    for test in vectors["tests"]:
        if "cases" not in test:
            continue
        nodes: list[Node] = []
        counts: dict[str, int] = {}

        def add(of: dict, parent: str | None, nodes: list[Node] = nodes, counts: dict[str, int] = counts) -> None:
            nodes.append(Node(of["name"], of["name"], parent))
            counts[of["name"]] = of["images"]
            for child in of["children"]:
                add(child, of["name"])

        add(test["tree"], None)
        taxonomy = Taxonomy(nodes)
        for case in test["cases"]:
            for mode in MODES:
                found = trace(taxonomy, counts, case["maxClassSize"], mode).partition
                assert found == partition(taxonomy, counts, case["maxClassSize"], mode)
                n_cases += 1
    assert n_cases >= 40


def test_the_shipped_tree_runs_to_the_end_at_any_limit() -> None:
    taxonomy = read_taxonomy()
    counts = {leaf: 1 + n % 7 for n, leaf in enumerate(taxonomy.leaves())}
    for limit in (1, 50, 1000):
        assert trace(taxonomy, counts, limit).partition == partition(taxonomy, counts, limit)


def test_a_very_deep_tree_does_not_exhaust_the_stack() -> None:
    nodes = [Node(f"n{i}", f"node {i}", None if i == 0 else f"n{i - 1}") for i in range(3000)]
    assert trace(Taxonomy(nodes), {"n2999": 5}, 3).partition.classes[0].node == "n2999"


@pytest.mark.parametrize(
    ("counts", "limit", "mode"), [({}, 5, "practical"), ({"a": 1}, 0, "faithful"), ({"x": 1}, 5, "faithful")]
)
def test_what_partition_refuses_is_refused(counts: dict[str, int], limit: int, mode: str) -> None:
    with pytest.raises(PartitionError):
        trace(tree({"a": {}}), counts, limit, mode)
