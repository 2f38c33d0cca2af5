"""A yes-or-no question: curve, areas, points, subgroups, net benefit; one of the paper's, or one's own."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.assessment.numbers import UNDEFINED, rates
from derm_model.assessment.question_figures import QuestionFigures
from derm_model.evaluation.curves import OperatingPoint
from pages.ui import look, state
from pages.ui.evaluate import keys, own, parts, prevalence, sampled
from pages.ui.evaluate.calibration import draw_reliability
from pages.ui.evaluate.kept import Shown
from pages.ui.train.curves import wait_for_pandas

OWN = "own"
PAPER, ROC = "paper", "roc"
AXES = {PAPER: "Sensitivity, specificity", ROC: "ROC"}
MAX_POINTS = 8  # marks of the figure


def draw_questions(of: Shown) -> None:
    """Draw the question and the images that are chosen."""
    names = {task_id: sides.task.question for task_id, sides in of.model.tasks.items()}
    names[OWN] = "Another question: any two sets of diagnoses"
    state.drop_unless(keys.EVALUATION_QUESTION, names)
    defined = [q.question for q in of.assessment.questions]
    if keys.EVALUATION_QUESTION not in st.session_state and defined:
        st.session_state[keys.EVALUATION_QUESTION] = defined[0]  # the first that these images can answer
    asked = st.selectbox(
        "Question", list(names), format_func=names.__getitem__, key=keys.EVALUATION_QUESTION, persist_state="session"
    )
    if asked == OWN:
        found = own.choose_question(of)
        if found is not None:
            _draw(found, optimistic=True)
        return
    sets = {q.images: q for q in of.assessment.questions if q.question == asked}
    if not sets:
        task = of.model.tasks[asked].task
        st.markdown(
            f"This question is **not defined** on these images: it needs images of {look.plain(task.positive_name)} "
            f"and of {look.plain(task.negative_name)}, and one side has none."
        )
        return
    _draw(sets[_choose_images(list(sets))], optimistic=False)


def _choose_images(sets: list[str]) -> str:
    if len(sets) == 1:
        return sets[0]
    state.drop_unless(keys.EVALUATION_IMAGES, sets)
    return (
        st.segmented_control(
            "Images",
            sets,
            format_func=lambda name: name[:1].upper() + name[1:],
            key=keys.EVALUATION_IMAGES,
            default=None if keys.EVALUATION_IMAGES in st.session_state else sets[0],
            wrap=True,
            persist_state="session",
            help="All, or those of one modality or data set that has images on both sides.",
        )
        or sets[0]
    )


def _draw(question: QuestionFigures, *, optimistic: bool) -> None:
    if optimistic:
        st.warning(
            "**Optimistic.** These thresholds were chosen on the images they are shown on.", icon=":material/warning:"
        )
    _draw_areas(question)
    left, right = st.columns(2, gap="large")
    with left:
        _draw_curve(question)
    with right:
        _draw_decision(question)
    _draw_points(question, optimistic)
    prevalence.draw_prevalences(question)
    sampled.draw_sample(question, roc=st.session_state.get(keys.EVALUATION_AXES) == ROC)
    _draw_subgroups(question)
    st.markdown("##### Reliability of the score")
    draw_reliability(question.reliability, "Score", f"{question.question}_{question.images}")


def _draw_areas(question: QuestionFigures) -> None:
    area, grouped, n = question.auc, question.auc_by_group, parts.sides(question.curve.n_pos, question.curve.n_neg)
    with st.grid(4, min_column_width=140, key="evaluation_areas"):
        parts.metric(
            "AUC", f"{area.value:.3f}", f"{area.low:.3f}–{area.high:.3f}", f"DeLong's interval, n = {n} images."
        )
        redrawn = "" if grouped is None else f"{grouped.interval.low:.3f}–{grouped.interval.high:.3f}"
        parts.metric(
            "Patient interval",
            UNDEFINED if grouped is None else f"{area.value:.3f}",
            redrawn,
            f"The same area; patients, or lesions where patients are not named, are redrawn ({question.n_groups:,}). "
            "Several images of one say less than as many lesions.",
        )
        parts.metric(
            "Images", n, f"{question.prevalence:.0%} positive",
            f"With {question.positive_name} + with {question.negative_name}. A clinic's prevalence is far lower.",
        )  # fmt: skip
        parts.metric(
            "Biopsy-proven",
            words.count(question.n_proven),
            f"of {words.count(question.curve.n_pos + question.curve.n_neg)}",
            "Images whose label a histopathologist confirmed.",
        )


def _draw_curve(question: QuestionFigures) -> None:
    wait_for_pandas()
    from derm_model.figures.evaluation import plot_question_curve  # plotly: not before there is something to draw

    st.markdown("##### Sensitivity and specificity")
    state.drop_unless(keys.EVALUATION_AXES, AXES)
    axes = st.segmented_control(
        "Axes",
        list(AXES),
        format_func=AXES.__getitem__,
        key=keys.EVALUATION_AXES,
        default=None if keys.EVALUATION_AXES in st.session_state else PAPER,
        required=True,
        persist_state="session",
        help="As in the paper's Figure 3, or the usual ROC axes.",
    )
    points = [(p.name, p.point) for p in question.points[:MAX_POINTS]]
    told = "; ".join(f"{name}: {_told(point)}" for name, point in points)
    parts.chart(
        plot_question_curve(question.curve, points, look.palette(), roc=axes == ROC),
        f"evaluation_curve_{axes}",
        f"{question.positive_name} against {question.negative_name}: area under the curve {question.auc.value:.3f}. "
        f"{told}.",
    )
    st.caption("Band: 95% interval of the sensitivity. Marks: the thresholds of the table, with Wilson's intervals.")


def _told(point: OperatingPoint) -> str:
    return f"sensitivity {point.sensitivity:.0%}, specificity {point.specificity:.0%}"


def _draw_decision(question: QuestionFigures) -> None:
    wait_for_pandas()
    from derm_model.figures.evaluation import plot_decision

    curve = question.decision
    st.markdown("##### Net benefit")
    above = curve.thresholds[(curve.model > curve.treat_all) & (curve.model > 0)]
    told = (
        f"The model is worth more than both between {above.min():.0%} and {above.max():.0%}."
        if above.size
        else "At no threshold is the model worth more than both."
    )
    parts.chart(
        plot_decision(curve, look.palette(), 400),
        "evaluation_decision",
        f"Net benefit of the model against biopsy for all and for none. {told}",
    )
    st.caption(f"{told} At the prevalence of these images; no interval (Vickers & Elkin 2006).")


def _draw_points(question: QuestionFigures, optimistic: bool) -> None:
    st.markdown("##### Thresholds")
    if not question.points:
        st.markdown("The model's card has no threshold chosen on validation images for this question.")
        return
    rows = []
    for p in question.points:
        c, values = p.point.counts, p.predictive
        rows.append(
            (
                p.name,
                f"{p.point.threshold:.3f}",
                *rates(p),
                *map(words.count, (c.found, c.missed, c.false_alarms, c.spared)),
                UNDEFINED if values.ppv is None else f"{values.ppv:.1%}",
                UNDEFINED if values.npv is None else f"{values.npv:.1%}",
                UNDEFINED if values.needed_to_biopsy is None else f"{values.needed_to_biopsy:.1f}",
            )
        )
    head = (
        *("Threshold", "Score", "Sensitivity", "Specificity", "Found", "Missed", "False alarms", "Spared"),
        *("PPV", "NPV", "Biopsies per case"),
    )
    st.markdown(parts.table(head, rows))
    chosen = "on these images" if optimistic else "on validation images"
    st.caption(
        f"Chosen {chosen}. n = {parts.sides(question.curve.n_pos, question.curve.n_neg)}. Intervals by resampling "
        "patients or lesions where they are known, else Wilson's. PPV, NPV and biopsies per case are those of "
        f"{question.prevalence:.0%} prevalence, that of these images."
    )


def _draw_subgroups(question: QuestionFigures) -> None:
    st.markdown("##### Subgroups")
    if not question.subgroups:
        st.markdown("Nothing is stated about these images by which they could be told apart, or there is no threshold.")
        return
    from derm_model.evaluation_report import subgroup_table

    st.caption(f"At the threshold {look.plain(question.points[0].name)}. {words.GROUPS_DIFFER}")
    for name, found in question.subgroups.items():
        made = subgroup_table(name, found)
        gap = f"{len(found.beyond_chance)} beyond chance" if found.beyond_chance else "no gap beyond chance"
        with st.expander(f"{name}: {len(found.rows)} groups, {gap}", key=f"subgroups_{name}"):
            st.markdown(parts.table(made.head, made.rows))
            st.caption(look.plain(made.caption))
