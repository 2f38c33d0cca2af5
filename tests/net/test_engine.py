"""The engine: one network, many sessions, the same answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from derm_model.errors import DermTreeError
from derm_model.net import engine as engine_module
from derm_model.net.bundle import ModelBundle, load_bundle
from derm_model.net.engine import MAX_BATCH, Engine, Prediction
from derm_model.net.saliency import Target
from derm_model.taxonomy import Taxonomy
from tests.support import TEMPERATURE, noise_image

SIZES = [(64, 64), (300, 200), (90, 400), (299, 299), (31, 17), (500, 500), (64, 65), (80, 80), (70, 90), (128, 128)]
IMAGES = [noise_image(seed, *size) for seed, size in enumerate(SIZES)]


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path, taxonomy: Taxonomy) -> ModelBundle:
    return load_bundle(tiny_bundle, taxonomy)


@pytest.fixture(scope="module")
def engine(bundle: ModelBundle) -> Engine:
    return Engine(bundle, precision="fp32")  # exact comparisons; reduced precision has tests of its own


@pytest.fixture
def forward_passes(bundle: ModelBundle) -> Iterator[list[int]]:
    """Batch sizes of the network's forward passes during a test (features are computed once in each)."""
    seen: list[int] = []
    handle = bundle.network.body[0].register_forward_hook(lambda module, args, output: seen.append(len(output)))
    yield seen
    handle.remove()


def same(a: Prediction, b: Prediction, tolerance: float = 1e-5) -> bool:
    return np.allclose(a.class_probs, b.class_probs, atol=tolerance) and np.allclose(a.features, b.features, atol=1e-4)


def test_a_prediction_is_a_distribution_over_the_classes_with_features(engine: Engine, bundle: ModelBundle) -> None:
    (prediction,) = engine.predict(IMAGES[:1])
    assert prediction.class_probs.shape == (len(bundle.classes),)
    assert prediction.class_probs.dtype == np.float64
    assert prediction.class_probs.sum() == pytest.approx(1, abs=1e-12)
    assert (prediction.class_probs > 0).all()
    assert prediction.features.shape == (bundle.network.n_features,)
    assert prediction.features.dtype == np.float32
    assert prediction.ood_percentile is not None
    assert 0 <= prediction.ood_percentile <= 100
    assert prediction.saliency is None
    assert prediction.bundle_id == bundle.card.bundle_id


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature(engine: Engine, bundle: ModelBundle) -> None:
    (prediction,) = engine.predict(IMAGES[:1])
    batch = bundle.preprocessing.normalise(bundle.preprocessing.prepare(IMAGES[0])[None])
    with torch.inference_mode():
        logits = bundle.network(batch)[0].double()
    assert bundle.temperature == TEMPERATURE
    assert prediction.class_probs == pytest.approx((logits / TEMPERATURE).softmax(0).numpy(), abs=1e-5)


def test_images_of_many_sizes_in_one_call_get_the_answers_they_get_alone(engine: Engine) -> None:
    together = engine.predict(IMAGES)
    assert len(together) == len(IMAGES) > MAX_BATCH
    assert all(same(a, engine.predict([image])[0]) for a, image in zip(together, IMAGES, strict=True))


def test_unlike_images_get_unlike_answers(engine: Engine) -> None:
    first, second = engine.predict(IMAGES[:2])
    assert np.abs(first.class_probs - second.class_probs).max() > 0.01


def test_no_image_gives_no_prediction(engine: Engine) -> None:
    assert engine.predict([]) == []


def test_images_are_taken_from_an_iterable_a_batch_at_a_time(engine: Engine, forward_passes: list[int]) -> None:
    taken: list[int] = []

    def images() -> Iterator[np.ndarray]:
        for number in range(3 * MAX_BATCH):
            taken.append(number)
            yield IMAGES[number % len(IMAGES)]

    predictions = engine.predict_each(images())
    next(predictions)
    assert len(taken) == MAX_BATCH
    assert len(list(predictions)) == 3 * MAX_BATCH - 1
    assert forward_passes == [MAX_BATCH] * 3


@pytest.mark.parametrize("target", [None, Target.predicted(), Target((0,), (1, 2))])
def test_a_batch_needs_exactly_one_forward_pass(
    engine: Engine, forward_passes: list[int], target: Target | None
) -> None:
    predictions = engine.predict(IMAGES[:3], explain=target)
    assert forward_passes == [3]
    assert all((p.saliency is None) == (target is None) for p in predictions)


def test_asking_for_a_map_does_not_change_the_answer(engine: Engine) -> None:
    plain, explained = engine.predict(IMAGES[:4]), engine.predict(IMAGES[:4], explain=Target.predicted())
    assert all(same(a, b) for a, b in zip(plain, explained, strict=True))
    assert [a.ood_percentile for a in plain] == pytest.approx([b.ood_percentile for b in explained], abs=0.01)


def test_calls_from_many_threads_give_what_they_give_one_after_the_other(engine: Engine) -> None:
    targets = [None, Target.predicted(), Target.of_class(0), Target((0, 1), (2,), of="score")]
    jobs = [(IMAGES[i % len(IMAGES)], targets[i % 4]) for i in range(40)]
    alone = [engine.predict([image], target)[0] for image, target in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: engine.predict([job[0]], job[1])[0], jobs))
    for a, b in zip(alone, together, strict=True):
        assert same(a, b)
        assert (a.saliency is None) == (b.saliency is None)
        if a.saliency is not None and b.saliency is not None:
            assert a.saliency.label == b.saliency.label
            assert np.allclose(a.saliency.values, b.saliency.values, rtol=1e-3, atol=1e-7)


def test_nothing_is_left_on_the_shared_network(engine: Engine, bundle: ModelBundle) -> None:
    before = {name: tensor.clone() for name, tensor in bundle.network.state_dict().items()}
    engine.predict(IMAGES[:2], explain=Target.predicted())
    engine.predict(IMAGES[:2], explain=Target((0,), of="score"))
    for parameter in bundle.network.parameters():
        assert parameter.grad is None
        assert not parameter.requires_grad
    for module in bundle.network.modules():
        assert not module.training
        assert not (module._forward_hooks)
        assert not (module._forward_pre_hooks)
        assert not (module._backward_hooks)
    assert all(torch.equal(tensor, before[name]) for name, tensor in bundle.network.state_dict().items())


def test_gradients_are_possible_after_the_engine_and_off_inside_it(engine: Engine) -> None:
    engine.predict(IMAGES[:1])
    x = torch.ones(2, requires_grad=True)
    x.sum().backward()
    assert x.grad is not None


def test_without_a_reference_there_is_no_percentile(bundle: ModelBundle) -> None:
    (prediction,) = Engine(replace(bundle, feature_reference=None)).predict(IMAGES[:1])
    assert prediction.ood_percentile is None


def test_mean_and_standard_deviation_reach_the_network_in_both_modes(bundle: ModelBundle) -> None:
    other = replace(bundle, preprocessing=replace(bundle.preprocessing, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25)))
    engine, plain = Engine(other), Engine(bundle)
    assert not same(engine.predict(IMAGES[:1])[0], plain.predict(IMAGES[:1])[0])
    assert same(engine.predict(IMAGES[:1])[0], engine.predict(IMAGES[:1], Target.predicted())[0])


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_named(bundle: ModelBundle, device: str) -> None:
    with pytest.raises(DermTreeError, match=device):
        Engine(bundle, device=device)


def test_hardware_without_bf16_is_served_in_fp32(bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "autocast_dtype", lambda device: None)
    assert Engine(bundle).precision == "fp32"


def test_bf16_is_taken_where_the_self_check_agrees_and_stays_near(
    bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "autocast_dtype", lambda device: torch.bfloat16)
    reduced = Engine(bundle)
    assert reduced.precision == "bf16"
    exact = Engine(bundle, precision="fp32")
    for a, b in zip(reduced.predict(IMAGES), exact.predict(IMAGES), strict=True):
        assert np.abs(a.class_probs - b.class_probs).max() <= 0.03  # the self-check looks at two other images
        assert a.features.dtype == np.float32
    explained = reduced.predict(IMAGES[:2], explain=Target.predicted())
    assert all(same(a, b) for a, b in zip(explained, reduced.predict(IMAGES[:2]), strict=True))


@pytest.mark.parametrize("deviation", [0.5, float("nan")])
def test_bf16_is_given_up_where_the_self_check_disagrees(
    bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, deviation: float
) -> None:
    monkeypatch.setattr(engine_module, "autocast_dtype", lambda device: torch.bfloat16)
    original = Engine._run

    def disturbed(self: Engine, batch: torch.Tensor, target: Target | None):  # type: ignore[no-untyped-def]
        logits, features, maps = original(self, batch, target)
        if self.precision == "bf16":
            logits = logits + np.eye(*logits.shape) * 20 * deviation
        return logits, features, maps

    monkeypatch.setattr(Engine, "_run", disturbed)
    with caplog.at_level(logging.INFO):
        assert Engine(bundle).precision == "fp32"
    assert "fp32 is used" in caplog.text
