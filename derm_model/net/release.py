"""From a finished run to a bundle: temperature and thresholds from validation images, rates from held-out ones."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax, softmax

import derm_model
from derm_model.card import BundleCard, DataSource, Metric, NetworkCard, TrainingCard
from derm_model.data.data_sets import known_data_sets
from derm_model.errors import TrainingError
from derm_model.evaluation.calibration import fit_temperature
from derm_model.measuring import Measured, metrics, task_cards
from derm_model.net.bundle import save_bundle
from derm_model.net.network import AnyNetwork
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.reference import FeatureReference
from derm_model.net.run import Labelled, Run, write_answers
from derm_model.net.run_state import RunPaths, room_on_disk
from derm_model.net.training import Fitted, fitted
from derm_model.net.validation import logits_of
from derm_model.progress import Progress, Report, quiet
from derm_model.taxonomy import Taxonomy
from derm_model.words import NOTICE

Answers = tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]  # logits (n, n_classes), features (n, n_features)

# Features of this many training images describe the training set well enough for a distance, in minutes on a CPU.
MAX_REFERENCE_IMAGES = 2000


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
class Chosen:
    """The weights that a run ships, and what they say of the validation images.

    Attributes
    ----------
    logits, features
        (n_validation, n_classes) and (n_validation, n_features).
    temperature
        Fitted on them.
    """

    model: Fitted
    logits: npt.NDArray[np.float64]
    features: npt.NDArray[np.float32]
    temperature: float

    @property
    def probs(self) -> npt.NDArray[np.float64]:
        """Calibrated probabilities, (n_validation, n_classes)."""
        return np.asarray(softmax(self.logits / self.temperature, axis=1))


def choose(run: Run, paths: RunPaths, *, device: str = "cpu", report: Report = quiet) -> Chosen:
    """Choose the weights that give the validation images' labels the highest likelihood, and write their answers.

    Averaged, last and best-epoch weights take part, as far as the run has them. An average over a short run still holds
    weights from its first stages, a long one's is nearly always better.

    Raises
    ------
    TrainingError
        No finished epoch, or no validation images.
    """
    if not len(run.validation):
        raise TrainingError(
            "Weights are chosen by validation images. There are none. Use --validation 0.1 or another fold."
        )
    best: tuple[float, Chosen] | None = None
    for which in ("average", "last", "best"):
        model = fitted(run, paths, which)
        if model is None:
            continue
        logits, features = _read(run, model.network, run.validation, f"validation ({which} weights)", device, report)
        temperature = fit_temperature(logits, run.validation.labels)
        truth = np.arange(len(logits)), run.validation.labels
        likelihood = float(log_softmax(logits / temperature, axis=1)[truth].mean())
        if best is None or likelihood > best[0]:
            best = likelihood, Chosen(model, logits, features, temperature)
    assert best is not None  # the last weights always are there
    write_answers(run, run.validation, best[1].probs, paths)
    return best[1]


def _preprocessing(run: Run) -> Preprocessing:
    return Preprocessing(size_px=run.config.read_size_px, mean=run.config.mean, std=run.config.std)


def _read(run: Run, network: AnyNetwork, part: Labelled, what: str, device: str, report: Report) -> Answers:
    """Logits and features of a part, telling how far it is."""
    stage = f"Reading {what} images at {run.config.read_size_px} px"
    report(Progress(stage, 0, len(part)))
    return logits_of(
        network.to(device),
        part.records,
        _preprocessing(run),
        device=device,
        workers=run.config.workers,
        on_batch=lambda n: report(Progress(stage, n, len(part))),
    )


def release(
    run: Run,
    chosen: Chosen,
    paths: RunPaths,
    name: str,
    notes: CardNotes | None = None,
    *,
    device: str = "cpu",
    say: Callable[[str], None] = lambda text: None,
    report: Report = quiet,
) -> Path:
    """Measure the chosen weights and save them as a bundle in the run folder.

    The temperature and every threshold come from validation images; metrics and the rates at those thresholds from
    images that were used for nothing else.

    Returns
    -------
    Path
        The bundle's folder.
    """
    model, taxonomy = chosen.model, run.taxonomy
    validation = Measured(run.validation.records, run.validation.labels, chosen.probs)
    holdout = None
    if len(run.test):
        test_logits, _ = _read(run, model.network, run.test, "held-out", device, report)
        holdout = Measured(run.test.records, run.test.labels, softmax(test_logits / chosen.temperature, axis=1))
    _, train_features = _read(run, model.network, _sample(run.train, run.config.seed), "training", device, report)
    card = _card(run, taxonomy, name, model, chosen.temperature, validation, holdout, notes or CardNotes())
    for metric in card.metrics:
        say(f"  {metric.data_set}: {metric.name} {_text(metric)}")
    reference = FeatureReference.fit(train_features, chosen.features)
    with room_on_disk(paths.bundle, model.epochs):
        save_bundle(paths.bundle, model.network.cpu(), card, reference)
    return paths.bundle


def _card(
    run: Run,
    taxonomy: Taxonomy,
    name: str,
    model: Fitted,
    temperature: float,
    validation: Measured,
    holdout: Measured | None,
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
        preprocessing=_preprocessing(run).to_json(),
        training=TrainingCard(
            # A path says more about the trainer's machine than about the network: only the file's name goes out.
            config=config.to_json() | {"initialisation": Path(config.initialisation).name, "weights": model.weights},
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
        metrics=tuple(metrics(holdout, taxonomy, classes)) if holdout else (),
        tasks=task_cards(validation, holdout, taxonomy, classes),
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
