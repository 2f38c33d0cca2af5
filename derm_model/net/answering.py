"""A bundle's answers to many labelled images: read once, kept, and judged as often as anybody likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

from derm_model.data.manifest import Record
from derm_model.errors import UnreadableImage
from derm_model.net.bundle import ModelBundle
from derm_model.net.precision import find_device
from derm_model.net.validation import logits_of
from derm_model.progress import Progress, Report, quiet


@dataclass(frozen=True, eq=False)
class Said:
    """What a bundle said of the images that could be read.

    Attributes
    ----------
    records
        n of them, in their order.
    probs
        (n, n_classes) float64, calibrated.
    features
        (n, n_features) float32.
    unusual
        (n,) float64: share of the model's validation images that are less unusual, in per cent; None where the bundle
        has no reference.
    distance
        (n,) float64, >= 0: how far their features are from those of the training images, of which `unusual` is the
        rank; None where `unusual` is.
    unreadable
        The other images, and why.
    """

    records: tuple[Record, ...]
    probs: npt.NDArray[np.float64]
    features: npt.NDArray[np.float32]
    unusual: npt.NDArray[np.float64] | None
    distance: npt.NDArray[np.float64] | None
    unreadable: tuple[tuple[Record, str], ...]


def answer(
    bundle: ModelBundle, records: Sequence[Record], *, device: str = "auto", workers: int = 1, report: Report = quiet
) -> Said:
    """Ask a bundle about every image, in full precision.

    Raises
    ------
    EvaluationError
        There is no image, or none that can be read.
    """
    unreadable: dict[int, UnreadableImage] = {}
    stage = f"Reading {len(records):,} images at {bundle.preprocessing.size_px} px"
    report(Progress(stage, 0, len(records)))
    name = find_device(device)
    logits, features = logits_of(
        bundle.network.to(name),
        records,
        bundle.preprocessing,
        device=name,
        workers=workers,
        on_batch=lambda n: report(Progress(stage, n + len(unreadable), len(records))),
        on_unreadable=unreadable.__setitem__,
    )
    reference = bundle.feature_reference
    distance = None if reference is None else reference.distance(features)
    return Said(
        records=tuple(r for i, r in enumerate(records) if i not in unreadable),
        probs=softmax(logits / bundle.temperature, axis=1),
        features=features,
        unusual=None if reference is None or distance is None else reference.percentile(distance),
        distance=distance,
        unreadable=tuple((records[i], str(error)) for i, error in sorted(unreadable.items())),
    )


@torch.inference_mode()
def ask_of(
    bundle: ModelBundle, pictures: Sequence[npt.NDArray[np.uint8]], *, device: str = "auto"
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What a bundle says of a few pictures without a label, in full precision, one batch.

    Parameters
    ----------
    bundle
        With a feature reference.
    pictures : (h, w, 3) uint8 each
    device

    Returns
    -------
    probs : (n, n_classes) float64
    distance, unusual : (n,) float64
        As in `Said`.
    """
    reference = bundle.feature_reference
    assert reference is not None  # who asks how unusual pictures are has looked at the card
    name = find_device(device)
    network: Any = bundle.network.to(name)
    pixels = torch.stack([bundle.preprocessing.prepare(picture) for picture in pictures])
    x = bundle.preprocessing.normalise(pixels.to(name)).to(memory_format=torch.channels_last)
    features = network.features(x)
    logits = network.head(features).double().cpu().numpy()
    distance = reference.distance(features.float().cpu().numpy())
    return softmax(logits / bundle.temperature, axis=1), distance, reference.percentile(distance)
