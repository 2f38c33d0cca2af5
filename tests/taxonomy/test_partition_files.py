"""A partition as a file says what it was made of, and is read back whole."""

from __future__ import annotations

import csv
import json

from derm_model.taxonomy import Partition, partition
from derm_model.taxonomy.partition_files import counts_digest, partition_as_csv, partition_as_json
from tests.taxonomy.trees import SKIN, tree

COUNTS = {"blue nevus": 40, "halo nevus": 30, "keratosis": 120, "milia": 10, "nodular": 20, "melanoma": 7}


def test_the_digest_knows_counts_and_nothing_else() -> None:
    assert counts_digest(COUNTS) == counts_digest({"lentigo": 0, **dict(reversed(COUNTS.items()))})
    assert counts_digest(COUNTS) != counts_digest({**COUNTS, "milia": 11})
    assert counts_digest({"a": 12}) != counts_digest({"a1": 2})


def test_the_json_file_is_read_back_as_the_same_partition_from_its_own_counts() -> None:
    found = partition(tree(SKIN), COUNTS, 50)
    content = json.loads(partition_as_json(found, COUNTS, "four diseases"))
    assert Partition.from_json(content["partition"]) == found
    assert partition(tree(SKIN), content["counts"], content["max_class_size"], content["rule"]) == found
    assert content["taxonomy_digest"] == tree(SKIN).digest
    assert content["counts_digest"] == counts_digest(COUNTS)


def test_the_csv_file_has_a_row_per_class_in_the_order_of_the_outputs() -> None:
    found = partition(tree(SKIN), COUNTS, 25)
    lines = partition_as_csv(found, tree(SKIN), COUNTS, "two\nlines").splitlines()
    about = [line for line in lines if line.startswith("#")]
    assert "# counted: two lines" in about
    assert f"# counts_digest: {counts_digest(COUNTS)}" in about
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [row["class"] for row in rows] == [c.id for c in found.classes]
    assert [int(row["output"]) for row in rows] == list(range(len(found.classes)))
    assert sum(int(row["n_images"]) for row in rows) == sum(COUNTS.values())
    assert [row["nodes"].split("|") for row in rows] == [list(c.members) for c in found.classes]
    assert any(row["residual"] == "1" and row["class"] == "melanoma--own" for row in rows)
