"""metrics: AUC with its interval, accuracies, proportions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import recall_score, roc_auc_score

from derm_model.evaluation.metrics import (
    Interval,
    auc,
    balanced_accuracy,
    class_table,
    delong,
    hanley_mcneil,
    mean_class_accuracy,
    pair_wins,
    wilson,
    wilson_bounds,
)
from derm_model.typed_json import decode

# few distinct values, so that ties are common
tied_scores = st.lists(st.integers(0, 8).map(float), min_size=2, max_size=25)


def naive_delong(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> tuple[float, float]:
    """DeLong et al. (1988) as written: every pair is compared, O(m n)."""
    wins = (positive[:, None] > negative).astype(float) + 0.5 * (positive[:, None] == negative)
    by_positive, by_negative = wins.mean(axis=1), wins.mean(axis=0)
    variance = by_positive.var(ddof=1) / len(positive) + by_negative.var(ddof=1) / len(negative)
    return float(wins.mean()), float(variance)


@given(tied_scores, tied_scores)
def test_fast_delong_equals_the_definition_over_all_pairs(positive: list[float], negative: list[float]) -> None:
    expected = naive_delong(np.array(positive), np.array(negative))
    assert delong(np.array(positive), np.array(negative)) == pytest.approx(expected, abs=1e-12)


@given(tied_scores, tied_scores)
def test_auc_equals_that_of_scikit_learn(positive: list[float], negative: list[float]) -> None:
    labels = [True] * len(positive) + [False] * len(negative)
    found = auc(labels, positive + negative)
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(labels, positive + negative), abs=1e-12)
    assert (found.n_pos, found.n_neg, found.n) == (len(positive), len(negative), len(labels))


@given(tied_scores, tied_scores)
def test_auc_does_not_change_under_a_monotone_transform(positive: list[float], negative: list[float]) -> None:
    labels = [True] * len(positive) + [False] * len(negative)
    scores = np.array(positive + negative)
    assert auc(labels, np.exp(scores / 3) - 7) == auc(labels, scores)


@given(tied_scores, tied_scores)
def test_swapping_the_classes_mirrors_auc_and_interval(positive: list[float], negative: list[float]) -> None:
    found = auc([True] * len(positive) + [False] * len(negative), positive + negative)
    mirrored = auc([False] * len(positive) + [True] * len(negative), positive + negative)
    assert found is not None
    assert mirrored is not None
    assert mirrored.value == pytest.approx(1 - found.value, abs=1e-9)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)


@given(tied_scores, tied_scores)
def test_an_auc_lies_in_its_interval_and_the_interval_has_a_width(positive: list[float], negative: list[float]) -> None:
    found = auc([True] * len(positive) + [False] * len(negative), positive + negative)
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.01


def test_the_auc_interval_covers_the_true_area_in_about_95_of_100_samples() -> None:
    from scipy.special import ndtr

    rng, true_area, n_samples = np.random.default_rng(4), float(ndtr(1.2 / np.sqrt(2))), 600
    labels = np.arange(120) < 40
    hits = 0
    for _ in range(n_samples):
        found = auc(labels, rng.normal(size=120) + 1.2 * labels)
        assert found is not None
        hits += found.low <= true_area <= found.high
    assert 0.93 <= hits / n_samples <= 0.98  # three standard errors around 95 % are 2.7 points


def test_perfect_separation_has_an_interval_that_shrinks_with_n_and_never_closes() -> None:
    lows = []
    for n in (1, 10, 100):
        found = auc([True] * n + [False] * n, [1.0] * n + [0.0] * n)
        assert found is not None
        assert (found.value, found.high) == (1.0, 1.0)
        lows.append(found.low)
    assert 0 < lows[0] < lows[1] < lows[2] < 1


def test_newcombe_interval_agrees_with_his_published_closed_bound() -> None:
    # at area 1 the bound solves (1 - a) = z^2 a (1 + (N/2 - 1) ((1 - a) / (2 - a) + a / (1 + a))) / (m n)
    found = auc([True] * 20 + [False] * 30, [1.0] * 20 + [0.0] * 30)
    assert found is not None
    a, z2 = found.low, 1.959963984540054**2
    assert 1 - a == pytest.approx(z2 * a * (1 + 24 * ((1 - a) / (2 - a) + a / (1 + a))) / 600, abs=1e-9)


@pytest.mark.parametrize("labels", [[], [True, True], [False]])
def test_auc_is_undefined_without_both_classes(labels: list[bool]) -> None:
    assert auc(labels, [0.5] * len(labels)) is None


@pytest.mark.parametrize(
    "labels,scores,said",
    [
        ([True, False], [0.1], "one score per label"),
        ([True, False], [0.1, np.nan], "1 of 2 scores are not finite"),
        ([2, 0], [0.1, 0.2], "true or false"),
        ([[True], [False]], [[0.1], [0.2]], "one score per label"),
    ],
)
def test_malformed_scores_are_refused(labels: object, scores: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        auc(labels, scores)  # type: ignore[arg-type]


def test_wilson_gives_the_published_bounds() -> None:
    # Newcombe, Stat. Med. 17 (1998) 857, table I, method 3: 81/263, 15/148, 0/20, 1/29
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (k, n), bounds in published.items():
        found = wilson(k, n)
        assert (found.low, found.high) == pytest.approx(bounds, abs=5e-5)
        assert (found.n_pos, found.n_neg) == (k, n - k)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_contains_its_proportion_and_stays_a_proportion(k_and_n: tuple[int, int]) -> None:
    found = wilson(*k_and_n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize("k,n", [(0, 0), (3, 2), (-1, 2)])
def test_a_proportion_of_nothing_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="a proportion needs"):
        wilson(k, n)


answers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(answers)
def test_mean_class_accuracy_is_the_mean_over_the_classes_with_images(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    own = [np.mean([t == p for t, p in pairs if t == c]) for c in sorted(set(truth))]
    assert mean_class_accuracy(truth, predicted, 4) == pytest.approx(np.mean(own))


@settings(max_examples=30)
@given(answers)
def test_balanced_accuracy_equals_that_of_scikit_learn_and_lies_in_its_interval(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    found = balanced_accuracy(truth, predicted, 4, n_resamples=200)
    assert found is not None
    recall = recall_score(truth, predicted, labels=sorted(set(truth)), average="macro")
    assert found.value == pytest.approx(recall)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=6))
def test_classes_that_are_all_right_or_all_wrong_leave_room_for_doubt(classes: list[tuple[int, bool]]) -> None:
    """Resamples of such classes are all the same, which is no certainty."""
    n_classes = len(classes)
    truth = [c for c, (n, _) in enumerate(classes) for _ in range(n)]
    predicted = [c if right else (c + 1) % (n_classes + 1) for c, (n, right) in enumerate(classes) for _ in range(n)]
    found = balanced_accuracy(truth, predicted, n_classes + 1)
    assert found is not None
    assert found.value == pytest.approx(np.mean([right for _, right in classes]))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    twice = balanced_accuracy(truth * 2, predicted * 2, n_classes + 1)
    assert twice is not None
    assert twice.high - twice.low < found.high - found.low


def test_of_a_single_class_the_interval_is_wilsons_and_of_several_it_adds_their_distances() -> None:
    single = balanced_accuracy([0] * 12, [0] * 12, 1)
    assert single is not None
    assert (single.low, single.high) == pytest.approx((wilson(12, 12).low, 1.0))
    two = balanced_accuracy([0] * 12 + [1] * 5, [0] * 17, 2)  # the first all right, the second all wrong
    assert two is not None
    assert two.low == pytest.approx(0.5 - (1 - wilson(12, 12).low) / 2)
    assert two.high == pytest.approx(0.5 + wilson(0, 5).high / 2)


def test_that_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, right, n_classes, n = np.random.default_rng(0), 0.9, 9, 1  # one image a class: it is always such a case
    truth, held = np.arange(n_classes).repeat(n), []
    for _ in range(800):
        hit = rng.random(truth.size) < right
        found = balanced_accuracy(truth, np.where(hit, truth, (truth + 1) % n_classes), n_classes)
        assert found is not None
        held.append(found.low <= right <= found.high)
    assert 0.93 < np.mean(held) < 0.98


def test_accuracy_counts_classes_not_images() -> None:
    truth, predicted = [0] * 98 + [1, 1], [0] * 100
    assert mean_class_accuracy(truth, predicted, 2) == 0.5


def test_the_bootstrap_repeats_with_its_seed_and_agrees_with_redrawing_images() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 400)
    predicted = np.where(rng.random(400) < 0.7, truth, rng.integers(0, 3, 400))
    found = balanced_accuracy(truth, predicted, 3)
    assert found == balanced_accuracy(truth, predicted, 3)
    assert found != balanced_accuracy(truth, predicted, 3, seed=1)
    redrawn = []
    for _ in range(1000):
        order = np.concatenate([rng.choice(np.flatnonzero(truth == c), (truth == c).sum()) for c in range(3)])
        redrawn.append(mean_class_accuracy(truth[order], predicted[order], 3))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(redrawn, [0.025, 0.975])), abs=0.008)


def test_without_images_accuracy_is_undefined_not_zero() -> None:
    assert mean_class_accuracy([], [], 3) is None
    assert balanced_accuracy([], [], 3) is None
    assert [row.accuracy for row in class_table([], [], 3)] == [None] * 3


def test_the_class_table_counts_images_answers_and_predictions() -> None:
    rows = class_table([0, 0, 0, 2], [0, 0, 1, 1], 3)
    assert [(row.index, row.n, row.n_correct, row.n_predicted) for row in rows] == [
        (0, 3, 2, 2),
        (1, 0, 0, 2),
        (2, 1, 0, 0),
    ]
    assert rows[0].accuracy == wilson(2, 3)
    assert rows[1].accuracy is None
    assert rows[2].accuracy == wilson(0, 1)


@pytest.mark.parametrize("truth,predicted", [([0, 3], [0, 0]), ([0], [0, 1]), ([0.0], [0.0]), ([-1], [0])])
def test_classes_outside_the_model_are_refused(truth: list[int], predicted: list[int]) -> None:
    with pytest.raises(ValueError, match="class"):
        mean_class_accuracy(truth, predicted, 3)


def test_an_interval_survives_json() -> None:
    found = auc([True, False, True], [0.3, 0.2, 0.1])
    assert found is not None
    assert decode(Interval, found.to_json()) == found


def test_the_papers_area_has_the_interval_its_counts_allow() -> None:
    # Esteva et al. 2017, figure 3: AUC 0.96 of 450 diseased and 257 other images
    found = hanley_mcneil(0.96, 450, 257)
    assert (found.low, found.high) == pytest.approx((0.946, 0.974), abs=6e-4)
    assert (found.value, found.n_pos, found.n_neg) == (0.96, 450, 257)


def test_hanley_and_mcneil_give_the_spread_of_areas_of_exponential_scores() -> None:
    # the scores for which their formula is exact: exponential, of means 1 and r, with an area of r / (1 + r)
    rng, ratio = np.random.default_rng(7), 6.0
    areas = [delong(rng.exponential(ratio, 30), rng.exponential(1.0, 50))[0] for _ in range(4000)]
    found = hanley_mcneil(ratio / (1 + ratio), 30, 50)
    assert np.mean(areas) == pytest.approx(found.value, abs=0.003)
    assert (found.value - found.low) / 1.959964 == pytest.approx(np.std(areas), rel=0.05)


def test_of_normal_scores_hanley_and_mcneil_agree_with_delong() -> None:
    rng = np.random.default_rng(6)
    labels = np.arange(707) < 450
    # scores 2.48 apart have a true area of 0.96
    widths = []
    for _ in range(40):
        found = auc(labels, rng.normal(size=707) + 2.48 * labels)
        assert found is not None
        published = hanley_mcneil(found.value, 450, 257)
        widths.append((found.high - found.low) / (published.high - published.low))
    assert np.mean(widths) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("area,n_pos,n_neg", [(1.2, 5, 5), (-0.1, 5, 5), (0.9, 0, 5), (float("nan"), 5, 5)])
def test_a_published_area_without_images_is_refused(area: float, n_pos: int, n_neg: int) -> None:
    with pytest.raises(ValueError, match="an area lies in"):
        hanley_mcneil(area, n_pos, n_neg)


def test_a_perfect_published_area_of_one_image_each_still_lies_in_its_interval() -> None:
    found = hanley_mcneil(1.0, 1, 1)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(tied_scores, tied_scores)
def test_wins_are_counted_in_whole_numbers_and_halves(positive: list[float], negative: list[float]) -> None:
    below, above = pair_wins(np.array(positive), np.array(negative))
    pairs = [[1.0 if p > q else 0.5 if p == q else 0.0 for q in negative] for p in positive]
    assert below.tolist() == np.sum(pairs, axis=1).tolist()
    assert above.tolist() == np.sum(pairs, axis=0).tolist()


@given(st.integers(1, 300))
def test_bounds_of_many_counts_are_those_of_each(n: int) -> None:
    low, high = wilson_bounds(np.arange(n + 1), n)
    single = [wilson(k, n) for k in range(n + 1)]
    assert low.tolist() == [s.low for s in single]
    assert high.tolist() == [s.high for s in single]


def test_another_level_has_another_width() -> None:
    from scipy.special import ndtri

    labels = np.arange(120) < 40
    scores = np.random.default_rng(3).normal(size=120) + labels
    plain = auc(labels, scores)
    sure = auc(labels, scores, z=float(ndtri(0.995)))
    assert plain is not None
    assert sure is not None
    assert sure.low < plain.low < plain.value == sure.value < plain.high < sure.high
    assert wilson(3, 20, z=float(ndtri(0.995))).high > wilson(3, 20).high
    perfect = [auc([True] * 9 + [False] * 9, [1.0] * 9 + [0.0] * 9, z=z) for z in (1.96, 2.58)]
    assert perfect[0] is not None
    assert perfect[1] is not None
    assert perfect[1].low < perfect[0].low
