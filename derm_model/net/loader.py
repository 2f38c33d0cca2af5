"""From records to uint8 batches: which images, in which order, with which augmentation.

Order and views depend only on (seed, epoch, draw), never on worker processes or on how a batch is shared out, so that a
resumed run sees the same, and two processes see together what one sees alone.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from derm_model.data.images import decode_file
from derm_model.data.manifest import Record
from derm_model.errors import TrainingError, UnreadableImage
from derm_model.net.augmentation import View, resample
from derm_model.net.preprocessing import Preprocessing
from derm_model.recipe.config import TrainConfig

_PREFETCH = 4  # batches a worker process is ahead: one batch of large files may take as long as several steps

_Key = tuple[int, int, int]  # epoch, draw, position
_Item = TypeVar("_Item")


class Batch(NamedTuple):
    """Training images as they lie in memory: channels last."""

    pixels: Tensor  # uint8 (n, 3, s, s)
    labels: Tensor  # int64 (n,)
    draws: Tensor  # int64 (n,): place of each image in the epoch's order, over all processes


class TrainingLoader:
    """Batches of every epoch; worker processes live as long as the loader.

    The batch of step k holds draws [k * batch_size, (k + 1) * batch_size) of `draw_epoch`. It is cut into
    n_ranks * config.accumulate equal parts, of which rank r gets the r-th `config.accumulate`: one process with
    accumulate = 2 works through the same parts as two processes with accumulate = 1.

    Parameters
    ----------
    records : sequence of Record
    labels : ndarray of int64, shape (n,)
    config : TrainConfig
    rank, n_ranks : int
        This process among those that train together, 0-based.
    pin : bool
        Batches come in page-locked memory, from which a GPU copies while it computes.

    Attributes
    ----------
    batch_size : int
        Images per optimiser step over all processes: config.batch_size, or fewer where there are fewer images or the
        parts would not be equal (and, for mixup, even).
    n_steps : int
        Optimiser steps per epoch, >= 1. The last, incomplete batch is left out: batch norm on two or three images harms
        more than they help.

    Raises
    ------
    TrainingError
        Too few images for parts of two; while iterating, an image that cannot be read, or a worker process that died.
    """

    def __init__(
        self,
        records: Sequence[Record],
        labels: npt.NDArray[np.int64],
        config: TrainConfig,
        *,
        rank: int = 0,
        n_ranks: int = 1,
        pin: bool = False,
    ) -> None:
        n, n_parts = len(records), n_ranks * config.accumulate
        part = min(config.batch_size, n) // n_parts
        part -= part % 2 if config.mixup else 0
        if part < 2:
            raise TrainingError(
                f"A batch is worked through in {n_parts} parts of at least two images, and {n} images in batches of "
                f"{config.batch_size} are too few for that. Lower accumulate or the number of processes, raise "
                "batch_size, or add images."
            )
        self.batch_size = part * n_parts
        self.n_steps = n // self.batch_size
        self._accumulate = config.accumulate
        self._order = _Order(
            n=n,
            weights=sampling_weights(records, labels, config),
            seed=config.seed,
            batch_size=self.batch_size,
            parts=range(rank * config.accumulate, (rank + 1) * config.accumulate),
            part_size=part,
        )
        views = _Views([record.path for record in records], labels, config)
        self._loader = _data_loader(views, self._order, config.workers, pin=pin, persistent=True)

    def epoch(self, epoch: int) -> Iterator[list[Batch]]:
        """The parts of the batch that fall to this process, once per optimiser step; one epoch (0-based) at a time."""
        self._order.epoch = epoch
        parts: list[Batch] = []
        for part in _checked(self._loader):
            parts.append(part)
            if len(parts) == self._accumulate:
                yield parts
                parts = []

    def close(self) -> None:
        """End the worker processes. Another epoch would start new ones."""
        iterator: Any = self._loader._iterator  # torch has no public way, and garbage collection may come late
        if iterator is not None:
            iterator._shutdown_workers()
            self._loader._iterator = None

    def __enter__(self) -> TrainingLoader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Order:
    """Batch sampler: the keys of each part this process works on, in order, for the epoch it was told last."""

    def __init__(
        self,
        *,
        n: int,
        weights: npt.NDArray[np.float64] | None,
        seed: int,
        batch_size: int,
        parts: range,
        part_size: int,
    ) -> None:
        self.n, self.weights, self.seed = n, weights, seed
        self.batch_size, self.parts, self.part_size = batch_size, parts, part_size
        self.epoch = 0

    def __iter__(self) -> Iterator[list[_Key]]:
        positions = draw_epoch(self.n, self.weights, self.seed, self.epoch).tolist()
        for step in range(self.n // self.batch_size):
            for part in self.parts:
                first = step * self.batch_size + part * self.part_size
                yield [(self.epoch, draw, positions[draw]) for draw in range(first, first + self.part_size)]


class _Views(Dataset[Batch | str]):
    """Augmented training images; an item's key says its epoch, its draw and its position among the paths."""

    def __init__(self, paths: Sequence[Path], labels: npt.NDArray[np.int64], config: TrainConfig) -> None:
        self.paths, self.labels, self.config = paths, labels, config

    def __getitems__(self, keys: Sequence[_Key]) -> Batch | str:
        size_px = self.config.stage_of(keys[0][0]).size_px
        pixels = np.empty((len(keys), size_px, size_px, 3), np.uint8)
        for place, (epoch, draw, position) in zip(pixels, keys, strict=True):
            rng = np.random.default_rng((self.config.seed, epoch, draw))
            view = View.draw(rng) if self.config.rotate else View(0.0, False)
            try:
                # A crop's sides are at least half the image's shorter side: this keeps all that a view can show.
                image = decode_file(self.paths[position], min_side_px=2 * size_px)
            except UnreadableImage as error:
                return _unreadable(self.paths[position], error)
            place[...] = resample(image.pixels, size_px, view)
        positions = [position for _, _, position in keys]
        return Batch(
            _channels_first(pixels),
            torch.from_numpy(self.labels[positions]),
            torch.tensor([draw for _, draw, _ in keys]),
        )


class _Part(NamedTuple):
    """Whole images that could be read, their positions, and why others could not be."""

    pixels: Tensor
    positions: Tensor
    unreadable: dict[int, UnreadableImage]


class _Whole(Dataset[_Part]):
    """Whole images as the app reads them."""

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self.paths, self.preprocessing = paths, preprocessing

    def __getitems__(self, positions: Sequence[int]) -> _Part:
        size_px = self.preprocessing.size_px
        pixels: dict[int, Tensor] = {}
        unreadable: dict[int, UnreadableImage] = {}
        for position in positions:
            try:
                image = decode_file(self.paths[position], min_side_px=2 * size_px)
            except UnreadableImage as error:
                unreadable[position] = error
            else:
                pixels[position] = self.preprocessing.prepare(image.pixels)
        read = (
            torch.stack(list(pixels.values())) if pixels else torch.empty((0, 3, size_px, size_px), dtype=torch.uint8)
        )
        return _Part(read, torch.tensor(list(pixels), dtype=torch.int64), unreadable)


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


def whole_images(
    records: Sequence[Record],
    preprocessing: Preprocessing,
    *,
    batch_size: int = 16,
    workers: int = 1,
    on_unreadable: Callable[[int, UnreadableImage], None] | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Every record once, in order, whole, as the app would read it.

    ``on_unreadable`` hears the position of an image that cannot be read, and why; the others go on. Without it the
    first such image is an error.

    Yields
    ------
    tuple of Tensor
        uint8 images (n, 3, s, s), n >= 1, and their int64 positions (n,) in `records`.

    Raises
    ------
    TrainingError
        An image that cannot be read, or a worker process that died.
    """
    batches = [range(i, min(i + batch_size, len(records))) for i in range(0, len(records), batch_size)]
    whole = _Whole([record.path for record in records], preprocessing)
    for part in _checked(_data_loader(whole, batches, workers)):
        for position, error in part.unreadable.items():
            if on_unreadable is None:
                raise TrainingError(_unreadable(records[position].path, error))
            on_unreadable(position, error)
        if len(part.positions):
            yield part.pixels, part.positions


def _data_loader(
    dataset: Dataset[_Item], order: Any, workers: int, *, pin: bool = False, persistent: bool = False
) -> DataLoader[_Item]:
    """A loader of ready-made batches: `order` gives the argument of each `__getitems__`."""
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pin,
        worker_init_fn=_start_worker,
        prefetch_factor=_PREFETCH if workers else None,
        persistent_workers=persistent and workers > 0,
        # Its own, or the number torch draws from it for the workers would shift dropout and jitter of this process.
        generator=torch.Generator(),
    )


def _as_it_is(item: _Item) -> _Item:
    return item


def _start_worker(_: int) -> None:
    """Ctrl-C reaches every process of the terminal; the training process answers it, and ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _channels_first(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """(n, s, s, 3) as a tensor (n, 3, s, s) over the same memory: the order in which the network computes fastest."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def _unreadable(path: Path, error: UnreadableImage) -> str:
    return f"{path} can no longer be read. {error} Or take it out of the manifest, and resume."


def _checked(loader: DataLoader[Any]) -> Iterator[Any]:
    """Batches of a loader; what went wrong in a worker process comes as text, and is raised here without its traceback.

    Raises
    ------
    TrainingError
    """
    try:
        for batch in loader:
            if isinstance(batch, str):
                raise TrainingError(batch)
            yield batch
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise TrainingError(
            "A process that reads images died, perhaps for want of memory. Lower workers or batch_size, and resume."
        ) from error
