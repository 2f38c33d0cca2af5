"""What a call means where the disease is rarer than in the images: predictive values over the prevalence."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.assessment import numbers
from derm_model.assessment.question_figures import PointFigures, QuestionFigures
from derm_model.evaluation.predictive import EXAMPLE, PREVALENCES, over_prevalences, predictive_values
from pages.ui import look, state
from pages.ui.evaluate import keys, parts
from pages.ui.train.curves import wait_for_pandas


def draw_prevalences(question: QuestionFigures) -> None:
    """Chart and table of one of the question's thresholds; nothing where there is none."""
    if not question.points:
        return
    st.markdown("##### Predictive values and prevalence")
    point, share = _choose_point(question.points), _choose_prevalence()
    left, right = st.columns([2, 3], gap="large")
    with left:
        _draw_chart(question, point, share)
    with right:
        rows = [numbers.predictive_row(found) for found in over_prevalences(point.point, PREVALENCES)]
        st.markdown(parts.table(numbers.PREDICTIVE_HEAD, rows))
        st.caption(
            f"Threshold {look.plain(point.name)}, {point.point.threshold:.3f}. Biopsies per case: calls for each case "
            "of the disease among them, 1 / PPV. Intervals are 95% (Mercaldo et al. 2007), of independent images, at a "
            "given prevalence; that people elsewhere look different is not in them."
        )


def _choose_point(points: tuple[PointFigures, ...]) -> PointFigures:
    by_name = {point.name: point for point in points}
    if len(by_name) == 1:
        return points[0]
    state.drop_unless(keys.EVALUATION_POINT, by_name)
    name = st.segmented_control(
        "Threshold",
        list(by_name),
        format_func=look.plain,
        key=keys.EVALUATION_POINT,
        default=None if keys.EVALUATION_POINT in st.session_state else points[0].name,
        required=True,
        wrap=True,
        persist_state="session",
    )
    return by_name.get(name or "", points[0])


def _choose_prevalence() -> float:
    shares = {numbers.prevalence(share): share for share in PREVALENCES}
    state.drop_unless(keys.EVALUATION_PREVALENCE, shares)
    chosen = st.segmented_control(
        "Prevalence",
        list(shares),
        key=keys.EVALUATION_PREVALENCE,
        default=None if keys.EVALUATION_PREVALENCE in st.session_state else numbers.prevalence(EXAMPLE),
        required=True,
        wrap=True,
        persist_state="session",
        help="Share of people with the disease where the threshold is used: examples. The threshold desk takes any.",
    )
    return shares.get(chosen or "", EXAMPLE)


def _draw_chart(question: QuestionFigures, point: PointFigures, share: float) -> None:
    wait_for_pandas()
    from derm_model.figures.predictive import plot_predictive_values  # plotly: not before there is something to draw

    own = question.prevalence
    marks = [(numbers.prevalence(share), share), (f"these images, {own:.0%}", own)]
    told = "; ".join(numbers.predictive_told(predictive_values(point.point, at)) for _, at in marks)
    parts.chart(
        plot_predictive_values(point.point, marks, look.palette()),
        "evaluation_predictive",
        f"Predictive values of the threshold {point.name} over the prevalence: {told}.",
    )
    st.caption(f"{told[:1].upper()}{told[1:]} (these images). Bands: 95%. {words.NPV}")
