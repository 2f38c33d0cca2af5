"""The loss of labels that stand for one output or several."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from derm_model.net.losses import LabelLoss, balance_weights, neighbours

EYE = np.eye(4, dtype=np.bool_)
ONES = np.ones(4, dtype=np.int64)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_label_that_is_one_output_has_the_cross_entropy(smoothing: float) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(16, 4, requires_grad=True), torch.randint(0, 4, (16,))
    own = LabelLoss(EYE, ONES, label_smoothing=smoothing)(logits, labels)
    torchs = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    assert own.item() == pytest.approx(torchs.item(), rel=1e-6)
    (gradient,) = torch.autograd.grad(own, logits, retain_graph=True)
    (expected,) = torch.autograd.grad(torchs, logits)
    assert torch.allclose(gradient, expected, atol=1e-7)


def test_a_coarse_label_has_minus_the_logarithm_of_the_summed_probability() -> None:
    membership = np.vstack([EYE, [[True, True, False, False]], [[True, True, True, True]]])
    loss_of = LabelLoss(membership, np.ones(6, dtype=np.int64))
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    probs = logits.softmax(1)[0]
    assert loss_of(logits, torch.tensor([4])).item() == pytest.approx(-np.log(float(probs[0] + probs[1])), rel=1e-6)
    assert loss_of(logits, torch.tensor([5])).item() == pytest.approx(0.0, abs=1e-6)  # "some disease" teaches nothing


def test_a_coarse_label_does_not_say_which_of_its_classes() -> None:
    loss_of = LabelLoss(np.vstack([EYE, [[True, True, False, False]]]), np.ones(5, dtype=np.int64))
    logits = torch.zeros(1, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss_of(logits, torch.tensor([4])), logits)
    assert gradient[0, 0] == gradient[0, 1] < 0 < gradient[0, 2] == gradient[0, 3]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=20).filter(any), st.sampled_from([0.9, 0.99, 0.9999]))
def test_weights_of_a_balanced_loss_average_to_one_over_the_images(counts: list[int], beta: float) -> None:
    n = np.array(counts)
    weights = balance_weights(n, beta)
    assert (weights * n).sum() / n.sum() == pytest.approx(1, rel=1e-4)
    seen = n > 0
    assert (np.diff(weights[seen][np.argsort(n[seen], kind="stable")]) <= 1e-6).all()  # rarer never weighs less


def test_beta_zero_weighs_all_images_alike_and_beta_near_one_by_frequency() -> None:
    n = np.array([10, 1000])
    assert balance_weights(n, 0.0).tolist() == [1, 1]
    rare, common = balance_weights(n, 0.99999)
    assert rare / common == pytest.approx(100, rel=0.01)
    by_hand = ((1 - 0.9) / (1 - 0.9**10)) / ((1 - 0.9) / (1 - 0.9**1000))  # Cui et al. 2019, equation 3
    assert balance_weights(n, 0.9)[0] / balance_weights(n, 0.9)[1] == pytest.approx(by_hand, rel=1e-5)


def test_the_means_of_equal_parts_average_to_the_mean_of_the_batch() -> None:
    torch.manual_seed(1)
    logits, labels = torch.randn(12, 4), torch.randint(0, 4, (12,))
    loss_of = LabelLoss(EYE, np.array([5, 50, 500, 5000]), class_balance=0.99, label_smoothing=0.05)
    shares = torch.rand(12).reshape(-1, 2).max(1).values.repeat_interleave(2)
    whole = loss_of(logits, labels, shares)
    parts = torch.stack([loss_of(logits[i : i + 4], labels[i : i + 4], shares[i : i + 4]) for i in (0, 4, 8)])
    assert parts.mean().item() == pytest.approx(whole.item(), rel=1e-6)


def test_the_loss_of_a_mixture_is_the_mixture_of_losses() -> None:
    logits, labels = torch.randn(2, 4), torch.tensor([1, 3])
    loss_of = LabelLoss(EYE, ONES)
    own, other = loss_of.each(logits, labels), loss_of.each(logits, labels.flip(0))
    mixed = loss_of(logits, labels, torch.tensor([0.7, 0.7]))
    assert mixed.item() == pytest.approx((0.7 * own + 0.3 * other).mean().item(), rel=1e-6)


def test_neighbours_change_places_in_pairs() -> None:
    assert neighbours(torch.arange(6)).tolist() == [1, 0, 3, 2, 5, 4]
    pictures = torch.rand(4, 3, 2, 2)
    assert torch.equal(neighbours(pictures)[2], pictures[3])


def test_a_label_that_stands_for_nothing_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="at least one output"):
        LabelLoss(np.zeros((1, 4), dtype=np.bool_), np.ones(1, dtype=np.int64))
