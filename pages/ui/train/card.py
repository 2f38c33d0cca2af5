"""One run as a card: state, at most two buttons, progress, one sentence, and what was opened below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from derm_model import words
from derm_model.jobs import Job, JobState, tail
from derm_model.jobs.store import has_worker
from pages.ui import job_panel, look, resources, state
from pages.ui.train import actions, curves, evaluation, sentences
from pages.ui.train.crossval_result import draw_crossval
from pages.ui.train.run_files import History, is_damaged

LOG_LINES = 60
CLONE, COMPARE, DELETE = "Clone with changes", "Compare", "Delete"
MENU_ICONS = {CLONE: ":material/content_copy:", COMPARE: ":material/compare_arrows:", DELETE: ":material/delete:"}


def draw_card(job: Job, folds: Sequence[Job] = ()) -> None:
    """Draw it; `folds` are the trainings of a cross-validation."""
    history = resources.history(job.paths.folder)
    status = job.status
    word, colour, icon = job_panel.LOOKS[status.state]
    with st.container(border=True, key=f"run_{job.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(word, color=colour, icon=icon)
            st.markdown(f"**{look.plain(job.request.title)}**", width="stretch")
            _draw_buttons(job, history)
        fraction = status.fraction
        if status.state is JobState.RUNNING or (job.is_resumable and fraction):
            st.progress(fraction or 0.0)
        st.caption(f"{look.moment(job.request.created_at)} · {look.plain(sentences.sentence(job, history))}")
        _draw_damage(job, history)
        if sentences.is_crossval(job):
            _draw_folds(job, folds)
        if status.state is JobState.RUNNING and history.epochs:
            curves.draw_curves(job)
        if status.state is JobState.FINISHED and evaluation.has_bundle(job):
            with _fold("Evaluation of the model", ":material/query_stats:", actions.evaluation_key(job.id)) as fold:
                if fold.open:
                    evaluation.draw_evaluation(job)
        _draw_more(job, history)


def _draw_more(job: Job, history: History) -> None:
    """Log, and curves where they are not shown already; one fold, so that a list of runs stays short."""
    folded_curves = bool(history.epochs) and job.status.state is not JobState.RUNNING
    if job.status.state is JobState.QUEUED and not folded_curves:
        return
    label, icon = ("Curves and log", ":material/show_chart:") if folded_curves else ("Log", ":material/terminal:")
    with _fold(label, icon, f"more_of_{job.id}") as fold:
        if fold.open:
            if folded_curves:
                curves.draw_curves(job)
            st.caption("The last lines of the log")
            st.code(tail(job.paths.log, LOG_LINES) or "Nothing was printed.", language=None, wrap_lines=True)


def _fold(label: str, icon: str, key: str) -> Any:
    return st.expander(label, icon=icon, key=key, on_change="rerun")


def _draw_damage(job: Job, history: History) -> None:
    said = []
    if history.damaged:
        said.append(f"{words.plural(history.damaged, 'line')} of metrics.jsonl cannot be read and are left out.")
    if not sentences.is_crossval(job) and is_damaged(job.paths.folder):
        said.append("config.json cannot be read: this run can neither be resumed nor compared by its recipe.")
    if said:
        st.warning(look.plain(" ".join(said)), icon=":material/broken_image:")


def _draw_folds(job: Job, folds: Sequence[Job]) -> None:
    if folds:
        with _fold(f"Trainings ({len(folds)})", ":material/account_tree:", f"folds_of_{job.id}") as fold:
            if fold.open:
                for one in sorted(folds, key=lambda other: other.id):
                    word, colour, icon = job_panel.LOOKS[one.status.state]
                    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                        st.badge(word, color=colour, icon=icon)
                        said = sentences.sentence(one, resources.history(one.paths.folder))
                        st.markdown(f"{look.plain(one.request.title)} · {look.plain(said)}", width="stretch")
    draw_crossval(job)


def _draw_buttons(job: Job, history: History) -> None:
    """At most two, by what can be done now: the one that is likely wanted, and a menu of the others."""
    status = job.status
    asked = job.paths.cancel.exists()
    if job.is_active and not asked:
        st.button("Stop", key=f"stop_{job.id}", icon=":material/stop_circle:", on_click=actions.stop, args=(job.id,))
    elif job.is_active or (status.state is JobState.LOST and has_worker(job.paths)):
        st.button(
            "Stop at once",
            key=f"kill_{job.id}",
            icon=":material/dangerous:",
            on_click=actions.stop,
            args=(job.id, True),
            help="Ends its processes without waiting. The last finished epoch is kept.",
        )
    elif job.is_resumable:
        st.button(
            "Resume",
            key=f"resume_{job.id}",
            icon=":material/play_arrow:",
            on_click=actions.resume_run,
            args=(job.id,),
            help="Goes on after the last finished epoch.",
        )
    elif evaluation.is_usable(job):
        st.button(
            "Use this model",
            key=f"use_{job.id}",
            icon=":material/check:",
            on_click=actions.use_model,
            args=(str(evaluation.bundle_of(job)),),
            disabled=st.session_state.get(state.MODEL) == str(evaluation.bundle_of(job)),
            help="Makes it the model of all pages, in this browser tab.",
        )
    offered = [CLONE] if job.request.arguments else []
    offered += [COMPARE] if history.epochs else []
    offered += [] if job.is_active else [DELETE]
    if offered:
        key = f"menu_{job.id}"
        st.menu_button(
            "More",
            offered,
            key=key,
            type="tertiary",
            format_func=lambda name: f"{MENU_ICONS[name]} {name}",
            on_click=_take,
            args=(key, job),
        )


def _take(key: str, job: Job) -> None:
    chosen = st.session_state.get(key)
    if chosen == CLONE:
        actions.clone(job)
    elif chosen == COMPARE:
        actions.compare(job.id)
    elif chosen == DELETE:
        actions.ask_to_delete(job.id)
