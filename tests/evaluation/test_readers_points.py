"""readers.points and readers.against_curve: readers as points, and the network's curve."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from derm_model.evaluation.curves import operating_curve
from derm_model.evaluation.metrics import wilson
from derm_model.evaluation.readers import Panel, ReaderPoint
from derm_model.evaluation.readers.against_curve import (
    against_curve,
    against_threshold,
    n_below,
    position_of,
    specificity_at,
)
from derm_model.evaluation.readers.curve_gap import _gap, specificity_gap
from derm_model.evaluation.readers.points import mean_point, reader_points
from derm_model.evaluation.readers.text import outperformed


def panel_of(said: NDArray[np.int64]) -> Panel:
    """Readers r0, r1, ...: 0 calls the image, 1 does not, -1 is no answer."""
    images = tuple(("", str(i)) for i in range(said.shape[1]))
    return Panel(tuple(f"r{j}" for j in range(len(said))), images, ("yes", "no"), said, np.full(said.shape, np.nan))


def point(sensitivity: tuple[int, int], specificity: tuple[int, int]) -> ReaderPoint:
    return ReaderPoint("r", wilson(*sensitivity), wilson(*specificity))


@st.composite
def studies(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64], Panel]:
    """Two to eight images of each kind, scores with ties, three readers with gaps."""
    n_pos, n_neg = draw(st.integers(2, 8)), draw(st.integers(2, 8))
    n = n_pos + n_neg
    scores = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))) / 9
    rows = [draw(st.lists(st.sampled_from([0, 1, 0, 1, -1]), min_size=n, max_size=n)) for _ in range(3)]
    return np.arange(n) < n_pos, scores, panel_of(np.array(rows))


def test_a_point_is_counted_on_the_readers_own_images() -> None:
    labels = [True, True, True, True, False, False, False]
    panel = panel_of(np.array([[0, 0, 1, -1, 1, 1, 0], [0, 0, 0, 0, -1, -1, -1], [0, -1, -1, -1, 1, -1, -1]]))
    points = reader_points(panel, labels, "yes")
    assert [one.reader for one in points] == ["r0", "r2"]  # r1 saw no image without the disease
    assert points[0].sensitivity == wilson(2, 3)
    assert points[0].specificity == wilson(2, 3)
    counts = points[0].counts
    assert (counts.found, counts.missed, counts.false_alarms, counts.spared, points[0].n) == (2, 1, 1, 2, 6)


def test_the_mean_counts_each_reader_the_same_and_the_sd_is_that_of_readers() -> None:
    found = mean_point([point((8, 10), (1, 2)), point((4, 8), (3, 4)), point((9, 10), (5, 10))])
    assert found is not None
    assert found.sensitivity == pytest.approx((0.8 + 0.5 + 0.9) / 3)
    assert found.sensitivity_sd == pytest.approx(np.std([0.8, 0.5, 0.9], ddof=1))
    assert found.specificity_sd == pytest.approx(np.std([0.5, 0.75, 0.5], ddof=1))
    assert mean_point([]) is None
    single = mean_point([point((8, 10), (1, 2))])
    assert single is not None
    assert (single.sensitivity, single.sensitivity_sd, single.n_readers) == (0.8, None, 1)


def test_labels_must_fit_the_images() -> None:
    panel = panel_of(np.array([[0, 1]]))
    with pytest.raises(ValueError, match="one label per image"):
        reader_points(panel, [True], "yes")
    with pytest.raises(ValueError, match="true or false"):
        reader_points(panel, [0, 2], "yes")


@given(studies(), st.integers(0, 40))
def test_the_drawn_curve_is_the_best_mixture_of_two_neighbouring_thresholds(
    study: tuple[NDArray[np.bool_], NDArray[np.float64], Panel], step: int
) -> None:
    labels, scores, _ = study
    wanted = step / 40
    thresholds = [*np.unique(scores), np.inf]
    corners = [(float((scores[labels] >= t).mean()), float((scores[~labels] < t).mean())) for t in thresholds]
    best = -1.0
    for (a, up_a), (b, up_b) in itertools.pairwise(corners):  # along the line sensitivity falls
        for x, y in ((a, up_a), (b, up_b)):
            if abs(x - wanted) < 1e-9:
                best = max(best, y)
        if a > wanted > b:
            best = max(best, up_b + (wanted - b) / (a - b) * (up_a - up_b))
    assert specificity_at(operating_curve(labels, scores), wanted) == pytest.approx(best, abs=1e-9)


def test_below_is_strict_and_a_point_on_the_curve_is_on_it() -> None:
    labels = [True, True, True, True, False, False, False, False]
    curve = operating_curve(labels, [0.9, 0.8, 0.7, 0.2, 0.6, 0.5, 0.3, 0.1])
    assert specificity_at(curve, 0.75) == 1.0  # straight down to 0.25: the best counts
    assert position_of(point((3, 4), (4, 4)), curve) == "on"
    assert position_of(point((3, 4), (2, 4)), curve) == "below"  # on the vertical part of the drawn line
    assert position_of(point((4, 4), (1, 4)), curve) == "on"
    assert position_of(point((4, 4), (2, 4)), curve) == "above"
    assert position_of(point((0, 4), (4, 4)), curve) == "on"  # who calls nothing is where every curve ends
    assert position_of(point((4, 4), (0, 4)), curve) == "below"
    assert specificity_at(curve, 7 / 8) == 0.25  # between two thresholds, along the flat part
    tied = operating_curve([True, True, False, False], [1, 0, 1, 0])
    assert specificity_at(tied, 0.5) == pytest.approx(0.5)
    assert specificity_at(tied, 0.75) == pytest.approx(0.25)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        specificity_at(curve, 1.2)


@given(studies())
def test_each_threshold_of_the_network_is_a_reader_on_the_curve_or_right_below_a_better_one(
    study: tuple[NDArray[np.bool_], NDArray[np.float64], Panel],
) -> None:
    labels, scores, _ = study
    thresholds = [*np.unique(scores), 2.0]
    panel = panel_of(np.array([np.where(scores >= t, 0, 1) for t in thresholds]))
    for one in against_curve(panel, labels, scores, "yes"):
        assert one.position in ("on", "below")
        better = [
            other
            for other in reader_points(panel, labels, "yes")
            if other.sensitivity.value == one.point.sensitivity.value
            and other.specificity.value > one.point.specificity.value
        ]
        assert (one.position == "below") == bool(better)


@given(studies(), st.integers(0, 2**32 - 1))
def test_the_gap_of_a_resample_is_that_of_its_own_curve_and_reader(
    study: tuple[NDArray[np.bool_], NDArray[np.float64], Panel], seed: int
) -> None:
    labels, scores, panel = study
    called = panel.said[0] == 0
    counts = np.random.default_rng(seed).multinomial(labels.size, np.full(labels.size, 1 / labels.size), size=5)
    found = _gap(called)(labels, scores, counts)
    for row, gap in zip(counts, found, strict=True):
        drawn = np.repeat(np.arange(labels.size), row)
        truth, calls = labels[drawn], called[drawn]
        if truth.all() or not truth.any():
            assert np.isnan(gap)
            continue
        curve = operating_curve(truth, scores[drawn])
        expected = specificity_at(curve, calls[truth].mean()) - (~calls[~truth]).mean()
        assert gap == pytest.approx(expected, abs=1e-9)


@given(studies())
def test_gaps_are_those_of_the_drawn_curve_both_ways(
    study: tuple[NDArray[np.bool_], NDArray[np.float64], Panel],
) -> None:
    labels, scores, panel = study
    mirrored = replace(panel, said=np.where(panel.said < 0, -1, 1 - panel.said))
    others = against_curve(mirrored, ~labels, -scores, "yes")
    for one, other in zip(against_curve(panel, labels, scores, "yes"), others, strict=True):
        if one.at_sensitivity is not None:
            gap = one.curve_specificity - one.point.specificity.value
            assert one.at_sensitivity.interval.value == pytest.approx(gap, abs=1e-9)
        for gap_of, mirrored_gap in (
            (one.at_sensitivity, other.at_specificity),
            (one.at_specificity, other.at_sensitivity),
        ):
            assert (gap_of is None) == (mirrored_gap is None)
            if gap_of is not None and mirrored_gap is not None:
                ours, theirs = gap_of.interval, mirrored_gap.interval
                assert (theirs.value, theirs.low, theirs.high) == (ours.value, ours.low, ours.high)
                assert (
                    (ours.n_pos, ours.n_neg)
                    == (theirs.n_neg, theirs.n_pos)
                    == (one.point.sensitivity.n, one.point.specificity.n)
                )


def test_readers_as_good_as_the_network_are_seldom_told_apart_from_it_and_worse_ones_are() -> None:
    rng, n_studies = np.random.default_rng(4), 150
    labels = np.arange(120) < 60
    called_different, found_worse = 0, 0
    for _ in range(n_studies):
        shared = rng.normal(size=120)
        network, equal, worse = (shift * labels + shared + rng.normal(size=120) for shift in (2.1, 2.1, 0.6))
        for felt, threshold in ((equal, 1.05), (worse, 0.3)):
            gap = specificity_gap(labels, network, felt >= threshold, n_resamples=400)
            assert gap is not None
            differs = gap.interval.low > 0 or gap.interval.high < 0
            called_different += differs and felt is equal
            found_worse += differs and felt is worse
    assert called_different <= 16  # 150 draws of 5 % are above that once in 500; McNemar's test would have some 25
    assert found_worse >= 0.9 * n_studies


@given(studies())
def test_at_a_given_threshold_reader_and_network_are_paired_image_by_image(
    study: tuple[NDArray[np.bool_], NDArray[np.float64], Panel],
) -> None:
    labels, scores, panel = study
    network = scores >= 0.5
    for one in against_threshold(panel, labels, network, "yes"):
        said = panel.said[panel.readers.index(one.point.reader)]
        for shares, kind in ((one.sensitivity, labels), (one.specificity, ~labels)):
            own = kind & (said >= 0)
            right, readers = network[own] == labels[own], (said[own] == 0) == labels[own]
            assert shares.n_first_only == int((right & ~readers).sum())
            assert shares.n_second_only == int((~right & readers).sum())
            assert shares.n == int(own.sum())


def test_readers_below_the_curve_are_counted_and_called_outperformed() -> None:
    labels = np.arange(40) < 20
    scores = np.linspace(1, 0, 40)  # a perfect network
    said = np.where(labels, 0, 1)
    worse = said.copy()
    worse[[0, 39]] = 1 - worse[[0, 39]]
    stopped = np.where(np.arange(40) % 4 == 0, worse, -1)
    found = against_curve(panel_of(np.stack([said, worse, stopped])), labels, scores, "yes")
    assert [one.position for one in found] == ["on", "below", "on"]
    assert [one.point.n for one in found] == [40, 40, 10]
    assert n_below(found) == 1
    assert outperformed(found, "dermatologists") == (
        "The network outperformed 1 of 3 dermatologists, 2 on it: at such a reader's sensitivity its specificity is "
        "higher, on these images."
    )
    with pytest.raises(ValueError, match="no reader"):
        outperformed([])
