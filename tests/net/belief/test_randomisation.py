"""Model randomisation: which weights become random, what is compared, and when there is a warning."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from derm_model.data.images import decode_file
from derm_model.evaluation.belief import ALIKE, Mode
from derm_model.net.belief.randomisation import randomisation, randomised, stage_names
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.network import build_network
from derm_model.net.saliency import Target
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Raw, Settings
from derm_model.net.saliency.methods import METHODS
from derm_model.taxonomy import Taxonomy
from tests.net.belief.networks import fixed, method
from tests.support import noise_image, random_network

ROOT = Path(__file__).resolve().parents[3]
IMAGE = noise_image(1)
GRADIENT = METHODS["gradient"]


def changed(one: torch.nn.Module, other: torch.nn.Module) -> set[str]:
    """Parts of a tiny network whose convolution or last layer differ: "fc", "body.0", "body.3", ..."""
    theirs = other.state_dict()
    names = [k for k in theirs if k == "fc.weight" or (k.startswith("body.") and theirs[k].dim() == 4)]
    return {k.removesuffix(".weight") for k in names if not torch.equal(one.state_dict()[k], theirs[k])}


def test_the_last_layer_comes_first_and_the_block_at_the_image_last(tiny: Explainer, taxonomy: Taxonomy) -> None:
    assert stage_names(tiny) == ("Last layer", "Block 4", "Block 3", "Block 2", "Block 1")
    names = stage_names(tiny.with_network(build_network(3)))
    assert (names[0], names[1], names[-2], names[-1], len(names)) == ("Last layer", "Mixed_7c", "Mixed_5b", "Stem", 13)


@pytest.mark.parametrize("mode", ["cascading", "independent"])
def test_what_was_made_random_stays_so_in_a_cascade_and_is_put_back_otherwise(tiny: Explainer, mode: Mode) -> None:
    network = random_network(4)
    expected: set[str] = set()
    parts = ("fc", "body.9", "body.6", "body.3", "body.0")
    for part, (_, now) in zip(parts, randomised(network, stage_names(tiny), 0, mode), strict=True):
        expected = {part} | (expected if mode == "cascading" else set())
        assert changed(network, now) == expected


def test_new_weights_keep_the_scale_and_batch_norm_starts_anew(tiny: Explainer) -> None:
    network = random_network(4)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.constant_(module.running_mean, 5)
            torch.nn.init.constant_(module.weight, 0.01)
    *_, (_, last) = randomised(network, stage_names(tiny), 0, "cascading")
    for module in last.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert (module.running_mean == 0).all() and (module.running_var == 1).all()
            assert (module.weight == 1).all() and (module.bias == 0).all()
        elif isinstance(module, torch.nn.Conv2d):
            fan_in = module.weight[0].numel()
            assert float(module.weight.std()) == pytest.approx(math.sqrt(2 / fan_in), rel=0.1)


def test_every_layer_of_inception_is_made_random() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(3)
    names = tuple(str(i) for i in range(13))
    *_, (_, last) = randomised(network, names, 0, "cascading")
    before = {name: p for name, p in network.named_parameters() if p.dim() > 1}
    after = {name: p for name, p in last.named_parameters() if p.dim() > 1}
    assert before.keys() == after.keys()
    assert not [name for name in before if torch.equal(before[name], after[name])]


def test_a_map_of_edges_that_never_asks_the_network_triggers_the_warning(tiny: Explainer) -> None:
    found = randomisation(tiny, IMAGE, method(), Target.predicted())
    assert found.warning
    assert [stage.rank for stage in found.stages] == pytest.approx([1] * 5)
    assert [stage.similarity for stage in found.stages] == pytest.approx([1] * 5)
    assert "hardly changes" in found.reading
    for stage in found.stages:
        assert stage.picture is not None
        np.testing.assert_array_equal(stage.picture, found.picture)


@pytest.mark.slow
def test_the_gradient_of_the_bundle_that_ships_triggers_none(taxonomy: Taxonomy) -> None:
    explainer = Explainer(Engine(load_bundle(ROOT / "assets" / "bundles" / "demo", taxonomy), precision="fp32"))
    drawing = sorted((ROOT / "assets" / "examples").glob("*.jpg"))[0]
    found = randomisation(explainer, decode_file(drawing).pixels, GRADIENT, Target.predicted())
    assert not found.warning
    assert found.median is not None and found.median < ALIKE - 0.1
    assert len(found.stages) == 13


def test_signs_are_compared_where_a_method_has_them(tiny: Explainer) -> None:
    values = np.random.default_rng(0).normal(size=(96, 96))
    with_signs = randomisation(tiny, IMAGE, fixed(np.abs(values), values), Target.predicted())
    assert [stage.signed_rank for stage in with_signs.stages] == pytest.approx([1] * 5)
    without = randomisation(tiny, IMAGE, GRADIENT, Target.predicted())
    assert {stage.signed_rank for stage in without.stages} == {None}


def test_a_map_that_vanishes_has_no_likeness_and_counts_as_changed(tiny: Explainer) -> None:
    own = tiny.network

    def run(explainer: Explainer, *_: object) -> Raw:
        there = explainer.network is own
        return Raw(torch.rand(96, 96, generator=torch.Generator().manual_seed(0)) * there)

    found = randomisation(tiny, IMAGE, method(run), Target.predicted())
    assert {(s.rank, s.similarity, s.shown_rank, s.picture) for s in found.stages} == {(None,) * 4}
    assert found.median is None
    assert not found.warning


def test_the_class_that_is_explained_stays_the_trained_networks(tiny: Explainer) -> None:
    top = int(tiny.logits(tiny.unit(IMAGE))[0].argmax())
    asked = []

    def run(explainer: Explainer, unit: torch.Tensor, target: Target, *_: object) -> Raw:
        asked.append(target.positive)
        return Raw(torch.ones(96, 96))

    randomisation(tiny, IMAGE, method(run), Target.predicted())
    assert asked == [(top,)] * 6


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tiny: Explainer) -> None:
    def ranks(seed: int) -> list[float | None]:
        found = randomisation(tiny, IMAGE, GRADIENT, Target.predicted(), Settings(seed=seed))
        return [stage.rank for stage in found.stages]

    assert ranks(1) == ranks(1) != ranks(2)
