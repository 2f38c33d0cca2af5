"""A study's result as one object, and what must be known before it is believed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from derm_model.evaluation.readers.against_curve import AgainstCurve
from derm_model.evaluation.readers.agreement import Kappa, ReaderAgreement, answer_counts, fleiss_kappa
from derm_model.reader_result.classes import ClassesResult, classes_result
from derm_model.reader_result.material import Material, ReaderFacts
from derm_model.reader_result.network import NetworkAnswers, seen_sentence
from derm_model.reader_result.yes_no import YesNoResult, yes_no_result
from derm_model.words import count, plural

FEW_READERS = 4  # the smallest number for which Obuchowski, AJR 175 (2000) 603, gives sizes of studies


@dataclass(frozen=True)
class Times:
    """Seconds per image: median over readers of each reader's median; None where no reader was timed.

    Attributes
    ----------
    without, n_without
        First pass, and readers whose time is known.
    with_ai, n_with_ai
        The same of the second.
    """

    without: float | None
    n_without: int
    with_ai: float | None
    n_with_ai: int


@dataclass(frozen=True, eq=False)
class StudyResult:
    """Everything that came of a study, for page, JSON, CSV and figure.

    Attributes
    ----------
    material
        Of the readers who are looked at.
    group
        Their experience; None for all readers.
    readers
    complete, incomplete
        Those who answered every image without help, and the others.
    kappa
        Fleiss', of the complete readers; None where it is undefined.
    times
    yes_no, classes
        Whichever the question has.
    shown
        Whose answers the readers saw in the second pass, where they were asked for.
    """

    material: Material
    group: str | None
    readers: tuple[ReaderFacts, ...]
    complete: tuple[ReaderFacts, ...]
    incomplete: tuple[ReaderFacts, ...]
    kappa: Kappa | None
    times: Times
    yes_no: YesNoResult | None
    classes: ClassesResult | None
    network: NetworkAnswers | None
    shown: NetworkAnswers | None

    @property
    def against(self) -> tuple[AgainstCurve, ...]:
        """Complete readers and the network's curve; () without one."""
        if self.yes_no is None or self.yes_no.network is None:
            return ()
        names = {reader.code for reader in self.complete}
        return tuple(one for one in self.yes_no.network.against if one.point.reader in names)

    @property
    def agreement(self) -> dict[str, ReaderAgreement]:
        """Of each reader with the network, by code."""
        judged = self.yes_no or self.classes
        found = None if judged is None else judged.network
        return {} if found is None else {one.reader: one for one in found.agreement}

    def warnings(self, called: Mapping[str, str] | None = None) -> list[str]:
        """What must be known before any figure is believed; readers by code, or as they are called."""
        return list(_warnings(self, {} if called is None else called))

    def notes(self, called: Mapping[str, str] | None = None) -> list[str]:
        """What is left out, and what limits the figures."""
        return list(_notes(self, {} if called is None else called))


def study_result(
    material: Material,
    network: NetworkAnswers | None = None,
    shown: NetworkAnswers | None = None,
    *,
    group: str | None = None,
    threshold: str | None = None,
) -> StudyResult:
    """Judge a study.

    Parameters
    ----------
    material
        Of all readers.
    network
        To compare the readers with; None where it has not answered.
    shown
        Whose answers the readers saw in the second pass; None where there was none or they are not known.
    group
        Only readers of this experience; None for all.
    threshold
        Name of one of the network's; its first one by default.
    """
    own = material.of_group(group)
    complete = tuple(reader for reader in own.readers if reader.is_complete)
    is_yes_no = material.question.positive is not None
    common = own.of_readers(reader.code for reader in complete)
    return StudyResult(
        material=own,
        group=group,
        readers=own.readers,
        complete=complete,
        incomplete=tuple(reader for reader in own.readers if not reader.is_complete),
        kappa=fleiss_kappa(answer_counts(common.panel())),
        times=_times(own.readers),
        yes_no=yes_no_result(own, network, shown, threshold) if is_yes_no else None,
        classes=None if is_yes_no else classes_result(own, network, shown),
        network=network,
        shown=shown,
    )


def _times(readers: Sequence[ReaderFacts]) -> Times:
    without = [r.seconds for r in readers if r.seconds is not None]
    with_ai = [r.seconds_with_ai for r in readers if r.seconds_with_ai is not None]
    first, second = (statistics.median(found) if found else None for found in (without, with_ai))
    return Times(first, len(without), second, len(with_ai))


def _named(readers: Iterable[ReaderFacts], called: Mapping[str, str]) -> list[tuple[ReaderFacts, str]]:
    """Readers and what they are called, in the order of that: by code where they are called by it."""
    place = {code: i for i, code in enumerate(called)}
    ordered = sorted(readers, key=lambda reader: (place.get(reader.code, 0), reader.code))
    return [(reader, called.get(reader.code, reader.code)) for reader in ordered]


def _warnings(result: StudyResult, called: Mapping[str, str]) -> Iterator[str]:
    material, readers = result.material, result.readers
    if material.is_open:
        yield "The study is still open: this is an interim result, and more readings may change it."
    scripts = [name for reader, name in _named(readers, called) if reader.is_script]
    if scripts:
        verb = "is a script, not a person" if len(scripts) == 1 else "are scripts, not people"
        yield f"{len(scripts)} of {plural(len(readers), 'reader')} {verb}: {', '.join(scripts)}."
    if result.network is not None:
        said = seen_sentence(result.network, len(material.images))
        if said is not None:
            yield said


def _notes(result: StudyResult, called: Mapping[str, str]) -> Iterator[str]:
    material = result.material
    if result.network is not None:
        n_missing = len(material.images) - result.network.answered.size
        if n_missing:
            yield f"The network did not answer {plural(n_missing, 'image')}: left out wherever it is compared."
    if result.incomplete:
        total = count(len(material.images))
        left = _named(result.incomplete, called)
        listed = ", ".join(f"{name} ({count(reader.n)} of {total})" for reader, name in left)
        yield (
            f"{plural(len(result.incomplete), 'reader')} did not answer every image and "
            f"{'is' if len(result.incomplete) == 1 else 'are'} left out of figure and means: {listed}."
        )
    if 0 < len(result.complete) < FEW_READERS:
        yield (
            f"{plural(len(result.complete), 'reader')}: that says little about readers in general. Studies are planned "
            f"with {FEW_READERS} and more."
        )
    if material.n_left_out:
        yield f"{plural(material.n_left_out, 'image')} left out by the pre-screen."
    if material.n_without_truth:
        yield f"{plural(material.n_without_truth, 'image')} left out: their label does not answer the question."
    yield "Readers saw one image each, without history, palpation or other views."
    yield "Images count as independent: several of one lesion or patient would make intervals too narrow."
