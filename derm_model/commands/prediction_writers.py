"""Where `predict` writes: JSON lines, a CSV file, a table on a terminal. Each record is complete before the next."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from derm_model import words
from derm_model.commands.prediction_records import Question, Recorder
from derm_model.errors import DermTreeError
from derm_model.report import csv_cell, csv_columns, plain
from derm_model.verdict import judge

SMALL = 0.01  # rows below are counted, not listed, as in the app


class Writer(Protocol):
    """Takes records one by one, those of `Recorder.record` and {"file", "error"}."""

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record and hand it to the operating system."""

    def close(self) -> None:
        """Say there are no more records."""


class JsonLinesWriter:
    """One object per line, in ASCII: file names of any encoding survive, and any locale can print them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, record: Mapping[str, Any]) -> None:
        """Write the line in one piece, so that Ctrl-C leaves no half of one."""
        self._stream.write(json.dumps(record, allow_nan=False) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to do: the stream is the caller's."""


class CsvWriter:
    """A file for spreadsheets; an empty cell is what JSON calls null.

    Raises
    ------
    DermTreeError
        The file cannot be written.
    """

    def __init__(self, path: Path, recorder: Recorder) -> None:
        try:
            # with a byte order mark, or spreadsheets take UTF-8 for something else; names no UTF-8 holds are escaped
            self._file = path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="")
        except OSError as error:
            raise DermTreeError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
        self._writer = csv.DictWriter(self._file, fieldnames=_columns(recorder))
        self._writer.writeheader()

    def write(self, record: Mapping[str, Any]) -> None:
        """Write a row."""
        row = _flat(record)
        self._writer.writerow({key: csv_cell(value) for key, value in row.items()})
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _columns(recorder: Recorder) -> list[str]:
    classes = [c.id for c in recorder.card.classes]
    level = () if recorder.level_ids is None else classes if recorder.of_classes else recorder.level_ids
    return csv_columns(classes, recorder.node_ids, recorder.questions, level)


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots: the columns are named as the JSON is built. A task that is null has no columns."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flat[prefix + key] = plain(value)
        elif value is not None:
            flat[prefix + key] = value
    return flat


class TableWriter:
    """A few lines per image for a person at a terminal; the notice stands at the end."""

    def __init__(self, stream: TextIO, recorder: Recorder) -> None:
        self._stream = stream
        self._names = recorder.names
        self._questions = recorder.questions
        self._nine = recorder.taxonomy.cut(2)

    def write(self, record: Mapping[str, Any]) -> None:
        """Write the lines of one image and an empty one."""
        lines = [printable(record["file"])]
        if "error" in record:
            lines.append(f"  not read: {printable(record['error'])}")
        else:
            shown = record.get("level", {node: record["nodes"][node] for node in self._nine})
            lines += [f"  {line}" for line in (*self._rows(shown), *self._tasks(record["tasks"]))]
        self._stream.write("\n".join(lines) + "\n\n")
        self._stream.flush()

    def close(self) -> None:
        """Write the notice."""
        self._stream.write(words.NOTICE + "\n")
        self._stream.flush()

    def _rows(self, probs: Mapping[str, float | None]) -> Iterator[str]:
        resolved = sorted(((p, self._names[key]) for key, p in probs.items() if p is not None), key=lambda row: -row[0])
        listed = [(p, name) for p, name in resolved if p >= SMALL]
        yield from (f"{words.percent(p):>4}  {name}" for p, name in listed)
        if len(listed) < len(resolved):
            yield f" <1%  each of {len(resolved) - len(listed)} more"
        unresolved = [self._names[key] for key, p in probs.items() if p is None]
        if unresolved:
            yield f"not resolved by this model: {', '.join(unresolved)}"

    def _tasks(self, answers: Mapping[str, Mapping[str, Any] | None]) -> Iterator[str]:
        for task_id, answer in answers.items():
            question = self._questions[task_id]
            if question is not None and answer is not None:
                applies = f"({words.percent(answer['region_probability'])} that this question applies)"
                yield f"{question.task.question} {_verdict(question, answer['score'], answer['threshold'])} {applies}"


def _verdict(question: Question, score: float | None, threshold: float | None) -> str:
    if score is None:
        return "The network gives neither side any probability."
    if threshold is None:
        return f"{question.task.positive_name} {words.number(score)}. {words.NO_POINT}"
    card = (
        question.card
    )  # there is none where the threshold is a saved one of a question the bundle was not measured on
    verdict = judge(score, threshold, None if card is None else card.holdout or card.validation)
    numbers = f"{words.number(score, threshold)}, threshold {words.number(threshold, score)}"
    return f"{question.task.positive_name} {numbers}. {verdict.heading}. {verdict.suggestion}"


def printable(text: str) -> str:
    """Text without control characters: a file name must not be able to steer the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
