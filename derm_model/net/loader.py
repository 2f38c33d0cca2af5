"""From records to uint8 batches: which images, in which order, with which augmentation.

Order and views depend only on (seed, epoch, position), never on worker processes, so that a resumed run sees the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from derm_model.data.images import decode_file
from derm_model.data.manifest import Record
from derm_model.net.augmentation import View, resample
from derm_model.net.config import TrainConfig
from derm_model.net.preprocessing import Preprocessing

Batch = tuple[Tensor, Tensor]  # uint8 (n, 3, s, s), int64 (n,)


class _Views(Dataset[tuple[Tensor, int]]):
    """Augmented training images of one epoch; item i is the i-th draw."""

    def __init__(
        self,
        records: Sequence[Record],
        labels: npt.NDArray[np.int64],
        draws: npt.NDArray[np.int64],
        size_px: int,
        config: TrainConfig,
        epoch: int,
    ) -> None:
        self.records, self.labels, self.draws = records, labels, draws
        self.size_px, self.config, self.epoch = size_px, config, epoch

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        position = int(self.draws[i])
        rng = np.random.default_rng((self.config.seed, self.epoch, i))
        # A crop takes at least 0.7 of the side of a square image; decoding to twice the target keeps all it can show.
        image = decode_file(self.records[position].path, min_side_px=2 * self.size_px)
        view = View.draw(rng) if self.config.rotate else View(0.0, False)
        pixels = resample(image.pixels, self.size_px, view)
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1), int(self.labels[position])


class _Whole(Dataset[tuple[Tensor, int]]):
    """Whole images as the app reads them; the label is the position."""

    def __init__(self, records: Sequence[Record], preprocessing: Preprocessing) -> None:
        self.records, self.preprocessing = records, preprocessing

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        image = decode_file(self.records[i].path, min_side_px=2 * self.preprocessing.size_px)
        return self.preprocessing.prepare(image.pixels), i


def sampling_weights(
    records: Sequence[Record], labels: npt.NDArray[np.int64], config: TrainConfig
) -> npt.NDArray[np.float64] | None:
    """Weight of each image, (n,), summing to 1; None where every image is seen once per epoch (the paper).

    The weight is n_class ** -sampling_power times the weight of the image's source.
    """
    if config.sampling_power == 0 and not config.source_weights:
        return None
    n = np.bincount(labels)[labels].astype(float)
    weight = n**-config.sampling_power * np.array([config.source_weights.get(r.source or "", 1.0) for r in records])
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def draw_epoch(n: int, weights: npt.NDArray[np.float64] | None, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Positions of one epoch in order, (n,): a permutation, or n draws with replacement by weight."""
    rng = np.random.default_rng((seed, epoch))
    return rng.permutation(n).astype(np.int64) if weights is None else rng.choice(n, size=n, p=weights).astype(np.int64)


def training_batches(
    records: Sequence[Record], labels: npt.NDArray[np.int64], config: TrainConfig, epoch: int, *, pin: bool = False
) -> DataLoader[tuple[Tensor, int]]:
    """Batches of one epoch at its stage's size; iterating gives `Batch`. The last, incomplete batch is left out
    unless it is the only one: batch norm on two or three images harms more than the images help.
    """
    draws = draw_epoch(len(records), sampling_weights(records, labels, config), config.seed, epoch)
    views = _Views(records, labels, draws, config.stage_of(epoch).size_px, config, epoch)
    return DataLoader(
        views,
        batch_size=config.batch_size,
        num_workers=config.workers,
        drop_last=len(records) > config.batch_size,
        pin_memory=pin,
        prefetch_factor=4 if config.workers else None,
    )


def whole_images(
    records: Sequence[Record], preprocessing: Preprocessing, *, batch_size: int = 16, workers: int = 1
) -> Iterator[Batch]:
    """Every record once, in order, whole, as the app would read it; (uint8 images, positions)."""
    yield from DataLoader(
        _Whole(records, preprocessing),
        batch_size=batch_size,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
