"""Question, level and the rows of probabilities; the picked node in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.answer import Level, NodeAnswer, level_answers, node_answer
from derm_model.palette import MARKS, THEME_VARIABLES
from derm_model.taxonomy import Resolution, TaskClasses
from pages.ui import components, look, state
from pages.ui.reading import Reading
from pages.ui.resources import Model

WHAT = "what"
AVERAGE, SHOWN_IMAGE = "All views, averaged", "The shown image"
SMALL = 0.01  # rows below this are folded


def chosen_task(model: Model) -> TaskClasses | None:
    """Task of the chosen question; None for "What is it?" and where the model cannot answer it."""
    return model.tasks.get(st.session_state.get(state.QUESTION, WHAT))


def choose_question(model: Model) -> None:
    """The question; only those the model's classes can answer."""
    texts = {WHAT: "What is it?", **{task_id: t.task.question for task_id, t in model.tasks.items()}}
    state.drop_unless(state.QUESTION, texts)
    st.selectbox(
        "Question",
        list(texts),
        format_func=texts.__getitem__,
        key=state.QUESTION,
        persist_state="session",
        on_change=_forget_explained,
    )


def _forget_explained() -> None:
    """A new question is explained by its own map, until another choice is made."""
    st.session_state.pop(state.EXPLAIN, None)


def choose_probs(reading: Reading, shown: int, *, several_views: bool) -> NDArray[np.float64]:
    """Heading, and of several views the choice between their mean and the shown image alone; (n_classes,)."""
    st.markdown("##### Probabilities")
    if several_views:
        of = st.segmented_control(
            "Probabilities of",
            [AVERAGE, SHOWN_IMAGE],
            default=AVERAGE,
            required=True,
            key=state.PROBS_OF,
            label_visibility="collapsed",
            wrap=True,
        )
        if of == SHOWN_IMAGE:
            return reading.predictions[shown].class_probs
    return reading.probs


def draw_rows(model: Model, probs: NDArray[np.float64]) -> None:
    """Level and its rows, most probable first; small and unresolved ones folded."""
    level = st.segmented_control(
        "Level",
        list(Level),
        default=Level.NINE,
        required=True,
        key=state.LEVEL,
        label_visibility="collapsed",
        wrap=True,
        persist_state="session",
    )
    answers = level_answers(model.taxonomy, model.aggregator, model.card.classes, probs, Level(level))
    shown = [a for a in answers if a.probability is not None and a.probability >= SMALL]
    folded = [a for a in answers if a not in shown]
    _bars(shown, "rows", "Probabilities, most probable first; press a row to have the map explain it")
    if folded:
        with st.expander(_folded_label(folded)):
            _bars(folded, "rows_folded", "Small and unresolved")
            if any(a.resolution is Resolution.NO_CLASS for a in folded):
                st.caption("Not learnt: the model saw no images of it, so it can say nothing about it.")


def _folded_label(folded: Sequence[NodeAnswer]) -> str:
    small = sum(a.probability is not None for a in folded)
    other = len(folded) - small
    if not other:
        return f"{small} more below 1%"
    return f"{small} more below 1%, {other} not learnt by this model" if small else f"{other} not learnt by this model"


def _bars(answers: Sequence[NodeAnswer], key: str, label: str) -> None:
    components.rows(
        [_row(answer) for answer in answers], picked=state.picked(), label=label, key=key, on_pick=_pick_from(key)
    )


def _pick_from(key: str) -> Callable[[], None]:
    def pick() -> None:
        node = st.session_state[key].get("picked")
        if node is not None:
            state.pick(None if node == state.picked() else node)

    return pick


def _row(answer: NodeAnswer) -> dict[str, str | float | None]:
    return {
        "key": answer.key,
        "node": answer.node,
        "name": answer.name,
        "role": answer.role.value,
        "probability": answer.probability,
        "text": _value(answer),
        "mark": MARKS[answer.role],
        "colour": THEME_VARIABLES[answer.role],
    }


def _value(answer: NodeAnswer) -> str:
    if answer.probability is not None:
        return words.percent(answer.probability)
    return "not learnt" if answer.resolution is Resolution.NO_CLASS else "not resolved"


def draw_picked(model: Model, probs: NDArray[np.float64]) -> None:
    """The picked node: where it stands and what the model says of it, in words."""
    node = state.picked()
    if node is None:
        return
    answer = node_answer(model.taxonomy, model.aggregator, model.card.classes, probs, node)
    with st.container(border=True, key="picked", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Picked: {look.plain(answer.name)}**")
            st.space("stretch")
            st.button("Clear", key="unpick", type="tertiary", on_click=state.pick, args=(None,))
        st.caption(" › ".join(look.plain(name) for name in model.taxonomy.path(node)))
        st.markdown(_sentence(answer))


def _sentence(answer: NodeAnswer) -> str:
    if answer.probability is not None:
        return f"Probability **{words.percent(answer.probability)}** · {MARKS[answer.role]} {answer.role.value}"
    if answer.covering is not None and answer.covering_probability is not None:
        return (
            f"Not resolved by this model: it has no class this fine. It is part of {look.plain(answer.covering)}, "
            f"{words.percent(answer.covering_probability)}."
        )
    return "Not learnt: the model saw no images of it, so it can say nothing about it."
