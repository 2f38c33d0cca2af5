"""What a bundle said of pictures that show no lesion: drawn ones, which everybody has, and those a user gives.

Kept beside the answers to labelled images, in ``foreign.json``, so that the two can be set against each other without
reading anything again. Who asks the bundle is handed in: this room knows no network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import list_answers
from derm_model.data.non_lesions import KINDS, VERSION, draw_non_lesion
from derm_model.errors import EvaluationError, UnreadableImage
from derm_model.files import write_json
from derm_model.progress import Report, quiet, track
from derm_model.typed_json import decode, encode

FOREIGN = "foreign.json"
FORMAT = 1
GIVEN = "own pictures"  # the kind of those a user gives
# Of each kind: the share found of all drawings is then known to some 4 %, of one kind to some 20 %.
PER_KIND = 20
SIZE_PX = 400  # of a drawing; the bundle reduces it, as it does a photograph
BATCH = 16

Pixels = NDArray[np.uint8]
# pictures -> probabilities (n, n_classes), distances (n,), percentiles among the validation images (n,)
Ask = Callable[[Sequence[Pixels]], tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class ForeignPicture:
    """A picture and what the bundle said of it.

    Attributes
    ----------
    kind
        Of a drawing (`non_lesions.KINDS`), or `GIVEN`.
    name
        Seed of a drawing; path of a file.
    distance
        From the training images, >= 0.
    unusual
        Share of the validation images that are nearer, in per cent.
    answer
        Position of the most probable training class.
    probability
        Of that class: how sure the model was of something that is not there.
    """

    kind: str
    name: str
    distance: float
    unusual: float
    answer: int
    probability: float


@dataclass(frozen=True)
class Foreign:
    """Pictures that show no lesion.

    Attributes
    ----------
    notice_distance
        From which distance the app says that an image is unlike those the model learnt from.
    drawings
        Version of the drawings (`non_lesions.VERSION`); None where they were not asked about.
    pictures
        Drawings in the order of `KINDS`, then the user's.
    format_version
    """

    notice_distance: float
    drawings: int | None
    pictures: tuple[ForeignPicture, ...]
    format_version: int = FORMAT

    @property
    def drawn(self) -> tuple[ForeignPicture, ...]:
        """The drawings."""
        return tuple(picture for picture in self.pictures if picture.kind != GIVEN)

    @property
    def given(self) -> tuple[ForeignPicture, ...]:
        """The user's."""
        return tuple(picture for picture in self.pictures if picture.kind == GIVEN)

    @property
    def has_drawings(self) -> bool:
        """Whether the drawings of this version of DermTree were asked about."""
        return self.drawings == VERSION


def draw(kind: str, seed: int) -> Pixels:
    """A drawing as the bundles were asked about it, (SIZE_PX, SIZE_PX, 3) uint8."""
    return draw_non_lesion(seed, SIZE_PX, kind)


def ask_drawings(ask: Ask, report: Report = quiet) -> tuple[ForeignPicture, ...]:
    """Draw every kind and ask the bundle; the same pictures every time."""
    seeds = [(kind, seed) for kind in KINDS for seed in range(PER_KIND)]
    named = ((kind, str(seed), draw(kind, seed)) for kind, seed in seeds)
    stage = f"Reading {len(seeds)} drawings that show no lesion"
    return tuple(_asked(track(named, stage, report, total=len(seeds)), ask))


def ask_files(
    ask: Ask, files: Sequence[Path], report: Report = quiet
) -> tuple[tuple[ForeignPicture, ...], tuple[tuple[Path, str], ...]]:
    """Ask the bundle about a user's pictures.

    Returns
    -------
    pictures
        Of the files that could be read.
    unreadable
        The other files, and why.

    Raises
    ------
    EvaluationError
        No file can be read.
    """
    from derm_model.data.images import decode_file

    unreadable: list[tuple[Path, str]] = []

    def read() -> Iterator[tuple[str, str, Pixels]]:
        for file in track(files, f"Reading {len(files):,} pictures that show no lesion", report):
            try:
                yield GIVEN, str(file), decode_file(file).pixels
            except UnreadableImage as error:
                unreadable.append((file, str(error)))

    found = tuple(_asked(read(), ask))
    if not found:
        raise EvaluationError(f"None of {len(files):,} pictures can be read. Check the folder given with --foreign.")
    return found, tuple(unreadable)


def _asked(named: Iterable[tuple[str, str, Pixels]], ask: Ask) -> Iterator[ForeignPicture]:
    rest = iter(named)
    while some := list(islice(rest, BATCH)):
        probs, distance, unusual = ask([pixels for _, _, pixels in some])
        for i, (kind, name, _) in enumerate(some):
            best = int(probs[i].argmax())
            yield ForeignPicture(
                kind, name, float(distance[i]), float(unusual[i]), best, min(1.0, float(probs[i, best]))
            )


def read_foreign(folder: Path) -> Foreign | None:
    """What was kept beside answers; None where there is nothing, or nothing that this version can read."""
    try:
        found: Foreign = decode(Foreign, json.loads((folder / FOREIGN).read_bytes()))
    except (OSError, ValueError):
        return None  # they can be asked about again, and the answers beside them are of worth without
    return found if found.format_version == FORMAT else None


def write_foreign(folder: Path, foreign: Foreign) -> None:
    """Keep them beside answers that are there.

    Raises
    ------
    EvaluationError
        They cannot be written.
    """
    try:
        write_json(folder / FOREIGN, encode(foreign))
    except OSError as error:
        raise EvaluationError(
            f"The answers to pictures that show no lesion could not be kept in {folder} ({error.strerror}). Free some "
            "space, then evaluate again."
        ) from error


def known_drawings(bundle_id: str) -> Foreign | None:
    """What the bundle said of the drawings beside any of its kept answers, without what users gave there.

    The drawings do not depend on the labelled images, so that a bundle is asked once. None where it never was.
    """
    for folder, _ in list_answers(bundle_id):
        found = read_foreign(folder)
        if found is not None and found.has_drawings:
            return replace(found, pictures=found.drawn)
    return None
