"""What a bundle said of labelled images, kept so that every later question is answered without reading them again.

Answers lie in ``$DERM_HOME/evaluations/<bundle id>/<digest of the images>/``: ``images.csv`` (a row per image),
``probs.npy`` (n, n_classes) and, where they were kept, ``features.npy`` (n, n_features), ``unusual.npy`` and
``distance.npy`` (n,). What lies beside them (`foreign`, `embedding`) is made of them or for them, and goes with them.
Images themselves are never copied; `Record.path` says where they were.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError
from derm_model.files import replaced, write_json
from derm_model.home import home

FOLDER = "evaluations"
IMAGES, PROBS, FEATURES, UNUSUAL, ABOUT = "images.csv", "probs.npy", "features.npy", "unusual.npy", "about.json"
DISTANCE = "distance.npy"
_COLUMNS = tuple(f.name for f in dataclasses.fields(Record) if f.name != "links")
_NUMBERS: dict[str, type] = {"fitzpatrick_type": int, "age": float}


@dataclass(frozen=True)
class About:
    """Which answers these are.

    Attributes
    ----------
    name
        Of the collection, in the user's words.
    bundle_id
        Of the model that answered.
    digest
        Of the images and their labels (`digest_of`).
    created_at
        UTC, ISO 8601.
    n_images
    classes
        Ids of the columns of the probabilities.
    seen
        What is known about whether the model was trained on these images: "held out", "validation", "train" or
        "not known". Figures of images that a model was trained or chosen on flatter it.
    """

    name: str
    bundle_id: str
    digest: str
    created_at: str
    n_images: int
    classes: tuple[str, ...]
    seen: str = "not known"


@dataclass(frozen=True, eq=False)
class Answers:
    """Labelled images with the probabilities a bundle gave them.

    Attributes
    ----------
    about
    records
        n of them; `Record.node` is the truth.
    probs
        (n, n_classes) float64, calibrated, rows sum to 1.
    features
        (n, n_features) float32; None where they were not kept.
    unusual
        (n,) float64: share of the model's validation images that are less unusual, in per cent; None where the bundle
        cannot say.
    distance
        (n,) float64, >= 0: the distance that `unusual` is the rank of, without its ties; None where the bundle cannot
        say, or where the answers are older than this.
    """

    about: About
    records: tuple[Record, ...]
    probs: NDArray[np.float64]
    features: NDArray[np.float32] | None = None
    unusual: NDArray[np.float64] | None = None
    distance: NDArray[np.float64] | None = None


def digest_of(records: Iterable[Record]) -> str:
    """Digest of images and labels, whatever their order and wherever the files lie; 16 hex digits."""
    rows = sorted((r.source, r.image_id, r.node, r.content_hash or "") for r in records)
    return hashlib.sha256("\n".join("\0".join(row) for row in rows).encode()).hexdigest()[:16]


def about(name: str, bundle_id: str, classes: Sequence[str], records: Sequence[Record], seen: str) -> About:
    """Describe answers given now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return About(name, bundle_id, digest_of(records), now, len(records), tuple(classes), seen)


def evaluations_root() -> Path:
    """Folder of all answers."""
    return home() / FOLDER


def folder_of(what: About) -> Path:
    """Where these answers lie."""
    return evaluations_root() / what.bundle_id / what.digest


def write_answers(answers: Answers, folder: Path | None = None) -> Path:
    """Keep answers; those of the same bundle and images are replaced.

    Parameters
    ----------
    answers
    folder
        Default: `folder_of`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    EvaluationError
        It cannot be written.
    """
    folder = folder or folder_of(answers.about)
    beside = folder.with_name(f".{folder.name}.new")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        with (beside / IMAGES).open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows([_text(getattr(r, name)) for name in _COLUMNS] for r in answers.records)
        np.save(beside / PROBS, answers.probs.astype(np.float32))
        if answers.features is not None:
            np.save(beside / FEATURES, answers.features.astype(np.float16))
        if answers.unusual is not None:
            np.save(beside / UNUSUAL, answers.unusual)
        if answers.distance is not None:
            np.save(beside / DISTANCE, answers.distance)
        write_json(beside / ABOUT, dataclasses.asdict(answers.about))
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        beside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise EvaluationError(
            f"The answers could not be kept in {folder} ({error.strerror}). Free some space or choose another "
            "$DERM_HOME, then evaluate again."
        ) from error
    return folder


def read_answers(folder: Path) -> Answers:
    """Answers that `write_answers` kept.

    Raises
    ------
    EvaluationError
        They are missing, damaged or of another version.
    """
    try:
        what = read_about(folder)
        with (folder / IMAGES).open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            records = tuple(_record(row) for row in csv.DictReader(file))
        probs = np.load(folder / PROBS, allow_pickle=False).astype(np.float64)
        features = _kept(folder / FEATURES, np.float32)
        unusual, distance = _kept(folder / UNUSUAL, np.float64), _kept(folder / DISTANCE, np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error
    n = len(records)
    if probs.shape != (n, len(what.classes)) or any(
        len(x) != n for x in (features, unusual, distance) if x is not None
    ):
        raise _unreadable(folder, ValueError("its files do not belong together"))
    return Answers(what, records, probs / probs.sum(axis=1, keepdims=True), features, unusual, distance)


def keep_about(folder: Path, what: About) -> None:
    """Say something else about answers that are kept: their name, or what the model saw of the images.

    Raises
    ------
    EvaluationError
        It cannot be written.
    """
    try:
        write_json(folder / ABOUT, dataclasses.asdict(what))
    except OSError as error:
        raise EvaluationError(f"The name could not be kept in {folder} ({error.strerror}).") from error


def keep_distance(folder: Path, distance: NDArray[np.float64]) -> None:
    """Add the distances (n,) to answers that were kept without them.

    Raises
    ------
    EvaluationError
        They cannot be written.
    """
    try:
        with replaced(folder / DISTANCE) as temporary, temporary.open("wb") as file:
            np.save(file, distance)
    except OSError as error:
        raise EvaluationError(f"The distances could not be kept in {folder} ({error.strerror}).") from error


def read_about(folder: Path) -> About:
    """Which answers a folder holds.

    Raises
    ------
    EvaluationError
        It holds none, or of another version.
    """
    try:
        values: dict[str, Any] = json.loads((folder / ABOUT).read_bytes())
        return About(**{**values, "classes": tuple(values["classes"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error


def list_answers(bundle_id: str | None = None) -> list[tuple[Path, About]]:
    """Answers that are kept, newest first: of one bundle, or of all. Folders that cannot be read are passed over."""
    pattern = f"{bundle_id or '*'}/*"
    found = list(_readable(sorted(evaluations_root().glob(pattern))))
    return sorted(found, key=lambda one: one[1].created_at, reverse=True)


def delete_answers(folder: Path) -> None:
    """Delete kept answers, with whatever was kept beside them; images stay.

    Raises
    ------
    EvaluationError
        The folder holds no kept answers, or cannot be deleted.
    """
    if folder.parent.parent.resolve() != evaluations_root().resolve():
        raise EvaluationError(f"Kept answers lie below {evaluations_root()}. {folder} does not, so it was left alone.")
    going = folder.with_name(f".{folder.name}.deleted")
    try:
        shutil.rmtree(going, ignore_errors=True)
        folder.rename(going)  # vanishes at once, however long deleting takes
    except OSError as error:
        raise EvaluationError(f"The answers could not be deleted ({error.strerror}). Check permissions.") from error
    shutil.rmtree(going, ignore_errors=True)


def _readable(folders: Iterable[Path]) -> Iterator[tuple[Path, About]]:
    for folder in folders:
        if folder.name.startswith("."):
            continue
        try:
            yield folder, read_about(folder)
        except EvaluationError:
            continue


def _kept(file: Path, kind: Any) -> Any:
    return np.load(file, allow_pickle=False).astype(kind) if file.is_file() else None


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _record(row: dict[str, str]) -> Record:
    values: dict[str, Any] = {name: row[name] or None for name in _COLUMNS}
    for name, kind in _NUMBERS.items():
        if values[name] is not None:
            values[name] = kind(values[name])
    return Record(**{**values, "path": Path(row["path"])})


def _unreadable(folder: Path, error: Exception) -> EvaluationError:
    return EvaluationError(
        f"The answers in {folder} cannot be read ({error}). Evaluate the bundle on the images again."
    )
