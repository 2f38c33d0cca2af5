"""sampling: the same images for the same seed, so many of each class, of as many lesions as can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import EvaluationError
from derm_model.evaluation.sampling import PAPER_SIZES, SampleSize, draw_sample, draw_samples, paper_size

WANTED = {"melanoma": 5, "nevus": 9}


@st.composite
def collections(draw: st.DrawFn) -> tuple[list[str], list[str], list[int | None], dict[str, int]]:
    """Labels, ids, groups, and what is wanted of two or three classes that have enough images."""
    classes = ["a", "b", "c"][: draw(st.integers(2, 3))]
    wanted = {label: draw(st.integers(1, 6)) for label in classes}
    labels = [label for label, n in wanted.items() for _ in range(n + draw(st.integers(0, 6)))]
    groups = draw(st.lists(st.none() | st.integers(0, 8), min_size=len(labels), max_size=len(labels)))
    return labels, [f"image {i}" for i in range(len(labels))], groups, wanted


@given(collections(), st.integers(0, 2**40))
def test_so_many_of_each_class_are_drawn_and_none_twice(
    made: tuple[list[str], list[str], list[int | None], dict[str, int]], seed: int
) -> None:
    labels, ids, groups, wanted = made
    drawn = draw_sample(labels, ids, wanted, groups=groups, seed=seed)
    assert Counter(labels[i] for i in drawn) == wanted
    assert len(set(drawn.tolist())) == len(drawn)


@given(collections(), st.integers(0, 2**40))
def test_the_same_seed_draws_the_same_images_in_the_same_order_whatever_the_order_of_rows(
    made: tuple[list[str], list[str], list[int | None], dict[str, int]], seed: int
) -> None:
    labels, ids, groups, wanted = made
    order = np.random.default_rng(seed).permutation(len(ids)).tolist()
    one = draw_sample(labels, ids, wanted, groups=groups, seed=seed)
    other = draw_sample(
        [labels[i] for i in order], [ids[i] for i in order], wanted, groups=[groups[i] for i in order], seed=seed
    )
    assert [ids[i] for i in one] == [ids[order[i]] for i in other]


@given(collections())
def test_many_seeds_at_once_draw_what_each_draws_alone(
    made: tuple[list[str], list[str], list[int | None], dict[str, int]],
) -> None:
    labels, ids, groups, wanted = made
    rows = draw_samples(labels, ids, wanted, [3, 1, 4], groups=groups)
    for seed, row in zip((3, 1, 4), rows, strict=True):
        assert set(row.tolist()) == set(draw_sample(labels, ids, wanted, groups=groups, seed=seed).tolist())
        assert [labels[i] for i in row] == [label for label, n in wanted.items() for _ in range(n)]


def most_groups(labels: Sequence[str], units: Sequence[Hashable], wanted: dict[str, int]) -> int:
    """Groups that a sample of two classes can be of at most, by trying every way to deal out those that have both."""
    of: dict[Hashable, set[str]] = {}
    for label, unit in zip(labels, units, strict=True):
        of.setdefault(unit, set()).add(label)
    (a, n_a), (b, n_b) = wanted.items()
    kinds = Counter(map(frozenset, of.values()))
    only_a, only_b, both = kinds[frozenset(a)], kinds[frozenset(b)], kinds[frozenset((a, b))]
    return max(min(n_a, only_a + x) + min(n_b, only_b + both - x) for x in range(both + 1))


@given(collections(), st.integers(0, 1000))
def test_a_sample_is_of_as_many_groups_as_can_be(
    made: tuple[list[str], list[str], list[int | None], dict[str, int]], seed: int
) -> None:
    labels, ids, groups, wanted = made
    if "c" in wanted:
        labels, wanted = ["a" if label == "c" else label for label in labels], {"a": wanted["a"], "b": wanted["b"]}
    units = [(i, "alone") if group is None else group for i, group in enumerate(groups)]
    drawn = draw_sample(labels, ids, wanted, groups=groups, seed=seed)
    assert len({units[i] for i in drawn.tolist()}) == most_groups(labels, units, wanted)


def test_where_a_class_has_few_lesions_every_one_is_in_it_and_some_twice() -> None:
    labels, groups = ["melanoma"] * 12 + ["nevus"] * 20, [i // 4 for i in range(12)] + [None] * 20
    drawn = draw_sample(labels, [str(i) for i in range(32)], WANTED, groups=groups)
    held = Counter(groups[i] for i in drawn if groups[i] is not None)
    assert sum(held.values()) == 5 and len(held) == 3


def test_lesions_are_drawn_alike_however_many_images_they_have() -> None:
    # one lesion with ten images beside ten with one; of one image a sample it is drawn in 1 of 11, not in 10 of 20
    groups = [0] * 10 + list(range(1, 11))
    rows = draw_samples(["x"] * 20, [str(i) for i in range(20)], {"x": 1}, range(4000), groups=groups)
    share = (rows[:, 0] < 10).mean()
    assert share == pytest.approx(1 / 11, abs=4 * np.sqrt(1 / 11 * 10 / 11 / 4000))
    assert len(set(rows[rows[:, 0] < 10, 0].tolist())) == 10  # and any of its images


def test_images_are_drawn_alike_and_pairs_independently() -> None:
    n, k, n_samples = 40, 10, 8000
    rows = draw_samples(["x"] * n, [f"ISIC_{i:07d}" for i in range(n)], {"x": k}, range(n_samples))
    held = np.zeros((n_samples, n))
    held[np.arange(n_samples)[:, None], rows] = 1
    assert held.mean(axis=0) == pytest.approx(np.full(n, k / n), abs=5 * np.sqrt(k / n * (1 - k / n) / n_samples))
    pairs = (held.T @ held / n_samples)[np.triu_indices(n, 1)]
    assert pairs == pytest.approx(np.full(pairs.shape, k / n * (k - 1) / (n - 1)), abs=0.03)


def test_a_patient_with_both_kinds_stands_for_either_side_and_helps_the_one_that_lacks_patients() -> None:
    labels = ["melanoma", "nevus"] * 10  # of ten patients, each with one of both
    groups = [i // 2 for i in range(20)]
    ids = [str(i) for i in range(20)]
    for seed in range(20):
        drawn = draw_sample(labels, ids, {"melanoma": 3, "nevus": 7}, groups=groups, seed=seed)
        assert len({groups[i] for i in drawn}) == 10
    rows = draw_samples(labels, ids, {"melanoma": 1, "nevus": 1}, range(400), groups=groups)
    assert all(groups[a] != groups[b] for a, b in rows.tolist())
    assert len({groups[a] for a, _ in rows.tolist()}) == 10


def test_the_order_of_a_sample_says_nothing_about_its_classes() -> None:
    labels = ["melanoma"] * 50 + ["nevus"] * 50
    firsts = [
        labels[draw_sample(labels, [str(i) for i in range(100)], {"melanoma": 20, "nevus": 20}, seed=seed)[0]]
        for seed in range(200)
    ]
    assert 70 <= firsts.count("melanoma") <= 130


def test_an_image_that_is_added_changes_a_sample_by_one_image_at_most() -> None:
    ids = [f"image {i}" for i in range(200)]
    before = draw_sample(["x"] * 200, ids, {"x": 50}, seed=7)
    after = draw_sample(["x"] * 201, [*ids, "a new one"], {"x": 50}, seed=7)
    assert len(set(before.tolist()) - set(after.tolist())) <= 1


def test_what_is_missing_is_said() -> None:
    labels = ["melanoma"] * 3 + ["nevus"] * 20
    with pytest.raises(EvaluationError, match=r"needs 2 more of melanoma \(3 of 5 are there\). Ask for a smaller"):
        draw_sample(labels, [str(i) for i in range(23)], WANTED)
    with pytest.raises(EvaluationError, match=r"5 more of melanoma \(0 of 5 are there\), and 9 more of nevus"):
        draw_sample([], [], WANTED)


def test_what_cannot_be_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="ids must be unique"):
        draw_sample(["x", "x"], ["1", "1"], {"x": 1})
    with pytest.raises(ValueError, match="one id per image"):
        draw_sample(["x", "x"], ["1"], {"x": 1})
    with pytest.raises(ValueError, match="one group per image"):
        draw_sample(["x", "x"], ["1", "2"], {"x": 1}, groups=[0])
    for wanted in ({}, {"x": 0}):
        with pytest.raises(ValueError, match="at least one image"):
            draw_sample(["x"], ["1"], wanted)
    with pytest.raises(ValueError, match="a seed is"):
        draw_sample(["x"], ["1"], {"x": 1}, seed=-1)


def test_sizes_are_the_papers_by_question_and_modality() -> None:
    assert sorted(size.n for size in PAPER_SIZES.values()) == [111, 130, 135]
    assert paper_size("epidermal", ["clinical", "dermoscopic", None]) == SampleSize(65, 70)
    assert paper_size("melanocytic", ["clinical", "clinical"]) == SampleSize(33, 97)
    assert paper_size("melanocytic", ["dermoscopic"]) == SampleSize(71, 40)
    for modalities in (["clinical", "dermoscopic"], ["clinical", None], [None], []):
        assert paper_size("melanocytic", modalities) is None
    assert paper_size("own", ["clinical"]) is None


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 400), st.integers(1, 400))
def test_a_smaller_size_keeps_the_ratio_and_is_the_largest(a: int, b: int, n_pos: int, n_neg: int) -> None:
    size = SampleSize(a, b)
    found = size.within(n_pos, n_neg)
    assert found.n_pos <= min(a, n_pos) and found.n_neg <= min(b, n_neg)
    assert found == size or found.n_pos == n_pos or found.n_neg == n_neg
    share = min(1, n_pos / a, n_neg / b)
    assert abs(found.n_pos - a * share) <= 0.5 + 1e-9 and abs(found.n_neg - b * share) <= 0.5 + 1e-9
