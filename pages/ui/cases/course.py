"""What was said of a lesion over time: a figure for one question, and a table of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.taxonomy import Task, read_tasks
from pages.ui import look, resources, state
from pages.ui.cases import keys, recording
from pages.ui.cases.nodes import node_in_words

if TYPE_CHECKING:
    from derm_model.figures.cases import TimePoint
    from derm_model.records.cases import CaseRecord, PredictionRow, VisitRow


def draw_course(case: CaseRecord) -> None:
    """Score over time, of one question."""
    st.markdown("##### Score over time")
    tasks = _tasks(case)
    if not tasks:
        st.caption("No question was answered at any visit.")
        return
    state.drop_unless(keys.QUESTION, tasks)
    task_id = st.selectbox("Question", list(tasks), format_func=lambda id_: tasks[id_].question, key=keys.QUESTION)
    points = time_points(case, task_id)
    if not points:
        st.caption("This question has no score at any visit: the model puts nothing on either of its sides.")
        return
    from derm_model.figures.cases import plot_lesion  # plotly: not before there is something to draw

    outcome = case.outcome
    known = None
    if outcome is not None:
        taxonomy = resources.taxonomy()
        name = taxonomy.node(outcome.node).name if outcome.node in taxonomy else outcome.node
        known = (outcome.diagnosed_on, name)
    st.plotly_chart(
        plot_lesion(points, known, look.palette()),
        theme=None,
        key="case_course",
        config={"displayModeBar": False},
        alt="Score over time: " + "; ".join(_point_in_words(point) for point in points) + ".",
    )
    bundles = list(dict.fromkeys(point.bundle for point in points))
    several = (
        f" {len(bundles)} models answered, each with a line and a mark of its own: scores of two models are not one "
        "scale, so their lines are never joined."
    )
    st.caption(
        f"Filled: at or above the threshold in use at that time (dash); open: below, which does not exclude "
        f"{look.plain(tasks[task_id].positive_name)}, or no threshold was chosen. A score can change with light, focus "
        f"and distance alone.{several if len(bundles) > 1 else ''}"
    )


def _tasks(case: CaseRecord) -> dict[str, Task]:
    """Questions that were asked; of one that is no longer there the table tells."""
    asked = {a.task_id for visit in case.visits for p in visit.predictions for a in p.answers}
    return {task_id: task for task_id, task in read_tasks().items() if task_id in asked}


def time_points(case: CaseRecord, task_id: str) -> list[TimePoint]:
    """A point per visit and bundle: its last answer about all images together, else about the first one."""
    from derm_model.figures.cases import TimePoint

    points = []
    for visit in case.visits:
        for prediction in telling(visit).values():
            answer = next((a for a in prediction.answers if a.task_id == task_id and a.score is not None), None)
            if answer is not None and answer.score is not None:
                points.append(TimePoint(visit.seen_on, answer.score, answer.threshold, prediction.bundle_id))
    return points


def telling(visit: VisitRow) -> dict[str, PredictionRow]:
    """By bundle digest, the prediction that speaks for the visit."""

    def last_tells(prediction: PredictionRow) -> int:
        return 0 if prediction.image is None else -1 - prediction.image

    return {p.bundle_digest: p for p in sorted(visit.predictions, key=last_tells)}  # of equal ones the newest stays


def _point_in_words(point: TimePoint) -> str:
    threshold = "no threshold" if point.threshold is None else f"threshold {words.number(point.threshold)}"
    return f"{point.day} {words.number(point.score)} ({threshold}, {point.bundle})"


def draw_answers(case: CaseRecord) -> None:
    """Everything each bundle said, a line per image and question."""
    lines = [line for visit in case.visits for prediction in visit.predictions for line in _lines(visit, prediction)]
    with st.expander(f"All {words.plural(len(lines), 'answer')}", icon=":material/table_rows:", key="case_answers"):
        if lines:
            st.dataframe(lines, hide_index=True, alt="A line per image and question: score, threshold, model")


def _lines(visit: VisitRow, prediction: PredictionRow) -> list[dict[str, str]]:
    taxonomy = resources.taxonomy()
    best = max(prediction.class_probs, key=prediction.class_probs.__getitem__, default=None)
    unusual = "yes" if recording.is_unusual(prediction.ood_percentile) else ""
    return [
        {
            "Seen on": str(visit.seen_on),
            "Image": "all together" if prediction.image is None else str(prediction.image + 1),
            "Model": prediction.bundle_id,
            "Question": answer.task_id,
            "Score": _number(answer.score),
            "Threshold": _number(answer.threshold),
            "Threshold is": answer.threshold_rule or "",
            "Most probable class": "" if best is None else node_in_words(taxonomy, best).replace("\\", ""),
            "Probability": "" if best is None else words.percent(prediction.class_probs[best]),
            "Unlike the training images": unusual,
            "Quality": " ".join(prediction.quality_notes),
            "Read at (UTC)": f"{prediction.created_at:%Y-%m-%d %H:%M}",
        }
        for answer in prediction.answers
    ]


def _number(value: float | None) -> str:
    return "" if value is None else words.number(value)
