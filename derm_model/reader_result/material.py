"""What the records hold about a study, with the truth: for who runs it, never for who is still reading."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from derm_model.evaluation.readers import ImageKey, Panel, Reading, panel
from derm_model.reader_questions import StudyQuestion, study_question
from derm_model.records.engine import reading, records_engine
from derm_model.records.reader_view import left_out
from derm_model.records.results import StudyReading, frozen_images, study_readings
from derm_model.records.studies import FrozenImage, StudyRow, get_study
from derm_model.taxonomy import Taxonomy

SCRIPT_PREFIX = "script-"  # of the code of a program that answers in a reader's place
NOT_STATED = "not stated"


@dataclass(frozen=True)
class ReaderFacts:
    """Who answered how much, and how fast.

    Attributes
    ----------
    code
    experience
        None where it was not said.
    n, n_with_ai
        Images answered without and with the network's help.
    n_corrections
        Answers taken back.
    seconds, seconds_with_ai
        Median over the images; None where no time is known.
    is_complete
        Whether every image was answered without help.
    """

    code: str
    experience: str | None
    n: int
    n_with_ai: int
    n_corrections: int
    seconds: float | None
    seconds_with_ai: float | None
    is_complete: bool

    @property
    def is_script(self) -> bool:
        """Whether a program answered, and no person."""
        return self.code.casefold().startswith(SCRIPT_PREFIX)


@dataclass(frozen=True, eq=False)
class Material:
    """A study's images with the truth, and its readings.

    Attributes
    ----------
    study
    question
    everything
        All images the study was made with, by position.
    images
        Those that count.
    truth
        Right answer to each of these, an id of a choice.
    n_left_out
        Images that somebody who pre-screened found unfit.
    n_without_truth
        Images whose label does not answer the question in this version of the taxonomy.
    readings
        Of the images that count.
    """

    study: StudyRow
    question: StudyQuestion
    everything: tuple[FrozenImage, ...]
    images: tuple[FrozenImage, ...]
    truth: tuple[str, ...]
    n_left_out: int
    n_without_truth: int
    readings: tuple[StudyReading, ...]

    @cached_property
    def keys(self) -> tuple[ImageKey, ...]:
        """Source and id of the images that count."""
        return tuple((image.source, image.image_id) for image in self.images)

    @cached_property
    def readers(self) -> tuple[ReaderFacts, ...]:
        """Those with an answer, by code."""
        of: dict[str, list[StudyReading]] = {}
        for one in self.readings:
            of.setdefault(one.code, []).append(one)
        return tuple(_facts(code, lines, len(self.images)) for code, lines in sorted(of.items()))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Kinds of experience among the readers."""
        return tuple(sorted({reader.experience or NOT_STATED for reader in self.readers}))

    def choice(self, number: int) -> str:
        """Id of one of the question's answers; the first of two is the one that calls an image."""
        return self.question.choice_ids[number]

    @property
    def is_open(self) -> bool:
        """Whether more readings may come: what is seen now is interim."""
        return self.study.closed_at is None

    def of_group(self, group: str | None) -> Material:
        """The same with the readers of one kind of experience only; None for all."""
        if group is None:
            return self
        kept = tuple(r for r in self.readings if (r.experience or NOT_STATED) == group)
        return replace(self, readings=kept)

    def of_readers(self, codes: Iterable[str]) -> Material:
        """The same with these readers only."""
        wanted = set(codes)
        return replace(self, readings=tuple(r for r in self.readings if r.code in wanted))

    def of_images(self, positions: Iterable[int]) -> Material:
        """The same with only the images at these positions among those that count."""
        kept = tuple(positions)
        keys = {self.keys[i] for i in kept}
        return replace(
            self,
            images=tuple(self.images[i] for i in kept),
            truth=tuple(self.truth[i] for i in kept),
            readings=tuple(r for r in self.readings if (r.source, r.image_id) in keys),
        )

    def answers(self, *, with_ai: bool | None = None) -> tuple[Reading, ...]:
        """Readings for the statistics; of one pass, or of both."""
        return tuple(r.as_answer for r in self.readings if with_ai is None or r.with_ai == with_ai)

    def panel(self, *, with_ai: bool = False, images: Iterable[int] | None = None) -> Panel:
        """Answers of one pass as a table, of all images that count or of those at some positions among them."""
        keys = self.keys if images is None else [self.keys[i] for i in images]
        return panel(self.answers(), keys, self.question.choice_ids, with_ai=with_ai)


def collect(study_id: str, taxonomy: Taxonomy) -> Material:
    """Read a study from the records.

    Raises
    ------
    RecordsError
        They cannot be reached, there is no such study, or its images are not those it was made with.
    EvaluationError
        This version does not know its question.
    """
    with reading(records_engine()) as session:
        study = get_study(session, study_id)
        everything, dropped = frozen_images(session, study_id), left_out(session, study_id)
        given = study_readings(session, study_id)
    question = study_question(study.question, taxonomy)
    shown = [image for position, image in enumerate(everything) if position not in dropped]
    truths = [question.truth(taxonomy, image.node) if image.node in taxonomy else None for image in shown]
    told = [(image, truth) for image, truth in zip(shown, truths, strict=True) if truth is not None]
    keys = {(image.source, image.image_id) for image, _ in told}
    readings = tuple(r for r in given if (r.source, r.image_id) in keys)
    return Material(
        study=study,
        question=question,
        everything=everything,
        images=tuple(image for image, _ in told),
        truth=tuple(truth for _, truth in told),
        n_left_out=len(dropped),
        n_without_truth=len(shown) - len(told),
        readings=readings,
    )


def _facts(code: str, lines: list[StudyReading], n_images: int) -> ReaderFacts:
    first, second = ([r for r in lines if r.with_ai is with_ai] for with_ai in (False, True))
    return ReaderFacts(
        code=code,
        experience=lines[0].experience,
        n=len(first),
        n_with_ai=len(second),
        n_corrections=sum(r.n_corrections for r in lines),
        seconds=_median(first),
        seconds_with_ai=_median(second),
        is_complete=len(first) == n_images,
    )


def _median(lines: Iterable[StudyReading]) -> float | None:
    known = [r.seconds for r in lines if r.seconds is not None]
    return statistics.median(known) if known else None
