"""The list of runs, newest first. It watches the work as long as there is some, and leaves the form alone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from derm_model.jobs import Job, JobState
from pages.ui import access, state
from pages.ui.train import actions
from pages.ui.train.card import draw_card

POLL_S = 1.0  # while a run is active: progress is seen to move
IDLE_POLL_S = 15.0  # else: a run that somebody else starts appears without a reload
LISTED = 6  # runs that have ended; the ones before are folded


def draw_jobs(runs: Sequence[Job]) -> None:
    """Draw the list; the polling ends with the last active run."""
    state.set_active_runs(_active(runs))
    st.markdown("### Jobs")
    access.poll(_draw_list, POLL_S if state.active_runs() else IDLE_POLL_S)()


def _draw_list() -> None:
    runs = actions.store().list()
    _end_with_the_work(runs)
    parents = {run.id for run in runs}
    folds: dict[str, list[Job]] = {}
    for run in runs:
        folds.setdefault(run.request.about.get("crossval", ""), []).append(run)
    shown = [run for run in runs if run.request.about.get("crossval", "") not in parents]
    if not shown:
        with st.container(border=True, key="no_runs"):
            st.markdown("**No training yet.** Choose images and a recipe in the form, look at the preview, then start.")
            st.caption("Runs are kept in the runs folder of $DERM_HOME and survive this page, its tab and the server.")
        return
    ended = [run for run in shown if not run.is_active]
    folded = {run.id for run in ended[LISTED:]}
    with st.container(key="run_list"):
        for run in shown:
            if run.id not in folded:
                draw_card(run, folds.get(run.id, ()))
    if folded:
        with st.expander(
            f"Earlier runs ({len(folded)})", icon=":material/history:", key="earlier_runs", on_change="rerun"
        ) as fold:
            if fold.open:
                for run in ended[LISTED:]:
                    draw_card(run, folds.get(run.id, ()))


def _end_with_the_work(runs: Sequence[Job]) -> None:
    """Draw the whole page anew when a run begins or ends: how often to look, and the models to choose from, change."""
    before, now = state.active_runs(), _active(runs)
    if now == before:
        return
    for run in runs:
        if run.id in before and run.status.state is JobState.FINISHED:
            st.session_state[actions.evaluation_key(run.id)] = True  # its evaluation opens
    state.set_active_runs(now)
    st.rerun()


def _active(runs: Sequence[Job]) -> frozenset[str]:
    return frozenset(run.id for run in runs if run.is_active)
