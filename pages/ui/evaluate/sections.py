"""One evaluation: what must be known first, four figures, then a section at a time."""

from __future__ import annotations

from concurrent.futures import Future, wait
from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.assessment.numbers import UNDEFINED
from derm_model.assessment.question_figures import ALL, QuestionFigures
from pages.ui import access, look, state
from pages.ui.evaluate import (
    address,
    calibration,
    comparing,
    downloads,
    kept,
    keys,
    levels,
    mapping,
    parts,
    questions,
    unusual,
)
from pages.ui.evaluate.kept import Shown
from pages.ui.resources import Model

PATIENCE_S = 0.4  # small evaluations are ready by then
POLL_S = 0.5
SECTIONS = {
    "levels": ("Levels", levels.draw_levels),
    "questions": ("Questions", questions.draw_questions),
    "calibration": ("Calibration", calibration.draw_calibration),
    "unusual": ("Unusual images", unusual.draw_unusual),
    "compare": ("Compare", comparing.draw_comparison),
    "map": ("Map", mapping.draw_map),
}


def draw_evaluation(model: Model, folder: Path) -> None:
    """Draw it; while intervals are being resampled, say so and look again."""
    future = kept.shown(model, folder)
    wait([future], timeout=PATIENCE_S)
    if not future.done():
        st.markdown(":material/hourglass_empty: Being worked out: every interval is resampled two thousand times.")
        st.skeleton(420)
        access.poll(_look_again, POLL_S)(future)
        return
    if (error := future.exception()) is not None:
        st.error(
            f"**This evaluation cannot be shown.** {look.plain(kept.explain(error, 'an evaluation'))}",
            icon=":material/error:",
        )
        return
    _draw(future.result())


def _look_again(future: Future[Shown]) -> None:
    if future.done():
        st.rerun()


def _draw(of: Shown) -> None:
    warnings = of.assessment.warnings
    if warnings:
        bullet = "- " if len(warnings) > 1 else ""
        st.warning("\n".join(bullet + look.plain(text) for text in warnings), icon=":material/warning:")
    _draw_images(of)
    _draw_metrics(of)
    st.session_state.setdefault(keys.EVALUATION_SECTION, "levels")
    state.drop_unless(keys.EVALUATION_SECTION, SECTIONS)
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        format_func=lambda name: SECTIONS[name][0],
        key=keys.EVALUATION_SECTION,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    section = section or "levels"
    with st.container(key=f"section_{section}"):
        SECTIONS[section][1](of)
    address.put(of.model, of.answers.about.digest, section)
    downloads.draw_downloads(of)
    st.caption("The address of this page holds this view: copy it to come back or to show it to somebody.")


def _draw_images(of: Shown) -> None:
    what = of.assessment.composition
    named = [
        words.plural(what.n_patients, "patient") if what.n_patients else "patients not named",
        words.plural(what.n_lesions, "lesion") if what.n_lesions else "lesions not named",
        f"{words.count(what.n_proven)} labels biopsy-proven",
    ]
    sources = ", ".join(f"{look.plain(name)} {words.count(n)}" for name, n in what.sources.items())
    kinds = ", ".join(f"{look.plain(name)} {words.count(n)}" for name, n in what.modalities.items())
    st.caption(f"{words.plural(what.n, 'image')} · {' · '.join(named)} · Data sets: {sources} · Modality: {kinds}")


def _draw_metrics(of: Shown) -> None:
    found = of.assessment
    accuracy = {level.level: level for level in found.levels}
    with st.grid(4, min_column_width=140, key="evaluation_metrics"):
        for level, label in (("three", "Three-way accuracy"), ("nine", "Nine-way accuracy")):
            level_figures = accuracy.get(level)
            value, interval = parts.percent(None if level_figures is None else level_figures.accuracy)
            n = 0 if level_figures is None else level_figures.n
            parts.metric(label, value, interval, f"Mean of the accuracies of the single classes. n = {words.count(n)}.")
        _draw_auc(_main_question(found.questions))
        error = None if found.certainty is None else found.certainty.error
        n = 0 if found.certainty is None else found.certainty.n
        parts.metric(
            "Calibration error",
            UNDEFINED if error is None else f"{error:.3f}",
            f"n = {words.count(n)}",
            "How far the probability of the answer is from the share of right answers, on average (ECE, ten bins).",
        )


def _main_question(found: tuple[QuestionFigures, ...]) -> QuestionFigures | None:
    """The one about melanoma, else the first that has figures."""
    whole = [question for question in found if question.images == ALL]
    return next((q for q in whole if q.question == "melanocytic"), whole[0] if whole else None)


def _draw_auc(question: QuestionFigures | None) -> None:
    if question is None:
        parts.metric("AUC", UNDEFINED, "", "It needs images on both sides of a question.")
        return
    area = question.auc
    parts.metric(
        f"AUC, {question.positive_name}",
        f"{area.value:.2f}",
        f"{area.low:.2f}–{area.high:.2f}",
        f"{question.positive_name} against {question.negative_name}. "
        f"n = {parts.sides(question.curve.n_pos, question.curve.n_neg)}. DeLong's interval.",
    )
