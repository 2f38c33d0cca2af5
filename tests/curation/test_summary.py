from __future__ import annotations

import pandas as pd
import pytest

from derm_model.curation.summary import NOT_STATED, ages, count_by, count_by_level
from derm_model.taxonomy import Taxonomy, read_taxonomy


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return read_taxonomy()


def test_counts_add_up_to_the_rows_and_say_what_is_not_stated() -> None:
    table = pd.DataFrame({"sex": pd.Series(["female", None, "male", "female"], dtype="str")})
    counted = count_by(table, "sex")
    assert counted.to_dict("list") == {"value": ["female", "male", NOT_STATED], "n": [2, 1, 1]}


@pytest.mark.parametrize("level", ["roots", "classes", "nodes"])
def test_every_image_is_counted_once_at_every_level(taxonomy: Taxonomy, level: str) -> None:
    nodes = [node.id for node in taxonomy.nodes][::37]
    counted = count_by_level(pd.DataFrame({"node": nodes}), taxonomy, level)  # type: ignore[arg-type]
    assert counted["n"].sum() == len(nodes)
    assert counted["node"].is_unique


def test_ages_are_counted_by_five_years_without_gaps() -> None:
    counted = ages(pd.DataFrame({"age": [30.0, 34.9, 45.0, None]}))
    assert counted.to_dict("list") == {"from_years": [30, 35, 40, 45], "n": [2, 0, 0, 1]}
    assert len(ages(pd.DataFrame({"age": [None]}, dtype="float64"))) == 0
