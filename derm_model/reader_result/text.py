"""Sentences and rows of tables about a study, the same on the page, in the guide and on the command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from derm_model.evaluation.bootstrap import Bootstrapped
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.partial_area import PartialArea
from derm_model.evaluation.readers.agreement import Kappa
from derm_model.evaluation.readers.ai_help import Changes
from derm_model.evaluation.readers.crossed import Crossed, StudyComparison
from derm_model.evaluation.readers.mrmc import MeanOverReaders
from derm_model.evaluation.readers.text import outperformed
from derm_model.reader_result.material import NOT_STATED, ReaderFacts
from derm_model.reader_result.result import StudyResult
from derm_model.words import count, percent, plural, rate

UNDEFINED = "not defined"
METHOD = (
    "Obuchowski–Rockette analysis of variance with the degrees of freedom of Hillis, readers and images as random "
    "(Obuchowski & Rockette 1995; Hillis 2007); the network itself against the mean reader as in Chakraborty 2017, "
    "chapter 22. Differences are in percentage points, of the AUC as a number. Figures of one study are tested "
    "several times: the p values are not corrected for it."
)
FIGURE_NAMES = {
    "auc": "AUC of answers with confidence",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Mean of both",
}
SHARE_RIGHT_NAME = "Images answered rightly"


def points(value: float) -> str:
    """``+3.2``: a difference of shares in percentage points."""
    return f"{100 * value:+.1f}".replace("-", "−")


def share(found: Interval) -> str:
    """``90% (84–94%)``."""
    return rate(found.value, (found.low, found.high))


def mean_share(found: MeanOverReaders | None, value: float, *, is_area: bool) -> str:
    """A mean over readers with its interval, or the one figure of the network."""
    if found is None or found.interval is None:
        return f"{value:.2f}" if is_area else f"{value:.1%}"
    low, high = found.interval
    return f"{value:.2f} ({low:.2f}–{high:.2f})" if is_area else f"{value:.1%} ({100 * low:.1f}–{high:.1%})"


def kappa(found: Kappa | None) -> tuple[str, str]:
    """``0.52`` and ``0.46–0.58``; "" where redrawing images tells no interval."""
    if found is None:
        return UNDEFINED, ""
    interval = "" if found.interval is None else f"{signed(found.interval[0])}–{signed(found.interval[1])}"
    return signed(found.value), interval


def signed(value: float) -> str:
    """Two decimals, with a minus sign below 0."""
    return f"{value + 0.0:.2f}".replace("-", "−")


def gap(found: Bootstrapped | None) -> str:
    """``+4.0 (−1.2 to 9.8)`` percentage points."""
    if found is None:
        return UNDEFINED
    one = found.interval
    return f"{points(one.value)} ({points(one.low)} to {points(one.high)})"


def p_value(p: float | None) -> str:
    """``0.03``, ``<0.001``."""
    return UNDEFINED if p is None else "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def comparison_row(found: StudyComparison, name: str | None = None) -> tuple[str, ...]:
    """Figure, first and second condition, difference, degrees of freedom, p value."""
    one, difference = found.comparison, found.comparison.difference
    is_area = one.figure == "auc"
    first = mean_share(one.first_mean, float(one.first.mean()), is_area=is_area)
    second = mean_share(one.second_mean, float(one.second.mean()), is_area=is_area)
    return (
        name or FIGURE_NAMES[one.figure],
        first,
        second,
        _difference(difference, is_area=is_area),
        UNDEFINED if difference.df is None else "∞" if math.isinf(difference.df) else f"{difference.df:.1f}",
        p_value(difference.p),
    )


def _difference(found: MeanOverReaders, *, is_area: bool) -> str:
    def told(value: float) -> str:
        return f"{value:+.3f}".replace("-", "−") if is_area else points(value)

    if found.interval is None:
        return told(found.value)
    return f"{told(found.value)} ({told(found.interval[0])} to {told(found.interval[1])})"


def left_out(part: Crossed) -> str:
    """What a comparison rests on, and what it leaves out because not everybody answered everything."""
    rests = f"{plural(len(part.readers), 'reader')} on {plural(part.images.size, 'image')}"
    if not (part.n_readers_left_out or part.n_images_left_out):
        return f"All readers and images: {rests}."
    return (
        f"Rests on {rests}, the largest part found in which each answered every image; left out are "
        f"{plural(part.n_readers_left_out, 'reader')} and {plural(part.n_images_left_out, 'image')}."
    )


def partial(found: PartialArea) -> tuple[str, str]:
    """Partial area, standardised, and its interval."""
    if found.bootstrapped is None:
        return f"{found.standardised:.2f}", ""
    one = found.bootstrapped.interval
    return f"{found.standardised:.2f}", f"{one.low:.2f}–{one.high:.2f}"


def partial_range(found: PartialArea) -> str:
    """Which range, and what the number means."""
    return (
        f"Over specificities of {percent(found.low)} to {percent(found.high)}, where the readers are, in steps of 5%. "
        f"Standardised (McClish 1989): 0.5 is chance, 1 is perfect. Mean sensitivity there {percent(found.mean)}."
    )


def headline(result: StudyResult) -> str | None:
    """How many readers lie below the curve; None without a curve or a reader."""
    return outperformed(result.against) if result.against else None


def changes(found: Changes) -> Iterator[str]:
    """What help changed, sentence by sentence."""
    yield (
        f"Of {plural(found.n, 'answer')} given without and with help {count(found.n_wrong_to_right)} went from wrong "
        f"to right and {count(found.n_right_to_wrong)} from right to wrong."
    )
    if found.misled is not None:
        yield (
            f"Misled: where the network was wrong and the reader right, {count(found.n_misled)} of "
            f"{count(found.n_network_wrong_reader_right)} answers ({percent(found.misled)}) followed it."
        )
    if found.corrected is not None:
        yield (
            f"Corrected: where the network was right and the reader wrong, {count(found.n_corrected)} of "
            f"{count(found.n_network_right_reader_wrong)} answers ({percent(found.corrected)}) became right."
        )


def seconds(value: float | None) -> str:
    """``4.2 s``."""
    return "not timed" if value is None else f"{value:.1f} s"


def times(result: StudyResult) -> str | None:
    """Time per image; None where nobody was timed."""
    found = result.times
    if found.without is None:
        return None
    text = f"Time per image, median of {plural(found.n_without, 'reader')}: {seconds(found.without)}"
    if found.with_ai is None:
        return f"{text}."
    with_ai = f"{text} without help, {seconds(found.with_ai)} with it"
    return f"{with_ai} ({plural(found.n_with_ai, 'reader')})." if found.n_with_ai != found.n_without else f"{with_ai}."


def who(reader: ReaderFacts) -> str:
    """Code, and that a script is none."""
    return f"{reader.code} (script)" if reader.is_script else reader.code


def experience(reader: ReaderFacts) -> str:
    """Group of a reader."""
    return reader.experience or NOT_STATED


READER_HEAD = {
    "yes_no": (
        "Reader",
        "Experience",
        "Images",
        "Sensitivity",
        "Specificity",
        "Curve",
        "Gap",
        "κ with network",
        "Time",
    ),
    "classes": ("Reader", "Experience", "Images", "Accuracy", "κ with network", "Time"),
}


def reader_rows(result: StudyResult) -> list[tuple[str, ...]]:
    """A row for each reader, under `READER_HEAD`."""
    if result.yes_no is not None:
        found = {point.reader: point for point in result.yes_no.points}
        network = result.yes_no.network
        against = {} if network is None else {one.point.reader: one for one in network.against}
        rows: list[tuple[str, ...]] = []
        for reader in result.readers:
            point, other = found.get(reader.code), against.get(reader.code)
            rates = (UNDEFINED, UNDEFINED) if point is None else (share(point.sensitivity), share(point.specificity))
            place = (UNDEFINED, UNDEFINED) if other is None else (other.position, gap(other.at_sensitivity))
            rows.append((*_who(reader), *rates, *place, _with_network(result, reader), seconds(reader.seconds)))
        return rows
    judged = result.classes
    all_readers = () if judged is None or judged.readers is None else judged.readers.readers
    accuracy = {one.reader: share(one.accuracy) for one in all_readers}
    return [
        (*_who(r), accuracy.get(r.code, UNDEFINED), _with_network(result, r), seconds(r.seconds))
        for r in result.readers
    ]


def _who(reader: ReaderFacts) -> tuple[str, str, str]:
    return who(reader), experience(reader), count(reader.n) if reader.is_complete else f"{count(reader.n)}, not all"


def _with_network(result: StudyResult, reader: ReaderFacts) -> str:
    found = result.agreement.get(reader.code)
    if found is None:
        return UNDEFINED
    value, interval = kappa(found.kappa)
    return f"{value} ({interval})" if interval else value


def lines(result: StudyResult) -> list[str]:
    """The result as lines of text, for a terminal."""
    study = result.material.study
    found = [f"{study.name}: {plural(len(result.material.images), 'image')}, {plural(len(result.readers), 'reader')}."]
    found += result.warnings()
    if (told := headline(result)) is not None:
        found.append(told)
    value, interval = kappa(result.kappa)
    found.append(f"Agreement among readers (Fleiss' kappa): {value}{f' ({interval})' if interval else ''}.")
    found += _yes_no_lines(result) if result.yes_no is not None else _class_lines(result)
    if (timed := times(result)) is not None:
        found.append(timed)
    head = READER_HEAD["yes_no" if result.yes_no is not None else "classes"]
    return [*found, "", " | ".join(head), *(" | ".join(row) for row in reader_rows(result)), "", *result.notes()]


def _yes_no_lines(result: StudyResult) -> Iterator[str]:
    judged = result.yes_no
    assert judged is not None  # asked by the caller
    if (mean := judged.mean) is not None:
        sds = [f" ± {sd:.0%} (SD)" if sd is not None else "" for sd in (mean.sensitivity_sd, mean.specificity_sd)]
        yield f"Mean reader: sensitivity {mean.sensitivity:.0%}{sds[0]}, specificity {mean.specificity:.0%}{sds[1]}."
    if (network := judged.network) is not None:
        area, point = network.area, network.point
        yield f"Network: AUC {area.value:.2f} ({area.low:.2f}–{area.high:.2f}), n = {area.n_pos} + {area.n_neg}."
        sensitivity = rate(point.sensitivity, point.sensitivity_interval)
        specificity = rate(point.specificity, point.specificity_interval)
        yield f"At {point.rule}: sensitivity {sensitivity}, specificity {specificity}."
        yield from _compared(network.comparisons, "network against mean reader")
    if judged.help is not None:
        if judged.help.total is not None:
            yield from changes(judged.help.total)
        yield from _compared(judged.help.comparisons, "with help against without")


def _class_lines(result: StudyResult) -> Iterator[str]:
    judged = result.classes
    assert judged is not None  # asked by the caller
    if (mean := judged.complete) is not None:
        spread = "" if mean.sd is None else f" ± {mean.sd:.1%} (SD)"
        yield f"Mean accuracy of readers: {mean.mean:.1%}{spread}."
    if (network := judged.network) is not None:
        yield f"Network: accuracy {share(network.accuracy)}."
        if network.comparison is not None:
            yield from _compared((network.comparison,), "network against mean reader", SHARE_RIGHT_NAME)
    if judged.help is not None and judged.help.comparison is not None:
        yield from _compared((judged.help.comparison,), "with help against without", SHARE_RIGHT_NAME)


def _compared(found: Iterable[StudyComparison], pair: str, name: str | None = None) -> Iterator[str]:
    for one in found:
        figure, first, second, difference, df, p = comparison_row(one, name)
        told = f"{figure}, {pair}: {first} against {second}, difference {difference}, df {df}, p {p}."
        yield f"{told} {left_out(one.crossed)}"
