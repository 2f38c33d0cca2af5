"""Evaluations at work: progress, cancel, log. One that ends well becomes the evaluation shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import streamlit as st

from derm_model.assessment.exports import JSON_FILE
from derm_model.errors import DermTreeError
from derm_model.jobs import Job, JobState, JobStore, cancel, launch, tail
from derm_model.jobs.store import has_worker
from pages.ui import job_panel, look, state
from pages.ui.evaluate.starting import KIND
from pages.ui.resources import Model

EARLIER = 5  # ended jobs that are listed


def draw_jobs(model: Model) -> None:
    """What is at work for this model, and what went wrong; follows the work without a hand on the page."""
    bundle_id = model.card.bundle_id
    active = _active(_jobs(bundle_id))
    seconds = job_panel.POLL_S if active else job_panel.IDLE_POLL_S
    st.fragment(_draw_panel, run_every=seconds)(bundle_id, active)


def _jobs(bundle_id: str) -> list[Job]:
    return JobStore().list(about={"kind": KIND, "bundle": bundle_id})


def _active(jobs: Sequence[Job]) -> tuple[str, ...]:
    return tuple(job.id for job in jobs if job.is_active)


def _draw_panel(bundle_id: str, active_before: tuple[str, ...]) -> None:
    jobs = _jobs(bundle_id)
    if _active(jobs) != active_before:
        _show_ended(job for job in jobs if job.id in active_before)
        st.rerun()  # the whole page: there is one evaluation more, or another rhythm of looking
    urgent = [job for job in jobs if job.is_active or _went_wrong(job)]
    rest = [job for job in jobs if job not in urgent]
    with st.container(key="evaluation_jobs", gap="small"):
        for job in urgent[:EARLIER]:
            _draw_job(job)
        if rest:
            with st.expander(
                f"Earlier jobs ({len(rest)})", icon=":material/history:", key="earlier_evaluations", on_change="rerun"
            ) as fold:
                if fold.open:
                    for job in rest[:EARLIER]:
                        _draw_job(job)


def _went_wrong(job: Job) -> bool:
    """Whether an ended job has something to say that the figures do not."""
    return job.status.state is not JobState.FINISHED or job.status.exit_code == 1


def _show_ended(jobs: Iterable[Job]) -> None:
    """Choose the evaluation that a job has just finished."""
    for job in jobs:
        if job.status.state is not JobState.FINISHED:
            continue
        try:
            found = json.loads((job.paths.folder / JSON_FILE).read_bytes())
            st.session_state[state.EVALUATION] = found["about"]["digest"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # deleted meanwhile: the list of evaluations is as it is
        st.session_state["new_evaluation"] = False  # what was asked for is there: the form folds


def _draw_job(job: Job) -> None:
    word, colour, icon = job_panel.LOOKS[job.status.state]
    with st.container(border=True, key=f"evaluation_job_{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(word, color=colour, icon=icon)
            st.markdown(f"**{look.plain(job.request.title)}**", width="content")
            st.caption(look.moment(job.request.created_at), width="content")
            _draw_buttons(job)
        if job.status.state is JobState.QUEUED:
            st.caption("Waits until another evaluation has ended.")
        elif job.is_active:
            st.progress(job.status.fraction or 0.0, job_panel.sentence(job))
        else:
            st.markdown(_outcome(job))
        with st.expander("Log, last lines", icon=":material/terminal:", key=f"log_{job.id}", on_change="rerun") as fold:
            if fold.open:
                lines = tail(job.paths.log, job_panel.LOG_LINES)
                st.code(lines or "Nothing was printed.", language=None, wrap_lines=True)


def _outcome(job: Job) -> str:
    if job.status.state is not JobState.FINISHED:
        return job_panel.outcome(job)
    if job.status.exit_code == 1:
        return "The figures are kept. Some images could not be read and are left out; the log names them."
    return "Its figures are kept: choose them above."


def _draw_buttons(job: Job) -> None:
    """At most two, by what can be done now."""
    asked = job.paths.cancel.exists()
    if job.is_active and not asked:
        st.button("Cancel", key=f"cancel_{job.id}", icon=":material/stop_circle:", on_click=_cancel, args=(job, False))
    elif job.is_active or (job.status.state is JobState.LOST and has_worker(job.paths)):
        st.button("Stop at once", key=f"kill_{job.id}", icon=":material/dangerous:", on_click=_cancel, args=(job, True))
    if job.is_active:
        return
    if job.status.state is not JobState.FINISHED and job.request.arguments:
        st.button("Start again", key=f"again_{job.id}", icon=":material/replay:", on_click=_again, args=(job,))
    st.button(
        "Dismiss",
        key=f"dismiss_{job.id}",
        type="tertiary",
        on_click=_dismiss,
        args=(job,),
        help="Deletes its log and its files. Kept answers stay.",
    )


def _cancel(job: Job, force: bool) -> None:
    try:
        cancel(JobStore(), job.id, force=force)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)


def _again(job: Job) -> None:
    request = job.request
    try:
        launch(JobStore(), request.arguments, request.title, request.about, device=request.device)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        _dismiss(job)


def _dismiss(job: Job) -> None:
    try:
        JobStore().delete(job.id)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
