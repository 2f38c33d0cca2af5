"""Rules of the review: what is shown, in which order, why, and what a threshold would do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.data.duplicates.components import GraphRules, components, edges_that_count
from derm_model.data.duplicates.decisions import PairDecisions
from derm_model.data.duplicates.edges import concat_edges, exif_strength, make_edges, of_kinds
from derm_model.data.duplicates.identity import edges_of_ids
from derm_model.data.duplicates.review import SHOWS, group_sizes, review_pairs, threshold_effect
from derm_model.errors import CurationError

RULES = GraphRules(min_features=0.8, min_perceptual=0.8, max_exif_seconds=30)


def table_of(n: int, **columns: list[str | None]) -> pd.DataFrame:
    defaults = {
        "content_hash": [f"hash{i}" for i in range(n)],
        "source": ["s"] * n,
        "lesion_id": [None] * n,
        "patient_id": [None] * n,
        "links": [""] * n,
    }
    return pd.DataFrame(defaults | columns)


def collection() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Eight images: 0 and 1 are one lesion; pairs around the threshold 0.8."""
    table = table_of(8, lesion_id=["L", "L", *[None] * 6], links=["", "", "k", "j k", *[""] * 4])
    edges = concat_edges(
        [
            edges_of_ids(table),
            make_edges([[0, 1], [2, 3], [4, 5], [6, 7], [0, 4]], "features", [0.95, 0.9, 0.81, 0.7, 0.55]),
            make_edges([[4, 5], [0, 6]], "perceptual", [0.6, 0.9]),
            make_edges([[4, 5]], "exif", exif_strength([12])),
        ]
    )
    return table, edges


def shown(frame: pd.DataFrame) -> list[tuple[int, int]]:
    return list(zip(frame["a"].tolist(), frame["b"].tolist(), strict=True))


def test_pairs_are_shown_nearest_to_the_threshold_first():
    table, edges = collection()
    found = review_pairs(table, edges, RULES, PairDecisions(), kind="features", show="all")
    assert shown(found) == [(4, 5), (2, 3), (6, 7), (0, 1), (0, 4)]
    around = review_pairs(table, edges, RULES, PairDecisions(), kind="features", show="all", around=0.6)
    assert shown(around)[:2] == [(0, 4), (6, 7)]


def test_what_a_fact_joins_already_needs_no_decision():
    table, edges = collection()
    assert shown(review_pairs(table, edges, RULES, PairDecisions())) == [(4, 5), (6, 7), (0, 4)]


def test_decided_pairs_leave_the_undecided_and_stand_among_the_decided():
    table, edges = collection()
    decisions = PairDecisions().decided([("hash5", "hash4")], "different").decided([("hash6", "hash7")], "same")
    assert shown(review_pairs(table, edges, RULES, decisions)) == [(0, 4)]
    decided = review_pairs(table, edges, RULES, decisions, show="decided")
    assert shown(decided) == [(4, 5), (6, 7)]
    assert decided["decision"].tolist() == ["different", "same"]
    assert decided["joined"].tolist() == [False, True]


def test_above_and_below_share_all_pairs():
    table, edges = collection()
    above, below, every = (
        shown(review_pairs(table, edges, RULES, PairDecisions(), show=show)) for show in ("above", "below", "all")
    )
    assert above == [(4, 5), (2, 3), (0, 1)]
    assert sorted(above + below) == sorted(every)


def test_the_reasons_name_facts_and_likeness():
    table, edges = collection()
    found = review_pairs(table, edges, RULES, PairDecisions(), show="all").set_index(["a", "b"])
    assert found["reasons"][4, 5] == "fine structure 0.60 · one camera, 12 s apart · features 0.81"
    assert found["reasons"][0, 1] == "same lesion · features 0.95"
    assert found["reasons"][2, 3] == "linked by the data sets · features 0.90"
    assert found["exif"][4, 5] == 12
    assert np.isnan(found["perceptual"][0, 1])
    assert found["content_hash_b"][0, 4] == "hash4"


def test_two_later_pictures_of_one_patient_are_said_to_be_of_one_patient():
    table = table_of(4, patient_id=["p", "p", "q", "p"])
    edges = concat_edges([edges_of_ids(table), make_edges([[1, 3], [1, 2]], "features", 0.9)])
    found = review_pairs(table, edges, RULES, PairDecisions(), show="all")
    assert dict(zip(shown(found), found["reasons"], strict=True)) == {
        (1, 2): "features 0.90",
        (1, 3): "same patient · features 0.90",
    }


def test_seconds_are_compared_by_their_own_threshold():
    table = table_of(4)
    edges = make_edges([[0, 1], [1, 2], [2, 3]], "exif", exif_strength([5, 29, 31]))
    assert shown(review_pairs(table, edges, RULES, PairDecisions(), kind="exif", show="above")) == [(1, 2), (0, 1)]


def test_pages_make_up_the_whole():
    rng = np.random.default_rng(0)
    edges = make_edges(rng.integers(0, 40, (90, 2)), "features", rng.integers(0, 5, 90) / 5)
    table = table_of(40)
    whole = review_pairs(table, edges, RULES, PairDecisions(), show="all", limit=1000)
    pages = [review_pairs(table, edges, RULES, PairDecisions(), show="all", limit=7, offset=k) for k in range(0, 99, 7)]
    assert shown(pd.concat(pages)) == shown(whole)
    assert len(whole) == len(edges)


def test_each_view_has_its_pairs():
    table, edges = collection()
    decisions = PairDecisions().decided([("hash5", "hash4")], "different")
    counts = {show: len(review_pairs(table, edges, RULES, decisions, show=show)) for show in SHOWS}
    assert counts == {"undecided": 2, "decided": 1, "all": 5, "above": 3, "below": 2}


@pytest.mark.parametrize("question", [{"kind": "lesion"}, {"show": "everything"}])
def test_a_question_that_makes_no_sense_is_refused(question):
    table, edges = collection()
    with pytest.raises(CurationError):
        review_pairs(table, edges, RULES, PairDecisions(), **question)


def test_a_collection_without_edges_has_no_pairs():
    assert len(review_pairs(table_of(3), concat_edges([]), RULES, PairDecisions())) == 0
    effect = threshold_effect(3, concat_edges([]), RULES, None, "features", [0.5])
    assert effect.to_numpy().tolist() == [[0.5, 0, 0, 0, 1]]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["features", "perceptual", "exif"]),
    levels=st.lists(st.integers(0, 20), min_size=1, max_size=5),
)
def test_the_effect_of_a_threshold_is_what_the_groups_would_be(seed, kind, levels):
    rng = np.random.default_rng(seed)
    n = 12
    edges = concat_edges(
        [make_edges(rng.integers(0, n, (6, 2)), k, s) for k, s in (("features", rng.random(6)), ("lesion", 1.0))]
        + [make_edges(rng.integers(0, n, (6, 2)), "perceptual", rng.random(6))]
        + [make_edges(rng.integers(0, n, (6, 2)), "exif", exif_strength(rng.integers(0, 90, 6)))]
    )
    hashes = [f"hash{i}" for i in range(n)]
    at = PairDecisions().decided([("hash0", "hash1"), ("hash2", "hash3")], "different")
    at = at.decided([("hash4", "hash5")], "same").at(hashes)
    thresholds = [level * 4.5 if kind == "exif" else level / 20 for level in levels]
    effect = threshold_effect(n, edges, RULES, at, kind, thresholds)
    assert effect["threshold"].tolist() == pytest.approx(thresholds)
    for threshold, n_pairs, n_groups, n_images, largest in effect.itertuples(index=False):
        rules = RULES.with_threshold(kind, threshold)
        sizes = np.bincount(components(n, edges, rules, at))
        assert (n_groups, n_images, largest) == ((sizes >= 2).sum(), sizes[sizes >= 2].sum(), sizes.max())
        assert n_pairs == (edges_that_count(edges, rules, at) & of_kinds(edges, [kind])).sum()


def test_group_sizes_are_counted():
    frame = group_sizes(np.array([0, 1, 1, 2, 3, 3, 3], dtype=np.int32))
    assert frame.to_numpy().tolist() == [[1, 2], [2, 1], [3, 1]]
    assert len(group_sizes(np.empty(0, dtype=np.int32))) == 0
