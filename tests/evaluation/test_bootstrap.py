"""bootstrap: intervals of any statistic, of images or of groups of them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from derm_model.evaluation.bootstrap import (
    area,
    bootstrap,
    bootstrap_difference,
    each,
    sensitivity_at,
    specificity_at,
)
from derm_model.evaluation.metrics import auc, wilson
from derm_model.evaluation.paired import compare_aucs
from derm_model.evaluation.resampling import Units

Images = tuple[NDArray[np.bool_], NDArray[np.float64]]


def drawn_images(n_pos: int, n_neg: int, distance: float = 1.5, seed: int = 0) -> Images:
    labels = np.arange(n_pos + n_neg) < n_pos
    return labels, np.random.default_rng(seed).normal(size=labels.size) + distance * labels


def bounds(found: object) -> tuple[float, float]:
    interval = found.interval  # type: ignore[attr-defined]
    return interval.low, interval.high


@st.composite
def counted_images(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]]:
    """Labels, tied scores, and how often each image was drawn in two resamples."""
    n = draw(st.integers(2, 20))
    labels = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(0, 4).map(float), min_size=n, max_size=n))
    counts = draw(st.lists(st.integers(0, 3), min_size=2 * n, max_size=2 * n))
    return np.array(labels), np.array(scores), np.array(counts).reshape(2, n)


@given(counted_images())
def test_statistics_of_counts_are_those_of_the_repeated_images(
    images: tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]],
) -> None:
    labels, scores, counts = images

    def slow_area(y: NDArray[np.bool_], s: NDArray[np.float64]) -> float | None:
        return float(roc_auc_score(y, s)) if y.any() and not y.all() else None

    def slow_sensitivity(y: NDArray[np.bool_], s: NDArray[np.float64]) -> float | None:
        return float((s[y] >= 2).mean()) if y.any() else None

    def slow_specificity(y: NDArray[np.bool_], s: NDArray[np.float64]) -> float | None:
        return float((s[~y] < 2).mean()) if not y.all() else None

    for fast, slow in (
        (area, slow_area),
        (sensitivity_at(2), slow_sensitivity),
        (specificity_at(2), slow_specificity),
    ):
        np.testing.assert_allclose(fast(labels, scores, counts), each(slow)(labels, scores, counts), atol=1e-12)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_interval_of_an_auc_is_that_of_scipy(method: str) -> None:
    from scipy.stats import bootstrap as scipy_bootstrap

    labels, scores = drawn_images(40, 70)

    def of_two(positive: NDArray[np.float64], negative: NDArray[np.float64], axis: int = -1) -> float:
        return float((positive[:, None] > negative).mean())

    reference = scipy_bootstrap(
        (scores[labels], scores[~labels]),
        of_two,
        vectorized=False,
        n_resamples=6000,
        method="BCa" if method == "bca" else "percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = bootstrap(labels, scores, area, method=method, n_resamples=6000)  # type: ignore[arg-type]
    assert found is not None
    assert bounds(found) == pytest.approx((reference.low, reference.high), abs=0.006)


def test_of_many_images_it_agrees_with_delong_and_wilson() -> None:
    labels, scores = drawn_images(400, 800)
    delong = auc(labels, scores)
    found = bootstrap(labels, scores, area)
    assert found is not None
    assert delong is not None
    assert found.interval.value == pytest.approx(delong.value)
    assert bounds(found) == pytest.approx((delong.low, delong.high), abs=0.004)
    for statistic, k, n in (
        (sensitivity_at(0.8), int((scores[labels] >= 0.8).sum()), 400),
        (specificity_at(0.8), int((scores[~labels] < 0.8).sum()), 800),
    ):
        expected, rate = wilson(k, n), bootstrap(labels, scores, statistic)
        assert rate is not None
        assert rate.interval.value == pytest.approx(k / n)
        assert bounds(rate) == pytest.approx((expected.low, expected.high), abs=0.007)
        assert (rate.interval.n_pos, rate.interval.n_neg) == (400, 800)


def test_the_same_seed_gives_the_same_interval() -> None:
    images = drawn_images(30, 50)
    assert bootstrap(*images, area) == bootstrap(*images, area)
    assert bootstrap(*images, area) != bootstrap(*images, area, seed=1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=40), st.booleans())
def test_groups_stay_together_and_no_class_vanishes(images: list[tuple[bool, int]], stratified: bool) -> None:
    labels, groups = np.array([label for label, _ in images]), [group for _, group in images]
    units = Units.of(labels, groups, stratified)
    counts = np.concatenate(list(units.drawn(20, seed=3)))
    for group in set(groups):
        own = counts[:, np.array(groups) == group]
        assert (own == own[:, :1]).all()
    if stratified:
        assert (counts[:, labels].sum(axis=1) > 0).all() or not labels.any()
        assert (counts[:, ~labels].sum(axis=1) > 0).all() or labels.all()


def test_stratified_draws_keep_the_number_of_images_of_each_class() -> None:
    labels, _ = drawn_images(7, 12)
    counts = np.concatenate(list(Units.of(labels, None, True).drawn(50, seed=0)))
    assert (counts[:, labels].sum(axis=1) == 7).all()
    assert (counts[:, ~labels].sum(axis=1) == 12).all()
    free = np.concatenate(list(Units.of(labels, None, False).drawn(50, seed=0)))
    assert (free.sum(axis=1) == 19).all()
    assert len(set(free[:, labels].sum(axis=1).tolist())) > 1


def test_images_without_a_group_stand_alone() -> None:
    labels = np.array([True, True, False, False, False])
    assert Units.of(labels, ["a", "a", None, None, "b"], True).n == 4
    assert Units.of(labels, [None] * 5, True).n == 5


def test_copies_of_an_image_in_its_group_add_no_certainty() -> None:
    labels, scores = drawn_images(40, 60)
    single = bootstrap(labels, scores, area, n_resamples=4000)
    copied = (np.repeat(labels, 5), np.repeat(scores, 5))
    grouped = bootstrap(*copied, area, groups=np.repeat(np.arange(100), 5).tolist(), n_resamples=4000)
    naive = bootstrap(*copied, area, n_resamples=4000)
    assert single is not None
    assert grouped is not None
    assert naive is not None
    assert bounds(grouped) == pytest.approx(bounds(single), abs=0.006)
    assert grouped.n_units == 100
    width = np.diff(bounds(single))[0]
    assert np.diff(bounds(naive))[0] < 0.6 * width


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_resamples_without_a_figure_are_counted_and_few_of_them_left_out(method: str) -> None:
    labels, scores = drawn_images(4, 60)
    found = bootstrap(labels, scores, area, stratified=False, method=method)  # type: ignore[arg-type]
    assert found is not None
    assert 0 < found.n_undefined < 0.025 * 2000  # e^-4 of them draw no diseased image
    assert 0 <= found.interval.low <= found.interval.value <= found.interval.high <= 1


def test_many_resamples_without_a_figure_make_it_undefined() -> None:
    labels, scores = drawn_images(2, 60)
    assert bootstrap(labels, scores, area, stratified=False) is None  # e^-2 of them draw no diseased image
    assert bootstrap(labels, scores, area) is not None


@pytest.mark.parametrize(
    "labels,scores",
    [
        ([], []),
        ([True], [0.5]),
        ([True, True, True], [0.1, 0.2, 0.3]),  # one class
        ([True, False, False], [0.9, 0.1, 0.95]),  # one diseased image says nothing about the next one
        ([True, True, False, False], [0.9, 0.8, 0.1, 0.2]),  # every resample separates them
        ([True, True, False, False], [0.5, 0.5, 0.5, 0.5]),  # ties everywhere
    ],
)
def test_what_redrawing_cannot_answer_is_undefined(labels: list[bool], scores: list[float]) -> None:
    assert bootstrap(labels, scores, area) is None
    assert bootstrap_difference(labels, scores, scores, area) is None


def test_a_rate_of_one_class_needs_no_other() -> None:
    found = bootstrap([True] * 20, np.arange(20), sensitivity_at(5))
    assert found is not None
    assert found.interval.value == 0.75
    assert (found.interval.n_pos, found.interval.n_neg) == (20, 0)


def test_diseased_images_of_one_patient_say_nothing_about_the_next_one() -> None:
    labels, scores = drawn_images(10, 40)
    assert bootstrap(labels, scores, area, groups=[0] * 10 + list(range(1, 41))) is None
    assert bootstrap(labels, scores, area, groups=[0] * 5 + list(range(1, 46))) is not None


def test_any_statistic_of_labels_and_scores_can_be_asked() -> None:
    labels, scores = drawn_images(30, 50)

    def precision(y: NDArray[np.bool_], s: NDArray[np.float64]) -> float | None:
        return float(y[s >= 1].mean()) if (s >= 1).any() else None

    found = bootstrap(labels, scores, each(precision), n_resamples=300)
    assert found is not None
    assert found.interval.value == pytest.approx(precision(labels, scores))
    assert found.interval.low < found.interval.value < found.interval.high


def test_the_difference_of_two_scores_agrees_with_the_paired_test() -> None:
    labels, first = drawn_images(150, 250)
    second = first + np.random.default_rng(9).normal(size=400)
    expected = compare_aucs(labels, first, second)
    found = bootstrap_difference(labels, first, second, area)
    assert expected is not None
    assert expected.interval is not None
    assert found is not None
    assert found.interval.value == pytest.approx(expected.difference)
    assert bounds(found) == pytest.approx(expected.interval, abs=0.006)


def test_two_thresholds_of_one_score_can_be_compared() -> None:
    labels, scores = drawn_images(50, 60)
    found = bootstrap_difference(labels, scores, scores, sensitivity_at(0.5), sensitivity_at(1.5))
    assert found is not None
    assert found.interval.value == pytest.approx(((scores[labels] >= 0.5) & (scores[labels] < 1.5)).mean())
    assert found.interval.low > 0


@settings(max_examples=20)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 1000), st.sampled_from(["percentile", "bca"]))
def test_an_interval_holds_its_figure_and_stays_within_the_range(n_pos: int, n_neg: int, seed: int, how: str) -> None:
    images = drawn_images(n_pos, n_neg, seed=seed)
    found = bootstrap(*images, area, n_resamples=200, seed=seed, method=how)  # type: ignore[arg-type]
    if found is not None:
        assert 0 <= found.interval.low <= found.interval.value <= found.interval.high <= 1


def test_of_grouped_images_the_interval_covers_the_true_area_and_that_of_single_images_does_not() -> None:
    from scipy.special import ndtr

    rng, n_samples = np.random.default_rng(5), 120
    # a patient and an image vary alike, so the scores of the two classes are 1.5 apart with a variance of 2 each
    true_area, labels = float(ndtr(1.5 / 2)), np.repeat(np.arange(80) < 40, 5)
    patients = np.repeat(np.arange(80), 5)
    hits = {"patients": 0, "images": 0}
    for _ in range(n_samples):
        scores = np.repeat(rng.normal(size=80), 5) + rng.normal(size=400) + 1.5 * labels
        for name, groups in (("patients", patients.tolist()), ("images", None)):
            found = bootstrap(labels, scores, area, groups=groups, n_resamples=300, method="percentile")
            assert found is not None
            hits[name] += found.interval.low <= true_area <= found.interval.high
    assert hits["patients"] / n_samples >= 0.88
    assert hits["images"] / n_samples <= 0.85


@pytest.mark.parametrize(
    "change,said",
    [
        ({"scores": [0.1]}, "one score per label"),
        ({"scores": [0.1, np.nan, 0.2]}, "not finite"),
        ({"groups": [1, 2]}, "one group per image"),
        ({"n_resamples": 0}, "at least one resample"),
        ({"method": "normal"}, "'percentile' or 'bca'"),
    ],
)
def test_malformed_input_is_refused(change: dict[str, object], said: str) -> None:
    good: dict[str, object] = {"labels": [True, False, True], "scores": [0.1, 0.2, 0.3], "statistic": area}
    with pytest.raises(ValueError, match=said):
        bootstrap(**{**good, **change})  # type: ignore[arg-type]


def test_two_thousand_resamples_of_five_thousand_images_take_seconds() -> None:
    labels, scores = drawn_images(750, 4250)
    start = time.process_time()
    for statistic in (area, sensitivity_at(1), specificity_at(1)):
        assert bootstrap(labels, scores, statistic) is not None
    assert time.process_time() - start < 15  # about one second on an idle core of 2020


def test_of_many_units_a_sample_is_left_out_in_turn_and_the_interval_hardly_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels, scores = drawn_images(40, 1500, distance=2.6)
    sampled = bootstrap(labels, scores, area)
    monkeypatch.setattr("derm_model.evaluation.resampling.MAX_LEFT_OUT", 2000)
    every = bootstrap(labels, scores, area)
    plain = bootstrap(labels, scores, area, method="percentile")
    assert sampled is not None
    assert every is not None
    assert plain is not None
    assert bounds(sampled) == pytest.approx(bounds(every), abs=5e-4)
    assert plain.interval.low - every.interval.low > 0.003
