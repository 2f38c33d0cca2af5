"""From class probabilities to a case: the same for the page and the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model import words
from derm_model.answer import region_mass, role_of
from derm_model.card import BundleCard, TaskCard
from derm_model.evaluation.curves import OperatingCurve
from derm_model.report.case import CaseReport, ImageResult, MapPicture, NodeFacts, TaskResult, now
from derm_model.taxonomy import Aggregator, TaskClasses, task_score
from derm_model.verdict import judge

HELD_OUT, VALIDATION = "held-out images", "validation images"


@dataclass(frozen=True, eq=False)
class Seen:
    """An image and what the network answered to it.

    Parameters
    ----------
    notices : tuple of str
        Of its quality.
    probs : (n_classes,) float64
    picture : (h, w, 3) uint8 RGB, optional
        For the reports that show images.
    map : MapPicture, optional
    """

    file: str
    sha256: str
    width_px: int
    height_px: int
    is_drawing: bool
    notices: tuple[str, ...]
    probs: NDArray[np.float64]
    ood_percentile: float | None
    picture: NDArray[np.uint8] | None = None
    map: MapPicture | None = None


def task_result(
    classes: TaskClasses,
    card: TaskCard | None,
    probs: NDArray[np.float64],
    threshold: float | None,
    rule: str | None,
    saved_origin: str | None = None,
) -> TaskResult:
    """A question put to probabilities at a threshold.

    Parameters
    ----------
    card : TaskCard or None
        None where the bundle was not measured on the question.
    probs : (n_classes,) float64
    threshold, rule
        The threshold and its name; None where there is none.
    saved_origin : str, optional
        Where a saved threshold comes from; else it is that of the card's presets.
    """
    score = float(task_score(probs, classes))
    curve: OperatingCurve | None = None if card is None else card.holdout or card.validation
    decided = not np.isnan(score) and threshold is not None
    held_out = card is not None and card.holdout is not None
    presets = words.PRESETS_ELSEWHERE if held_out else words.OPTIMISTIC
    return TaskResult(
        question=classes.task.question,
        positive_name=classes.task.positive_name,
        negative_name=classes.task.negative_name,
        score=None if np.isnan(score) else score,
        region_probability=region_mass(probs, classes),
        threshold=threshold,
        threshold_rule=rule,
        rates=None if curve is None or threshold is None else curve.at_threshold(threshold),
        measured_on=None if card is None else HELD_OUT if held_out else VALIDATION,
        verdict=judge(score, threshold, curve) if decided and threshold is not None else None,
        biopsy_proven=card is not None and card.biopsy_proven,
        held_out=held_out,
        origin=None if card is None else saved_origin or presets,
    )


def build_case(
    card: BundleCard,
    aggregator: Aggregator,
    seen: Sequence[Seen],
    answer: Callable[[NDArray[np.float64]], Mapping[str, TaskResult]],
    *,
    average: bool,
    asked: str | None = None,
) -> CaseReport:
    """Everything known about these images.

    Parameters
    ----------
    answer
        Every question the model can answer, put to (n_classes,) probabilities.
    average : bool
        The images are views of one lesion; else there is no common answer, only one per image.
    asked : str, optional
        Task the case is about.
    """
    shared = average or len(seen) == 1
    probs = np.mean([image.probs for image in seen], axis=0)
    known = _known(card, aggregator)
    return CaseReport(
        bundle_id=card.bundle_id,
        model=card.name,
        licence=card.licence,
        taxonomy_digest=card.taxonomy_digest,
        averaged=average and len(seen) > 1,
        images=tuple(_image(card, aggregator, image, answer) for image in seen),
        class_probs=_class_probs(card, probs) if shared else None,
        nodes=_node_probs(aggregator, probs) if shared else None,
        tasks=answer(probs) if shared else {},
        names={key: facts.name for key, facts in known.items()},
        created_at=now(),
        asked=asked,
        card=card,
        known=known,
    )


def _image(
    card: BundleCard,
    aggregator: Aggregator,
    image: Seen,
    answer: Callable[[NDArray[np.float64]], Mapping[str, TaskResult]],
) -> ImageResult:
    return ImageResult(
        file=image.file,
        sha256=image.sha256,
        width_px=image.width_px,
        height_px=image.height_px,
        is_drawing=image.is_drawing,
        class_probs=_class_probs(card, image.probs),
        nodes=_node_probs(aggregator, image.probs),
        ood_percentile=image.ood_percentile,
        notices=image.notices,
        tasks=answer(image.probs),
        picture=image.picture,
        map=image.map,
    )


def _known(card: BundleCard, aggregator: Aggregator) -> dict[str, NodeFacts]:
    """Classes, roots and nine classes; where a class has the id of a node, the node's name stands, as on the page."""
    tree = aggregator.taxonomy
    known = {}
    for c in card.classes:
        node = tree.node(c.node)
        known[c.id] = NodeFacts(c.name, role_of(tree, c.node), node.parent, None if c.residual else node.icd10)
    for key in (*tree.cut(1), *tree.cut(2)):
        node = tree.node(key)
        known[key] = NodeFacts(node.name, role_of(tree, key), node.parent, node.icd10)
    return known


def _class_probs(card: BundleCard, probs: NDArray[np.float64]) -> dict[str, float]:
    return {c.id: float(p) for c, p in zip(card.classes, probs, strict=True)}


def _node_probs(aggregator: Aggregator, probs: NDArray[np.float64]) -> dict[str, float | None]:
    """Roots and nine classes."""
    tree = aggregator.taxonomy
    return {node: aggregator.probability(probs, node) for node in tree.cut(1) + tree.cut(2)}
