"""What a network says of whole images, and how good that is: after each epoch, and for a bundle's card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax, softmax
from torch import nn

from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError, UnreadableImage
from derm_model.evaluation import metrics
from derm_model.evaluation.levels import accuracy_at_level
from derm_model.net.loader import whole_images
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.run import Labelled, Run
from derm_model.net.run_state import RunState
from derm_model.net.team import Team
from derm_model.taxonomy.targets import LEVELS

MEAN_CROP = 0.8  # mean side of the inscribed square over all angles: a crop of s px matches a whole image of s / 0.8


@torch.inference_mode()
def logits_of(
    network: nn.Module,
    records: Sequence[Record],
    preprocessing: Preprocessing,
    *,
    device: str | torch.device = "cpu",
    workers: int = 1,
    on_batch: Callable[[int], None] = lambda n_done: None,
    on_unreadable: Callable[[int, UnreadableImage], None] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Logits (n, n_classes) and features (n, n_features) of whole images, in the order of the records.

    ``network`` must be in eval mode. Full precision: these figures go into the bundle's card. ``on_batch`` hears how
    many images are done. ``on_unreadable`` as in `whole_images`: such images have no row.

    Raises
    ------
    EvaluationError
        There is no image, or none that can be read.
    """
    logits, features, n_done = [], [], 0
    any_network: Any = network
    for pixels, _ in whole_images(records, preprocessing, workers=workers, on_unreadable=on_unreadable):
        x = preprocessing.normalise(pixels.to(device)).to(memory_format=torch.channels_last)
        feature = any_network.features(x)
        features.append(feature.float().cpu().numpy())
        logits.append(any_network.head(feature).double().cpu().numpy())
        n_done += len(pixels)
        on_batch(n_done)
    if not logits:
        raise EvaluationError(f"None of {len(records):,} images can be read. Check the paths of the manifest.")
    return np.concatenate(logits), np.concatenate(features)


def validate(run: Run, state: RunState, team: Team, device: torch.device) -> dict[str, Any]:
    """Loss and accuracies, read at the scale the stage's crops have, at most `TrainConfig.read_size_px`."""
    config, validation, n_classes = run.config, run.validation, run.targets.n_classes
    if not len(validation):
        nothing = dict.fromkeys(("validation_loss", "accuracy", "nine", "three"))
        return {**nothing, "per_class": (None,) * n_classes}
    size = min(config.read_size_px, round(config.stage_of(state.epoch).size_px / MEAN_CROP))
    preprocessing = Preprocessing(size_px=size, mean=config.mean, std=config.std)
    state.network.eval()
    own = {k: v.clone() for k, v in state.network.state_dict().items()} if state.average else None
    if own is not None:
        state.network.load_state_dict(state.shown_weights())
    try:
        mine = np.zeros((0, n_classes))
        if records := validation.records[team.rank :: team.size]:
            mine, _ = logits_of(state.network, records, preprocessing, device=device, workers=config.workers)
    finally:
        if own is not None:
            state.network.load_state_dict(own)
    logits = np.empty((len(validation), n_classes))
    for rank, part in enumerate(team.gather(mine)):
        logits[rank :: team.size] = part
    return judge(run, validation, logits)


def judge(run: Run, part: Labelled, logits: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The figures of an `EpochResult` from the logits (n, n_classes) of labelled images."""
    n_classes, predicted = run.targets.n_classes, logits.argmax(1)
    rows = metrics.class_table(part.labels, predicted, n_classes)
    probs, nodes = softmax(logits, axis=1), [record.node for record in part.records]
    levels = {
        name: accuracy_at_level(run.taxonomy, run.targets.partition.classes, nodes, probs, level)
        for name, level in LEVELS.items()
    }
    return {
        "validation_loss": float(-log_softmax(logits, axis=1)[np.arange(len(part)), part.labels].mean()),
        "accuracy": metrics.mean_class_accuracy(part.labels, predicted, n_classes),
        **{name: found.mean if found is not None else None for name, found in levels.items()},
        "per_class": tuple(row.accuracy.value if row.accuracy else None for row in rows),
    }
