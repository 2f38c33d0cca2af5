"""Evaluations at work: progress, cancel, log. One that ends well becomes the evaluation shown."""

from __future__ import annotations

import json
from collections.abc import Iterable

import streamlit as st

from derm_model.access import Right
from derm_model.assessment.exports import JSON_FILE
from derm_model.errors import DermTreeError
from derm_model.jobs import Job, JobState, JobStore, launch
from pages.ui import access, job_panel, look, state
from pages.ui.evaluate import keys
from pages.ui.evaluate.starting import KIND
from pages.ui.resources import Model

EARLIER = 5  # ended jobs that are listed


def draw_jobs(model: Model) -> None:
    """What is at work for this model, and what went wrong; follows the work without a hand on the page."""
    bundle_id = model.card.bundle_id
    active = job_panel.active(_jobs(bundle_id))
    seconds = job_panel.POLL_S if active else job_panel.IDLE_POLL_S
    access.poll(_draw_panel, seconds)(bundle_id, active)


def _jobs(bundle_id: str) -> list[Job]:
    return JobStore().list(about={"kind": KIND, "bundle": bundle_id})


def _draw_panel(bundle_id: str, active_before: tuple[str, ...]) -> None:
    jobs = _jobs(bundle_id)
    if job_panel.active(jobs) != active_before:
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
            st.session_state[keys.EVALUATION] = found["about"]["digest"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # deleted meanwhile: the list of evaluations is as it is
        st.session_state["new_evaluation"] = False  # what was asked for is there: the form folds


def _draw_job(job: Job) -> None:
    job_panel.draw_card(
        job,
        again=job_panel.Again("Start again", _again) if job.request.arguments else None,
        dismissed="Deletes its log and its files. Kept answers stay.",
        waiting="Waits until another evaluation has ended.",
        told=_outcome,
    )


def _outcome(job: Job) -> str:
    if job.status.state is not JobState.FINISHED:
        return job_panel.outcome(job)
    if job.status.exit_code == 1:
        return "The figures are kept. Some images could not be read and are left out; the log names them."
    return "Its figures are kept: choose them above."


def _again(job: Job) -> None:
    request = job.request
    try:
        access.who(Right.RESEARCH)
        launch(JobStore(), request.arguments, request.title, request.about, device=request.device)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        job_panel.dismiss(job.id)
