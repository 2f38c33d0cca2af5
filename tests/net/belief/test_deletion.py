"""Deletion and insertion curves: the best possible one, fair random orders, and what both ends are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from derm_model.evaluation.map_measures import area_under
from derm_model.net.belief import deletion, insertion
from derm_model.net.belief.deletion import elsewhere, places
from derm_model.net.saliency import Target
from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Settings
from derm_model.net.saliency.methods import METHODS
from tests.net.belief.networks import SIDE, Linear, fixed
from tests.support import noise_image

IMAGE = noise_image(1, SIDE, SIDE)
BLACK = Settings(baseline="black")
TARGET = Target.of_class(0)


@pytest.fixture(scope="module")
def weights() -> NDArray[np.float64]:
    """Positive, most of them in one corner: the answer lies there."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return 0.02 * np.exp(-((y - 20) ** 2 + (x - 30) ** 2) / 300) + 1e-5


@pytest.fixture(scope="module")
def linear(tiny: Explainer, weights: NDArray[np.float64]) -> Explainer:
    network = Linear(weights, len(tiny.bundle.classes)).eval().requires_grad_(False)
    return tiny.with_network(network)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def evidence(weights: NDArray[np.float64], tiny: Explainer) -> NDArray[np.float64]:
    """What each pixel adds to the logit, on black: the order no other can beat."""
    return weights * tiny.unit(IMAGE)[0].mean(0).numpy()


def test_no_order_beats_that_of_the_evidence_of_a_linear_network(
    linear: Explainer, evidence: NDArray[np.float64]
) -> None:
    rng = np.random.default_rng(0)
    away, back = (f(linear, IMAGE, fixed(evidence), TARGET, BLACK) for f in (deletion, insertion))
    assert away.beats_random and back.beats_random
    rivals = [rng.permutation(evidence.ravel()).reshape(SIDE, SIDE) for _ in range(3)]
    rivals += [evidence + rng.normal(0, evidence.std(), evidence.shape) for _ in range(3)]
    for rival in rivals:
        rival_map = rival - rival.min()
        assert away.area < deletion(linear, IMAGE, fixed(rival_map), TARGET, BLACK, n_random=1).area
        assert back.area > insertion(linear, IMAGE, fixed(rival_map), TARGET, BLACK, n_random=1).area


def test_the_curve_is_the_softmax_of_the_evidence_that_is_left(
    linear: Explainer, evidence: NDArray[np.float64]
) -> None:
    found = deletion(linear, IMAGE, fixed(evidence), TARGET, BLACK, n_steps=4, n_random=1)
    falling = np.sort(evidence.ravel())[::-1]
    left = np.array([falling[round(share * falling.size) :].sum() for share in (0, 0.25, 0.5, 0.75, 1)])
    odds = np.exp(left / linear.bundle.temperature)
    expected = odds / (odds + len(linear.bundle.classes) - 1)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-4)
    assert found.area == pytest.approx(area_under(found.shares, expected), rel=1e-4)


def test_the_worst_order_beats_no_random_one(linear: Explainer, evidence: NDArray[np.float64]) -> None:
    found = deletion(linear, IMAGE, fixed(evidence.max() - evidence), TARGET, BLACK)
    assert found.n_beaten == 0
    assert not found.beats_random
    assert "matters no more" in found.reading


@pytest.mark.parametrize("baseline", ["black", "blurred", "skin"])
def test_all_curves_run_between_the_image_and_the_baseline(tiny: Explainer, baseline: str) -> None:
    settings = Settings(baseline=baseline)  # type: ignore[arg-type]
    unit = tiny.unit(IMAGE)
    ends = tiny.values(torch.cat([unit, baseline_of(unit, settings.baseline)]), TARGET).exp().numpy()
    for test, (first, last) in ((deletion, ends), (insertion, ends[::-1])):
        found = test(tiny, IMAGE, METHODS["gradient"], TARGET, settings, n_steps=3, n_random=2)
        for curve in (found.probabilities, *found.random):
            assert (curve[0], curve[-1]) == pytest.approx((first, last))


def test_a_difference_is_followed_as_the_share_of_the_first_in_both(tiny: Explainer) -> None:
    target = Target((0,), (1, 2), "one rather than others", contrast=True)
    found = deletion(tiny, IMAGE, METHODS["gradient"], target, BLACK, n_steps=2, n_random=1)
    probs = tiny.logits(tiny.unit(IMAGE)).softmax(1)[0]
    assert found.probabilities[0] == pytest.approx(float(probs[0] / probs[:3].sum()))


def test_places_are_a_permutation_with_the_strongest_first_and_no_corner_before_another() -> None:
    values = np.zeros((30, 30))
    values[4, 7], values[20, 2] = 2, 1
    found = places(values, np.random.default_rng(0))
    assert sorted(found.ravel()) == list(range(900))
    assert (found[4, 7], found[20, 2]) == (0, 1)
    halves = found[:15].mean(), found[15:].mean()  # equal values in reading order would remove the upper half first
    assert abs(halves[0] - halves[1]) < 60


def test_a_random_place_keeps_the_values_and_how_coarse_they_are() -> None:
    rng = np.random.default_rng(0)
    values = np.kron(rng.random((8, 8)), np.ones((4, 4)))

    def roughness(found: NDArray[np.floating]) -> float:
        return float(sum(np.abs(found - np.roll(found, 1, axis)).sum() for axis in (0, 1)))

    moved = [elsewhere(values, rng) for _ in range(10)]
    for found in moved:
        np.testing.assert_array_equal(np.sort(found.ravel()), np.sort(values.ravel()))
        assert roughness(found) == pytest.approx(roughness(values))
    assert len({found.tobytes() for found in moved}) == 10


def test_the_same_seed_gives_the_same_curves_and_another_seed_other_places(tiny: Explainer) -> None:
    def random(seed: int) -> NDArray[np.float64]:
        settings = Settings(baseline="black", seed=seed)
        return deletion(tiny, IMAGE, METHODS["gradient"], TARGET, settings, n_steps=4, n_random=3).random

    np.testing.assert_array_equal(random(1), random(1))
    assert not np.array_equal(random(1), random(2))


def test_one_step_and_one_random_order_are_enough(tiny: Explainer) -> None:
    found = deletion(tiny, IMAGE, METHODS["gradient"], TARGET, n_steps=1, n_random=1)
    assert found.random.shape == (1, 2)
    assert found.random_sd is None
