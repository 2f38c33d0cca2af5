"""A cross-validation as text and as CSV, and the sentences that belong beside its figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from derm_model.evaluation.cross_validation import (
    CAVEAT,
    PARTITION,
    PUBLISHED,
    SOURCE,
    Comparison,
    CrossValidation,
    LevelResult,
)
from derm_model.taxonomy.targets import LEVELS

UNDEFINED = "–"
WAYS = {"three": "three-way", "nine": "nine-way"}
ALL = "all"  # in the column of folds: pooled over them
COLUMNS = ("trained_on", "level", "node", "name", "fold", "n_images", "n_correct", "accuracy", "sd", "low", "high")


def trained_on(targets: str) -> str:
    """How a network was trained, in words."""
    return "partition" if targets == PARTITION else f"directly on {targets} classes"


def percent(mean: float | None, sd: float | None = None) -> str:
    """``72.1 ± 0.9%``; a dash where it is undefined."""
    if mean is None:
        return UNDEFINED
    return f"{100 * mean:.1f}%" if sd is None else f"{100 * mean:.1f} ± {100 * sd:.1f}%"


def points(difference: float) -> str:
    """A difference in percentage points, always with its sign: ``+2.7``, ``−0.4``."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def summary_rows(result: CrossValidation) -> list[tuple[str, ...]]:
    """A row per kind of outputs: trained on, outputs, three-way, nine-way, folds, images."""
    return [
        (
            trained_on(own.targets),
            str(own.n_classes),
            *(percent(level.mean, level.sd) if (level := own.level(name)) else UNDEFINED for name in LEVELS),
            f"{len(own.folds)} of {result.n_folds}",
            f"{sum(own.n_images):,}",
        )
        for own in result.results
    ]


def class_rows(level: LevelResult) -> list[tuple[str, ...]]:
    """A row per class: name, images, pooled accuracy with its interval, then ``correct/images`` of each fold."""
    return [
        (
            c.name,
            f"{sum(c.n):,}",
            UNDEFINED
            if (pooled := c.pooled) is None
            else f"{100 * pooled.value:.1f}% ({100 * pooled.low:.1f}–{100 * pooled.high:.1f}%)",
            *(f"{k}/{n}" if n else UNDEFINED for k, n in zip(c.n_correct, c.n, strict=True)),
        )
        for c in level.classes
    ]


def compared(found: Comparison) -> str:
    """One comparison as a sentence."""
    k = len(found.folds)
    spread = "" if found.sd is None else f" ± {100 * found.sd:.1f}"
    text = (
        f"{WAYS[found.level].capitalize()}, partition minus {trained_on(found.other)}: {points(found.mean)}{spread} "
        f"percentage points ({'one fold' if k == 1 else f'mean ± SD of {k} folds'}), larger in {found.n_larger} of {k}"
    )
    if found.interval is None:
        return f"{text}."
    low, high = map(points, found.interval)
    return f"{text}; 95% interval {low} to {high} (corrected resampled t-test, Nadeau & Bengio 2003)."


def notes(result: CrossValidation) -> list[str]:
    """What has to be known to read the figures, a sentence or two each."""
    found = []
    if partial := [own for own in result.results if len(own.folds) < result.n_folds]:
        listed = ", ".join(f"{trained_on(own.targets)}: {len(own.folds)}" for own in partial)
        found.append(f"Not all of the {result.n_folds} folds are there yet ({listed}). The figures will still change.")
    for name, n_whole in (("three", 3), ("nine", 9)):
        seen = max((level.n_classes_seen for own in result.results if (level := own.level(name))), default=n_whole)
        if seen < n_whole:
            found.append(
                f"Only {seen} of the {name} classes have images here: {WAYS[name]} accuracy is the mean of these, "
                "which is an easier question than the paper's."
            )
    if (partition := result.of(PARTITION)) is not None:
        for name in LEVELS:
            if partition.level(name) is None:
                found.append(
                    f"The partition cannot be judged {WAYS[name]}: one of its classes lies above that level, because "
                    "images are labelled no finer."
                )
    short = sorted(
        {f for own in result.results for n in LEVELS if (x := own.level(n)) for f in x.folds_short_of_classes}
    )
    if short:
        listed = ", ".join(map(str, short))
        found.append(f"Some class has no image in fold {listed}; the accuracy there is the mean of the others.")
    if result.n_left_out:
        found.append(
            f"{result.n_left_out:,} images are judged for no network, because some networks of their fold know no "
            "class for their label."
        )
    if result.comparisons:
        found.append(
            "Any two folds share training images, so their differences are not independent: a plain t-test would claim "
            "too much, and no p-value is given."
        )
    return found


def paper_rows() -> list[tuple[str, ...]]:
    """Published accuracies: who, three-way, nine-way."""
    return [(p.who, percent(p.three, p.three_sd), percent(p.nine, p.nine_sd)) for p in PUBLISHED]


def as_text(result: CrossValidation) -> str:
    """The whole result for a terminal."""
    head = ("trained on", "outputs", "three-way", "nine-way", "folds", "images")
    lines = [
        "Accuracy: mean of the accuracies of the single classes; mean ± SD over the folds",
        *_columns([head, *summary_rows(result)]),
    ]
    if result.comparisons:
        lines += ["", *map(compared, result.comparisons)]
    for own in result.results:
        for name in LEVELS:
            if (level := own.level(name)) is not None:
                top = ("class", "images", "accuracy (95% interval)", *(f"fold {fold}" for fold in level.folds))
                lines += ["", f"{trained_on(own.targets)}, {WAYS[name]}", *_columns([top, *class_rows(level)])]
    lines += ["", *notes(result)] if notes(result) else []
    lines += ["", f"For orientation, {SOURCE}:", *_columns([("", "three-way", "nine-way"), *paper_rows()]), CAVEAT]
    return "\n".join(lines) + "\n"


def as_csv(result: CrossValidation) -> str:
    """Tidy table: a row per class and fold, per class pooled, per fold, and per mean; `node` is empty for all classes.

    `accuracy` of fold "all" is pooled for a class (with `low` and `high`, Wilson), and for all classes the mean over
    the folds (with `sd`). Undefined is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for own in result.results:
        for name in LEVELS:
            if (level := own.level(name)) is not None:
                writer.writerows((own.targets, name, *row) for row in _csv_rows(level))
    return text.getvalue()


def _csv_rows(level: LevelResult) -> Iterator[tuple[object, ...]]:
    for c in level.classes:
        for i, fold in enumerate(level.folds):
            yield c.node, c.name, fold, c.n[i], c.n_correct[i], c.accuracy(i), None, None, None
        pooled = c.pooled
        figures = (None, None, None, None) if pooled is None else (pooled.value, None, pooled.low, pooled.high)
        yield c.node, c.name, ALL, sum(c.n), sum(c.n_correct), *figures
    for i, (fold, accuracy) in enumerate(zip(level.folds, level.accuracies, strict=True)):
        n, k = (
            sum(counts[i] for counts in own) for own in zip(*((c.n, c.n_correct) for c in level.classes), strict=True)
        )
        yield None, None, fold, n, k, accuracy, None, None, None
    n_correct = sum(sum(c.n_correct) for c in level.classes)
    yield None, None, ALL, level.n_images, n_correct, level.mean, level.sd, None, None


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
