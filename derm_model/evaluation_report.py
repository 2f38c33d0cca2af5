"""An assessment as one HTML file: every figure with its table, to be printed or sent; it needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, select_autoescape

from derm_model.assessment.assess import Assessment
from derm_model.assessment.exports import LEVEL_NAMES
from derm_model.assessment.level_figures import LevelFigures
from derm_model.assessment.numbers import (
    PREDICTIVE_HEAD,
    SAMPLE_TITLE,
    UNDEFINED,
    by_group,
    decimals,
    predictive_row,
    predictive_told,
    rates,
    sample_names,
    sample_sentences,
    share,
)
from derm_model.assessment.question_figures import ALL, QuestionFigures
from derm_model.assessment.separation import UnusualFigures
from derm_model.assessment.separation_text import CAUTION, HELD_OUT_HEAD, KIND_HEAD, held_out_rows, kind_rows, sentences
from derm_model.errors import EvaluationError
from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.predictive import EXAMPLE, PREVALENCES, over_prevalences, predictive_values
from derm_model.evaluation.subgroups import MEASURES, TOO_FEW, Subgroups
from derm_model.figures.evaluation import plot_confusion, plot_decision, plot_reliability
from derm_model.figures.html import as_html, script
from derm_model.figures.operating import plot_operating_curve
from derm_model.figures.predictive import plot_predictive_values
from derm_model.figures.readers import alt_confusion
from derm_model.figures.sampling import plot_sample
from derm_model.figures.unusual import plot_distances
from derm_model.files import replaced
from derm_model.palette import LIGHT, Palette
from derm_model.words import BADGE, FEW, NOTICE, NPV, count, gaps, plural

if TYPE_CHECKING:
    from derm_model.reader_result.beside import Beside

TEMPLATES = Path(__file__).resolve().parents[1] / "assets"
TEMPLATE = "evaluation_report.html.jinja"
REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Table:
    """Head and rows of text."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart as HTML, and what it shows in words."""

    html: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    title: str
    texts: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


def html_report(assessment: Assessment, palette: Palette = LIGHT, readers: Sequence[Beside] = ()) -> str:
    """The report as a whole page.

    Parameters
    ----------
    assessment
    palette
    readers
        Reader studies on images of the evaluation, to be shown beside the network.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(default=True))
    about = assessment.about
    return environment.get_template(TEMPLATE).render(
        title=f"{assessment.bundle_name} on {about.name}",
        subtitle=f"Bundle {about.bundle_id}, images {about.digest}, {about.created_at}. 95% intervals.",
        badge=BADGE,
        notice=NOTICE,
        warnings=assessment.warnings,
        palette=palette,
        script=script(),
        sections=[*_sections(assessment, palette), *(_readers(one, palette) for one in readers)],
    )


def write_report(folder: Path, assessment: Assessment) -> None:
    """Write report.html into a folder that is there.

    Raises
    ------
    EvaluationError
        It cannot be written.
    """
    try:
        with replaced(folder / REPORT_FILE) as temporary:
            temporary.write_text(html_report(assessment), encoding="utf-8", errors="replace")
    except OSError as error:
        raise EvaluationError(f"The report could not be written to {folder} ({error.strerror}).") from error


def _sections(assessment: Assessment, palette: Palette) -> Iterator[Section]:
    yield _images(assessment)
    for level in assessment.levels:
        yield _level(level, palette)
    for question in assessment.questions:
        yield _question(question, palette)
    if (certainty := assessment.certainty) is not None:
        chart = as_html(plot_reliability(certainty, palette, "Probability of the answer"))
        caption = f"How often an answer of a training class is right, by its probability; n = {count(certainty.n)}."
        brier = "" if assessment.brier is None else f" Brier score {assessment.brier:.3f} (0 to 2)."
        text = f"Expected calibration error {certainty.error:.3f}, ten bins of equal width.{brier}"
        yield Section("Calibration of the training classes", (text,), (Figure(chart, caption),))
    if assessment.unusual is not None:
        yield _unusual(assessment.unusual, palette)


def _readers(found: Beside, palette: Palette) -> Section:
    """Readers beside the network, on the same images."""
    pair = (("Readers", found.readers, "answers"), ("Network", found.network, "images"))
    figures = tuple(
        Figure(
            as_html(plot_confusion(matrix, found.names, palette, unit=unit)),
            f"{who}, per cent of each row. {alt_confusion(matrix, found.names, who)}",
        )
        for who, matrix, unit in pair
    )
    note = "Readers saw one image each, without history, palpation or other views."
    return Section(f"Readers: {LEVEL_NAMES[found.level]}", (found.sentence, note), figures)


def _unusual(found: UnusualFigures, palette: Palette) -> Section:
    tables = [Table("Share called unusual, which none should be.", HELD_OUT_HEAD, tuple(held_out_rows(found)))]
    if found.kinds or found.sets:
        tables.append(Table("The kinds the model notices least come first.", KIND_HEAD, tuple(kind_rows(found))))
    figures: tuple[Figure, ...] = ()
    if found.distances and found.foreign_distances:
        chart = plot_distances(found.distances, found.foreign_distances, found.notice_distance, palette)
        caption = "Bars: 95% and half of the labelled images. Rings: single pictures that show no lesion."
        figures = (Figure(as_html(chart), caption),)
    texts = (*sentences(found), *((CAUTION,) if found.sets else ()))
    return Section("Unusual images", texts, figures, tuple(tables))


def _images(assessment: Assessment) -> Section:
    what = assessment.composition
    named = f"{plural(what.n_patients, 'patient')} and {plural(what.n_lesions, 'lesion')} named"
    texts = (f"{plural(what.n, 'image')}; {named}; {count(what.n_proven)} labels biopsy-proven.",)
    rows = [("Data set", name, count(n)) for name, n in what.sources.items()]
    rows += [("Modality", name, count(n)) for name, n in what.modalities.items()]
    return Section("Images", texts, tables=(Table("What the images are", ("", "", "Images"), tuple(rows)),))


def _level(level: LevelFigures, palette: Palette) -> Section:
    title = f"Accuracy: {LEVEL_NAMES[level.level]}"
    judged = f" {count(level.n_unjudged)} images could not be judged at this level." if level.n_unjudged else ""
    top = "".join(f" Right class among the first {t.k}: {share(t.images)}." for t in level.top if t.k > 1)
    text = f"Mean of the accuracies of the single classes: {share(level.accuracy)}, n = {count(level.n)}.{top}{judged}"
    rows = [
        (f"{i}  {name}", count(row.n), UNDEFINED if row.accuracy is None else share(row.accuracy))
        for i, (name, row) in enumerate(zip(level.names, level.rows, strict=True))
    ]
    named = dict(zip(level.nodes, level.names, strict=True))
    confused = [(named[c.truth], named[c.said], count(c.n), count(c.n_of_node)) for c in level.confused]
    return Section(
        title,
        (text,),
        (
            Figure(
                as_html(plot_confusion(level.matrix, level.names, palette)),
                "Per cent of each row's images, below 5 blank: rows are the truth, columns the answers.",
            ),
        ),
        (
            Table("Classes", ("Class", "n", "Accuracy"), tuple(rows)),
            Table("Most confused", ("Truth", "Answer", "Images", "of"), tuple(confused)),
        ),
    )


def _question(question: QuestionFigures, palette: Palette) -> Section:
    curve = question.curve
    grouped = by_group(question.auc_by_group)
    where = "" if question.images == ALL else f", {question.images}"
    text = (
        f"AUC {decimals(question.auc)}{'; ' if grouped else ''}{grouped}. n = {count(curve.n_pos)} + "
        f"{count(curve.n_neg)}, prevalence {question.prevalence:.0%} of these images (a clinic's is far lower), "
        f"{count(question.n_proven)} biopsy-proven."
    )
    shown = question.points[0].point if question.points else curve.youden()
    figures = (
        Figure(
            as_html(plot_operating_curve(curve, shown, palette)), f"Ring: {shown.rule}. Band: 95% of the sensitivity."
        ),
        Figure(as_html(plot_reliability(question.reliability, palette, "Score")), "Reliability of the score."),
        Figure(as_html(plot_decision(question.decision, palette)), "Net benefit at the prevalence of these images."),
        _predictive_figure(question, shown, palette),
        *_sample_figure(question, palette),
    )
    tables = [_points(question)] if question.points else []
    tables.append(_predictive_table(shown))
    texts = [text, *_sample_texts(question)]
    tables += [subgroup_table(name, found) for name, found in question.subgroups.items()]
    title = f"{question.positive_name} against {question.negative_name}{where}"
    return Section(title, tuple(texts), figures, tuple(tables))


def _points(question: QuestionFigures) -> Table:
    rows = []
    for p in question.points:
        c = p.point.counts
        numbers = " / ".join(map(count, (c.found, c.missed, c.false_alarms, c.spared)))
        rows.append((p.name, f"{p.point.threshold:.3f}", *rates(p), numbers))
    caption = (
        "Thresholds chosen on validation images. Intervals by resampling patients or lesions where they are known, "
        "else Wilson's."
    )
    head = ("Threshold", "Score", "Sensitivity", "Specificity", "found / missed / false alarms / spared")
    return Table(caption, head, tuple(rows))


def _predictive_figure(question: QuestionFigures, shown: OperatingPoint, palette: Palette) -> Figure:
    marks = [(f"{EXAMPLE:.0%}", EXAMPLE), (f"these images, {question.prevalence:.0%}", question.prevalence)]
    told = "; ".join(predictive_told(predictive_values(shown, share)) for _, share in marks)
    caption = f"Predictive values over the prevalence, at the ring's threshold: {told}. Bands: 95%. {NPV}"
    return Figure(as_html(plot_predictive_values(shown, marks, palette)), caption)


def _predictive_table(shown: OperatingPoint) -> Table:
    caption = (
        f"Where the disease is rarer than in these images: {shown.rule}. Intervals as in Mercaldo et al. 2007, of "
        "independent images, at a given prevalence."
    )
    rows = tuple(map(predictive_row, over_prevalences(shown, PREVALENCES)))
    return Table(caption, PREDICTIVE_HEAD, rows)


def _sample_figure(question: QuestionFigures, palette: Palette) -> Iterator[Figure]:
    """Sample and full set as in the paper's Figure 3; nothing where there is no sample."""
    found = question.sample
    if found is not None:
        names = sample_names(found)
        chart = plot_sample(question.curve, found.curve, (found.sensitivities, found.band), names, palette)
        yield Figure(as_html(chart), f"{SAMPLE_TITLE}. Band: the middle 95% of the samples' specificities.")


def _sample_texts(question: QuestionFigures) -> Iterator[str]:
    if question.sample is not None:
        told = " ".join(sample_sentences(question.sample, question.positive_name, question.negative_name))
        yield f"{SAMPLE_TITLE}. {told}"


def subgroup_table(name: str, found: Subgroups) -> Table:
    """Figures by the values of an attribute; the gaps are named in the caption."""
    rows = [
        (
            row.value or "not stated",
            f"{count(row.n_pos)} + {count(row.n_neg)}",
            FEW if row.auc is None else decimals(row.auc),
            *(FEW if f is None else share(f) for f in (row.sensitivity, row.specificity)),
        )
        for row in found.rows
    ]
    few = f" {TOO_FEW}" if any(row.measure(m) is None for row in found.rows for m in MEASURES) else ""
    return Table(f"{name}. {gaps(found)}{few}", (name, "n", "AUC", "Sensitivity", "Specificity"), tuple(rows))
