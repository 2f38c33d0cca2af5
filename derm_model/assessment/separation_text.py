"""The figures of the out-of-distribution score in words and rows, the same in terminal, report and page."""

from __future__ import annotations

from collections.abc import Iterator

from derm_model.assessment.foreign import GIVEN
from derm_model.assessment.numbers import UNDEFINED, decimals, share
from derm_model.assessment.separation import DRAWN, ForeignFigures, HeldOutFigures, UnusualFigures
from derm_model.data.non_lesions import BORDERLINE
from derm_model.words import count

NAMES = {DRAWN: "Drawings that show no lesion", GIVEN: "Own pictures that show no lesion"}
CAUTION = (
    "Drawings are the least of tests. That a model tells them from its images does not mean that it would notice every "
    "foreign picture, and a picture it misses gets a diagnosis like any other."
)
HELD_OUT_HEAD = ("Labelled images", "n", "Called unusual, needlessly", "AUC against drawings")
KIND_HEAD = ("Pictures that show no lesion", "n", "Called unusual", "AUC")


def summary_lines(found: UnusualFigures) -> Iterator[str]:
    """Lines for a terminal."""
    yield f"  called unusual, needlessly: {share(found.held_out[0].noticed)}, n = {count(found.held_out[0].noticed.n)}"
    for one in found.sets:
        alarms = "" if one.false_alarms is None else f", FPR at 95% TPR {share(one.false_alarms)}"
        yield f"  {NAMES[one.name].lower()}: {_told(one)}{alarms}, n = {count(one.n)}"


def sentences(found: UnusualFigures) -> Iterator[str]:
    """How to read the figures, then what they are."""
    every = found.held_out[0]
    yield (
        f"The app calls an image unusual when it is further from the training images than {found.percentile:g}% of the "
        f"validation images. That would be {100 - found.percentile:g}% of images of their kind; of these "
        f"{count(every.noticed.n)} it is {share(every.noticed)}, each of them needlessly."
    )
    for one in found.sets:
        alarms = (
            ""
            if one.false_alarms is None
            else f" A threshold that finds 95% of them would call {share(one.false_alarms)} of the labelled images "
            "unusual (FPR at 95% TPR)."
        )
        yield f"{NAMES[one.name]}, n = {count(one.n)}: {_told(one)}.{alarms}"
    if any(one.name in BORDERLINE for one in found.kinds):
        kind = BORDERLINE[0].capitalize()
        yield f"{kind} is counted on its own: it is like the edges of the images a model learns from."


def held_out_rows(found: UnusualFigures) -> list[tuple[str, ...]]:
    """Rows below `HELD_OUT_HEAD`."""
    return [_held_out(one) for one in found.held_out]


def kind_rows(found: UnusualFigures) -> list[tuple[str, ...]]:
    """Rows below `KIND_HEAD`: the kinds the model notices least come first."""
    given = tuple(one for one in found.sets if one.name == GIVEN)
    return [
        (one.name, count(one.n), share(one.noticed), _area(one))
        for one in (*given, *sorted(found.kinds, key=lambda one: one.noticed.value))
    ]


def _held_out(one: HeldOutFigures) -> tuple[str, ...]:
    return (
        one.name,
        count(one.noticed.n),
        share(one.noticed),
        UNDEFINED if one.auc is None else decimals(one.auc),
    )


def _told(one: ForeignFigures) -> str:
    return f"AUC {_area(one)}, {share(one.noticed)} called unusual"


def _area(one: ForeignFigures) -> str:
    return UNDEFINED if one.auc is None else decimals(one.auc)
