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
from derm_model.net.run import Run
from derm_model.net.run_state import RunPaths
from derm_model.net.training import Fitted, Labelled, fitted, logits_of
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
    preprocessing = Preprocessing(size_px=run.config.read_size_px, mean=run.config.mean, std=run.config.std)

    def read(network: AnyNetwork, part: Labelled, what: str) -> Answers:
        say(f"Reading {len(part.records):,} {what} images at {preprocessing.size_px} px")
        network.to(device)
        return logits_of(network, part.records, preprocessing, device=device, workers=run.config.workers)

    model, (logits, features) = _choose(run, paths, read)
    say(f"The {model.weights} weights are kept")
    temperature = fit_temperature(logits, run.validation.labels)
    validation = Measured(run.validation.records, run.validation.labels, softmax(logits / temperature, axis=1))
    holdout = None
    if run.test.records:
        test_logits, _ = read(model.network, run.test, "held-out")
        holdout = Measured(run.test.records, run.test.labels, softmax(test_logits / temperature, axis=1))
    _, train_features = read(model.network, _sample(run.train, run.config.seed), "training")
    card = _card(run, taxonomy, name, model, preprocessing, temperature, validation, holdout, notes or CardNotes())
    for metric in card.metrics:
        say(f"  {metric.data_set}: {metric.name} {_text(metric)}")
    save_bundle(paths.bundle, model.network.cpu(), card, FeatureReference.fit(train_features, features))
    return paths.bundle


def _choose(run: Run, paths: RunPaths, read: Callable[[AnyNetwork, Labelled, str], Answers]) -> tuple[Fitted, Answers]:
    """The averaged or the last weights: those that give the validation images' labels the higher likelihood.

    An average over a short run still holds weights from its first stages, a long one's is nearly always better.
    """
    best: tuple[float, Fitted, Answers] | None = None
    for average in (True, False) if run.config.ema_decay is not None else (False,):
        model = fitted(run.config, len(run.partition.classes), paths, average=average)
        answers = read(model.network, run.validation, f"validation ({model.weights} weights)")
        scaled = answers[0] / fit_temperature(answers[0], run.validation.labels)
        likelihood = log_softmax(scaled, axis=1)[np.arange(len(scaled)), run.validation.labels].mean()
        if best is None or likelihood > best[0]:
            best = (float(likelihood), model, answers)
    assert best is not None
    return best[1:]


def _card(
    run: Run,
    taxonomy: Taxonomy,
    name: str,
    model: Fitted,
    preprocessing: Preprocessing,
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
        preprocessing=preprocessing.to_json(),
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
