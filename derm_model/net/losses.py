"""The loss of labels that stand for one output or for several, with the options beyond the paper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class LabelLoss:
    """Mean over a batch of -log P(label), where P of a label is the sum of the outputs it stands for.

    For a label that is one output this is the cross entropy (Methods, "Training algorithm"); for an image labelled
    above the outputs it is the hierarchy-aware loss: the network may put the mass on any class below the node.

    Parameters
    ----------
    membership : (n_labels, n_classes) bool
        Outputs each label stands for, at least one.
    counts : (n_labels,) int
        Training images of each label; used by `class_balance` only.
    label_smoothing : float
        Share of the loss that asks for all outputs alike (Szegedy et al. 2016).
    class_balance : float
        beta of Cui et al. 2019: an image weighs (1 - beta) / (1 - beta ** n) with n images of its label, scaled so that
        the mean weight over all training images is 1. 0: all weigh the same.
    """

    def __init__(
        self,
        membership: npt.NDArray[np.bool_],
        counts: npt.NDArray[np.int64],
        *,
        label_smoothing: float = 0.0,
        class_balance: float = 0.0,
        device: torch.device | str = "cpu",
    ) -> None:
        if not membership.any(axis=1).all():
            raise ValueError("every label stands for at least one output")
        self.smoothing = label_smoothing
        # log of the membership: 0 for a member, -inf for others. Added to logits it leaves the members alone.
        outside = np.where(membership, 0.0, -np.inf).astype(np.float32)
        self.log_membership = torch.from_numpy(outside).to(device)
        self.weights = torch.from_numpy(balance_weights(counts, class_balance)).to(device)

    def each(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of each image, (n,), for logits (n, n_classes) and labels (n,)."""
        log_probs = torch.log_softmax(logits.float(), dim=1)
        own = -torch.logsumexp(log_probs + self.log_membership[labels], dim=1)
        if self.smoothing:
            own = (1 - self.smoothing) * own - self.smoothing * log_probs.mean(dim=1)
        return own * self.weights[labels]

    def __call__(self, logits: Tensor, labels: Tensor, shares: Tensor | None = None) -> Tensor:
        """Mean loss; with mixup `shares` (n,) is the share of the image's own label, the rest its neighbour's.

        The mean is over images, not over their weights, so that the means of equal parts of a batch average to the
        mean of the batch, however it is cut.
        """
        loss = self.each(logits, labels)
        if shares is not None:
            loss = shares * loss + (1 - shares) * self.each(logits, neighbours(labels))
        return loss.mean()


def balance_weights(counts: npt.NDArray[np.int64], beta: float) -> npt.NDArray[np.float32]:
    """Weight of an image of each label, (n_labels,); labels without images weigh 1, which nobody will see."""
    if beta == 0:
        return np.ones(len(counts), dtype=np.float32)
    n = np.maximum(counts, 1).astype(np.float64)
    weights = (1 - beta) / (1 - beta**n)
    weights *= counts.sum() / (weights * counts).sum()
    return np.where(counts > 0, weights, 1.0).astype(np.float32)


def neighbours(values: Tensor) -> Tensor:
    """Each even position's value swapped with the next: who is mixed with whom. The length is even.

    The order of a batch is random, so neighbours are as good a pairing as any, and the pairs stay together however
    the batch is divided among processes.
    """
    pairs = values.reshape(-1, 2, *values.shape[1:])
    return pairs.flip(1).reshape(values.shape)
