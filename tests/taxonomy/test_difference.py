"""A difference says all that changed, and nothing else."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from derm_model.taxonomy import Node, Taxonomy
from derm_model.taxonomy.difference import COLUMNS, KINDS, Change, compare_taxonomies
from derm_model.taxonomy.node import MALIGNANCY_STATUSES
from tests.taxonomy.trees import file_taxonomies

OLD = Taxonomy(
    [
        Node("a", "A"),
        Node("b", "B", "a", ("bee",), "benign", "C1", "A"),
        Node("c", "C", "a"),
        Node("d", "D", "a"),
        Node("e", "E"),
    ]
)


def test_every_kind_of_change_is_found() -> None:
    new = Taxonomy(
        [
            Node("e", "E"),
            Node("a", "A"),
            Node("d", "D", "a"),
            Node("b", "Bee", "a", ("buzz",), "malignant", "C1", "B"),
            Node("c", "C", "e"),
            Node("f", "F", "e"),
        ]
    )
    assert compare_taxonomies(OLD, new).changes == (
        Change("added", "f", "F", "", "e"),
        Change("renamed", "b", "Bee", "B", "Bee"),
        Change("moved", "c", "C", "a", "e"),
        Change("status", "b", "Bee", "benign", "malignant"),
        Change("synonyms", "b", "Bee", "bee", "buzz"),
        Change("details", "b", "Bee", "ICD-10 C1, tier A", "ICD-10 C1, tier B"),
        Change("reordered", "", "", "a|e", "e|a"),
        Change("reordered", "a", "A", "b|d", "d|b"),
    )
    (removed,) = compare_taxonomies(OLD, Taxonomy(OLD.nodes[:-1])).changes
    assert removed == Change("removed", "e", "E", "", "")


def test_synonyms_and_codes_change_no_class() -> None:
    new = Taxonomy([replace(OLD.nodes[0], synonyms=("first",)), *OLD.nodes[1:]])
    difference = compare_taxonomies(OLD, new)
    assert difference.counts == {"synonyms": 1}
    assert difference.old_digest == difference.new_digest
    renamed = compare_taxonomies(OLD, Taxonomy([replace(OLD.nodes[0], name="Z"), *OLD.nodes[1:]]))
    assert renamed.old_digest != renamed.new_digest


@given(file_taxonomies(max_nodes=8), file_taxonomies(max_nodes=8))
def test_two_trees_differ_exactly_when_a_node_or_their_order_does(one: Taxonomy, other: Taxonomy) -> None:
    assert compare_taxonomies(one, one).changes == ()
    assert bool(compare_taxonomies(one, other).changes) == (one.nodes != other.nodes)


@given(file_taxonomies(max_nodes=8), st.data())
def test_the_changes_lead_from_the_old_tree_to_the_new(old: Taxonomy, data: st.DataObject) -> None:
    new = edited(old, data)
    found = compare_taxonomies(old, new).changes
    nodes = {node.id: node for node in old.nodes}
    for change in found:
        if change.kind == "removed":
            del nodes[change.node]
        elif change.kind == "added":
            nodes[change.node] = Node(change.node, change.name, change.after or None)
        elif change.kind == "renamed":
            nodes[change.node] = replace(nodes[change.node], name=change.after)
        elif change.kind == "moved":
            nodes[change.node] = replace(nodes[change.node], parent=change.after or None)
        elif change.kind == "status":
            nodes[change.node] = replace(nodes[change.node], malignancy_status=change.after or None)
    assert set(nodes.values()) == set(new.nodes)
    reordered = {change.node: change.after.split("|") for change in found if change.kind == "reordered"}
    for parent in ("", *(node.id for node in new.nodes if node.id in old)):
        before, after = old.children(parent or None), new.children(parent or None)
        kept = [child for child in before if child in after]
        assert reordered.get(parent, kept) == [child for child in after if child in before]


def edited(old: Taxonomy, data: st.DataObject) -> Taxonomy:
    """The tree with leaves removed, nodes renamed, moved and given another status, one added, and rows shuffled."""
    nodes = list(old.nodes)
    gone = set(data.draw(st.lists(st.sampled_from(old.leaves()), unique=True, max_size=2)))
    nodes = [node for node in nodes if node.id not in gone]
    for _ in range(data.draw(st.integers(0, 3))) if nodes else ():
        place = data.draw(st.integers(0, len(nodes) - 1))
        kind = data.draw(st.sampled_from(["name", "parent", "status"]))
        if kind == "name":
            nodes[place] = replace(nodes[place], name=f"new {nodes[place].id}")
        elif kind == "status":
            nodes[place] = replace(nodes[place], malignancy_status=data.draw(st.sampled_from(MALIGNANCY_STATUSES)))
        else:
            above = data.draw(st.sampled_from([None, nodes[0].id]))
            nodes[place] = replace(nodes[place], parent=None if place == 0 else above)
    nodes.append(Node("added", "quite new", nodes[0].id if nodes else None))
    return Taxonomy(data.draw(st.permutations(nodes)))


def test_a_difference_is_a_text_a_table_and_json() -> None:
    difference = compare_taxonomies(OLD, Taxonomy([*OLD.nodes, Node("f", 'F "x"', "e")]))
    assert difference.to_text().splitlines() == [
        f"{difference.old_digest[:12]} -> {difference.new_digest[:12]}: 1 added",
        'F "x" (f): added below e',
    ]
    rows = list(csv.DictReader(io.StringIO(difference.to_csv(), newline="")))
    assert rows == [dict(zip(COLUMNS, ("added", "f", 'F "x"', "", "e"), strict=True))]
    assert difference.to_json() == {
        "old": difference.old_digest,
        "new": difference.new_digest,
        "changes": [{"kind": "added", "node": "f", "name": 'F "x"', "before": "", "after": "e"}],
    }
    assert "no difference" in compare_taxonomies(OLD, OLD).to_text()
    assert {change.kind for change in difference.changes} <= set(KINDS)
