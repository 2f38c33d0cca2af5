"""A prediction as the JSON object that `predict` writes; the other formats are views of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derm_model.answer import region_mass
from derm_model.card import FIRST_PRESET, BundleCard, TaskCard
from derm_model.errors import DermTreeError, EvaluationError, WrongTaxonomy
from derm_model.operating_points import read_points
from derm_model.report import now
from derm_model.taxonomy import Aggregator, Task, TaskClasses, Taxonomy, read_tasks, restrict, task_score
from derm_model.words import NOTICE

if TYPE_CHECKING:
    from derm_model.data.images import DecodedImage
    from derm_model.net.engine import Prediction

CLASSES = "classes"
CUTS = {"roots": 1, "nine": 2}


@dataclass(frozen=True)
class Question:
    """A task this bundle can answer, with its card where the bundle was measured on it.

    `chosen` is the name and threshold of the operating point asked for, where this task has one of that name.
    """

    task: Task
    classes: TaskClasses
    card: TaskCard | None
    chosen: tuple[str, float] | None = None

    @property
    def threshold(self) -> float | None:
        """The one asked for, else the preset "Sensitivity 90%", else the first; None where there is none."""
        return None if self._point is None else self._point[1]

    @property
    def operating_point(self) -> str | None:
        """Name of the operating point the threshold is that of."""
        return None if self._point is None else self._point[0]

    @property
    def _point(self) -> tuple[str, float] | None:
        if self.chosen is not None:
            return self.chosen
        presets = _presets(self.card)
        name = FIRST_PRESET if FIRST_PRESET in presets else next(iter(presets), None)
        return None if name is None else (name, presets[name])


def _presets(card: TaskCard | None) -> dict[str, float]:
    return {} if card is None else {preset.name: preset.threshold for preset in card.presets}


class Recorder:
    """Turns predictions of one bundle into records.

    Parameters
    ----------
    card, taxonomy
        Of the bundle and for it.
    level : str or None
        "roots", "nine", "classes", or a node's id, name or synonym; None: no `level` in the records.
    operating_point : str or None
        Name of a saved operating point of this bundle, or of a preset of its card. Tasks that have none of this name
        keep their usual one, and every record says which it was.

    Raises
    ------
    WrongTaxonomy
        The bundle was made for another taxonomy.
    DermTreeError
        The level is none of these, or no task has an operating point of this name.
    """

    def __init__(
        self, card: BundleCard, taxonomy: Taxonomy, level: str | None = None, operating_point: str | None = None
    ) -> None:
        if card.taxonomy_digest != taxonomy.digest:
            raise WrongTaxonomy(
                f"A bundle can only be read with the taxonomy it was trained for: {card.bundle_id} was made for "
                f"{card.taxonomy_digest[:12]}, this DermTree has {taxonomy.digest[:12]}. Choose another bundle."
            )
        self.card, self.taxonomy = card, taxonomy
        self.level_ids = None if level is None else level_ids(level, taxonomy)
        self.node_ids = tuple(node for cut in CUTS.values() for node in taxonomy.cut(cut))
        self.of_classes = level == CLASSES
        self._aggregator = Aggregator(taxonomy, card.classes)
        chosen = {} if operating_point is None else named_points(card, operating_point)
        self.questions: dict[str, Question | None] = {}
        for task_id, task in read_tasks().items():
            classes = restrict(task, taxonomy, card.classes)
            known = card.tasks.get(task_id)
            self.questions[task_id] = None if classes is None else Question(task, classes, known, chosen.get(task_id))

    def record(self, file: str, prediction: Prediction, image: DecodedImage | None = None) -> dict[str, Any]:
        """Return the object for one image: finite numbers, text, lists of text, None and nothing else.

        Parameters
        ----------
        file
        prediction
        image
            The picture, of whose size and quality the record then speaks.
        """
        probs = prediction.class_probs
        class_probs = {c.id: float(p) for c, p in zip(self.card.classes, probs, strict=True)}
        record: dict[str, Any] = {
            "file": file,
            "bundle": prediction.bundle_id,
            "class_probs": class_probs,
            "nodes": {node: self._aggregator.probability(probs, node) for node in self.node_ids},
            "tasks": {task_id: _answer(question, probs) for task_id, question in self.questions.items()},
        }
        if self.of_classes:
            record["level"] = class_probs
        elif self.level_ids is not None:
            record["level"] = {node: self._aggregator.probability(probs, node) for node in self.level_ids}
        record["ood_percentile"] = prediction.ood_percentile
        if image is not None:
            from derm_model.data.quality import check_quality  # scipy: not before there is a picture

            record |= {"width_px": image.original_width_px, "height_px": image.original_height_px}
            record["quality"] = [notice.message for notice in check_quality(image)]
        return {**record, "created_at": now().isoformat(), "notice": NOTICE}

    @property
    def names(self) -> Mapping[str, str]:
        """Name per id of everything that can stand under `level`: classes if these were asked for, nodes otherwise."""
        if self.of_classes:
            return {c.id: c.name for c in self.card.classes}
        return {node.id: node.name for node in self.taxonomy.nodes}


def named_points(card: BundleCard, name: str) -> dict[str, tuple[str, float]]:
    """Name and threshold of the operating point of this name per task, saved ones and presets; capitals do not matter.

    Raises
    ------
    EvaluationError
        There is none, or the file of the saved ones is damaged.
    """
    known = [(task_id, point, value) for task_id, task in card.tasks.items() for point, value in _presets(task).items()]
    known += [(point.task_id, point.name, point.threshold) for point in read_points(card.bundle_id)]
    found = {task_id: (point, value) for task_id, point, value in known if point.casefold() == name.strip().casefold()}
    if not found:
        names = ", ".join(dict.fromkeys(point for _, point, _ in known)) or "none"
        raise EvaluationError(
            f"--operating-point takes the name of one that was saved for this bundle, or of a preset of its card; "
            f"{card.bundle_id} has none called {name!r}. There are: {names}. Save one on the threshold desk."
        )
    return found


def level_ids(level: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the node ids of a level: a cut, or a node followed by its children; empty for "classes".

    Raises
    ------
    DermTreeError
        Neither a level nor a node; the message names the nearest nodes.
    """
    if level == CLASSES:
        return ()
    if level in CUTS:
        return taxonomy.cut(CUTS[level])
    node = taxonomy.find(level)
    if node is None:
        near = ", ".join(taxonomy.node(found).name for found in taxonomy.search(level, limit=3))
        raise DermTreeError(
            f"--level takes roots, nine, classes or an id, name or synonym of the taxonomy; {level!r} is none."
            + (f" Did you mean: {near}?" if near else "")
        )
    return (node, *taxonomy.children(node))


def _answer(question: Question | None, probs: NDArray[np.float64]) -> dict[str, float | bool | str | None] | None:
    """Score, threshold with its name, side, and how probable it is that the question applies at all.

    None where the classes cannot answer; None inside where there is no score or no threshold.
    """
    if question is None:
        return None
    score, threshold = float(task_score(probs, question.classes)), question.threshold
    defined = not math.isnan(score)
    return {
        "score": score if defined else None,
        "threshold": threshold,
        "operating_point": question.operating_point,
        "positive": score >= threshold if defined and threshold is not None else None,
        "region_probability": region_mass(probs, question.classes),
    }
