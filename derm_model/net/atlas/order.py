"""What is asked of each image of an atlas, and the answer: probabilities and a map."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from derm_model.errors import DermTreeError
from derm_model.net.bundle import ModelBundle
from derm_model.net.engine import Engine
from derm_model.net.saliency import Of, SaliencyMap, Target
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.gradients import GRADIENT
from derm_model.net.saliency.method import Method, Settings
from derm_model.progress import Progress, Report, quiet
from derm_model.taxonomy import Aggregator, Resolution, Taxonomy

Measure = Literal["deletion", "insertion"]
MEASURES: tuple[Measure, ...] = ("deletion", "insertion")  # of `net.belief`: each costs 83 passes an image
OF_MEASURES = ("baseline", "seed")  # settings that they read


@dataclass(frozen=True)
class Item:
    """An image to be explained.

    Attributes
    ----------
    source, image_id
        Together unique.
    path
    node
        Its label, a taxonomy id; None where it has none.
    """

    source: str
    image_id: str
    path: Path
    node: str | None = None

    @property
    def key(self) -> str:
        """Source and id in one."""
        return f"{self.source}\0{self.image_id}"


@dataclass(frozen=True)
class Order:
    """What every map of an atlas is of.

    Attributes
    ----------
    method, settings
    target
        None: the true label of each image.
    of
        Of the true label: its loss, or its probability.
    measures
        Costly ones that are wanted (`MEASURES`).
    masks
        Folder of lesion masks, if any.
    """

    method: Method
    settings: Settings
    target: Target | None
    of: Of = "loss"
    measures: tuple[Measure, ...] = ()
    masks: Path | None = None

    def described(self, bundle: ModelBundle) -> dict[str, Any]:
        """All that decides what a map is, as JSON types."""
        if self.target is None:
            explained: dict[str, Any] = {"what": "the true label", "of": self.of}
        else:
            ids = [c.id for c in bundle.classes]
            negative = self.target.negative
            explained = {
                "what": self.target.label or ("one class" if self.target.positive else "the most probable class"),
                "of": self.target.of,
                "positive": [ids[i] for i in self.target.positive],
                "negative": None if negative is None else [ids[i] for i in negative],
                "contrast": self.target.contrast,
            }
        return {
            "bundle": bundle.card.bundle_id,
            "method": self.method.id,
            "settings": self.used_settings,
            "explained": explained,
            "measures": sorted(self.measures),
            "masks": None if self.masks is None else str(self.masks.resolve()),
        }

    @property
    def used_settings(self) -> dict[str, Any]:
        """The settings that the method reads, and the measures."""
        read = {*self.method.settings, *(OF_MEASURES if self.measures else ())}
        return {k: v for k, v in dataclasses.asdict(self.settings).items() if k in read}

    def target_of(self, item: Item, bundle: ModelBundle, taxonomy: Taxonomy) -> Target:
        """What is explained of an image.

        Raises
        ------
        DermTreeError
            Its true label is wanted, and it has none or none that the model covers.
        """
        return true_label(item.node, bundle, taxonomy, self.of) if self.target is None else self.target


def true_label(node: str | None, bundle: ModelBundle, taxonomy: Taxonomy, of: Of) -> Target:
    """The label of an image as a target: the class that was trained with it, or the classes below a coarser label.

    Raises
    ------
    DermTreeError
        There is no label, or no class covers it.
    """
    if node is None:
        raise DermTreeError("Its true label is to be explained, and it has none. Explain the predicted class.")
    label = taxonomy.node(node).name
    index = bundle.card.partition.class_index(node)
    if index is not None:
        return Target((index,), None, label if node == bundle.classes[index].node else bundle.classes[index].name, of)
    aggregator = Aggregator(taxonomy, bundle.classes)
    if aggregator.resolution(node) is Resolution.RESOLVED:
        return Target.of_node(aggregator, node, of, label)
    raise DermTreeError(f"Its true label is to be explained, and no class of the model covers {label}.")


def answer_and_map(
    engine: Engine,
    pixels: NDArray[np.uint8],
    method: Method,
    target: Target,
    settings: Settings,
    report: Report = quiet,
) -> tuple[NDArray[np.float64], Target, SaliencyMap | None]:
    """What a bundle says of an image, and why.

    Parameters
    ----------
    engine
        In fp32, so that answer and map are of the same network.
    pixels : (h, w, 3) uint8
    method, target, settings
    report

    Returns
    -------
    class_probs : (n_classes,) float64
    target : Target
        Settled: no longer "the most probable class", but this one.
    map : SaliencyMap or None
        None where it is zero everywhere and not defined.
    """
    if method is GRADIENT:  # the answer's own forward pass is all it needs
        (prediction,) = engine.predict([pixels], explain=target)
        probs, found = prediction.class_probs, prediction.saliency
        settled = target.settled(int(probs.argmax()))
        return probs, settled, None if found is None else dataclasses.replace(found, method=method.title(settled))
    explainer = Explainer(engine)
    probs = explainer.logits(explainer.unit(pixels)).softmax(dim=1)[0].numpy()
    settled = target.settled(int(probs.argmax()))
    return probs, settled, explainer.explain(pixels, method, settled, settings, report)


def within(report: Report, progress: Progress) -> Report:
    """A method's steps told as the image they belong to: whoever listens may stop the work there."""

    def tell(_: Progress) -> None:
        report(progress)

    return tell


def probability_of(target: Target, class_probs: NDArray[np.float64]) -> float | None:
    """Probability of what a settled target explains; of a contrast, the difference of the two.

    Parameters
    ----------
    target
    class_probs : (n_classes,)

    Returns
    -------
    float or None
        None for a question of whose sides neither has any probability.
    """
    positive = float(class_probs[list(target.positive)].sum())
    if target.negative is None:
        return positive
    negative = float(class_probs[list(target.negative)].sum())
    if target.contrast:
        return positive - negative
    return positive / (positive + negative) if positive + negative > 0 else None
