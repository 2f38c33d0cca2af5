"""An assessment as files and as lines for a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from derm_model.assessment.answers import Answers
from derm_model.assessment.assess import Assessment
from derm_model.assessment.level_figures import CLASSES
from derm_model.assessment.numbers import by_group, decimals, rates, sample_sentences, share
from derm_model.assessment.question_figures import QuestionFigures
from derm_model.assessment.separation_text import summary_lines as unusual_lines
from derm_model.errors import EvaluationError
from derm_model.files import replaced, write_json
from derm_model.typed_json import encode
from derm_model.words import plural

JSON_FILE, CSV_FILE = "evaluation.json", "answers.csv"
LEVEL_NAMES = {CLASSES: "training classes", "nine": "nine classes", "three": "three roots"}


def write_results(folder: Path, answers: Answers, assessment: Assessment) -> None:
    """Write evaluation.json (every figure) and answers.csv (a row per image).

    Raises
    ------
    EvaluationError
        The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JSON_FILE, encode(assessment.to_json()))
        with replaced(folder / CSV_FILE) as temporary:
            temporary.write_text(answers_csv(answers), encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise EvaluationError(
            f"The results could not be written to {folder} ({error.strerror}). Choose another --out."
        ) from error


def evaluation_json(assessment: Assessment) -> str:
    """evaluation.json as text."""
    return json.dumps(encode(assessment.to_json()), indent=1)  # ASCII, as `write_json` writes it


def answers_csv(answers: Answers) -> str:
    """answers.csv as text: a row per image, with the probability of each training class."""
    opened = io.StringIO(newline="")
    writer = csv.writer(opened, lineterminator="\n")
    writer.writerow(("source", "image_id", "node", *answers.about.classes))
    for record, row in zip(answers.records, answers.probs.tolist(), strict=True):
        writer.writerow((record.source, record.image_id, record.node, *(f"{p:.6g}" for p in row)))
    return opened.getvalue()


def summary_lines(assessment: Assessment) -> Iterator[str]:
    """The figures a reader asks for first, each with interval and n."""
    about = assessment.about
    images = plural(assessment.composition.n, "image")
    yield f"{assessment.bundle_name} ({about.bundle_id}) on {about.name}: {images}, {about.seen}"
    yield from assessment.warnings
    for level in assessment.levels:
        yield (
            f"  {LEVEL_NAMES[level.level]}: mean class accuracy {share(level.accuracy)}, n = {level.n:,}"
            + (f" ({level.n_unjudged:,} not judged)" if level.n_unjudged else "")
        )
    for question in assessment.questions:
        yield from _question_lines(question)
    if assessment.certainty is not None:
        yield f"  expected calibration error of the training classes {assessment.certainty.error:.3f}"
    if assessment.unusual is not None:
        yield from unusual_lines(assessment.unusual)


def _question_lines(question: QuestionFigures) -> Iterator[str]:
    grouped = by_group(question.auc_by_group)
    yield (
        f"  {question.positive_name} against {question.negative_name}, {question.images}: "
        f"AUC {decimals(question.auc)}{'; ' if grouped else ''}{grouped}, "
        f"n = {question.curve.n_pos:,} + {question.curve.n_neg:,}"
    )
    for point in question.points:
        sensitivity, specificity = rates(point)
        threshold = f"threshold {point.point.threshold:.3f}"
        yield f"    {point.name} ({threshold}): sensitivity {sensitivity}, specificity {specificity}"
    if question.sample is not None:
        for sentence in islice(sample_sentences(question.sample, question.positive_name, question.negative_name), 2):
            yield f"    {sentence}"
