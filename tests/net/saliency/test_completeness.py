"""Integrated gradients add up to what the image has more than the baseline; the caller is told how well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from derm_model.card import default_bundle
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.integrated import INTEGRATED_GRADIENTS, Completeness, attributions
from derm_model.net.saliency.method import BASELINES, Baseline, Settings
from derm_model.net.saliency.target import Target
from derm_model.progress import quiet
from derm_model.taxonomy import Taxonomy
from tests.net.drawn import draw
from tests.net.saliency.networks import Linear, noise_pixels, noise_unit

TARGETS = [Target.of_class(2), Target.of_class(2, "score"), Target((0, 3), (1, 4)), Target((1,), (5,), contrast=True)]


def completeness(explainer: Explainer, target: Target, settings: Settings) -> Completeness:
    unit = noise_unit()
    found, claimed = attributions(explainer, unit, target, settings, quiet)
    assert claimed.total == pytest.approx(float(found.sum()))
    ends = explainer.values(torch.cat([baseline_of(unit, settings.baseline), unit]), target)
    assert claimed.difference == pytest.approx(float(ends[1] - ends[0]), rel=1e-5)
    return claimed


@pytest.mark.parametrize("baseline", BASELINES)
def test_on_a_linear_network_they_add_up_exactly(explainer: Explainer, baseline: Baseline) -> None:
    linear = explainer.with_network(Linear())  # type: ignore[arg-type]
    found = completeness(linear, TARGETS[3], Settings(steps=2, baseline=baseline))
    assert abs(found.error) < 1e-5 * abs(found.difference)


@pytest.mark.parametrize(
    "target, baseline", [(TARGETS[0], "black"), (TARGETS[1], "blurred"), (TARGETS[2], "skin"), (TARGETS[3], "skin")]
)
def test_on_a_convolutional_network_they_add_up_to_two_per_cent(
    explainer: Explainer, target: Target, baseline: Baseline
) -> None:
    found = completeness(explainer, target, Settings(steps=100, baseline=baseline))
    assert abs(found.error) < 0.02 * abs(found.difference)


def test_the_reader_is_told_what_it_adds_up_to_and_when_steps_are_too_few(explainer: Explainer) -> None:
    found = explainer.explain(noise_pixels(), INTEGRATED_GRADIENTS, TARGETS[0], Settings(steps=60))
    assert found is not None and found.signed is not None
    assert f"adds up to {found.signed.sum():+.3g}" in found.note
    assert "more steps" not in found.note
    assert "take more steps" in Completeness(0.8, 1.0).sentence("black")
    assert "(black)" in Completeness(0.8, 1.0).sentence("black")
    assert "take more steps" not in Completeness(-0.98, -1.0).sentence("black")


@pytest.mark.slow
def test_on_the_demo_bundle_32_steps_add_up_to_a_tenth(taxonomy: Taxonomy) -> None:
    demo = Explainer(Engine(load_bundle(Path(default_bundle()), taxonomy), precision="fp32"))
    pixels = np.asarray(draw(np.random.default_rng(0), (60, 45, 40), 256))
    found = demo.explain(pixels, INTEGRATED_GRADIENTS, Target.predicted(), Settings(steps=32, baseline="skin"))
    assert found is not None and found.signed is not None
    unit = demo.unit(pixels)
    target, _ = demo.settle(unit, Target.predicted())
    ends = demo.values(torch.cat([baseline_of(unit, "skin"), unit]), target)
    assert float(found.signed.sum()) == pytest.approx(float(ends[1] - ends[0]), rel=0.1)
