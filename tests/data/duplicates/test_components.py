"""Laws of groups: they are connected components, and nothing splits them but taking edges away."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.data.duplicates.components import (
    GraphRules,
    components,
    connect,
    edges_that_count,
    min_strength,
    rules_from_json,
)
from derm_model.data.duplicates.decisions import PairDecisions
from derm_model.data.duplicates.edges import EDGE_KINDS, SIMILARITY_KINDS, concat_edges, exif_strength, make_edges
from derm_model.errors import CurationError

N = 9
law = settings(max_examples=40)
HASHES = [f"hash{i}" for i in range(N)]
edge = st.tuples(st.integers(0, N - 1), st.integers(0, N - 1), st.sampled_from(EDGE_KINDS), st.floats(0, 1, width=32))
edge_lists = st.lists(edge.filter(lambda e: e[0] != e[1]), max_size=14)
hash_pairs = st.tuples(st.sampled_from(HASHES), st.sampled_from(HASHES)).filter(lambda pair: pair[0] != pair[1])
decision_lists = st.lists(st.tuples(hash_pairs, st.sampled_from(["same", "different"])), max_size=8)
rule_sets = st.builds(
    GraphRules,
    min_perceptual=st.floats(0, 1),
    min_features=st.floats(0, 1),
    max_exif_seconds=st.floats(0, 300),
    kinds=st.sets(st.sampled_from(EDGE_KINDS)).map(lambda kinds: ("content", *sorted(kinds - {"content"}))),
)


def table_of(edges: list[tuple]) -> pd.DataFrame:
    a, b, kinds, strengths = zip(*edges, strict=True) if edges else ((), (), (), ())
    ends = np.sort(np.array([a, b], dtype=np.int32), axis=0)
    kind = pd.Categorical(kinds, categories=list(EDGE_KINDS))
    return pd.DataFrame({"a": ends[0], "b": ends[1], "kind": kind, "strength": np.array(strengths, dtype=np.float32)})


def decisions_of(decided: list[tuple]) -> PairDecisions:
    decisions = PairDecisions()
    for pair, answer in decided:
        decisions = decisions.decided([pair], answer)
    return decisions


def together(groups: np.ndarray) -> set[tuple[int, int]]:
    return {(i, j) for i, j in itertools.combinations(range(len(groups)), 2) if groups[i] == groups[j]}


@law
@given(edge_lists, edge, rule_sets, decision_lists)
def test_adding_an_edge_never_splits_a_group(edges, more, rules, decided):
    at = decisions_of(decided).at(HASHES)
    before = components(N, table_of(edges), rules, at)
    after = components(N, table_of([*edges, more]), rules, at)
    assert together(before) <= together(after)


@law
@given(edge_lists, st.randoms(use_true_random=False), rule_sets)
def test_groups_do_not_depend_on_the_order_of_the_edges(edges, random, rules):
    shuffled = random.sample(edges, len(edges))
    assert components(N, table_of(edges), rules).tolist() == components(N, table_of(shuffled), rules).tolist()


@law
@given(edge_lists, st.permutations(range(N)), rule_sets)
def test_groups_do_not_depend_on_the_order_of_the_images(edges, places, rules):
    moved = [(places[a], places[b], kind, strength) for a, b, kind, strength in edges]
    groups, others = components(N, table_of(edges), rules), components(N, table_of(moved), rules)
    assert {tuple(sorted((places[i], places[j]))) for i, j in together(groups)} == together(others)


@law
@given(edge_lists)
def test_groups_are_numbered_by_first_appearance(edges):
    groups = components(N, table_of(edges))
    assert groups.dtype == np.int32
    assert list(dict.fromkeys(groups.tolist())) == list(range(len(set(groups.tolist()))))


@law
@given(edge_lists, rule_sets, decision_lists)
def test_a_rejected_pair_never_removes_an_edge_of_a_fact(edges, rules, decided):
    table, at = table_of(edges), decisions_of(decided).at(HASHES)
    facts = [e for e in edges if e[2] not in SIMILARITY_KINDS]
    assert together(components(N, table_of(facts), rules)) <= together(components(N, table, rules, at))
    dropped = edges_that_count(table, rules) & ~edges_that_count(table, rules, at)
    assert set(table["kind"][dropped]) <= set(SIMILARITY_KINDS)


@law
@given(edge_lists, rule_sets, st.sampled_from(SIMILARITY_KINDS))
def test_a_looser_threshold_never_splits_a_group(edges, rules, kind):
    loosest = rules.with_threshold(kind, 300.0 if kind == "exif" else 0.0)
    table = table_of(edges)
    assert together(components(N, table, rules)) <= together(components(N, table, loosest))


def test_a_pair_called_different_is_not_joined_by_likeness_but_by_a_chain():
    likeness = make_edges([[0, 1]], "features", 0.99)
    different = PairDecisions().decided([("hash1", "hash0")], "different").at(HASHES)
    assert components(3, likeness, None, different).tolist() == [0, 1, 2]
    chain = concat_edges([likeness, make_edges([[0, 2], [1, 2]], "perceptual", 0.95)])
    assert components(3, chain, None, different).tolist() == [0, 0, 0]


def test_a_pair_called_the_same_is_joined_without_an_edge():
    same = PairDecisions().decided([("hash2", "hash0")], "same").at(HASHES)
    assert components(3, table_of([]), None, same).tolist() == [0, 1, 0]


def test_thresholds_let_their_own_value_through():
    edges = concat_edges(
        [
            make_edges([[0, 1]], "features", 0.9),
            make_edges([[2, 3]], "perceptual", 0.8),
            make_edges([[4, 5]], "exif", exif_strength(30)),
        ]
    )
    rules = GraphRules(min_features=0.9, min_perceptual=0.8, max_exif_seconds=30)
    assert edges_that_count(edges, rules).tolist() == [True, True, True]
    tighter = GraphRules(min_features=0.901, min_perceptual=0.801, max_exif_seconds=29.9)
    assert edges_that_count(edges, tighter).tolist() == [False, False, False]
    assert min_strength("exif", 30.7) == min_strength("exif", 30)


def test_kinds_that_are_switched_off_join_nothing():
    edges = concat_edges([make_edges([[0, 1]], "lesion"), make_edges([[1, 2]], "features", 1.0)])
    assert components(3, edges, GraphRules(kinds=("content", "lesion"))).tolist() == [0, 0, 1]


def test_no_images_have_no_groups():
    assert connect(0, np.empty((0, 2), dtype=np.int64)).tolist() == []


@law
@given(rule_sets)
def test_rules_are_read_back_from_their_json(rules):
    assert rules_from_json(rules.to_json()) == rules


def test_what_json_does_not_name_keeps_its_default():
    assert rules_from_json({}) == GraphRules()


@pytest.mark.parametrize(
    "values",
    [
        {"min_features": 1.2},
        {"min_perceptual": -0.1},
        {"min_features": float("nan")},
        {"max_exif_seconds": -1},
        {"max_exif_seconds": float("inf")},
        {"kinds": ["lesion"]},
        {"kinds": ["content", "telepathy"]},
        {"min_telepathy": 0.5},
    ],
)
def test_rules_that_make_no_sense_are_refused(values):
    with pytest.raises(CurationError):
        rules_from_json(values)


def test_only_likeness_has_a_threshold():
    with pytest.raises(CurationError, match="there or not"):
        GraphRules().threshold("lesion")
