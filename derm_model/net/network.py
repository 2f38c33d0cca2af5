"""Inception v3 (Szegedy et al. 2016) as torchvision builds it, with named features and a choice of padding.

The state-dict keys are torchvision's, so that its ImageNet weights and every backbone saved from it load as they are.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.inception import (
    BasicConv2d,
    Inception3,
    InceptionA,
    InceptionAux,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
)

from derm_model.errors import TrainingError

ARCHITECTURES = ("inception_v3", "tiny")
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
MIXED = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")


def _average_pool(x: Tensor) -> Tensor:
    """3 x 3 average that leaves the padding out of the mean, as Keras and TensorFlow do."""
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


class _BlockA(InceptionA):  # type: ignore[misc]  # torchvision is untyped
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch1x1(x),
            self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            self.branch_pool(_average_pool(x)),
        ]


class _BlockC(InceptionC):  # type: ignore[misc]  # torchvision is untyped
    def _forward(self, x: Tensor) -> list[Tensor]:
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return [
            self.branch1x1(x),
            self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(double)),
            self.branch_pool(_average_pool(x)),
        ]


class _BlockE(InceptionE):  # type: ignore[misc]  # torchvision is untyped
    def _forward(self, x: Tensor) -> list[Tensor]:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [
            self.branch1x1(x),
            torch.cat([self.branch3x3_2a(single), self.branch3x3_2b(single)], 1),
            torch.cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1),
            self.branch_pool(_average_pool(x)),
        ]


class InceptionV3(Inception3):  # type: ignore[misc]  # torchvision is untyped
    """torchvision's Inception v3 with ``features`` and ``head`` apart.

    Parameters
    ----------
    n_classes : int
        Training classes of the partition, >= 2.
    count_include_pad : bool
        Whether the average pools inside the blocks count padding zeros. True is torchvision's form; networks that come
        from Keras or TensorFlow need False. What was trained with one must be read with the same: a bundle stores it.
    aux : bool
        Auxiliary head on Mixed_6e, used in training only.
    dropout : float
        Drop probability before the last layer.
    """

    n_features = 2048

    def __init__(
        self, n_classes: int, *, count_include_pad: bool = True, aux: bool = False, dropout: float = 0.5
    ) -> None:
        pooled = [InceptionA, InceptionC, InceptionE] if count_include_pad else [_BlockA, _BlockC, _BlockE]
        blocks = [BasicConv2d, pooled[0], InceptionB, pooled[1], InceptionD, pooled[2], InceptionAux]
        # transform_input silently depends on torchvision's `weights` argument; here normalisation lives in the bundle.
        super().__init__(
            num_classes=n_classes,
            aux_logits=aux,
            transform_input=False,
            inception_blocks=blocks,
            init_weights=False,
            dropout=dropout,
        )
        nn.init.trunc_normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def _to_mixed_6e(self, x: Tensor) -> Tensor:
        for name in (*STEM[:3], "maxpool1", *STEM[3:], "maxpool2"):
            x = getattr(self, name)(x)
        for name in MIXED[: MIXED.index("6e") + 1]:
            x = getattr(self, f"Mixed_{name}")(x)
        return x

    def _from_mixed_6e(self, x: Tensor) -> Tensor:
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return torch.flatten(self.avgpool(x), 1)

    def features(self, x: Tensor) -> Tensor:
        """(n, 3, s, s), s >= 75, to the pooled features (n, 2048)."""
        return self._from_mixed_6e(self._to_mixed_6e(x))

    def head(self, features: Tensor) -> Tensor:
        """(n, 2048) to logits (n, n_classes)."""
        return cast(Tensor, self.fc(self.dropout(features)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, n_classes)."""
        return self.head(self.features(x))

    def features_and_aux(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features (n, 2048) and, in training with an auxiliary head, its logits (n, n_classes): one pass."""
        middle = self._to_mixed_6e(x)
        aux = self.AuxLogits(middle) if self.AuxLogits is not None and self.training else None
        return self._from_mixed_6e(middle), aux

    def blocks(self) -> list[nn.ModuleList]:
        """The body from the input to the features; the first is the stem, all before the first Inception block."""
        stem = nn.ModuleList(getattr(self, name) for name in STEM)
        return [stem, *(nn.ModuleList([getattr(self, f"Mixed_{name}")]) for name in MIXED)]


class TinyNetwork(nn.Module):
    """Four small convolutions: to test and to show the training machinery in seconds. Not for real use."""

    n_features = 32

    def __init__(self, n_classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in ((3, 8), (8, 16), (16, 32), (32, self.n_features)):
            layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.n_features, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """(n, 3, s, s) to (n, 32)."""
        return cast(Tensor, self.body(x)).mean((2, 3))

    def head(self, features: Tensor) -> Tensor:
        """(n, 32) to logits (n, n_classes)."""
        return cast(Tensor, self.fc(self.dropout(features)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, n_classes)."""
        return self.head(self.features(x))

    def features_and_aux(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and None: there is no auxiliary head."""
        return self.features(x), None

    def blocks(self) -> list[nn.ModuleList]:
        """The body from the input to the features: four convolutions with what belongs to each."""
        layers = list(self.body)
        return [nn.ModuleList(layers[i : i + 3]) for i in range(0, len(layers), 3)]


AnyNetwork = InceptionV3 | TinyNetwork


def freeze(network: AnyNetwork, n_blocks: int) -> None:
    """Let the first `n_blocks` of the body stand still, statistics of batch norm included, and all the rest train."""
    network.train()
    network.requires_grad_(True)
    for block in network.blocks()[:n_blocks]:
        block.requires_grad_(False).eval()


def build_network(n_classes: int, *, architecture: str = "inception_v3", **options: Any) -> AnyNetwork:
    """A network with fresh weights.

    Parameters
    ----------
    n_classes : int
        Number of training classes, >= 2.
    architecture : {"inception_v3", "tiny"}
    **options
        ``count_include_pad``, ``aux``, ``dropout`` of `InceptionV3`; ``tiny`` reads ``dropout`` only.

    Raises
    ------
    TrainingError
        Fewer than two classes, or an unknown architecture.
    """
    if n_classes < 2:
        raise TrainingError(
            f"A network needs at least 2 training classes, got {n_classes}. Choose a smaller maxClassSize."
        )
    if architecture == "inception_v3":
        return InceptionV3(n_classes, **options)
    if architecture == "tiny":
        return TinyNetwork(n_classes, dropout=options.get("dropout", 0.0))
    raise TrainingError(f"Unknown architecture {architecture!r}. Choose one of {', '.join(ARCHITECTURES)}.")
