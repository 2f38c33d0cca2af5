"""Which model it is, in one sentence and four numbers, and what the page shows of it."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.card import Metric, TaskCard
from derm_model.card_text import images, summary
from pages.ui import access, look, state
from pages.ui.model.shelf import kind_of
from pages.ui.resources import Model

VIEWS = {
    "card": ":material/id_card: Card",
    "compare": ":material/compare_arrows: Compare",
    "manage": ":material/inventory_2: Import and manage",
}
MAX_QUESTIONS = 2  # numbers in one row with the two counts


def draw_head(model: Model) -> None:
    """Name, kind, sentence, numbers."""
    card = model.card
    st.markdown(f"### {look.plain(card.name)} :gray-badge[{kind_of(model.folder).value}]")
    st.markdown(f"{summary(card)} Made {look.moment(card.created_at)}.")
    with st.grid(4, min_column_width=140):
        n_classes, n_sets = len(card.classes), sum(s.n_test > 0 for s in card.data)
        _draw_count("Training images", sum(s.n_train for s in card.data), f"{words.count(n_classes)} classes")
        _draw_count("Held-out images", sum(s.n_test for s in card.data), words.plural(n_sets, "data set"))
        for task_id, task in list(card.tasks.items())[:MAX_QUESTIONS]:
            _draw_auc(model.tasks[task_id].task.name if task_id in model.tasks else task_id, task)


def choose_view() -> str:
    """Card, comparison or management; kept while the session lasts."""
    views = [view for view in VIEWS if view != "manage" or access.may(Right.MODELS)]
    state.drop_unless(state.MODEL_VIEW, views)
    st.session_state.setdefault(state.MODEL_VIEW, "card")
    chosen = st.segmented_control(
        "Show",
        views,
        key=state.MODEL_VIEW,
        required=True,
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        wrap=True,
        persist_state="session",
    )
    return chosen or "card"


def _draw_count(label: str, n: int, note: str) -> None:
    st.metric(label, words.count(n), note, delta_color="off", delta_arrow="off", border=True)


def _draw_auc(name: str, task: TaskCard) -> None:
    """The area over all held-out images; nothing where it was not measured."""
    metric = _over_all(task)
    if metric is None:
        return
    bounds = "" if metric.low is None or metric.high is None else f"{metric.low:.2f}–{metric.high:.2f}"
    st.metric(
        f"AUC, {look.plain(name)}",
        f"{metric.value:.2f}",
        bounds or None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=f"{look.plain(metric.name)}, {look.plain(metric.data_set)}: n = {images(metric)}. 95% interval.",
    )


def _over_all(task: TaskCard) -> Metric | None:
    """The figure over all data sets, or the only one; no single one of several stands for all."""
    n = 0 if task.holdout is None else task.holdout.n_pos + task.holdout.n_neg
    return next((metric for metric in task.auc if metric.n == n or len(task.auc) == 1), None)
