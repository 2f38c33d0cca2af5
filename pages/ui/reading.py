"""From images to answers: asks the engine for what is not known yet, averages the views of a lesion. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from derm_model.taxonomy import Aggregator, Resolution, TaskClasses, TrainingClass
from pages.ui.case import CaseImage, data_url

if TYPE_CHECKING:
    from derm_model.net.engine import Engine, Prediction
    from derm_model.net.saliency import SaliencyMap, Target

MAP_PX = 640  # longer side of the overlay: twice the network's input, the browser smooths the rest


class Explain(StrEnum):
    """What a map may explain."""

    PREDICTED = "predicted"
    QUESTION = "question"
    PICKED = "picked"


class Gradient(StrEnum):
    """Of which function the gradient is taken; the values are those of net.saliency."""

    LOSS = "loss"
    SCORE = "score"


@dataclass(frozen=True, eq=False)
class MapView:
    """A saliency map with the pictures the viewer shows; `map` is None where the gradient is zero everywhere."""

    map: SaliencyMap | None
    overlay_url: str | None
    plain_url: str | None


@dataclass
class Results:
    """Answers by content, so that the model never runs twice for the same image and question."""

    predictions: dict[tuple[str, str], Prediction] = field(default_factory=dict)  # (bundle id, image digest)
    maps: dict[tuple[str, str, Target], MapView] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Reading:
    """What the page shows: one prediction per image in their order, the probabilities in question, the shown map.

    `target` is what the map explains; reports explain the same of the other images.
    """

    predictions: tuple[Prediction, ...]
    probs: NDArray[np.float64]
    map_view: MapView
    target: Target | None = None


def explained_node(aggregator: Aggregator, classes: Sequence[TrainingClass], node: str) -> str | None:
    """Node whose probability a map can explain: the node, the one that covers it, or None if nothing was learnt."""
    if aggregator.resolution(node) is Resolution.RESOLVED:
        return node
    covering = aggregator.covering_class(node)
    return None if covering is None else classes[covering].node


def target_of(
    explain: Explain, gradient: Gradient, task: TaskClasses | None, aggregator: Aggregator, node: str | None
) -> Target:
    """The engine's word for a choice; falls back to the most probable class where the choice does not apply."""
    from derm_model.net.saliency import Target  # torch: imported when an engine is there

    if explain is Explain.QUESTION and task is not None:
        return Target.of_task(task, of=gradient.value)
    if explain is Explain.PICKED and node is not None:
        return Target.of_node(aggregator, node, of=gradient.value, label=aggregator.taxonomy.node(node).name)
    return Target.predicted(of=gradient.value)


def read(
    engine: Engine,
    images: Sequence[CaseImage],
    shown: int,
    target: Target,
    results: Results,
    *,
    average: bool,
) -> Reading:
    """Answers for the images, and the map of the shown one.

    Parameters
    ----------
    shown : int
        Position of the image in the viewer: the only one whose map is computed.
    average : bool
        The images are views of one lesion: `probs` is the mean of theirs, else that of the shown image.
    """
    bundle_id = engine.bundle.card.bundle_id
    map_view = map_of(engine, images[shown], target, results)
    unknown = [image for image in images if (bundle_id, image.digest) not in results.predictions]
    if unknown:
        for image, prediction in zip(unknown, engine.predict([image.pixels for image in unknown]), strict=True):
            results.predictions[bundle_id, image.digest] = prediction
    predictions = tuple(results.predictions[bundle_id, image.digest] for image in images)
    probs = np.mean([p.class_probs for p in predictions], axis=0) if average else predictions[shown].class_probs
    return Reading(predictions=predictions, probs=probs, map_view=map_view, target=target)


def map_of(engine: Engine, image: CaseImage, target: Target, results: Results) -> MapView:
    """Map of one image, computed once."""
    bundle_id = engine.bundle.card.bundle_id
    key = (bundle_id, image.digest, target)
    if key not in results.maps:
        (prediction,) = engine.predict([image.pixels], explain=target)
        results.predictions[bundle_id, image.digest] = prediction
        results.maps[key] = _map_view(prediction.saliency, image)
    return results.maps[key]


def _map_view(saliency: SaliencyMap | None, image: CaseImage) -> MapView:
    if saliency is None:
        return MapView(None, None, None)
    from derm_model.net.overlay import overlay_rgba, plain_grey

    width, height = image.view_size
    scale = min(1.0, MAP_PX / max(width, height))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    overlay = Image.fromarray(overlay_rgba(saliency, *size))
    plain = Image.fromarray(plain_grey(saliency, *size))
    return MapView(saliency, data_url(overlay, "WEBP", quality=80, method=0), data_url(plain, "JPEG", quality=88))
