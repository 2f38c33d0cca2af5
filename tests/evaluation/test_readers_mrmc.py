"""readers.mrmc and readers.crossed: readers and cases as random.

Checked against the published analysis of Van Dyke et al.'s study (summary figures only: ratings of a data set do not
enter the repository), the analysis of variance written out, the jackknife done image by image, the network entered as
every reader's second condition, and simulations in which the truth is known.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from derm_model.evaluation.readers import Panel
from derm_model.evaluation.readers.crossed import compare_help, compare_network, crossed
from derm_model.evaluation.readers.mrmc import (
    FIGURES,
    Figure,
    MeanOverReaders,
    compare_conditions,
    compare_with_network,
)

# Van Dyke et al. (1993): 5 readers, 45 cases of aortic dissection and 69 others, spin-echo and cine MRI. Output of
# OR-DBM MRMC 2.51 (Schartz, Hillis, Pesce & Berbaum), trapezoidal AUC, jackknife, published with the R package RJafroc.
SPIN_ECHO = np.array([0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066])
CINE = np.array([0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169])
COV2, COV3, COV2_SPIN_ECHO, COV2_CINE = 0.00034407, 0.00023903, 0.00048396, 0.00020419

SIMULATED = {"reader": 0.03, "reader_condition": 0.03, "case": 0.3, "case_condition": 0.3, "both": 0.2, "rest": 0.2}
Study = tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]


def mean_of(figures: NDArray[np.float64], cov2: float, floor: float = 0.0) -> MeanOverReaders:
    return MeanOverReaders(float(figures.mean()), float(figures.var(ddof=1)), cov2, figures.size, floor)


def simulated(rng: np.random.Generator, n_readers: int, n_pos: int, n_neg: int, shifts: tuple[float, float]) -> Study:
    """Scores (2, readers, n) of Roe & Metz's model (Acad. Radiol. 4 (1997) 298), and what all share about a case."""
    n, labels = n_pos + n_neg, np.arange(n_pos + n_neg) < n_pos
    kind = labels.astype(int)

    def normal(name: str, *shape: int) -> NDArray[np.float64]:
        return rng.normal(size=shape) * math.sqrt(SIMULATED[name])

    by_reader = normal("reader", n_readers, 2)[None] + normal("reader_condition", 2, n_readers, 2)
    by_case = normal("case", n) + normal("case_condition", 2, n)
    scores = (
        by_reader[:, :, kind] + by_case[:, None] + normal("both", n_readers, n)[None] + normal("rest", 2, n_readers, n)
    )
    return labels, scores + np.array(shifts)[:, None, None] * labels, by_case[1]


def naive_figure(labels: NDArray[np.bool_], values: NDArray[np.float64], figure: Figure) -> float:
    if figure == "auc":
        return float(roc_auc_score(labels, values))
    if figure == "balanced_accuracy":
        return float(balanced_accuracy_score(labels, values))
    return float(recall_score(labels, values, pos_label=int(figure == "sensitivity")))


def naive_or(labels: NDArray[np.bool_], values: NDArray[np.float64], figure: Figure) -> dict[str, float]:
    """Obuchowski & Rockette with Hillis' degrees of freedom as the papers write it, every sum spelled out."""
    if figure in ("sensitivity", "specificity"):  # cases of the other kind have no part in these
        kept = labels == (figure == "sensitivity")
    else:
        kept = np.ones(labels.size, dtype=bool)
    cells = list(itertools.product(range(values.shape[0]), range(values.shape[1])))
    theta = {(i, j): naive_figure(labels, values[i, j], figure) for i, j in cells}
    left_out = {
        cell: [naive_figure(np.delete(labels, c), np.delete(values[cell], c), figure) for c in np.flatnonzero(kept)]
        for cell in cells
    }
    n = int(kept.sum())

    def covariance(a: tuple[int, int], b: tuple[int, int]) -> float:
        x, y = np.array(left_out[a]), np.array(left_out[b])
        return float((n - 1) / n * ((x - x.mean()) * (y - y.mean())).sum())

    pairs = [(a, b, covariance(a, b)) for a, b in itertools.product(cells, cells) if a != b]
    cov2 = float(np.mean([c for a, b, c in pairs if a[0] == b[0] and a[1] != b[1]]))
    cov3 = float(np.mean([c for a, b, c in pairs if a[0] != b[0] and a[1] != b[1]]))
    r = values.shape[1]
    mean = float(np.mean(list(theta.values())))
    rows = [np.mean([theta[i, j] for j in range(r)]) for i in range(2)]
    columns = [np.mean([theta[0, j], theta[1, j]]) for j in range(r)]
    ms_t = r * sum((row - mean) ** 2 for row in rows)
    ms_tr = sum((theta[i, j] - rows[i] - columns[j] + mean) ** 2 for i, j in cells) / (r - 1)
    error = ms_tr + r * max(cov2 - cov3, 0)
    df = error**2 / (ms_tr**2 / (r - 1))
    half = t_distribution.ppf(0.975, df) * math.sqrt(2 / r * error)
    difference = float(rows[0] - rows[1])
    p = float(f_distribution.sf(ms_t / error, 1, df))
    return {"difference": difference, "df": df, "p": p, "low": difference - half, "high": difference + half}


def test_the_published_comparison_of_two_modalities_comes_out() -> None:
    found = mean_of(SPIN_ECHO - CINE, 2 * (COV2 - COV3), -1.0)
    assert found.value == pytest.approx(-0.04380032, abs=5e-8)
    assert found.ms / 2 == pytest.approx(0.00055103, abs=5e-8)  # MS(T*R)
    assert found.standard_error == pytest.approx(0.02075, abs=5e-6)
    assert found.df == pytest.approx(15.26, abs=5e-3)
    assert found.interval == pytest.approx((-0.08796, 0.00036), abs=5e-6)
    assert found.p == pytest.approx(0.0517, abs=5e-5)


@pytest.mark.parametrize(
    "areas,cov2,expected",
    [
        (SPIN_ECHO, COV2_SPIN_ECHO, (0.89703704, 0.03317360, 12.74, 0.82522360, 0.96885048)),
        (CINE, COV2_CINE, (0.94083736, 0.02156637, 12.71, 0.89413783, 0.98753689)),
    ],
    ids=["spin echo", "cine"],
)
def test_the_published_means_of_each_modality_come_out(
    areas: NDArray[np.float64], cov2: float, expected: tuple[float, ...]
) -> None:
    found = mean_of(areas, cov2)
    assert found.interval is not None
    measured = (found.value, found.standard_error, found.df, *found.interval)
    assert measured[2] == pytest.approx(expected[2], abs=5e-3)
    assert np.delete(measured, 2) == pytest.approx(np.delete(expected, 2), abs=1e-6)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_analysis_of_variance_with_an_image_by_image_jackknife(figure: Figure, seed: int) -> None:
    labels, scores, _ = simulated(np.random.default_rng(seed), 4, 12, 17, (1.9, 1.4))
    values = np.round(scores, 1) if figure == "auc" else (scores >= 0.8).astype(float)
    expected = naive_or(labels, values, figure)
    found = compare_conditions(labels, values[0], values[1], figure)
    assert found is not None
    assert found.difference.interval is not None
    for k, (i, j) in enumerate(itertools.product(range(2), range(4))):
        assert np.concatenate([found.first, found.second])[k] == pytest.approx(
            naive_figure(labels, values[i, j], figure)
        )
    measured = (found.difference.value, found.difference.df, found.difference.p, *found.difference.interval)
    assert measured == pytest.approx(tuple(expected.values()))


@pytest.mark.parametrize("figure", FIGURES)
def test_a_network_is_every_readers_second_condition(figure: Figure) -> None:
    labels, scores, _ = simulated(np.random.default_rng(5), 4, 14, 15, (1.5, 1.5))
    values = scores if figure == "auc" else (scores >= 0.8).astype(float)
    network, readers = values[0, 0], values[1]
    alone = compare_with_network(labels, network, readers, figure)
    twice = compare_conditions(labels, np.repeat(network[None], 4, axis=0), readers, figure)
    expected = naive_or(labels, np.stack([np.repeat(network[None], 4, axis=0), readers]), figure)
    assert alone is not None
    assert twice is not None
    assert alone.first_mean is None
    assert alone.difference.p == pytest.approx(expected["p"])
    assert alone.difference.df == pytest.approx(expected["df"])
    assert alone.difference.interval == pytest.approx((expected["low"], expected["high"]))
    assert twice.difference.interval == pytest.approx(alone.difference.interval)


def test_swapping_the_conditions_mirrors_the_difference() -> None:
    labels, scores, _ = simulated(np.random.default_rng(7), 3, 20, 20, (1.8, 1.2))
    one, other = compare_conditions(labels, *scores, "auc"), compare_conditions(labels, *scores[::-1], "auc")
    assert one is not None
    assert other is not None
    assert one.difference.interval is not None
    assert other.difference.interval == pytest.approx(tuple(-bound for bound in one.difference.interval[::-1]))
    assert one.difference.p == pytest.approx(other.difference.p)


def test_the_null_is_rejected_in_about_five_of_a_hundred_and_intervals_hold_the_truth() -> None:
    rng, n_studies, total = np.random.default_rng(11), 600, sum(SIMULATED.values())
    truth = ndtr(1.9 / math.sqrt(2 * total)) - ndtr(1.5 / math.sqrt(2 * total))
    found = ndtr((1.9 - 0.75) / math.sqrt(total)) - ndtr((1.5 - 0.75) / math.sqrt(total))
    held = {"auc": 0, "sensitivity": 0}
    rejected = {"auc": 0, "specificity": 0, "network": 0}
    for _ in range(n_studies):
        labels, scores, shared = simulated(rng, 5, 40, 40, (1.5, 1.5))
        null = compare_conditions(labels, *scores, "auc")
        calls = scores + np.array([0.4, 0.0])[:, None, None] * labels
        shifted = compare_conditions(labels, *calls, "auc")
        sensitivity = compare_conditions(labels, *(calls >= 0.75), "sensitivity")
        specificity = compare_conditions(labels, *(calls >= 0.75), "specificity")
        # a network as good as the mean reader, right and wrong about much the same cases: variance 0.6 of 1 is shared
        network = 1.5 / math.sqrt(total) * labels + shared + rng.normal(size=labels.size) * math.sqrt(0.4)
        alone = compare_with_network(labels, network, scores[1], "auc")
        assert null and shifted and sensitivity and specificity and alone
        for name, one in (("auc", null), ("specificity", specificity), ("network", alone)):
            rejected[name] += one.difference.p is not None and one.difference.p < 0.05
        for name, one, value in (("auc", shifted, truth), ("sensitivity", sensitivity, found)):
            bounds = one.difference.interval
            held[name] += bounds is not None and bounds[0] <= value <= bounds[1]
    # 600 draws of 5 % are 12 to 49 with a probability above 0.9998
    assert all(12 <= n <= 49 for n in rejected.values()), rejected
    assert all(12 <= n_studies - n <= 49 for n in held.values()), held


def test_without_any_spread_there_is_no_interval_and_without_spread_of_readers_a_normal_one() -> None:
    same = mean_of(np.array([0.8, 0.8, 0.8]), 0.0)
    assert (same.value, same.standard_error, same.df, same.interval, same.p) == (
        pytest.approx(0.8),
        None,
        None,
        None,
        None,
    )
    chance = MeanOverReaders(0.8, 0.0, -0.001, 3, 0.0)
    assert chance.interval is None
    cases = MeanOverReaders(0.5, 0.0, 0.0004, 3, 0.0)
    assert cases.df == math.inf
    assert cases.interval == pytest.approx((0.5 - 1.959964 * 0.02, 0.5 + 1.959964 * 0.02))
    assert MeanOverReaders(0.99, 0.04, 0.0, 2, 0.0).interval == (0.0, 1.0)


def test_one_reader_or_one_image_of_a_kind_compares_nothing() -> None:
    labels, calls = np.array([True, True, False]), np.array([[1, 0, 1], [1, 1, 0]])
    assert compare_conditions(labels, calls[:1], calls[1:], "sensitivity") is None
    assert compare_conditions(labels, calls, calls, "specificity") is None
    assert compare_with_network(labels, calls[0], calls, "auc") is None
    found = compare_conditions(labels, calls, 1 - calls, "sensitivity")
    assert found is not None
    assert (found.n_pos, found.n_neg, found.n_readers) == (2, 1, 2)


def test_what_does_not_fit_is_refused() -> None:
    labels, calls = np.array([True, True, False, False]), np.ones((2, 4))
    with pytest.raises(ValueError, match="every reader"):
        compare_conditions(labels, calls * np.nan, calls, "auc")
    with pytest.raises(ValueError, match="counted on calls"):
        compare_conditions(labels, calls / 2, calls, "sensitivity")
    with pytest.raises(ValueError, match="one of auc"):
        compare_conditions(labels, calls, calls, "accuracy")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="twice"):
        compare_conditions(labels, calls, np.ones((3, 4)), "auc")
    with pytest.raises(ValueError, match="shape"):
        compare_conditions(labels[:3], calls, calls, "auc")


def panel_of(answers: dict[str, str], *, sure: float = 50) -> Panel:
    """`y` calls an image, `n` does not, `.` is no answer."""
    said = np.array([["yn".find(letter) for letter in row] for row in answers.values()])
    images = tuple(("", str(i)) for i in range(said.shape[1]))
    return Panel(tuple(answers), images, ("yes", "no"), said, np.where(said < 0, np.nan, sure))


def test_whoever_stopped_early_is_left_out_rather_than_everybodys_images() -> None:
    part = crossed([panel_of({"a": "yynnyn", "stopped": "yn....", "b": "yynny.", "c": "nnyyyn"})])
    assert part is not None
    assert part.readers == ("a", "c", "b")
    assert part.images.tolist() == [0, 1, 2, 3, 4]
    assert (part.n_readers_left_out, part.n_images_left_out) == (1, 1)


def test_who_answered_other_images_does_not_hide_what_the_rest_have_in_common() -> None:
    part = crossed([panel_of({"a": "yynny.....", "b": ".....yynny", "c": "yyn......."})])
    assert part is not None
    assert part.readers == ("a", "c")
    assert part.images.tolist() == [0, 1, 2]
    assert (part.n_readers_left_out, part.n_images_left_out) == (1, 7)


def test_the_part_is_the_largest_of_small_studies_but_for_a_few() -> None:
    rng, n_short = np.random.default_rng(0), 0
    for _ in range(300):
        there = rng.random((5, 8)) < rng.uniform(0.3, 0.9, 5)[:, None]
        subsets = [s for k in range(2, 6) for s in itertools.combinations(range(5), k)]
        most = max(len(s) * int(there[list(s)].all(axis=0).sum()) for s in subsets)
        part = crossed([panel_of({str(j): "".join(".y"[i] for i in row) for j, row in enumerate(there.tolist())})])
        size = 0 if part is None else len(part.readers) * part.images.size
        assert (part is None) == (most == 0)
        n_short += size < most
    assert n_short <= 3


def test_readers_of_one_pass_only_are_left_out() -> None:
    without, with_ai = panel_of({"a": "yynn", "b": "ynyn", "c": "yyyy"}), panel_of({"b": "yynn", "a": "ynn."})
    part = crossed([without, with_ai])
    assert part is not None
    assert set(part.readers) == {"a", "b"}
    assert part.images.tolist() == [0, 1, 2]
    assert crossed([panel_of({"a": "y.", "b": ".y"})]) is None
    assert crossed([panel_of({"a": "yy"})]) is None
    with pytest.raises(ValueError, match="same images"):
        crossed([without, panel_of({"a": "yy"})])


@pytest.mark.parametrize("figure", FIGURES)
def test_a_studys_comparisons_are_those_of_its_crossed_part(figure: Figure) -> None:
    labels = np.array([True, True, True, False, False, False, True])
    without = panel_of({"a": "yynnynn", "b": "ynnnyyy", "c": "nyynnny", "stopped": "y......"})
    with_ai = panel_of({"c": "yyynnny", "a": "yynyynn", "b": "yynnnyy"})
    found = compare_help(without, with_ai, labels, "yes", figure)
    assert found is not None
    assert found.crossed.readers == ("c", "a", "b")
    calls = [np.array([[letter == "y" for letter in row] for row in rows], dtype=float) for rows in (
        ("yyynnny", "yynyynn", "yynnnyy"), ("nyynnny", "yynnynn", "ynnnyyy"),
    )]  # fmt: skip
    expected = compare_conditions(labels, *calls, figure)  # with one confidence for all, scores order as calls do
    assert expected is not None
    assert found.comparison.difference == expected.difference
    np.testing.assert_allclose(found.comparison.first, expected.first)
    network = np.array([1, 1, 0, 0, 0, 1, 1])
    alone, wanted = (
        compare_network(without, labels, network, "yes", figure),
        compare_with_network(labels, network, calls[1][[1, 2, 0]], figure),
    )
    assert alone is not None
    assert wanted is not None
    assert alone.crossed.readers == ("a", "b", "c")
    assert alone.comparison.difference == wanted.difference


def test_areas_take_answers_with_a_confidence_only() -> None:
    labels = np.array([True, True, False, False])
    panel = panel_of({"a": "yynn", "b": "ynyn"}, sure=np.nan)
    assert compare_network(panel, labels, [0.9, 0.8, 0.2, 0.1], "yes", "auc") is None
    assert compare_network(panel, labels, [1, 1, 0, 0], "yes", "balanced_accuracy") is not None
