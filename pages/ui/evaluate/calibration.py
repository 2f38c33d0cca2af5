"""Whether probabilities mean what they say: of the answer, and of the score of each question."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.assessment.numbers import UNDEFINED
from derm_model.assessment.question_figures import ALL, QuestionFigures
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.reliability import Reliability
from pages.ui import look
from pages.ui.evaluate import parts
from pages.ui.evaluate.kept import Shown
from pages.ui.train.curves import wait_for_pandas

HEIGHT_PX = 320


def draw_calibration(of: Shown) -> None:
    """The answers' reliability, then that of the questions' scores."""
    temperature = of.model.card.temperature
    st.caption(
        f"Probabilities are those the app shows, divided by a temperature of {temperature:.2f} that was fitted on "
        "validation images."
    )
    certainty, brier = of.assessment.certainty, of.assessment.brier
    st.markdown("##### Answers: training classes")
    if certainty is None:
        st.markdown("Calibration is **not defined**: no image is of a training class.")
    else:
        score = UNDEFINED if brier is None else f"{brier:.3f}"
        st.markdown(
            f"**Expected calibration error {certainty.error:.3f}**, ten bins of equal width, n = "
            f"{words.count(certainty.n)}. Brier score {score} (0 to 2; 0 is best)."
        )
        draw_reliability(certainty, "Probability of the answer", "answers")
    for question in of.assessment.questions:
        if question.images == ALL:
            _draw_question(question)


def _draw_question(question: QuestionFigures) -> None:
    st.markdown(f"##### {parts.against(question.positive_name, question.negative_name)}: score")
    line = question.line
    told = (
        "Calibration slope **not defined**."
        if line is None
        else f"Calibration slope {_signed(line.slope)}, 1 where scores are neither too extreme nor too timid; in the "
        f"large {_signed(line.in_the_large)}, below 0 where they are too high."
    )
    st.markdown(
        f"**Expected calibration error {question.reliability.error:.3f}**, "
        f"n = {parts.sides(question.curve.n_pos, question.curve.n_neg)}. {told}"
    )
    draw_reliability(question.reliability, "Score", question.question)
    st.caption("At the prevalence of these images: where the disease is rarer, the same score means less.")


def _signed(found: Interval) -> str:
    """Of a figure that may be negative: a dash between bounds would read as a second minus."""
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})".replace("-", "−")


def draw_reliability(found: Reliability, title: str, key: str) -> None:
    """Diagram and its numbers side by side."""
    wait_for_pandas()
    from derm_model.figures.evaluation import plot_reliability  # plotly: not before there is something to draw

    left, right = st.columns(2, gap="large")
    with left:
        parts.chart(
            plot_reliability(found, look.palette(), title, HEIGHT_PX),
            f"reliability_{key}",
            f"Observed share against {title.lower()} in {len(found.bins)} bins; on average {found.error:.3f} apart, at "
            f"most {found.largest_gap:.2f}. The numbers stand in the table.",
        )
    with right:
        rows = [
            (
                f"{b.low:.1f} to {b.high:.1f}",
                words.count(b.n),
                f"{b.mean_predicted:.1%}",
                words.rate(b.observed.value, (b.observed.low, b.observed.high)),
            )
            for b in found.bins
        ]
        st.markdown(parts.table((title, "n", "Predicted", "Observed"), rows))
