"""From a finished run to a bundle: temperature and thresholds from validation images, rates from held-out ones."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

import derm_model
from derm_model.card import BundleCard, DataSource, Metric, NetworkCard, TaskCard, TrainingCard
from derm_model.data.data_sets import known_data_sets
from derm_model.data.manifest import Record
from derm_model.errors import TrainingError
from derm_model.evaluation.calibration import expected_calibration_error, fit_temperature
from derm_model.evaluation.curves import OperatingCurve, operating_curve
from derm_model.evaluation.metrics import auc, balanced_accuracy
from derm_model.net.bundle import save_bundle
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.reference import FeatureReference
from derm_model.net.run import Run
from derm_model.net.training import Fitted, Labelled, RunPaths, fitted, logits_of
from derm_model.taxonomy import TaskClasses, Taxonomy, TrainingClass, read_tasks, restrict, task_score
from derm_model.words import NOTICE

# Features of this many training images describe the training set well enough for a distance, in minutes on a CPU.
MAX_REFERENCE_IMAGES = 2000
HISTOLOGY = {"histo", "histopathology", "biopsy"}


@dataclass(frozen=True)
class CardNotes:
    """What only a person knows about a bundle; read from a JSON file with these keys."""

    origin: str = ""
    licence: str = ""
    limitations: tuple[str, ...] = ()

    @staticmethod
    def read(path: Path | None) -> CardNotes:
        """Notes from a file; none without one.

        Raises
        ------
        TrainingError
            The file cannot be read or has other keys.
        """
        if path is None:
            return CardNotes()
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return CardNotes(**values | {"limitations": tuple(values.get("limitations", ()))})
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(
                f"{path} is no file of card notes (keys origin, licence, limitations): {error}."
            ) from error


@dataclass(frozen=True, eq=False)
class _Measured:
    """Images with what the network said: labels (n,), probabilities (n, n_classes)."""

    records: tuple[Record, ...]
    labels: npt.NDArray[np.int64]
    probs: npt.NDArray[np.float64]


def release(
    run: Run,
    taxonomy: Taxonomy,
    paths: RunPaths,
    name: str,
    notes: CardNotes | None = None,
    *,
    device: str = "cpu",
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Measure the run's last checkpoint and save it as a bundle in the run folder.

    The temperature and every threshold come from validation images; metrics and the rates at those thresholds from
    images that were used for nothing else.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    TrainingError
        No finished epoch, or no validation images.
    """
    if not run.validation.records:
        raise TrainingError(
            "A bundle needs validation images for its temperature and thresholds. Use --validation 0.1."
        )
    model = fitted(run.config, len(run.partition.classes), paths)
    preprocessing = Preprocessing(size_px=run.config.read_size_px, mean=run.config.mean, std=run.config.std)
    network = model.network.to(device)

    def read(part: Labelled, what: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        say(f"Reading {len(part.records):,} {what} images at {preprocessing.size_px} px")
        return logits_of(network, part.records, preprocessing, device=device, workers=run.config.workers)

    logits, features = read(run.validation, "validation")
    temperature = fit_temperature(logits, run.validation.labels)
    validation = _Measured(run.validation.records, run.validation.labels, softmax(logits / temperature, axis=1))
    holdout = None
    if run.test.records:
        test_logits, _ = read(run.test, "held-out")
        holdout = _Measured(run.test.records, run.test.labels, softmax(test_logits / temperature, axis=1))
    _, train_features = read(_sample(run.train, run.config.seed), "training")
    card = _card(run, taxonomy, name, model, preprocessing, temperature, validation, holdout, notes or CardNotes())
    for metric in card.metrics:
        say(f"  {metric.data_set}: {metric.name} {_text(metric)}")
    save_bundle(paths.bundle, network.cpu(), card, FeatureReference.fit(train_features, features))
    return paths.bundle


def _card(
    run: Run,
    taxonomy: Taxonomy,
    name: str,
    model: Fitted,
    preprocessing: Preprocessing,
    temperature: float,
    validation: _Measured,
    holdout: _Measured | None,
    notes: CardNotes,
) -> BundleCard:
    config, classes = run.config, run.partition.classes
    kind = config.initialisation
    if kind not in ("imagenet", "random"):
        kind = "bundle" if Path(kind).is_dir() else "backbone"
    data = data_sources(run)
    return BundleCard(
        name=name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=derm_model.__version__,
        partition=run.partition,
        network=NetworkCard(
            architecture=config.architecture,
            count_include_pad=config.count_include_pad,
            aux=config.aux_weight > 0,
            initialisation=kind,
            origin=notes.origin or model.origin,
        ),
        preprocessing=preprocessing.to_json(),
        training=TrainingCard(
            # A path says more about the trainer's machine than about the network: only the file's name goes out.
            config=config.to_json() | {"initialisation": Path(config.initialisation).name},
            epochs=model.epochs,
            seconds=round(model.seconds),
            hardware=hardware(),
            n_train=len(run.train.records),
            n_validation=len(run.validation.records),
        ),
        data=data,
        split_rule=run.split.rule,
        licence=notes.licence or licence_of(data),
        intended_use=NOTICE,
        limitations=notes.limitations,
        metrics=tuple(_metrics(holdout, taxonomy, classes)) if holdout else (),
        tasks=_task_cards(validation, holdout, taxonomy, classes),
        temperature=temperature,
    )


def data_sources(run: Run) -> tuple[DataSource, ...]:
    """Each data set of a run with its counts, licence and citation."""
    parts = (run.train.records, run.validation.records, run.test.records)
    rows = []
    for source in sorted({r.source for part in parts for r in part}):
        own = [r for part in parts for r in part if r.source == source]
        known = known_data_sets().get(source)
        counts = [sum(r.source == source for r in part) for part in parts]
        rows.append(
            DataSource(
                name=source,
                n_train=counts[0],
                n_validation=counts[1],
                n_test=counts[2],
                licence=_words({r.licence for r in own}, "not stated"),
                modality=_words({r.modality for r in own}, "not stated"),
                reference=known.reference if known else "not stated",
            )
        )
    return tuple(rows)


def licence_of(data: Sequence[DataSource]) -> str:
    """What the licences of the data leave of the freedom to use a network made from them."""
    listed = "; ".join(f"{source.name}: {source.licence}" for source in data)
    if any("NC" in source.licence.replace("-", " ").split() for source in data):
        return f"Research and non-commercial use only, as the licences of the training data ask ({listed})."
    return f"As the licences of the training data allow ({listed})."


def hardware() -> str:
    """The machine in words."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"
    return f"{os.cpu_count()} CPU cores ({platform.machine()}){gpu}, torch {torch.__version__}"


def _words(values: set[str | None], unknown: str) -> str:
    return ", ".join(sorted(v for v in values if v)) or unknown


def _text(metric: Metric) -> str:
    interval = "" if metric.low is None or metric.high is None else f" ({metric.low:.3f}–{metric.high:.3f})"
    sides = f"{metric.n_pos} + {metric.n_neg}" if metric.n_pos is not None else f"{metric.n}"
    return f"{metric.value:.3f}{interval}, n = {sides}"


def _sample(train: Labelled, seed: int) -> Labelled:
    """At most `MAX_REFERENCE_IMAGES` training images, drawn evenly."""
    n = len(train.records)
    if n <= MAX_REFERENCE_IMAGES:
        return train
    chosen = np.sort(np.random.default_rng(seed).choice(n, MAX_REFERENCE_IMAGES, replace=False))
    return Labelled(tuple(train.records[i] for i in chosen), train.labels[chosen])


def _task_cards(
    validation: _Measured, holdout: _Measured | None, taxonomy: Taxonomy, classes: Sequence[TrainingClass]
) -> dict[str, TaskCard]:
    """Curves, presets and AUC of every task the classes can answer and the validation images can judge."""
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
        aucs = [] if holdout is None else list(_aucs(holdout, sides))
        cards[task.id] = TaskCard.from_curves(chosen, held_out, biopsy_proven=proven, auc=aucs)
    return cards


def _within(
    measured: _Measured, sides: TaskClasses, source: str | None = None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], list[Record]]:
    """Labels and scores of the images whose truth lies on one of the task's sides."""
    inside = np.isin(measured.labels, (*sides.positive, *sides.negative))
    if source is not None:
        inside &= np.array([r.source == source for r in measured.records])
    labels = np.isin(measured.labels[inside], sides.positive)
    scores = task_score(measured.probs[inside], sides)
    return labels, scores, [r for r, keep in zip(measured.records, inside, strict=True) if keep]


def _curve(measured: _Measured, sides: TaskClasses) -> OperatingCurve | None:
    labels, scores, _ = _within(measured, sides)
    return operating_curve(labels, scores) if labels.any() and not labels.all() else None


def _aucs(measured: _Measured, sides: TaskClasses) -> list[Metric]:
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


def _metrics(holdout: _Measured, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> list[Metric]:
    """Balanced accuracy per data set over its own labels and over the training classes, AUCs, calibration error."""
    found: list[Metric] = []
    for source, n in sorted(Counter(r.source for r in holdout.records).items()):
        own = np.array([r.source == source for r in holdout.records])
        part = _Measured(
            tuple(r for r in holdout.records if r.source == source), holdout.labels[own], holdout.probs[own]
        )
        found += _accuracy(part, source, taxonomy, classes)
        if (error := expected_calibration_error(part.probs, part.labels)) is not None:
            found.append(
                Metric(name="expected calibration error", data_set=source, value=error, low=None, high=None, n=n)
            )
    for task in read_tasks().values():
        if (sides := restrict(task, taxonomy, classes)) is not None:
            found += _aucs(holdout, sides)
    return found


def _accuracy(part: _Measured, source: str, taxonomy: Taxonomy, classes: Sequence[TrainingClass]) -> list[Metric]:
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
