"""A sample of the paper's size beside all images: each figure against the plain way to work it out."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from derm_model.assessment.numbers import predictive_row, predictive_told, sample_names, sample_sentences
from derm_model.assessment.sample_figures import MIN_SIDE, PAPER_CHANGE, SampleFigures, sample_figures
from derm_model.evaluation.curves import operating_curve
from derm_model.evaluation.metrics import auc
from derm_model.evaluation.predictive import predictive_values
from derm_model.evaluation.sampling import SampleSize, draw_sample

PAPER = SampleSize(33, 97)
N = 400


def made(n_pos: int = 100, n: int = N, decimals: int = 2) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str]]:
    """Labels, scores with ties, ids."""
    rng = np.random.default_rng(4)
    labels = np.arange(n) < n_pos
    return labels, rng.beta(np.where(labels, 4, 2), np.where(labels, 2, 4)).round(decimals), [f"i{k}" for k in range(n)]


@pytest.fixture(scope="module")
def found() -> SampleFigures:
    figures = sample_figures(*made(), PAPER, seed=5, n_samples=60)
    assert figures is not None
    return figures


def test_areas_are_those_of_the_samples_the_seeds_draw(found: SampleFigures) -> None:
    labels, scores, ids = made()
    for i in range(60):
        drawn = draw_sample(labels.tolist(), ids, {True: 33, False: 97}, seed=5 + i)
        single = auc(labels[drawn], scores[drawn])
        assert single is not None
        assert found.areas[i] == pytest.approx(single.value, abs=1e-12)
        if i == 0:
            assert found.sample == single
    assert found.full == auc(labels, scores)
    assert found.difference == found.sample.value - found.full.value
    assert found.share_within == np.mean([abs(a - found.full.value) < PAPER_CHANGE for a in found.areas])
    low, high = found.area_range
    assert found.difference_range == pytest.approx((low - found.full.value, high - found.full.value))
    assert np.mean((found.areas >= low) & (found.areas <= high)) == pytest.approx(0.95, abs=0.02)


def test_the_band_holds_the_best_specificity_of_the_samples_curves_at_each_sensitivity(found: SampleFigures) -> None:
    labels, scores, ids = made()
    best = []
    for i in range(60):
        drawn = draw_sample(labels.tolist(), ids, {True: 33, False: 97}, seed=5 + i)
        curve = operating_curve(labels[drawn], scores[drawn])
        sensitivity, specificity = curve.line()
        best.append([specificity[sensitivity >= k / 33 - 1e-12].max() for k in range(34)])
    np.testing.assert_allclose(found.band, np.quantile(best, (0.025, 0.975), axis=0))
    np.testing.assert_allclose(found.sensitivities, np.arange(34) / 33)
    assert (found.band[:, 0] == 1).all() and (np.diff(found.band, axis=1) <= 0).all()


def test_too_few_images_make_the_sample_smaller_and_that_is_said() -> None:
    labels, scores, ids = made(n_pos=24)
    figures = sample_figures(labels, scores, ids, PAPER, n_samples=20)
    assert figures is not None
    assert (figures.size, figures.is_smaller, figures.sides_used_up) == (SampleSize(24, 71), True, (True, False))
    said = " ".join(sample_sentences(figures, "melanoma", "nevus"))
    assert "The paper's sample had 33 + 97 images" in said and "All 24 images of melanoma are in every sample" in said
    assert "A sample of 24 + 71 images" in said and "nevus are in every sample" not in said


def test_a_sample_of_the_papers_size_says_nothing_of_a_smaller_one(found: SampleFigures) -> None:
    said = " ".join(sample_sentences(found, "melanoma", "nevus"))
    assert not found.is_smaller and "The paper's sample had" not in said and "in every sample" not in said
    assert f"differ from it by less than {PAPER_CHANGE}" in said and "seed 5" in said
    assert sample_names(found)[1].startswith("sample of 33 + 97: AUC 0.")


@pytest.mark.parametrize("n_pos,n", [(MIN_SIDE - 1, 300), (0, 100), (33, 130), (24, 95)])
def test_few_images_or_no_more_than_the_sample_are_not_defined(n_pos: int, n: int) -> None:
    assert sample_figures(*made(n_pos, n), PAPER, n_samples=5) is None


def test_images_of_one_lesion_are_counted_where_there_are_too_few_lesions() -> None:
    labels, scores, ids = made()
    groups = [f"lesion {i // 5}" if positive else None for i, positive in enumerate(labels)]  # 20 with the disease
    figures = sample_figures(labels, scores, ids, PAPER, groups=groups, n_samples=5)
    assert figures is not None and figures.n_repeated == 13
    assert "13 images of the sample show a patient or lesion" in " ".join(sample_sentences(figures, "a", "b"))


def test_samples_that_hold_more_of_the_images_differ_less() -> None:
    labels, scores, ids = made()
    spreads = []
    for size in (SampleSize(25, 75), SampleSize(50, 150), SampleSize(95, 285)):
        figures = sample_figures(labels, scores, ids, size, n_samples=400)
        assert figures is not None
        spreads.append(float(figures.areas.std()))
        # of a finite set: independent images would differ by DeLong's error, these by sqrt(1 - share drawn) of it
        half = (figures.full.high - figures.full.low) / (2 * 1.96) * np.sqrt(N / size.n)
        assert figures.areas.std() == pytest.approx(half * np.sqrt(1 - size.n / N), rel=0.15)
    assert spreads[0] > spreads[1] > spreads[2]


def test_a_thousand_samples_take_well_below_a_second() -> None:
    labels, scores, ids = made(n_pos=600, n=2000, decimals=6)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        assert sample_figures(labels, scores, ids, SampleSize(65, 70), groups=[i // 2 for i in range(2000)]) is not None
        times.append(time.perf_counter() - start)
    assert min(times) < 0.8  # 0.15 s on an idle machine


def test_figures_go_into_json_with_what_they_rest_on(found: SampleFigures) -> None:
    document = json.loads(json.dumps(found.to_json()))
    assert (document["n_pos"], document["n_neg"], document["seed"]) == (33, 97, 5)
    assert document["full_auc"]["n_pos"] == 100 and document["samples"]["n"] == 60
    assert len(document["samples"]["sensitivities"]) == len(document["samples"]["specificity_low"]) == 34
    assert document["samples"]["share_within"] == found.share_within


def test_predictive_values_are_told_with_a_decimal_and_never_falsely_whole() -> None:
    curve = operating_curve([True] * 10 + [False] * 1000, [0.9] * 9 + [0.1] + [0.2] * 990 + [0.8] * 10)
    found = predictive_values(curve.at_threshold(0.5), 0.005)
    cells = predictive_row(found)
    assert cells[0] == "0.5%" and cells[1].startswith("31.1% (") and cells[2] == "99.9% (99.7–>99.9%)"
    assert cells[3].startswith("3.2 (")
    assert predictive_told(predictive_values(curve.at_threshold(0.5), 0.2)) == (
        "at 20% prevalence PPV 95.7%, NPV 97.5%"
    )
    nobody = predictive_row(predictive_values(curve.at_threshold(1.0), 0.01))
    assert nobody[1] == nobody[3] == "not defined"
