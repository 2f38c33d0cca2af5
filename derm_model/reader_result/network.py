"""The network's answers to a study's images: read once by `assessment.answers`, then put to the study's question.

Answers are of all images the study was made with, so that a vote against one of them needs no new reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import About, Answers, about, digest_of, evaluations_root
from derm_model.assessment.seen import HELD_OUT, TRAIN, UNKNOWN, VALIDATION, count_parts, split_beside
from derm_model.card import FIRST_PRESET, BundleCard
from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError
from derm_model.reader_questions import choice_probs
from derm_model.reader_result.material import Material
from derm_model.records.studies import FrozenImage
from derm_model.taxonomy import Taxonomy
from derm_model.words import plural

MORE_LIKELY = "More likely than not"
MAX_NAMED = 5  # images named in a message


@dataclass(frozen=True)
class Threshold:
    """A named threshold that was fixed before the study; `rule` says how it was chosen."""

    name: str
    value: float
    rule: str


HALF = Threshold(MORE_LIKELY, 0.5, "the more probable of the two answers, chosen on no images")


@dataclass(frozen=True, eq=False)
class NetworkAnswers:
    """What a bundle says to a study's question, of the images that count.

    Attributes
    ----------
    bundle_id, bundle_name
    probs : (n, choices) float64
        In the order of the material's images; NaN where the image could not be read, or the question does not arise.
    thresholds
        Of a question with two answers, the preset first that missing few is the wish of; () of others.
    seen
        What is known about whether the bundle learnt from these images: words of `assessment.seen`.
    n_train, n_validation
        Images that the bundle learnt from, and that it was chosen on; 0 where nobody knows.
    told
        What the bundle's card says of the data sets the images are from; "" where it does not name them.
    """

    bundle_id: str
    bundle_name: str
    probs: NDArray[np.float64]
    thresholds: tuple[Threshold, ...]
    seen: str
    n_train: int = 0
    n_validation: int = 0
    told: str = ""

    @property
    def answered(self) -> NDArray[np.int64]:
        """(m,) positions of images with an answer."""
        return np.flatnonzero(np.isfinite(self.probs).all(axis=1))

    def threshold(self, name: str | None) -> Threshold:
        """The threshold of a name, else the first one."""
        return next((t for t in self.thresholds if t.name == name), self.thresholds[0])


def records_of(images: Sequence[FrozenImage]) -> tuple[Record, ...]:
    """A study's images as labelled images to be evaluated."""
    return tuple(
        Record(
            image_id=image.image_id,
            path=Path(image.path),
            node=image.node,
            label=None,
            source=image.source,
            content_hash=image.content_hash,
        )
        for image in images
    )


def answers_folder(bundle_id: str, images: Sequence[FrozenImage]) -> Path:
    """Where a bundle's answers to a study's images are kept, whether they are there or not."""
    return evaluations_root() / bundle_id / digest_of(records_of(images))


def check_files(images: Sequence[FrozenImage]) -> None:
    """Check that every file is the one the study was made with.

    Raises
    ------
    EvaluationError
        Files are missing or others now: the network would answer about other images than the readers.
    """
    wrong = [found for image in images if (found := _trouble(image)) is not None]
    if wrong:
        more = f" and {len(wrong) - MAX_NAMED:,} more" if len(wrong) > MAX_NAMED else ""
        raise EvaluationError(
            f"The network must see the images that the readers saw. {'; '.join(wrong[:MAX_NAMED])}{more}. Put the "
            "files back where they were."
        )


def _trouble(image: FrozenImage) -> str | None:
    try:
        with Path(image.path).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{image.image_id} cannot be read ({error.strerror})"
    return None if found == image.content_hash else f"the file of {image.image_id} is another one now"


def what_was_seen(bundle: Path, images: Sequence[FrozenImage]) -> tuple[str, int, int]:
    """Whether a bundle learnt from a study's images, by the split of its training where that lies beside it.

    Returns
    -------
    seen, n_train, n_validation
        Words of `assessment.seen`, the worst that is true of any image.

    Raises
    ------
    EvaluationError
        The split cannot be read.
    """
    split = split_beside(bundle)
    if split is None:
        return UNKNOWN, 0, 0
    parts = count_parts(records_of(images), split)
    n_train, n_validation = parts["train"], parts["validation"]
    return TRAIN if n_train else VALIDATION if n_validation else HELD_OUT, n_train, n_validation


def about_answers(name: str, card: BundleCard, bundle: Path, images: Sequence[FrozenImage], n_answered: int) -> About:
    """Describe answers to a study's images given now, to be kept where `answers_folder` finds them.

    Raises
    ------
    EvaluationError
        The split of the bundle's training cannot be read.
    """
    seen, _, _ = what_was_seen(bundle, images)
    what = about(name, card.bundle_id, [c.id for c in card.classes], records_of(images), seen)
    return replace(what, n_images=n_answered)


def network_answers(
    material: Material, card: BundleCard, taxonomy: Taxonomy, answers: Answers, bundle: Path
) -> NetworkAnswers:
    """Put a bundle's kept answers to a study's question.

    Parameters
    ----------
    material
    card, bundle
        Of the bundle, and where it lies.
    taxonomy
    answers
        To the images of the study, by that bundle.

    Raises
    ------
    EvaluationError
        The answers are another bundle's or of other images, or the bundle's classes cannot answer the question.
    """
    columns = material.question.columns(taxonomy, card.classes)
    if columns is None:
        raise EvaluationError(
            f"The classes of {card.name} cannot answer the study's question. Choose a model whose classes are finer."
        )
    classes = tuple(c.id for c in card.classes)
    if answers.about.bundle_id != card.bundle_id or answers.about.classes != classes:
        raise EvaluationError(f"These answers are not those of {card.name}. Ask the model about the images again.")
    given = {(r.source, r.image_id): i for i, r in enumerate(answers.records)}
    probs = np.full((len(material.images), len(columns)), np.nan)
    for row, image in enumerate(material.images):
        i = given.get((image.source, image.image_id))
        # an evaluation's manifest may come without hashes; where it has them, the file must be the readers' one
        if i is not None and answers.records[i].content_hash in (None, image.content_hash):
            probs[row] = choice_probs(answers.probs[i], columns)
    if not np.isfinite(probs).all(axis=1).any():
        raise EvaluationError(f"{card.name} has answered none of the study's images. Ask it about them again.")
    seen, n_train, n_validation = what_was_seen(bundle, material.images)
    return NetworkAnswers(
        bundle_id=card.bundle_id,
        bundle_name=card.name,
        probs=probs,
        thresholds=_thresholds(material, card),
        seen=seen,
        n_train=n_train,
        n_validation=n_validation,
        told=_told(material, card),
    )


def _told(material: Material, card: BundleCard) -> str:
    own = {image.source for image in material.images}
    parts = [
        f"of {source.name} it learnt from {source.n_train:,} images and held out {source.n_test:,}"
        for source in card.data
        if source.name in own
    ]
    return f"Its card says: {'; '.join(parts)}." if parts else ""


def _thresholds(material: Material, card: BundleCard) -> tuple[Threshold, ...]:
    question = material.question
    if question.positive is None:
        return ()
    task = None if question.task is None else card.tasks.get(question.task.id)
    presets = () if task is None else task.presets
    found = [Threshold(p.name, p.threshold, f"{p.chosen.rule}, chosen on validation images") for p in presets]
    return (*sorted(found, key=lambda one: one.name != FIRST_PRESET), HALF)


def seen_sentence(network: NetworkAnswers, n_images: int) -> str | None:
    """What must be known about the network before it is compared with anybody; None where nothing speaks against it."""
    if network.seen == HELD_OUT:
        return None
    if network.seen == UNKNOWN:
        return (
            "Whether the network learnt from these images is not known, because it does not lie in the folder of its "
            f"training. If it did, it looks better than it is. {network.told}"
        ).rstrip()
    parts = [
        f"{plural(n, 'image')} of {n_images:,} {what}"
        for n, what in ((network.n_train, "it learnt from"), (network.n_validation, "it was chosen on"))
        if n
    ]
    return f"The network has seen {' and '.join(parts)}: the comparison flatters it."
