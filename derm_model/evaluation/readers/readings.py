"""Readings of a reader study: who answered what about which image, and the table that is made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ImageKey = tuple[str, str]  # source and image_id, which is unique within it
NO_ANSWER = -1


@dataclass(frozen=True)
class Reading:
    """One answer of one reader about one image.

    Attributes
    ----------
    reader
    image_id
        Unique within `source`.
    answer
        Id of the answer.
    with_ai
        Whether the network's answer was shown with the image.
    seconds
        From the image to the answer, >= 0; None where nobody measured it.
    confidence
        How sure of the answer, per cent: 0 is a guess, 100 is certain; None where it was not asked.
    source
        Data set of the image; "" where there is but one without a name.

    Raises
    ------
    ValueError
        A name is missing, or seconds or confidence are out of range.
    """

    reader: str
    image_id: str
    answer: str
    with_ai: bool = False
    seconds: float | None = None
    confidence: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not (self.reader and self.image_id and self.answer):
            raise ValueError(f"a reading needs a reader, an image and an answer, got {self}")
        if self.seconds is not None and not (self.seconds >= 0 and math.isfinite(self.seconds)):
            raise ValueError(f"seconds are a finite number from 0, got {self.seconds}")
        if self.confidence is not None and self.confidence not in range(101):
            raise ValueError(f"a confidence is a whole number from 0 to 100, got {self.confidence}")

    @property
    def image(self) -> ImageKey:
        """Source and image_id."""
        return self.source, self.image_id

    @property
    def about(self) -> tuple[str, ImageKey, bool]:
        """What is answered at most once: a reader's answer about an image, without or with the network."""
        return self.reader, self.image, self.with_ai


@dataclass(frozen=True, eq=False)
class Panel:
    """All answers of one pass as a table of readers and images.

    Attributes
    ----------
    readers
        Those with an answer, in the order in which they first gave one.
    images
        (n,) images of the study, also those nobody answered.
    answers
        Ids of the possible answers.
    said : (readers, n) int
        Position in `answers`, -1 where the reader gave none.
    confidence : (readers, n) float
        0 to 100, NaN where there is none.
    """

    readers: tuple[str, ...]
    images: tuple[ImageKey, ...]
    answers: tuple[str, ...]
    said: NDArray[np.int64]
    confidence: NDArray[np.float64]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(readers, n) whether there is an answer."""
        there: NDArray[np.bool_] = self.said != NO_ANSWER
        return there

    def called(self, positive: str) -> NDArray[np.bool_]:
        """(readers, n) whether the answer is `positive`; false also where there is none.

        Raises
        ------
        ValueError
            The question is not one of two answers, or `positive` is not among them.
        """
        if len(self.answers) != 2 or positive not in self.answers:
            raise ValueError(f"a yes-or-no question has two answers, {positive!r} among them, got {self.answers}")
        called: NDArray[np.bool_] = self.said == self.answers.index(positive)
        return called

    def scores(self, positive: str) -> NDArray[np.float64]:
        """(readers, n) answer and confidence as one score in [0, 1], NaN where either is missing.

        1 is a certain `positive`, 0 the other answer for certain, 0.5 a guess: a reader's ROC curve is drawn from it.
        """
        surely = np.where(self.called(positive), 100 + self.confidence, 100 - self.confidence) / 200
        return np.where(self.answered, surely, np.nan)


def latest(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return the readings that hold: of several by a reader about an image in one pass the last, a correction.

    The place in the order is that of the first.
    """
    kept: dict[tuple[str, ImageKey, bool], Reading] = {}
    for reading in readings:
        kept[reading.about] = reading
    return tuple(kept.values())


def panel(
    readings: Iterable[Reading], images: Sequence[ImageKey], answers: Sequence[str], *, with_ai: bool = False
) -> Panel:
    """Return the table of one pass.

    Parameters
    ----------
    readings
        In the order they were given; a later one corrects an earlier one. Readings of the other pass, and of images
        that are not asked for, are passed over.
    images
        Of the study, or a part of them.
    answers
        Ids of the possible answers.
    with_ai
        Which pass.

    Raises
    ------
    ValueError
        An image or an answer is listed twice, or a reading has an answer that is not listed.
    """
    place = {image: i for i, image in enumerate(images)}
    number = {answer: k for k, answer in enumerate(answers)}
    if len(place) != len(images) or len(number) != len(answers):
        raise ValueError("images and answers must be listed once each")
    found = [one for one in latest(readings) if one.with_ai == with_ai and one.image in place]
    strange = sorted({one.answer for one in found} - set(number))
    if strange:
        raise ValueError(f"answers must be among {', '.join(answers)}, got {', '.join(strange)}")
    readers = {name: j for j, name in enumerate(dict.fromkeys(one.reader for one in found))}
    said = np.full((len(readers), len(images)), NO_ANSWER, dtype=np.int64)
    confidence = np.full(said.shape, np.nan)
    for one in found:
        cell = readers[one.reader], place[one.image]
        said[cell] = number[one.answer]
        confidence[cell] = np.nan if one.confidence is None else one.confidence
    return Panel(tuple(readers), tuple(images), tuple(answers), said, confidence)
