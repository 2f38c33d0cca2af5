"""Saliency maps: known gradients, the paper's norm, aligned to the original image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from derm_model.errors import DermTreeError
from derm_model.net.bundle import ModelBundle, load_bundle
from derm_model.net.engine import Engine
from derm_model.net.network import build_network
from derm_model.net.overlay import PALETTE, blend, overlay_rgba, plain_grey
from derm_model.net.saliency import GRADIENT_OF, SaliencyMap, Target, explain, saliency_map
from derm_model.taxonomy import Aggregator, Taxonomy, read_tasks, restrict
from tests.support import noise_image

N_CLASSES, SIDE = 4, 6
GENERATOR = torch.Generator().manual_seed(3)
WEIGHTS = torch.randn(N_CLASSES, 3, SIDE, SIDE, generator=GENERATOR)
UNIT = torch.rand(2, 3, SIDE, SIDE, generator=GENERATOR)
TEMPERATURE = 1.7


def linear(unit: Tensor) -> tuple[Tensor, Tensor]:
    """Logits that are linear in the input, so that every gradient is known in closed form."""
    return torch.einsum("nchw,kchw->nk", unit, WEIGHTS), unit.flatten(1)


def expected_map(target_weights: Tensor) -> Tensor:
    """Map of -log P for a linear network; target_weights (n, k): d(-log P)/d(logit / T)."""
    gradient = torch.einsum("nk,kchw->nchw", target_weights / TEMPERATURE, WEIGHTS.double())
    return gradient.abs().sum(1)


@pytest.fixture(scope="module")
def probs() -> Tensor:
    return (linear(UNIT)[0].double() / TEMPERATURE).softmax(1)


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path, taxonomy: Taxonomy) -> ModelBundle:
    return load_bundle(tiny_bundle, taxonomy)


@pytest.fixture(scope="module")
def aggregator(bundle: ModelBundle, taxonomy: Taxonomy) -> Aggregator:
    return Aggregator(taxonomy, bundle.classes)


def test_the_map_of_a_linear_network_is_the_l1_norm_of_its_known_gradient(probs: Tensor) -> None:
    one_hot = torch.eye(N_CLASSES).double()[2]
    result = explain(linear, UNIT, Target.of_class(2), TEMPERATURE)
    assert torch.allclose(result.maps.double(), expected_map(probs - one_hot), atol=1e-5)


def test_the_map_of_the_predicted_class_uses_each_image_s_own_class(probs: Tensor) -> None:
    one_hot = torch.eye(N_CLASSES).double()[probs.argmax(1)]
    result = explain(linear, UNIT, Target.predicted(), TEMPERATURE)
    assert torch.allclose(result.maps.double(), expected_map(probs - one_hot), atol=1e-5)


def test_the_map_of_a_node_is_the_gradient_of_minus_log_of_the_summed_probability(probs: Tensor) -> None:
    inside = torch.tensor([1.0, 0, 0, 1]).double()
    share = probs * inside / (probs * inside).sum(1, keepdim=True)
    result = explain(linear, UNIT, Target((0, 3)), TEMPERATURE)
    assert torch.allclose(result.maps.double(), expected_map(probs - share), atol=1e-5)


def test_the_map_of_a_question_renormalises_over_both_sides(probs: Tensor) -> None:
    region = probs * torch.tensor([1.0, 1, 0, 1])
    within = region / region.sum(1, keepdim=True)
    one_hot = torch.eye(N_CLASSES).double()[1]
    result = explain(linear, UNIT, Target((1,), (0, 3)), TEMPERATURE)
    assert torch.allclose(result.maps.double(), expected_map(within - one_hot), atol=1e-5)
    assert not torch.allclose(result.maps.double(), expected_map(probs - one_hot), atol=1e-3)


def test_the_map_of_the_score_is_the_loss_map_times_the_probability(probs: Tensor) -> None:
    loss = explain(linear, UNIT, Target.of_class(1), TEMPERATURE).maps
    score = explain(linear, UNIT, Target.of_class(1, "score"), TEMPERATURE).maps
    assert torch.allclose(score, loss * probs[:, 1].float().view(-1, 1, 1), rtol=1e-4)


def test_logits_and_features_come_from_the_same_pass_and_the_input_is_left_alone() -> None:
    calls: list[int] = []

    def counted(unit: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(len(unit))
        return linear(unit)

    result = explain(counted, UNIT, Target.predicted(), TEMPERATURE)
    assert calls == [2]
    assert torch.allclose(result.logits, linear(UNIT)[0])
    assert torch.equal(result.features, UNIT.flatten(1))
    assert not result.logits.requires_grad
    assert not result.features.requires_grad
    assert not result.maps.requires_grad
    assert not UNIT.requires_grad
    assert UNIT.grad is None


def test_a_nearly_certain_answer_still_has_a_map() -> None:
    result = explain(lambda unit: (linear(unit)[0] * 3, unit), UNIT, Target.predicted(), 0.05)
    probability = (linear(UNIT)[0].double() * 3 / 0.05).softmax(1).max()
    assert probability > 1 - 1e-8
    assert (result.maps.amax((1, 2)) > 0).all()


def test_inception_s_gradient_agrees_with_finite_differences() -> None:
    """In double precision, on the real network: two pixels of a class and of a node."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(5).double().eval().requires_grad_(False)
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        torch.nn.init.normal_(network.fc.weight, std=0.3)
    unit = torch.rand(1, 3, 75, 75, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        features = network.features(x)
        return network.head(features), features

    target = Target((1, 3))
    result = explain(forward, unit, target, TEMPERATURE)
    step = 1e-6
    for row, column in ((20, 31), (40, 40)):
        moved = unit.repeat(6, 1, 1, 1)
        for channel in range(3):
            moved[2 * channel, channel, row, column] += step
            moved[2 * channel + 1, channel, row, column] -= step
        with torch.inference_mode():
            loss = -target.log_probability(forward(moved)[0] / TEMPERATURE)
        slopes = (loss[0::2] - loss[1::2]) / (2 * step)
        assert result.maps[0, row, column] > 0
        assert float(result.maps[0, row, column]) == pytest.approx(float(slopes.abs().sum()), rel=1e-4)


def test_the_gradient_is_with_respect_to_pixels_from_0_to_1(bundle: ModelBundle) -> None:
    """With std 0.5 the network's input moves twice as far as the pixel, and the chain rule must have seen it."""
    preprocessing = bundle.preprocessing
    wide = type(preprocessing)(preprocessing.size_px, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    unit = preprocessing.to_unit(preprocessing.prepare(noise_image(3, 40, 40))[None])

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        features = bundle.network.features(wide.standardise(x))
        return bundle.network.head(features), features

    def direct(x: Tensor) -> tuple[Tensor, Tensor]:
        features = bundle.network.features(x)
        return bundle.network.head(features), features

    through = explain(forward, unit, Target.of_class(0), 1.0).maps
    at_input = explain(direct, wide.standardise(unit), Target.of_class(0), 1.0).maps
    assert torch.allclose(through, 2 * at_input, rtol=1e-4, atol=1e-7)


def test_a_node_target_explains_the_probability_the_aggregator_reports(
    bundle: ModelBundle, aggregator: Aggregator, taxonomy: Taxonomy
) -> None:
    for node in (*taxonomy.cut(1), *taxonomy.cut(2)):
        if not aggregator.class_indices(node):
            continue
        logits = torch.randn(1, len(bundle.classes), generator=torch.Generator().manual_seed(5)).double()
        probability = aggregator.probability(logits.softmax(1)[0].numpy(), node)
        target = Target.of_node(aggregator, node)
        assert float(target.log_probability(logits).exp()) == pytest.approx(probability, abs=1e-12)


def test_a_task_target_explains_the_renormalised_score(bundle: ModelBundle, taxonomy: Taxonomy) -> None:
    task_classes = restrict(read_tasks()["epidermal"], taxonomy, bundle.classes)
    assert task_classes is not None
    target = Target.of_task(task_classes)
    assert (target.positive, target.negative) == (task_classes.positive, task_classes.negative)
    assert target.label == task_classes.task.positive_name


def test_a_node_finer_than_the_model_has_no_map(aggregator: Aggregator, taxonomy: Taxonomy) -> None:
    node = taxonomy.find("Acantholytic actinic keratosis")
    assert node is not None
    with pytest.raises(DermTreeError, match="no class this fine"):
        Target.of_node(aggregator, node)


def test_a_node_the_model_never_learnt_has_no_map(aggregator: Aggregator, taxonomy: Taxonomy) -> None:
    node = next(n for n in taxonomy.cut(2) if not aggregator.class_indices(n))
    with pytest.raises(DermTreeError, match="learnt no class"):
        Target.of_node(aggregator, node)


def test_an_unknown_kind_of_map_is_refused() -> None:
    with pytest.raises(DermTreeError, match="'guess'"):
        Target((0,), of="guess")  # type: ignore[arg-type]


def test_a_question_with_an_empty_side_is_refused() -> None:
    with pytest.raises(DermTreeError, match="both sides"):
        Target((0,), ())


def test_the_label_names_what_is_explained(bundle: ModelBundle) -> None:
    engine = Engine(bundle)
    images = [noise_image(1)]
    names = [c.name for c in bundle.classes]

    def label(target: Target) -> str:
        found = engine.predict(images, explain=target)[0].saliency
        assert found is not None
        assert found.method == GRADIENT_OF[target.of]
        return found.label

    top = int(engine.predict(images)[0].class_probs.argmax())
    assert label(Target.predicted()) == names[top]
    assert label(Target.of_class(2, "score")) == names[2]
    assert label(Target((0, 1))) == f"{names[0]} or {names[1]}"
    assert label(Target((0, 1), None, "mine")) == "mine"


def test_a_gradient_of_zero_or_nan_gives_no_map() -> None:
    for value in (0.0, np.nan, np.inf):
        assert saliency_map(np.full((5, 5), value), Target.predicted(), ["a", "b"], 0) is None


def test_an_answer_that_covers_every_class_has_no_map(bundle: ModelBundle) -> None:
    everything = Target(tuple(range(len(bundle.classes))))
    assert Engine(bundle).predict([noise_image(1)], explain=everything)[0].saliency is None


def spot_map(row: int, column: int, size: int = 299) -> SaliencyMap:
    values = np.zeros((size, size), np.float32)
    values[row - 6 : row + 7, column - 6 : column + 7] = 3e-4
    return SaliencyMap(values, "spot", "made")


def centre(shown: np.ndarray) -> tuple[float, float]:
    """Centre of mass, (row, column) in pixels."""
    rows, columns = np.indices(shown.shape)
    return float((rows * shown).sum() / shown.sum()), float((columns * shown).sum() / shown.sum())


def test_a_map_lies_where_the_pixels_of_a_wide_image_are() -> None:
    shown = spot_map(60, 240).resized(200, 1000)
    assert shown.shape == (200, 1000)
    assert centre(shown) == pytest.approx((60.5 * 200 / 299 - 0.5, 240.5 * 1000 / 299 - 0.5), abs=0.5)


def test_the_map_follows_a_patch_on_an_image_that_is_not_square(bundle: ModelBundle) -> None:
    """Only the network's answer to the patch can move it: the map of a picture whose one edge is at the patch."""
    pixels = np.full((150, 600, 3), 120, np.uint8)
    pixels[20:60, 400:520] = noise_image(5, 40, 120)

    def forward(unit: Tensor) -> tuple[Tensor, Tensor]:
        contrast = ((unit - 120 / 255) ** 2).sum((1, 2, 3))
        return torch.stack([contrast, torch.zeros_like(contrast)], 1), unit.flatten(1)

    unit = bundle.preprocessing.to_unit(bundle.preprocessing.prepare(pixels)[None])
    values = explain(forward, unit, Target((1,)), 100.0).maps[0].numpy()
    shown = SaliencyMap(values, "contrast", "made").resized(150, 600)
    outside = np.ones((150, 600), bool)
    outside[10:70, 375:545] = False
    assert shown[20:60, 400:520].mean() > 0.2
    assert shown[outside].max() < 0.05


def test_a_resized_map_lies_between_0_and_1_and_values_stay_raw() -> None:
    rng = np.random.default_rng(0)
    raw = rng.gamma(0.3, 1e-6, (299, 299)).astype(np.float32)
    kept = raw.copy()
    shown = SaliencyMap(raw, "x", "y").resized(101, 57)
    assert shown.shape == (101, 57)
    assert shown.dtype == np.float32
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert np.isfinite(shown).all()
    assert np.array_equal(raw, kept)


def test_one_extreme_pixel_does_not_hide_the_rest() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((299, 299)).astype(np.float32)
    values[100, 100] = 1e4
    assert np.median(SaliencyMap(values, "x", "y").resized(299, 299)) > 0.3


@pytest.mark.parametrize("row, column", [(120, 200), (0, 0)])  # in the corner the 99.5th percentile is zero
def test_a_map_of_a_single_pixel_can_be_shown(row: int, column: int) -> None:
    values = np.zeros((299, 299), np.float32)
    values[row, column] = 1e-30
    shown = SaliencyMap(values, "x", "y").resized(299, 299)
    assert shown.max() == 1
    assert shown[row, column] == 1
    assert (shown > 0).mean() < 0.01


def test_the_overlay_is_transparent_where_nothing_is_and_violet_where_it_is_strongest() -> None:
    rgba = overlay_rgba(spot_map(100, 200), 299, 299)
    assert rgba.shape == (299, 299, 4)
    assert rgba.dtype == np.uint8
    assert rgba[250, 20, 3] == 0
    assert tuple(rgba[100, 200]) == (*PALETTE[-1], 255)


def test_alpha_never_falls_with_strength() -> None:
    ramp = SaliencyMap(np.linspace(0, 1, 299, dtype=np.float32)[None].repeat(299, 0), "ramp", "made")
    alpha = overlay_rgba(ramp, 299, 299)[150, :, 3].astype(int)
    assert (np.diff(alpha) >= 0).all()
    assert alpha[0] == 0
    assert alpha[-1] == 255


def test_the_plain_map_is_white_for_nothing_and_black_for_the_strongest() -> None:
    grey = plain_grey(spot_map(100, 200), 299, 299)
    assert grey.dtype == np.uint8
    assert grey[250, 20] == 255
    assert grey[100, 200] == 0


def test_opacity_runs_from_the_image_to_the_full_overlay() -> None:
    pixels = noise_image(0, 100, 140)
    spot = spot_map(100, 200)
    assert np.array_equal(blend(pixels, spot, 0.0), pixels)
    full = blend(pixels, spot, 1.0)
    row, column = round(100 * 100 / 299), round(200 * 140 / 299)
    assert tuple(full[row, column]) == tuple(PALETTE[-1].astype(int))
    assert np.array_equal(full[90, 5], pixels[90, 5])
    with pytest.raises(ValueError, match="opacity"):
        blend(pixels, spot, 1.5)
