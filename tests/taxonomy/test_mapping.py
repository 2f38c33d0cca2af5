"""Classes go over to an edited tree only where they mean the same diseases, and the others say why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Node, Taxonomy, partition
from derm_model.taxonomy.mapping import map_classes, map_partition
from tests.taxonomy.trees import counted_taxonomies

OLD = [
    Node("benign", "Benign"),
    Node("epidermal", "Epidermal", "benign"),
    Node("keratoses", "Keratoses", "epidermal"),
    Node("sk", "Seborrheic keratosis", "keratoses"),
    Node("wart", "Senile wart", "keratoses"),
    Node("milia", "Milia", "epidermal"),
    Node("malignant", "Malignant"),
    Node("melanoma", "Melanoma", "malignant"),
    Node("nodular", "Nodular melanoma", "melanoma"),
    Node("lentigo", "Lentigo maligna", "melanoma"),
]
COUNTS = {"sk": 5, "wart": 1, "milia": 3, "melanoma": 30, "nodular": 4, "lentigo": 4}


def reasons(nodes: Sequence[Node], limit: int = 9) -> dict[str, str]:
    """Of the classes that do not survive, by id."""
    old = Taxonomy(OLD)
    mapping = map_classes(partition(old, COUNTS, limit).classes, old, Taxonomy(nodes))
    return {mapped.old.id: "; ".join(mapped.reasons) for mapped in mapping.lost}


def edit(**changes: Node | None) -> list[Node]:
    """The old nodes with some replaced, removed (None) or, with a new id, added."""
    kept = [changes.pop(node.id, node) for node in OLD]
    return [node for node in (*kept, *changes.values()) if node is not None]


@given(counted_taxonomies(), st.integers(1, 40))
def test_every_partition_survives_in_its_own_tree_unchanged(
    counted: tuple[Taxonomy, dict[str, int]], limit: int
) -> None:
    taxonomy, counts = counted
    result = partition(taxonomy, counts, limit)
    assert map_partition(result, taxonomy, taxonomy) == result


def test_the_classes_are_what_the_examples_below_take_them_for() -> None:
    classes = partition(Taxonomy(OLD), COUNTS, 9).classes
    assert [c.id for c in classes] == ["keratoses", "milia", "melanoma--own", "nodular", "lentigo"]


def test_names_groups_synonyms_and_order_may_change() -> None:
    nodes = edit(
        keratoses=replace(OLD[2], name="Horny growths", synonyms=("keratoses, seborrheic",)),
        melanoma=replace(OLD[7], name="Malignant melanoma"),
        flat=Node("flat", "Flat keratoses", "keratoses"),
        wart=replace(OLD[4], parent="flat"),
    )
    new = Taxonomy([*nodes[5:], *nodes[:5]])
    old = Taxonomy(OLD)
    result = partition(old, COUNTS, 9)
    moved = map_partition(result, old, new)
    assert [c.id for c in moved.classes] == [c.id for c in result.classes]  # in the order of the outputs
    assert [c.n_images for c in moved.classes] == [c.n_images for c in result.classes]
    assert moved.classes[0].name == "Horny growths"
    assert moved.classes[0].members == new.descendants("keratoses")
    assert moved.classes[2].name == "Malignant melanoma, not further specified"
    assert moved.taxonomy_digest == new.digest


def test_two_diseases_may_become_one_and_one_may_become_several() -> None:
    merged = edit(wart=None, sk=replace(OLD[3], synonyms=("senile wart",)))
    assert reasons(merged) == {}
    divided = edit(flat=Node("flat", "Flat seborrheic keratosis", "sk"))
    assert reasons(divided) == {}


def test_an_id_that_was_rewritten_is_found_by_its_name() -> None:
    nodes = [replace(n, id="kerat") if n.id == "keratoses" else n for n in OLD]
    nodes = [replace(n, parent="kerat") if n.parent == "keratoses" else n for n in nodes]
    old = Taxonomy(OLD)
    mapping = map_classes(partition(old, COUNTS, 9).classes, old, Taxonomy(nodes))
    assert mapping.training_classes[0].node == mapping.training_classes[0].id == "kerat"


def test_a_class_that_lost_gained_or_gave_away_a_disease_does_not_survive() -> None:
    assert reasons(edit(wart=None)) == {"keratoses": "not in the new tree: 'wart'"}
    assert reasons(edit(new=Node("new", "New keratosis", "keratoses"))) == {
        "keratoses": "below its node, but never learnt: 'new'"
    }
    assert reasons(edit(wart=replace(OLD[4], parent="epidermal"))) == {"keratoses": "no longer below its node: 'wart'"}
    assert reasons(edit(milia=None)) == {"milia": "the node 'milia' is not in the new tree"}


def test_a_class_below_another_root_does_not_survive_for_its_figures_were_measured_there() -> None:
    found = reasons(edit(milia=replace(OLD[5], parent="malignant")))
    assert list(found) == ["milia"]
    assert "below another root: benign before, malignant now" in found["milia"]


def test_own_images_of_a_group_need_the_group() -> None:
    found = reasons(edit(nodular=replace(OLD[8], parent="malignant"), lentigo=replace(OLD[9], parent="malignant")))
    assert "has no children any more" in found["melanoma--own"]


def test_an_id_that_was_given_to_another_disease_does_not_survive() -> None:
    swapped = edit(
        nodular=replace(OLD[8], name="Lentigo maligna"), lentigo=replace(OLD[9], name="Nodular melanoma")
    )  # under one parent, so that nothing but the names tells
    found = reasons(swapped)
    assert set(found) == {"nodular", "lentigo"}
    assert "another node now: 'nodular'" in found["nodular"]
    taken = edit(lentigo=replace(OLD[9], name="Lentigo"), new=Node("new", "In situ", "melanoma", ("lentigo maligna",)))
    assert list(reasons(taken)) == ["lentigo"]
    within = edit(sk=replace(OLD[3], name="Senile wart"), wart=replace(OLD[4], name="Seborrheic keratosis"))
    assert reasons(within) == {}  # both are the same class


def test_a_disease_that_comes_below_a_class_from_elsewhere_is_no_part_of_it() -> None:
    # from a class of its own, and from none: 'milia' without images is in no class
    nested = edit(milia=replace(OLD[5], parent="sk"))
    assert "never learnt: 'milia'" in reasons(nested)["keratoses"]
    old, new = Taxonomy(OLD), Taxonomy(nested)
    classes = partition(old, {**COUNTS, "milia": 0}, 6).classes
    mapping = map_classes(classes, old, new)
    assert [mapped.old.id for mapped in mapping.lost] == ["sk"]
    divided = edit(milia=replace(OLD[5], parent="sk"), new=Node("new", "Eruptive milia", "milia"))
    assert "never learnt: 'new'" in reasons(divided)["keratoses"]


def test_two_classes_must_not_become_one() -> None:
    merged = edit(nodular=None, lentigo=replace(OLD[9], synonyms=("nodular melanoma",)))
    assert set(reasons(merged)) == {"nodular", "lentigo"}


def test_a_refusal_names_every_class_and_reason() -> None:
    old, new = Taxonomy(OLD), Taxonomy(edit(wart=None, milia=None))
    result = partition(old, COUNTS, 9)
    with pytest.raises(TaxonomyError, match=r"(?s)2 of 5 classes.*- Keratoses: not in the new tree.*- Milia: the node"):
        map_partition(result, old, new)
    assert map_classes(result.classes, old, old).refusal == ""


def test_classes_of_another_tree_are_refused() -> None:
    old = Taxonomy(OLD)
    other = Taxonomy([Node("x", "X")])
    with pytest.raises(TaxonomyError, match="are of another tree"):
        map_classes(partition(other, {"x": 1}, 5).classes, old, old)


def test_images_in_no_class_must_not_lose_their_node() -> None:
    old = Taxonomy(OLD)
    result = partition(old, COUNTS, 9, "faithful")
    assert [entry.node for entry in result.split_nodes if entry.n_images] == ["melanoma"]
    nodes = [replace(n, parent="malignant") if n.parent == "melanoma" else n for n in OLD if n.id != "melanoma"]
    with pytest.raises(TaxonomyError):
        map_partition(result, old, Taxonomy(nodes))
