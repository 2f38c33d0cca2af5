"""Every method against what its paper says: in closed form on a linear network, step by step on a convolutional one."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derm_model.net.saliency.baselines import baseline_of
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.gradcam import GRAD_CAM, GUIDED_GRAD_CAM
from derm_model.net.saliency.gradients import GRADIENT, INPUT_X_GRADIENT
from derm_model.net.saliency.integrated import INTEGRATED_GRADIENTS
from derm_model.net.saliency.method import BASELINES, Baseline, Method, Settings
from derm_model.net.saliency.noise import SMOOTHGRAD, VARGRAD
from derm_model.net.saliency.occlusion import OCCLUSION, n_windows
from derm_model.net.saliency.rise import RISE, Masks
from derm_model.net.saliency.target import Target
from tests.net.saliency.networks import SIDE, Linear, noise_unit, run
from tests.support import TEMPERATURE, random_network

# Log P of one class less that of another is linear in the logits, hence in the pixels of a linear network.
DIFFERENCE = Target((1,), (5,), contrast=True)
LINEAR = Linear()
UNIT = noise_unit()
SLOPE = (LINEAR.weights(1) - LINEAR.weights(5)) / TEMPERATURE
TARGETS = [Target.of_class(2), Target.of_class(2, "score"), Target((0, 3), (1, 4)), DIFFERENCE]


@pytest.fixture
def linear(explainer: Explainer) -> Explainer:
    return explainer.with_network(LINEAR)  # type: ignore[arg-type]


def evidence(explainer: Explainer, unit: Tensor, target: Target) -> Tensor:
    """Written out once more, on the network itself."""
    network = explainer.network
    logits = network.head(network.features(unit)).double() / TEMPERATURE
    if target.contrast:
        return logits[:, 1] - logits[:, 5]
    sides = [*target.positive, *(target.negative or range(logits.shape[1]))]
    p = logits.softmax(1)
    share = p[:, list(target.positive)].sum(1) / p[:, sorted(set(sides))].sum(1)
    return share.log() if target.of == "loss" else share


def slope(explainer: Explainer, units: Tensor, target: Target) -> Tensor:
    """Gradient (3, h, w) of the images' evidence, added up."""
    leaf = units.clone().requires_grad_(True)
    evidence(explainer, leaf, target).sum().backward()
    assert leaf.grad is not None
    return leaf.grad.double().sum(0)


def close(found: Tensor, expected: Tensor, share: float = 1e-4) -> bool:
    """Equal up to a share of the strongest value."""
    assert found.shape == expected.shape
    return bool((found.double() - expected.double()).abs().max() <= share * expected.abs().max())


def test_the_gradient_of_a_linear_network_is_known(linear: Explainer) -> None:
    p = (LINEAR.head(LINEAR.features(UNIT)).double() / TEMPERATURE).softmax(1)[0]
    mean = sum(p[k] * LINEAR.weights(k) for k in range(len(p)))
    gradient = (LINEAR.weights(2) - mean) / TEMPERATURE
    assert close(run(linear, GRADIENT, UNIT, Target.of_class(2)).values, gradient.abs().sum(0))
    assert close(run(linear, GRADIENT, UNIT, Target.of_class(2, "score")).values, (p[2] * gradient).abs().sum(0))
    assert close(run(linear, GRADIENT, UNIT, DIFFERENCE).values, SLOPE.abs().sum(0))
    assert run(linear, GRADIENT, UNIT, DIFFERENCE).signed is None


def test_only_the_gradient_of_the_loss_is_called_the_paper_s_map() -> None:
    assert "Esteva" in GRADIENT.title(Target.of_class(0))
    for other in (Target.of_class(0, "score"), DIFFERENCE, Target((1,), (5,), of="score", contrast=True)):
        assert "Esteva" not in GRADIENT.title(other)
        assert "Simonyan" in GRADIENT.title(other)
    assert "Esteva" in GRADIENT.paper and "Simonyan" in GRADIENT.paper
    assert "log P" in SMOOTHGRAD.title(Target.of_class(0))
    assert "of P (" in SMOOTHGRAD.title(Target.of_class(0, "score"))
    assert "difference of two log P" in SMOOTHGRAD.title(DIFFERENCE)


def test_input_times_gradient_of_a_linear_network_divides_the_evidence_among_the_pixels(linear: Explainer) -> None:
    raw = run(linear, INPUT_X_GRADIENT, UNIT, DIFFERENCE)
    assert raw.signed is not None
    assert close(raw.signed, (SLOPE * UNIT[0]).sum(0))
    assert torch.equal(raw.values, raw.signed.abs())
    assert float(raw.signed.sum()) == pytest.approx(float(evidence(linear, UNIT, DIFFERENCE)), rel=1e-4)


def noisy_slopes(explainer: Explainer, target: Target, settings: Settings) -> Tensor:
    """Gradients (samples, 3, h, w) at noisy copies, one at a time."""
    generator = torch.Generator().manual_seed(settings.seed)
    spread = settings.noise * float(UNIT.max() - UNIT.min())
    copies = [UNIT + spread * torch.randn(3, SIDE, SIDE, generator=generator) for _ in range(settings.samples)]
    return torch.stack([slope(explainer, copy, target) for copy in copies])


@pytest.mark.parametrize("target", TARGETS)
def test_smoothgrad_is_the_mean_of_gradients_and_vargrad_their_variance(explainer: Explainer, target: Target) -> None:
    settings = Settings(samples=7, noise=0.2, seed=5)  # 7: the last step is a short one
    slopes = noisy_slopes(explainer, target, settings)
    assert close(run(explainer, SMOOTHGRAD, UNIT, target, settings).values, slopes.mean(0).abs().sum(0))
    variance = torch.from_numpy(np.var(slopes.numpy(), axis=0)).sum(0)
    assert close(run(explainer, VARGRAD, UNIT, target, settings).values, variance)


def test_noise_changes_nothing_where_the_gradient_is_the_same_everywhere(linear: Explainer) -> None:
    assert close(run(linear, SMOOTHGRAD, UNIT, DIFFERENCE).values, SLOPE.abs().sum(0))
    assert run(linear, VARGRAD, UNIT, DIFFERENCE).values.max() < 1e-8 * (SLOPE**2).sum(0).mean()


@pytest.mark.parametrize("method", [SMOOTHGRAD, VARGRAD, RISE])
def test_a_seed_gives_the_same_map_and_another_seed_another(explainer: Explainer, method: Method) -> None:
    first, again, other = (
        run(explainer, method, UNIT, TARGETS[0], Settings(samples=4, masks=20, seed=seed)).values for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("baseline", BASELINES)
def test_integrated_gradients_of_a_linear_network_are_slope_times_way(linear: Explainer, baseline: Baseline) -> None:
    way = UNIT - baseline_of(UNIT, baseline)
    raw = run(linear, INTEGRATED_GRADIENTS, UNIT, DIFFERENCE, Settings(steps=5, baseline=baseline))
    assert raw.signed is not None
    assert close(raw.signed, (SLOPE * way[0]).sum(0))
    assert torch.equal(raw.values, raw.signed.abs())


def test_integrated_gradients_are_the_integral_along_the_straight_way(explainer: Explainer) -> None:
    """Against the middle rule, which needs no table of nodes. The network has kinks: single pixels differ by more."""
    target, n = Target.of_class(2), 200
    baseline = baseline_of(UNIT, "skin")
    way = UNIT - baseline
    total = sum(
        slope(explainer, baseline + (torch.arange(i, i + 50).view(-1, 1, 1, 1) + 0.5) / n * way, target) / n
        for i in range(0, n, 50)
    )
    found = run(explainer, INTEGRATED_GRADIENTS, UNIT, target, Settings(steps=60, baseline="skin")).signed
    assert found is not None
    expected = (total * way[0]).sum(0)
    assert (found - expected).norm() < 0.03 * expected.norm()


def covered_one_by_one(explainer: Explainer, target: Target, patch: int, baseline: Tensor) -> Tensor:
    """Mean loss of evidence over the windows that cover a pixel, with loops."""
    lost, n = torch.zeros(SIDE, SIDE).double(), torch.zeros(SIDE, SIDE)
    corners = range(0, SIDE - patch + patch // 2, patch // 2)
    corners = [c for c, before in zip(corners, [-1, *corners], strict=False) if before + patch < SIDE or c == 0]
    with torch.no_grad():
        whole = evidence(explainer, UNIT, target)
        for y, x in product(corners, corners):
            image = UNIT.clone()
            image[..., y : y + patch, x : x + patch] = baseline[..., y : y + patch, x : x + patch]
            lost[y : y + patch, x : x + patch] += whole - evidence(explainer, image, target)
            n[y : y + patch, x : x + patch] += 1
    assert n.min() >= 1
    assert len(corners) ** 2 == n_windows(patch, SIDE)
    return lost / n


@pytest.mark.parametrize("patch", [32, 40, 96])  # fits, is cut by the border, covers all
def test_occlusion_is_the_mean_loss_over_the_windows_that_cover_a_pixel(explainer: Explainer, patch: int) -> None:
    expected = covered_one_by_one(explainer, TARGETS[0], patch, baseline_of(UNIT, "skin"))
    raw = run(explainer, OCCLUSION, UNIT, TARGETS[0], Settings(patch_px=patch, baseline="skin"))
    assert raw.signed is not None
    assert close(raw.signed, expected, 1e-3)
    assert torch.equal(raw.values, raw.signed.abs())


def test_occlusion_of_single_pixels_of_a_linear_network_is_slope_times_way(explainer: Explainer) -> None:
    """On a small corner of the plane: a window per pixel is dear."""
    side = 12
    small = Linear(side)
    unit = UNIT[..., :side, :side]
    raw = run(explainer.with_network(small), OCCLUSION, unit, DIFFERENCE, Settings(patch_px=1, baseline="black"))
    expected = ((small.weights(1) - small.weights(5)) / TEMPERATURE * unit[0]).sum(0)
    assert raw.signed is not None
    assert close(raw.signed, expected, 1e-3)


@pytest.mark.parametrize("target", TARGETS)
def test_rise_is_the_mean_evidence_over_the_masks_that_show_a_pixel(explainer: Explainer, target: Target) -> None:
    settings = Settings(masks=21, seed=3, baseline="black")
    masks = [Masks(21, SIDE, 3).some(torch.tensor([i]))[0, 0].double() for i in range(21)]
    with torch.no_grad():
        found = [float(evidence(explainer, UNIT * mask.float(), target)) for mask in masks]
    expected = sum(f * mask for f, mask in zip(found, masks, strict=True)) / sum(masks)
    raw = run(explainer, RISE, UNIT, target, settings)
    assert raw.signed is not None
    assert close(raw.values, expected - expected.min(), 1e-3)
    assert close(raw.signed, expected - sum(found) / 21, 1e-3)


def test_rise_finds_the_corner_that_a_linear_network_reads(explainer: Explainer) -> None:
    network = Linear()
    network.fc.weight.zero_()
    network.fc.weight[1].view(3, SIDE, SIDE)[:, :20, -20:] = 0.01
    settings = Settings(masks=200, baseline="black")
    raw = run(explainer.with_network(network), RISE, torch.ones_like(UNIT), DIFFERENCE, settings)
    peak = divmod(int(raw.values.argmax()), SIDE)
    assert peak[0] < 25 and peak[1] > SIDE - 25
    # Beyond a cell or two nothing is known of that corner: for and against differ by chance alone.
    assert raw.signed is not None
    assert raw.signed[40:, :56].abs().max() < 0.35 * raw.signed.max()


def test_masks_show_each_pixel_half_of_the_time_and_do_not_depend_on_how_many_are_asked_for() -> None:
    masks = Masks(400, 75, 1)
    every = masks.some(torch.arange(400))
    assert every.shape == (400, 1, 75, 75)
    assert every.min() >= 0 and every.max() <= 1
    assert (every.mean(0) - 0.5).abs().max() < 0.1
    assert torch.equal(every[[7, 300]], masks.some(torch.tensor([7, 300])))
    assert torch.equal(Masks(10, 75, 1).some(torch.arange(10)), Masks(10, 75, 1).some(torch.arange(10)))


def layers_of(explainer: Explainer) -> list[nn.Sequential]:
    """The tiny network's body, block by block."""
    body = list(explainer.network.body)
    return [nn.Sequential(*body[i : i + 3]) for i in range(0, len(body), 3)]


def hand_made_grad_cam(explainer: Explainer, block: int, target: Target) -> Tensor:
    """Selvaraju et al. 2017, equations 1 and 2, and stretched: (h, w)."""
    blocks, network = layers_of(explainer), explainer.network
    activation = UNIT
    for layer in blocks[: block + 1]:
        activation = layer(activation)
    activation = activation.detach().requires_grad_(True)
    rest = activation
    for layer in blocks[block + 1 :]:
        rest = layer(rest)
    logits = network.head(rest.mean((2, 3))).double() / TEMPERATURE
    (gradient,) = torch.autograd.grad(target.evidence(logits).sum(), activation)
    weights = gradient.mean((2, 3), keepdim=True)
    coarse = (weights * activation).sum(1, keepdim=True).clamp(min=0)
    return F.interpolate(coarse, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0].detach()


@pytest.mark.parametrize("block", range(4))
def test_grad_cam_is_the_weighted_sum_of_a_block_s_maps(explainer: Explainer, block: int) -> None:
    for target in TARGETS:
        expected = hand_made_grad_cam(explainer, block, target)
        assert expected.max() > 0
        found = run(explainer, GRAD_CAM, UNIT, target, Settings(block=f"Block {block + 1}"))
        assert close(found.values, expected)
        assert found.signed is None


def test_grad_cam_before_a_mean_and_a_linear_layer_is_known(explainer: Explainer) -> None:
    """There it is CAM (Zhou et al. 2016): the last layer's weights on the maps."""
    with torch.no_grad():
        maps = explainer.network.body(UNIT)[0].double()
        weights = (explainer.network.fc.weight[1] - explainer.network.fc.weight[5]).double() / TEMPERATURE
    coarse = torch.einsum("k,khw->hw", weights, maps).clamp(min=0) / maps[0].numel()
    expected = F.interpolate(coarse[None, None], (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0]
    assert close(run(explainer, GRAD_CAM, UNIT, DIFFERENCE).values, expected)


class _Guided(torch.autograd.Function):
    """ReLU that lets no negative gradient back (Springenberg et al. 2015)."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def,override]
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def,override]
        (x,) = ctx.saved_tensors
        return gradient * (x > 0) * (gradient > 0)


class GuidedReLU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _Guided.apply(x)


def guided_slope(network: nn.Module, target: Target) -> Tensor:
    """Gradient (3, h, w) of a private network whose ReLUs are replaced by guided ones."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(module, name, GuidedReLU())
    leaf = UNIT.clone().requires_grad_(True)
    target.evidence(network(leaf)).sum().backward()
    assert leaf.grad is not None
    return leaf.grad[0].double()


@pytest.mark.parametrize("block", range(4))
def test_guided_grad_cam_is_grad_cam_times_guided_gradients(explainer: Explainer, block: int) -> None:
    for target in TARGETS:
        cam = hand_made_grad_cam(explainer, block, target)
        found = run(explainer, GUIDED_GRAD_CAM, UNIT, target, Settings(block=f"Block {block + 1}")).values
        assert close(found, (guided_slope(explainer.hooked(), target) * cam).abs().sum(0))
        assert not close(found, (slope(explainer, UNIT, target) * cam).abs().sum(0), 0.1)  # were they not guided


def test_every_relu_of_inception_is_guided(explainer: Explainer) -> None:
    network = random_network(8, "inception_v3").requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
    inception = explainer.with_network(network)
    hooked = inception.hooked()
    with torch.no_grad():
        assert torch.allclose(hooked(UNIT), inception.scaled_logits(UNIT), rtol=1e-4)
    cam = run(inception, GRAD_CAM, UNIT, DIFFERENCE, Settings(block="Mixed_6b")).values
    found = run(inception, GUIDED_GRAD_CAM, UNIT, DIFFERENCE, Settings(block="Mixed_6b")).values
    assert found.max() > 0
    assert close(found, (guided_slope(hooked, DIFFERENCE) * cam).abs().sum(0), 1e-3)


def test_blocks_get_coarser_towards_the_features(explainer: Explainer) -> None:
    """A coarser map has fewer corners: its second differences vanish nearly everywhere."""
    maps = [run(explainer, GRAD_CAM, UNIT, TARGETS[0], Settings(block=block)).values for block in explainer.blocks]
    bends = [float((m[2:] - 2 * m[1:-1] + m[:-2]).abs().mean() / m.max()) for m in maps]
    assert all(fine > coarse for fine, coarse in pairwise(bends))
