"""subgroups: figures by a value of an attribute, and the gaps between values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from derm_model.evaluation.metrics import Interval, auc, delong, difference_bounds, wilson
from derm_model.evaluation.subgroups import (
    MIN_IMAGES,
    TOO_FEW,
    Subgroup,
    age_band,
    age_bands,
    subgroups,
)


def drawn_images(
    sizes: dict[str | None, tuple[int, int]], distances: dict[str | None, float], seed: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str | None]]:
    """For each value so many diseased and other images, their scores so far apart."""
    rng = np.random.default_rng(seed)
    labels, scores, attribute = [], [], []
    for value, (n_pos, n_neg) in sizes.items():
        own = np.arange(n_pos + n_neg) < n_pos
        labels.append(own)
        scores.append(rng.normal(size=own.size) + distances.get(value, 1.5) * own)
        attribute += [value] * own.size
    return np.concatenate(labels), np.concatenate(scores), attribute


def rows_of(found: tuple[Subgroup, ...]) -> dict[str | None, Subgroup]:
    return {row.value: row for row in found}


def test_figures_are_those_of_the_images_with_the_value() -> None:
    labels, scores, attribute = drawn_images({"dermoscopy": (30, 40), "photograph": (25, 50)}, {})
    found = rows_of(subgroups(labels, scores, 0.8, attribute).rows)
    for value in ("dermoscopy", "photograph"):
        own = np.array(attribute) == value
        y, s = labels[own], scores[own]
        assert (found[value].n_pos, found[value].n_neg) == (y.sum(), (~y).sum())
        assert found[value].n == own.sum()
        assert found[value].auc == auc(y, s)
        assert found[value].sensitivity == wilson(int((s[y] >= 0.8).sum()), int(y.sum()))
        assert found[value].specificity == wilson(int((s[~y] < 0.8).sum()), int((~y).sum()))


def test_in_brief_are_the_gaps_beyond_chance_and_the_largest_of_each_measure() -> None:
    sizes: dict[str | None, tuple[int, int]] = {name: (300, 300) for name in "abcd"}
    labels, scores, attribute = drawn_images(sizes, {"a": 3.0, "b": 0.2})
    found = subgroups(labels, scores, 0.8, attribute)
    brief = found.in_brief()
    assert brief.rows == found.rows
    assert brief.beyond_chance == found.beyond_chance
    assert [brief.largest(m) for m in ("auc", "sensitivity", "specificity")] == [
        found.largest(m) for m in ("auc", "sensitivity", "specificity")
    ]
    assert {gap for gap in brief.gaps if not gap.beyond_chance} <= {found.largest("specificity")}
    assert len(brief.gaps) < len(found.gaps)


@pytest.mark.parametrize(
    "n_pos,n_neg,told",
    [
        (20, 20, ("auc", "sensitivity", "specificity")),
        (19, 20, ("specificity",)),
        (20, 19, ("sensitivity",)),
        (0, 30, ("specificity",)),
        (30, 0, ("sensitivity",)),
        (1, 0, ()),
    ],
)
def test_below_the_minimum_it_says_too_few_and_no_figure(n_pos: int, n_neg: int, told: tuple[str, ...]) -> None:
    labels, scores, attribute = drawn_images({"III": (n_pos, n_neg)}, {})
    (row,) = subgroups(labels, scores, 0.5, attribute).rows
    assert (row.n_pos, row.n_neg) == (n_pos, n_neg)
    assert tuple(name for name in ("auc", "sensitivity", "specificity") if row.measure(name)) == told  # type: ignore[arg-type]


def test_the_minimum_is_where_a_rate_spans_40_points() -> None:
    widths = {n: wilson(n // 2, n).high - wilson(n // 2, n).low for n in (18, 20)}
    assert widths[18] > widths[20]
    assert widths[20] == pytest.approx(0.40, abs=0.005)
    assert f"{MIN_IMAGES} images" in TOO_FEW


def test_images_without_a_value_are_shown_last_and_never_in_a_gap() -> None:
    sizes: dict[str | None, tuple[int, int]] = {None: (60, 60), "b": (60, 60), "a": (60, 60)}
    labels, scores, attribute = drawn_images(sizes, {None: -3.0})
    found = subgroups(labels, scores, 0.5, [value or " " for value in attribute])
    assert [row.value for row in found.rows] == ["a", "b", None]
    assert rows_of(found.rows)[None].auc is not None
    assert {value for gap in found.gaps for value in (gap.best, gap.worst)} == {"a", "b"}


def test_rows_stand_in_the_wanted_order_and_others_follow_by_name() -> None:
    labels, scores, attribute = drawn_images(dict.fromkeys(("z", "b", "a", "m"), (2, 2)), {})
    found = subgroups(labels, scores, 0.5, attribute, order=("m", "absent", "b"))
    assert [row.value for row in found.rows] == ["m", "b", "a", "z"]


def test_a_planted_gap_is_named_with_its_interval() -> None:
    sizes: dict[str | None, tuple[int, int]] = {"I-II": (150, 150), "III-IV": (150, 150), "V-VI": (150, 150)}
    labels, scores, attribute = drawn_images(sizes, {"V-VI": 0.3})
    found = subgroups(labels, scores, 0.5, attribute)
    for measure in ("auc", "sensitivity"):
        gap = found.largest(measure)  # type: ignore[arg-type]
        assert gap is not None
        assert gap.worst == "V-VI"
        assert gap.beyond_chance
        assert gap.interval[0] < gap.difference < gap.interval[1]
        assert gap.n_compared == 3
    clear = {(gap.measure, gap.best, gap.worst) for gap in found.beyond_chance}
    assert {("auc", "I-II", "V-VI"), ("auc", "III-IV", "V-VI")} <= clear
    assert not {name for name, *_ in clear} & {"specificity"}


def test_gaps_come_by_measure_and_largest_first() -> None:
    labels, scores, attribute = drawn_images(dict.fromkeys("abcd", (25, 25)), {}, seed=3)
    found = subgroups(labels, scores, 0.5, attribute)
    assert [gap.measure for gap in found.gaps] == ["auc"] * 6 + ["sensitivity"] * 6 + ["specificity"] * 6
    for start in (0, 6, 12):
        sizes = [gap.difference for gap in found.gaps[start : start + 6]]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] >= 0


def test_where_there_is_no_gap_one_is_rarely_found_among_many_values() -> None:
    n_samples, values = 200, "abcdefgh"
    n_found = 0
    for seed in range(n_samples):
        labels, scores, attribute = drawn_images(dict.fromkeys(values, (40, 40)), {}, seed)
        gap = subgroups(labels, scores, 0.8, attribute).largest("sensitivity")
        assert gap is not None
        assert gap.n_compared == 28
        n_found += gap.beyond_chance
    assert n_found / n_samples <= 0.07  # one of 28 plain 95 % intervals would leave zero out in about half of them


def test_one_value_with_enough_images_has_no_gap() -> None:
    labels, scores, attribute = drawn_images({"a": (30, 30), "b": (5, 5), None: (30, 30)}, {})
    found = subgroups(labels, scores, 0.5, attribute)
    assert found.gaps == ()
    assert found.largest("auc") is None


def test_equal_figures_are_a_gap_of_zero() -> None:
    labels, scores, attribute = drawn_images({"a": (30, 30)}, {})
    twice = subgroups([*labels, *labels], [*scores, *scores], 0.5, [*attribute, *["b"] * 60])
    for gap in twice.gaps:
        assert gap.difference == 0
        assert gap.interval[0] < 0 < gap.interval[1]
        assert {gap.best, gap.worst} == {"a", "b"}


def test_the_difference_of_proportions_has_the_published_bounds() -> None:
    # Newcombe, Stat. Med. 17 (1998) 873, table II, method 10
    published = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (5, 56, 0, 29): (-0.0381, 0.1926),
        (0, 10, 0, 20): (-0.1611, 0.2775),
        (10, 10, 0, 20): (0.6791, 1.0000),
    }
    for (k1, n1, k2, n2), bounds in published.items():
        assert difference_bounds(wilson(k1, n1), wilson(k2, n2)) == pytest.approx(bounds, abs=5e-5)


def test_of_two_values_the_gap_has_the_plain_95_per_cent_interval() -> None:
    labels, scores, attribute = drawn_images({"f": (40, 60), "m": (50, 30)}, {})
    found = subgroups(labels, scores, 0.5, attribute)
    rows = rows_of(found.rows)
    for gap in found.gaps:
        high, low = rows[gap.best].measure(gap.measure), rows[gap.worst].measure(gap.measure)
        assert high is not None
        assert low is not None
        assert gap.interval == pytest.approx(difference_bounds(high, low))


def test_the_difference_of_areas_agrees_with_unpaired_delong_where_that_holds() -> None:
    labels, scores, attribute = drawn_images({"f": (400, 400), "m": (400, 400)}, {"f": 1.0, "m": 0.6})
    gap = subgroups(labels, scores, 0.5, attribute).largest("auc")
    areas = []
    for value in ("f", "m"):
        own = np.array(attribute) == value
        areas.append(delong(scores[own & labels], scores[own & ~labels]))
    (high, v_high), (low, v_low) = areas
    assert v_high is not None
    assert v_low is not None
    assert gap is not None
    half = norm.ppf(0.975) * np.sqrt(v_high + v_low)
    assert gap.interval == pytest.approx((high - low - half, high - low + half), abs=0.003)


def test_perfect_areas_differ_within_an_interval_that_has_a_width() -> None:
    labels = [True] * 20 + [False] * 20
    found = subgroups(labels * 2, [1.0] * 20 + [0.0] * 20 + [1.0] * 20 + [0.0] * 20, 0.5, ["a"] * 40 + ["b"] * 40)
    gap = found.largest("auc")
    assert gap is not None
    assert gap.interval[0] < -0.05 < 0.05 < gap.interval[1]


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50), st.integers(1, 50))
def test_a_difference_lies_within_its_bounds(a: float, b: float, n: int, m: int) -> None:
    first, second = wilson(round(a * n), n), wilson(round(b * m), m)
    low, high = difference_bounds(first, second)
    assert low <= first.value - second.value <= high
    assert difference_bounds(second, first) == pytest.approx((-high, -low))
    same = Interval(0.5, 0.4, 0.7, 1, 1)
    assert difference_bounds(same, same, correlation=1.0) != difference_bounds(same, same)


@pytest.mark.parametrize(
    "age,band",
    [
        (0, "under 30"),
        (29.9, "under 30"),
        (30, "30–49"),
        (49, "30–49"),
        (50, "50–69"),
        (70, "70 and over"),
        (130, "70 and over"),
        (None, None),
        (float("nan"), None),
    ],
)
def test_ages_fall_into_bands(age: float | None, band: str | None) -> None:
    assert age_band(age) == band


def test_bands_are_named_in_order() -> None:
    assert age_bands() == ("under 30", "30–49", "50–69", "70 and over")
    assert age_bands((18, 65)) == ("under 18", "18–64", "65 and over")


@pytest.mark.parametrize("age", [-1, 1958, float("inf")])
def test_what_is_no_age_is_refused(age: float) -> None:
    with pytest.raises(ValueError, match="an age lies between"):
        age_band(age)


@pytest.mark.parametrize("edges", [(), (50, 30), (30, 30)])
def test_edges_must_rise(edges: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        age_bands(edges)


@pytest.mark.parametrize(
    "change,said",
    [
        ({"attribute": ["a"]}, "one value per image"),
        ({"scores": [0.1]}, "one score per label"),
        ({"scores": [0.1, np.nan]}, "not finite"),
        ({"threshold": float("nan")}, "finite threshold"),
        ({"min_images": 0}, "minimum of 1"),
    ],
)
def test_malformed_input_is_refused(change: dict[str, object], said: str) -> None:
    good: dict[str, object] = {
        "labels": [True, False],
        "scores": [0.1, 0.2],
        "threshold": 0.5,
        "attribute": ["a", None],
    }
    with pytest.raises(ValueError, match=said):
        subgroups(**{**good, **change})  # type: ignore[arg-type]


def test_no_image_is_no_row() -> None:
    found = subgroups([], [], 0.5, [])
    assert (found.rows, found.gaps) == ((), ())
