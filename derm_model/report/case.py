"""A case as it was read: what every file about it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from derm_model.card import BundleCard
from derm_model.evaluation.curves import OperatingPoint
from derm_model.palette import Role
from derm_model.verdict import Verdict


@dataclass(frozen=True)
class TaskResult:
    """One question asked of one case.

    Parameters
    ----------
    score : float or None
        None where the model puts no probability on either side of the question.
    region_probability : float
        Probability that the question applies at all.
    threshold : float or None
        None where nobody chose one.
    rates : OperatingPoint or None
        Error rates at the threshold, on the images that `measured_on` names.
    biopsy_proven, held_out : bool
        Of those images: whether every label is proven, whether they took part in nothing.
    origin : str or None
        Sentence that says where the threshold comes from.
    """

    question: str
    positive_name: str
    score: float | None
    region_probability: float
    threshold: float | None
    threshold_rule: str | None
    rates: OperatingPoint | None
    measured_on: str | None
    verdict: Verdict | None
    negative_name: str = ""
    biopsy_proven: bool = False
    held_out: bool = False
    origin: str | None = None


@dataclass(frozen=True, eq=False)
class MapPicture:
    """An image under its saliency map.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB
    label, method, note : str
        What is explained, how, and what the method found out about this very map.
    strength : float in [0, 1]
        Of the overlay.
    """

    pixels: NDArray[np.uint8]
    label: str
    method: str
    note: str
    strength: float


@dataclass(frozen=True, eq=False)
class ImageResult:
    """One image: probabilities by training-class id, sums by node id, and what was noticed.

    Parameters
    ----------
    notices : tuple of str
        Of its quality; ``**`` marks what is bold.
    picture : (h, w, 3) uint8 RGB, optional
        Upright, without metadata, as large as it shall be shown.
    map : MapPicture, optional
        None where the gradient is zero everywhere or no map was asked for.
    """

    file: str
    sha256: str
    width_px: int
    height_px: int
    is_drawing: bool
    class_probs: Mapping[str, float]
    nodes: Mapping[str, float | None]
    ood_percentile: float | None
    notices: tuple[str, ...] = ()
    tasks: Mapping[str, TaskResult] = field(default_factory=dict)
    picture: NDArray[np.uint8] | None = None
    map: MapPicture | None = None


@dataclass(frozen=True)
class NodeFacts:
    """What a report says of a node or training class besides its probability; `icd10` is a hint, not a coding."""

    name: str
    role: Role
    parent: str | None = None
    icd10: str | None = None


@dataclass(frozen=True, eq=False)
class CaseReport:
    """A case with everything needed to repeat it: model, thresholds, time.

    Parameters
    ----------
    averaged : bool
        The images are views of one lesion, and `class_probs`, `nodes` and `tasks` are those of their mean.
    class_probs, nodes, tasks
        Of the case; None and empty where the images are separate lesions.
    asked : str or None
        Task that was asked; None: "What is it?".
    card : BundleCard or None
        What is known of the model.
    known
        By node id and class id; what is missing has only its name.
    """

    bundle_id: str
    model: str
    licence: str
    taxonomy_digest: str
    averaged: bool
    images: tuple[ImageResult, ...]
    class_probs: Mapping[str, float] | None
    nodes: Mapping[str, float | None] | None
    tasks: Mapping[str, TaskResult]
    names: Mapping[str, str]
    created_at: datetime
    asked: str | None = None
    card: BundleCard | None = None
    known: Mapping[str, NodeFacts] = field(default_factory=dict)

    def facts(self, key: str) -> NodeFacts:
        """Facts about a node or class."""
        return self.known.get(key) or NodeFacts(self.names.get(key, key), Role.NON_NEOPLASTIC)

    @property
    def separate(self) -> bool:
        """Whether each image is a lesion of its own."""
        return self.class_probs is None


def now() -> datetime:
    """Time of a report: UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
