"""The figures on a bundle's card, from what the network said of validation and held-out images. No torch here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from derm_model.attributes import by_attribute
from derm_model.card import Metric, SubgroupCard, TaskCard
from derm_model.data.data_sets import known_data_sets
from derm_model.data.manifest import Record
from derm_model.evaluation.calibration import expected_calibration_error
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.metrics import auc, balanced_accuracy
from derm_model.taxonomy import TaskClasses, Taxonomy, TrainingClass, read_tasks, restrict, task_score

HISTOLOGY = {"histo", "histopathology", "biopsy"}


@dataclass(frozen=True, eq=False)
class Measured:
    """Images with what the network said: labels (n,), probabilities (n, n_classes)."""

    records: tuple[Record, ...]
    labels: npt.NDArray[np.int64]
    probs: npt.NDArray[np.float64]


def task_cards(
    validation: Measured, holdout: Measured | None, taxonomy: Taxonomy, classes: Sequence[TrainingClass]
) -> dict[str, TaskCard]:
    """Curves, presets, AUC and subgroups of every task the classes can answer and the validation images can judge."""
    cards = {}
    for task in read_tasks().values():
        sides = restrict(task, taxonomy, classes)
        chosen = None if sides is None else _curve(validation, sides)
        if sides is None or chosen is None:
            continue
        held_out = None if holdout is None else _curve(holdout, sides)
        proven = holdout is not None and all(
            (r.confirmed_by or "").lower() in HISTOLOGY for r in _within(holdout, sides)[2]
        )
        aucs = [] if holdout is None else list(task_aucs(holdout, sides))
        card = TaskCard.from_curves(chosen, held_out, biopsy_proven=proven, auc=aucs)
        cards[task.id] = card if holdout is None else replace(card, subgroups=subgroup_card(holdout, sides, card))
    return cards


def subgroup_card(holdout: Measured, sides: TaskClasses, card: TaskCard) -> SubgroupCard | None:
    """Figures of the held-out images' subgroups at the first preset's threshold; None without a preset.

    Parameters
    ----------
    holdout
    sides
        Of the task.
    card
        Of the task, with its presets.
    """
    if not card.presets:
        return None
    preset = card.presets[0]
    labels, scores, records = _within(holdout, sides)
    found = by_attribute(records, labels, scores, preset.threshold)
    return SubgroupCard(
        preset=preset.name,
        threshold=preset.threshold,
        attributes={name: groups.in_brief() for name, groups in found.items()},
    )


def _within(
    measured: Measured, sides: TaskClasses, source: str | None = None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], list[Record]]:
    """Labels and scores of the images whose truth lies on one of the task's sides."""
    inside = np.isin(measured.labels, (*sides.positive, *sides.negative))
    if source is not None:
        inside &= np.array([r.source == source for r in measured.records])
    labels = np.isin(measured.labels[inside], sides.positive)
    scores = task_score(measured.probs[inside], sides)
    return labels, scores, [r for r, keep in zip(measured.records, inside, strict=True) if keep]


def _curve(measured: Measured, sides: TaskClasses) -> OperatingCurve | None:
    labels, scores, _ = _within(measured, sides)
    return operating_curve(labels, scores) if labels.any() and not labels.all() else None


def task_aucs(measured: Measured, sides: TaskClasses) -> list[Metric]:
    """AUC per data set, and over all where there are several."""
    sources = sorted({r.source for r in measured.records})
    found = [(source, auc(*_within(measured, sides, source)[:2])) for source in sources]
    defined = [(source, interval) for source, interval in found if interval is not None]
    if len(defined) > 1 and (pooled := auc(*_within(measured, sides)[:2])) is not None:
        defined.append(("all held-out images", pooled))
    name = f"AUC {sides.task.positive_name} against {sides.task.negative_name}"
    return [
        Metric(
            name=name,
            data_set=source,
            value=interval.value,
            low=interval.low,
            high=interval.high,
            n=interval.n,
            n_pos=interval.n_pos,
            n_neg=interval.n_neg,
        )
        for source, interval in defined
    ]


def metrics(holdout: Measured, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> list[Metric]:
    """Balanced accuracy per data set over its own labels and over the training classes, AUCs, calibration error."""
    found: list[Metric] = []
    for source, n in sorted(Counter(r.source for r in holdout.records).items()):
        own = np.array([r.source == source for r in holdout.records])
        part = Measured(
            tuple(r for r in holdout.records if r.source == source), holdout.labels[own], holdout.probs[own]
        )
        found += accuracy(part, source, taxonomy, classes)
        if (error := expected_calibration_error(part.probs, part.labels)) is not None:
            found.append(
                Metric(name="expected calibration error", data_set=source, value=error, low=None, high=None, n=n)
            )
    for task in read_tasks().values():
        if (sides := restrict(task, taxonomy, classes)) is not None:
            found += task_aucs(holdout, sides)
    return found


def accuracy(part: Measured, source: str, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> list[Metric]:
    """Mean of per-class accuracies; over the data set's own labels where they are known, else the training classes."""
    known = known_data_sets().get(source)
    groups = [(c.node,) for c in classes] if known is None else list(known.labels.values())
    members = [
        [i for i, c in enumerate(classes) if any(taxonomy.is_within(c.node, n) for n in nodes)] for nodes in groups
    ]
    summed = np.stack([part.probs[:, m].sum(axis=1) for m in members], axis=1)
    of_class = {i: g for g, m in enumerate(members) for i in m}
    usable = np.array([label in of_class for label in part.labels.tolist()], dtype=bool)
    truth = np.array([of_class[label] for label in part.labels[usable].tolist()], dtype=np.int64)
    interval = balanced_accuracy(truth, summed[usable].argmax(axis=1), len(groups))
    if interval is None:
        return []
    name = f"balanced accuracy over {len(set(truth.tolist()))} {'training classes' if known is None else 'classes'}"
    return [
        Metric(
            name=name, data_set=source, value=interval.value, low=interval.low, high=interval.high, n=int(usable.sum())
        )
    ]
