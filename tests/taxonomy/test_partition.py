"""Algorithm 1, literally and practically, on worked cases and random trees."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import PartitionError
from derm_model.taxonomy import Node, Partition, Taxonomy, partition
from tests.taxonomy.trees import counted_taxonomies, tree

VECTORS = json.loads((Path(__file__).parent / "partition_vectors.json").read_text(encoding="utf-8"))
LIMITS = st.integers(1, 60)
MODES = st.sampled_from(["practical", "faithful"])


def nodes_of(entry: Mapping[str, Any], parent: str | None = None) -> Iterator[tuple[Node, int]]:
    yield Node(entry["name"], entry["name"], parent), entry["images"]
    for child in entry["children"]:
        yield from nodes_of(child, entry["name"])


def worked_cases() -> Iterator[Any]:
    for test in VECTORS["tests"]:
        pairs = list(nodes_of(test["tree"]))
        taxonomy = Taxonomy([node for node, _ in pairs])
        counts = {node.id: images for node, images in pairs}
        for case in test["cases"]:
            yield pytest.param(taxonomy, counts, case, id=f"{test['id']}-{case['maxClassSize']}")


CASES = list(worked_cases())


def test_all_twenty_worked_cases_are_here() -> None:
    assert len(CASES) == 20


@pytest.mark.parametrize("taxonomy, counts, case", CASES)
def test_faithful_follows_the_worked_cases(taxonomy: Taxonomy, counts: dict[str, int], case: dict[str, Any]) -> None:
    expected = case["faithful"]
    result = partition(taxonomy, counts, case["maxClassSize"], "faithful")
    assert [
        {"node": entry.node, "members": list(entry.members), "images": entry.n_images} for entry in result.classes
    ] == expected["classes"]
    assert len(result.classes) == expected["n_classes"]
    assert result.n_images == expected["images_in_classes"]
    assert result.n_lost == expected["images_lost"]
    assert list(result.empty_classes) == expected["empty_classes"]
    dropped = [{"name": entry.node, "images": entry.n_images} for entry in result.dropped_leaves]
    assert dropped == expected["dropped_leaves"]
    split = [{"name": entry.node, "own_images_in_no_class": entry.n_images} for entry in result.split_nodes]
    assert split == expected["split_inner_nodes"]


@pytest.mark.parametrize("taxonomy, counts, case", CASES)
def test_practical_follows_the_worked_cases(taxonomy: Taxonomy, counts: dict[str, int], case: dict[str, Any]) -> None:
    expected = case["practical"]
    result = partition(taxonomy, counts, case["maxClassSize"])
    assert [
        {
            "class": f"{entry.node} [own images]" if entry.residual else entry.node,
            "members": list(entry.members),
            "images": entry.n_images,
        }
        for entry in result.classes
    ] == expected["classes"]
    assert len(result.classes) == expected["n_classes"]
    assert result.n_images == expected["images_in_classes"]
    assert result.n_lost == 0
    assert result.uncovered == ()


@given(counted_taxonomies(), LIMITS)
def test_practical_loses_no_image_and_has_no_empty_class(case: tuple[Taxonomy, dict[str, int]], limit: int) -> None:
    taxonomy, counts = case
    result = partition(taxonomy, counts, limit)
    assert result.n_images == sum(counts.values())
    assert result.n_lost == 0
    assert result.empty_classes == ()


@given(counted_taxonomies(), LIMITS, MODES)
def test_images_in_classes_and_lost_images_are_all_images(
    case: tuple[Taxonomy, dict[str, int]], limit: int, mode: str
) -> None:
    taxonomy, counts = case
    result = partition(taxonomy, counts, limit, mode)
    assert result.n_images + result.n_lost == sum(counts.values())
    assert sum(counts[node_id] for node_id in result.uncovered) == result.n_lost


@given(counted_taxonomies(), LIMITS, MODES)
def test_no_node_is_in_two_classes_and_class_index_finds_its_class(
    case: tuple[Taxonomy, dict[str, int]], limit: int, mode: str
) -> None:
    taxonomy, counts = case
    result = partition(taxonomy, counts, limit, mode)
    members = [member for entry in result.classes for member in entry.members]
    assert len(members) == len(set(members))
    for node_id in taxonomy.index:
        index = result.class_index(node_id)
        assert (index is None) == (node_id not in members)
        assert index is None or node_id in result.classes[index].members
        if mode == "practical" and counts[node_id]:
            assert index is not None


@given(counted_taxonomies(), LIMITS, MODES)
def test_only_leaves_and_residual_classes_reach_the_limit(
    case: tuple[Taxonomy, dict[str, int]], limit: int, mode: str
) -> None:
    taxonomy, counts = case
    for entry in partition(taxonomy, counts, limit, mode).classes:
        single = mode == "practical" and (entry.residual or taxonomy.is_leaf(entry.node))
        assert entry.n_images < limit or single
        assert entry.n_images == sum(counts[member] for member in entry.members)


@given(counted_taxonomies(), LIMITS, MODES)
def test_classes_are_in_depth_first_order_with_unique_ids(
    case: tuple[Taxonomy, dict[str, int]], limit: int, mode: str
) -> None:
    taxonomy, counts = case
    classes = partition(taxonomy, counts, limit, mode).classes
    positions = [taxonomy.position(entry.node) for entry in classes]
    assert positions == sorted(set(positions))
    assert len({entry.id for entry in classes}) == len({entry.name for entry in classes}) == len(classes)


@given(counted_taxonomies(), LIMITS, MODES)
def test_a_partition_survives_json(case: tuple[Taxonomy, dict[str, int]], limit: int, mode: str) -> None:
    result = partition(*case, limit, mode)
    assert Partition.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_every_root_is_partitioned_by_itself() -> None:
    result = partition(tree(), {"benign": 1, "carcinoma": 1}, 1000)
    assert [entry.node for entry in result.classes] == ["benign", "malignant"]


def test_a_residual_class_says_so_in_its_name() -> None:
    result = partition(tree(), {"melanoma": 5, "nodular": 5}, 6)
    entry = result.classes[0]
    assert (entry.id, entry.name, entry.members, entry.residual) == (
        "melanoma--own",
        "melanoma, not further specified",
        ("melanoma",),
        True,
    )


def test_the_partition_carries_the_digest_of_its_tree() -> None:
    assert partition(tree(), {"milia": 1}, 10).taxonomy_digest == tree().digest


@pytest.mark.parametrize(
    "counts, limit, mode, message",
    [
        ({"milia": -1}, 10, "practical", "'milia' has -1 images"),
        ({"milia": 1.5}, 10, "practical", "not a whole number"),
        ({"millia": 1}, 10, "practical", r"no node 'millia' \(nearest: milia"),
        ({"milia": 1}, 0, "practical", "at least 1 image, got 0"),
        ({"milia": 1}, 10, "literal", "one of practical, faithful, got 'literal'"),
        ({"milia": 0}, 10, "practical", "every count is 0"),
        ({}, 10, "practical", "every count is 0"),
    ],
)
def test_input_without_a_partition_is_refused(counts: dict[str, int], limit: int, mode: str, message: str) -> None:
    with pytest.raises(PartitionError, match=message):
        partition(tree(), counts, limit, mode)


def test_all_wrong_counts_are_named_at_once() -> None:
    with pytest.raises(PartitionError, match="'milia' has -1 images; 'benign' has -2 images"):
        partition(tree(), {"milia": -1, "benign": -2, "malignant": 3}, 10)


def test_what_is_no_partition_is_refused() -> None:
    with pytest.raises(PartitionError, match="no stored partition"):
        Partition.from_json({"mode": "practical"})


def test_the_shipped_tree_is_partitioned_at_once(taxonomy: Taxonomy) -> None:
    counts = dict.fromkeys(taxonomy.leaves(), 60)
    times = []
    for _ in range(5):
        start = time.process_time()
        result = partition(taxonomy, counts, 1000)
        times.append(time.process_time() - start)
    assert min(times) < 0.3
    assert result.n_images == 60 * 2032


def test_a_chain_deeper_than_the_recursion_limit_is_partitioned() -> None:
    depth = 3000
    chain = Taxonomy([Node(f"n{i}", f"node {i}", f"n{i - 1}" if i else None) for i in range(depth)])
    result = partition(chain, {f"n{depth - 1}": 5, "n0": 1}, 6)
    assert [entry.id for entry in result.classes] == ["n0--own", "n1"]
