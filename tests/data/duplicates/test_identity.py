"""Rules of edges that records and files state."""

from __future__ import annotations

import pandas as pd
import pytest

from derm_model.data.duplicates.identity import edges_of_ids, edges_of_pixels, first_places


def table(**columns: list[str | None]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    defaults = {
        "content_hash": [f"hash{i}" for i in range(n)],
        "source": ["s"] * n,
        "lesion_id": [None] * n,
        "patient_id": [None] * n,
        "links": [""] * n,
    }
    return pd.DataFrame(defaults | columns)


def named(edges: pd.DataFrame) -> set[tuple[int, int, str]]:
    return set(zip(edges["a"].tolist(), edges["b"].tolist(), edges["kind"].tolist(), strict=True))


def test_the_same_bytes_lesion_and_patient_join():
    found = edges_of_ids(
        table(content_hash=["x", "y", "x", "z"], lesion_id=["1", "1", None, None], patient_id=["p", None, None, "p"])
    )
    assert named(found) == {(0, 2, "content"), (0, 1, "lesion"), (0, 3, "patient")}
    assert set(found["strength"]) == {1.0}


def test_ids_of_two_data_sets_have_nothing_to_do_with_each_other():
    assert len(edges_of_ids(table(source=["s", "t"], lesion_id=["1", "1"], patient_id=["1", "1"]))) == 0


def test_a_lesion_id_is_no_patient_id_and_nothing_is_no_id():
    assert len(edges_of_ids(table(lesion_id=["7", None, "", float("nan")], patient_id=[None, "7", "", None]))) == 0


def test_a_shared_link_joins_across_data_sets_and_an_image_may_have_several():
    found = edges_of_ids(table(source=["s", "t", "u", "v"], links=["isic:1", "isic:1 pair:4", "pair:4", "isic:9"]))
    assert named(found) == {(0, 1, "link"), (1, 2, "link")}


@pytest.mark.parametrize("missing", [None, pd.NA, float("nan")])
def test_missing_values_of_every_kind_join_nothing(missing):
    columns = {name: pd.Series([missing, missing], dtype="string") for name in ("lesion_id", "patient_id", "links")}
    assert len(edges_of_ids(table(source=["s", "s"]).assign(**columns))) == 0


def test_a_patient_with_many_pictures_costs_one_edge_a_picture():
    found = edges_of_ids(table(patient_id=["p"] * 1000))
    assert len(found) == 999
    assert (found["a"] == 0).all()


def test_files_with_the_same_pixels_are_joined_by_their_first_positions():
    prints = pd.DataFrame(
        {"content_hash": ["y", "unread", "elsewhere", "x", "z"], "pixel_hash": ["p", None, "p", "p", "q"]}
    )
    found = edges_of_pixels(table(content_hash=["unread", "x", "z", "y", "x"]), prints)
    assert named(found) == {(1, 3, "pixels")}


def test_the_first_position_of_a_content_stands_for_it():
    assert first_places(["a", "b", "a"], ["b", "a", "c"]).tolist() == [1, 0, -1]
