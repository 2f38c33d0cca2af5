"""Confusion matrices of readers and network in the same order of rows, as in the paper's Extended Data Figure 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from derm_model.evaluation.confusion import ConfusionMatrix
from derm_model.evaluation.curves import TwoByTwo
from derm_model.reader_result.result import StudyResult


@dataclass(frozen=True, eq=False)
class Matrices:
    """Matrices of one study.

    Attributes
    ----------
    names
        Of the classes, in the order of rows and columns.
    readers
        Answers of the readers who answered every image: all saw the same images, so that its shares are the mean of
        the readers' shares. None without one.
    network
        None where it has not answered.
    of_reader
        By code; incomplete readers too.
    """

    names: tuple[str, ...]
    readers: ConfusionMatrix | None
    network: ConfusionMatrix | None
    of_reader: Mapping[str, ConfusionMatrix]


def matrices(result: StudyResult) -> Matrices:
    """Return the matrices of a study; of a question with two answers the network decides at its threshold."""
    if result.classes is not None:
        found = result.classes
        readers = () if found.readers is None else found.readers.readers
        return Matrices(
            names=found.names,
            readers=None if found.complete is None else found.complete.confusion,
            network=None if found.network is None else found.network.confusion,
            of_reader={one.reader: one.confusion for one in readers},
        )
    judged, question = result.yes_no, result.material.question
    assert judged is not None  # a study has one of the two
    names = tuple(choice.words for choice in question.choices)
    complete = {reader.code for reader in result.complete}
    of_reader = {point.reader: _matrix(question.choice_ids, [point.counts]) for point in judged.points}
    own = [point.counts for point in judged.points if point.reader in complete]
    return Matrices(
        names=names,
        readers=_matrix(question.choice_ids, own) if own else None,
        network=None if judged.network is None else _matrix(question.choice_ids, [judged.network.point.counts]),
        of_reader=of_reader,
    )


def _matrix(classes: tuple[str, ...], counts: Sequence[TwoByTwo]) -> ConfusionMatrix:
    tables = np.array([[[c.found, c.missed], [c.false_alarms, c.spared]] for c in counts], dtype=np.int64)
    return ConfusionMatrix(classes, np.asarray(tables.sum(axis=0)))
