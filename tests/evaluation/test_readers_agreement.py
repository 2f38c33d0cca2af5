"""readers.agreement: Fleiss' and Cohen's kappa."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from derm_model.evaluation.metrics import wilson
from derm_model.evaluation.readers import Panel
from derm_model.evaluation.readers.agreement import agreement_with_network, answer_counts, cohen_kappa, fleiss_kappa

# 14 raters, 10 subjects, 5 categories: the worked example of Wikipedia, "Fleiss' kappa"; kappa 0.210
WORKED = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)
tables = st.integers(2, 4).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 4), min_size=k, max_size=k), min_size=1, max_size=12)
)


def naive_fleiss(counts: list[list[int]]) -> float | None:
    """Over all pairs of answers to an image, images with fewer than two left out."""
    answers = [[k for k, n in enumerate(row) for _ in range(n)] for row in counts]
    answers = [row for row in answers if len(row) >= 2]
    everything = [one for row in answers for one in row]
    if len(set(everything)) < 2:
        return None
    observed = np.mean([np.mean([a == b for a, b in itertools.combinations(row, 2)]) for row in answers])
    chance = sum((everything.count(k) / len(everything)) ** 2 for k in set(everything))
    return float((observed - chance) / (1 - chance))


def test_the_worked_example_comes_out() -> None:
    found = fleiss_kappa(WORKED)
    assert found is not None
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.agreement == pytest.approx(0.378, abs=5e-4)
    assert (found.n_images, found.n_left_out, found.n_answers) == (10, 0, 140)
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]


@given(tables)
def test_unequal_numbers_of_answers_are_judged_pair_by_pair(counts: list[list[int]]) -> None:
    found, expected = fleiss_kappa(np.array(counts)), naive_fleiss(counts)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found.value == pytest.approx(expected)
        assert found.n_left_out == sum(sum(row) < 2 for row in counts)


def test_where_nothing_could_disagree_there_is_no_kappa() -> None:
    assert fleiss_kappa(np.array([[5, 0], [4, 0]])) is None
    assert fleiss_kappa(np.array([[1, 0], [0, 1]])) is None
    assert fleiss_kappa(np.zeros((0, 2), dtype=np.int64)) is None
    full = fleiss_kappa(np.array([[5, 0], [0, 4]]))
    assert full is not None
    assert (full.value, full.interval) == (1, None)
    with pytest.raises(ValueError, match="at least two answers"):
        fleiss_kappa(np.array([[3], [2]]))
    with pytest.raises(ValueError, match="counts"):
        fleiss_kappa(np.array([[0.5, 0.5]]))


def test_the_interval_is_about_that_of_the_large_sample_variance() -> None:
    rng = np.random.default_rng(0)
    n, r = 300, 6
    first = rng.beta(1, 1, size=n)
    counts = np.stack([(n_first := rng.binomial(r, first)), r - n_first], axis=1)
    found = fleiss_kappa(counts)
    assert found is not None
    assert found.interval is not None
    # Gwet, Educ. Psychol. Meas. 81 (2021) 781: each image's share in the linearised kappa
    shares = counts.sum(axis=0) / (n * r)
    chance = float((shares**2).sum())
    own = ((counts * (counts - 1)).sum(axis=1) / (r * (r - 1)) - chance) / (1 - chance)
    linear = own - 2 * (1 - found.value) * ((counts * shares).sum(axis=1) / r - chance) / (1 - chance)
    half = 1.96 * math.sqrt(linear.var(ddof=1) / n)
    assert found.interval == pytest.approx((found.value - half, found.value + half), abs=0.1 * half)


def test_images_of_one_lesion_are_redrawn_together() -> None:
    counts = np.repeat(WORKED, 3, axis=0)
    alone, lesions = fleiss_kappa(counts), fleiss_kappa(counts, groups=[i // 3 for i in range(30)])
    assert alone is not None
    assert lesions is not None
    assert alone.interval is not None
    assert lesions.interval is not None
    assert lesions.value == pytest.approx(alone.value)
    assert np.ptp(lesions.interval) > 1.4 * np.ptp(alone.interval)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_cohens_kappa_is_scikit_learns(answers: list[tuple[int, int]]) -> None:
    one, two = (np.array(column) for column in zip(*answers, strict=True))
    found = cohen_kappa(one, two, 4)
    if len(set(one.tolist()) | set(two.tolist())) == 1:
        assert found is None  # scikit-learn warns, and gives NaN
    else:
        assert found is not None
        assert found.value == pytest.approx(cohen_kappa_score(one, two))


def test_malformed_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="two answers per image"):
        cohen_kappa([0, 1], [0], 2)
    with pytest.raises(ValueError, match="from 0 to 1"):
        cohen_kappa([0, 2], [0, 1], 2)
    assert cohen_kappa(np.zeros(0, dtype=int), np.zeros(0, dtype=int), 2) is None


def test_each_reader_is_held_against_the_network_on_the_readers_own_images() -> None:
    said = np.array([[0, 1, 2, 1, -1, 0], [2, 2, -1, -1, -1, -1], [-1, -1, -1, -1, 1, -1]])
    images = tuple(("", str(i)) for i in range(6))
    panel = Panel(("a", "b", "c"), images, ("x", "y", "z"), said, np.full(said.shape, np.nan))
    np.testing.assert_array_equal(
        answer_counts(panel), [[1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0]]
    )
    network = np.array([0, 1, 1, 1, 1, -1])
    a, b, c = agreement_with_network(panel, network)
    assert (a.reader, a.same) == ("a", wilson(3, 4))
    assert a.kappa is not None
    assert a.kappa.value == pytest.approx(cohen_kappa_score([0, 1, 2, 1], [0, 1, 1, 1]))
    assert b.same == wilson(0, 2)
    assert (c.same, c.kappa) == (wilson(1, 1), None)
    with pytest.raises(ValueError, match="one answer per image"):
        agreement_with_network(panel, network[:3])
