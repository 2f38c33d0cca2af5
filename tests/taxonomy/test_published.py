"""Published label counts: read through the crosswalk that ships, and nothing is lost on the way."""

from __future__ import annotations

import pytest

from derm_model.errors import CrosswalkError
from derm_model.taxonomy import Crosswalk, read_crosswalk, read_taxonomy
from derm_model.taxonomy.published import CONTAINED, LabelCount, count_nodes, read_published

# as the data sets' own papers give them
TOTALS = {"Fitzpatrick17k": 16_577, "HAM10000": 10_015, "ISIC 2019": 25_331, "PAD-UFES-20": 2_298, "ISIC 2020": 33_126}


def test_the_totals_are_those_of_the_papers() -> None:
    published = read_published()
    assert {name: sum(entry.n_images for entry in published[name]) for name in TOTALS} == TOTALS
    assert all(entry.source and entry.n_images > 0 for labels in published.values() for entry in labels)
    assert {*CONTAINED, *CONTAINED.values()} <= set(published)


def test_every_label_is_known_to_the_crosswalk_and_no_image_is_lost() -> None:
    taxonomy, published = read_taxonomy(), read_published()
    mapped = count_nodes(published, published, read_crosswalk(taxonomy))
    total = sum(entry.n_images for labels in published.values() for entry in labels)
    assert sum(mapped.by_node.values()) + sum(n for _, _, n in mapped.unmapped) == total
    assert set(mapped.by_node) <= set(taxonomy.index)


def test_labels_of_one_node_are_added_and_those_of_none_are_told() -> None:
    crosswalk = Crosswalk([("A", "x", "n"), ("A", "y", "n"), ("A", "z", None), ("B", "x", "m")])
    published = {
        "A": (LabelCount("x", 3, "s"), LabelCount("y", 4, "s"), LabelCount("z", 5, "s")),
        "B": (LabelCount("x", 1, "s"),),
    }
    mapped = count_nodes(["A", "B"], published, crosswalk)
    assert mapped.by_node == {"n": 7, "m": 1}
    assert mapped.unmapped == (("A", "z", 5),)
    with pytest.raises(CrosswalkError, match="Nothing is counted"):
        count_nodes(["C"], published, crosswalk)
