"""Background jobs of a workspace: state, progress, time left, cancel, log. Everything is read from the job's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError, JobError
from derm_model.jobs import Job, JobState, JobStore, cancel, launch, tail
from derm_model.jobs.remaining import in_words
from pages.ui import access, look, state

if TYPE_CHECKING:
    from derm_model.curation.workspace import Workspace

POLL_S = 1.0  # while a job is at work: progress is seen to move
IDLE_POLL_S = 10.0  # else: a job that somebody else starts appears without a reload
LOG_LINES = 60
EARLIER = 5  # ended jobs that are listed
BUSY = "A job is at work in this workspace. One at a time may change it: wait for it, or cancel it above."

LOOKS: dict[JobState, tuple[str, str, str]] = {  # word, colour of the badge, icon
    JobState.QUEUED: ("Queued", "gray", ":material/hourglass_empty:"),
    JobState.RUNNING: ("Running", "primary", ":material/progress_activity:"),
    JobState.FINISHED: ("Finished", "green", ":material/check_circle:"),
    JobState.FAILED: ("Failed", "red", ":material/error:"),
    JobState.CANCELLED: ("Cancelled", "gray", ":material/cancel:"),
    JobState.LOST: ("Lost", "yellow", ":material/link_off:"),
}


def start(workspace: Workspace, arguments: Sequence[str], title: str) -> Job:
    """Start a job that works on a workspace.

    Raises
    ------
    JobError
        Another job is at work in it, or no process can be started.
    NotAllowed
    """
    access.who(Right.RESEARCH)
    if is_busy(workspace):
        raise JobError(BUSY)
    return launch(JobStore(), arguments, title, _about(workspace))


def is_busy(workspace: Workspace) -> bool:
    """Whether a job is at work in the workspace, whoever started it."""
    return any(job.is_active for job in _jobs(workspace))


def draw_jobs(workspace: Workspace) -> None:
    """The newest job, and the ones before it folded; follows the work without a hand on the page."""
    at_work = active(_jobs(workspace))
    panel = access.poll(_draw_panel, POLL_S if at_work else IDLE_POLL_S)
    panel(workspace, at_work)


def _draw_panel(workspace: Workspace, active_before: tuple[str, ...]) -> None:
    jobs = _jobs(workspace)
    if active(jobs) != active_before:
        st.rerun()  # the whole page: what the job wrote is on disk, and buttons may be pressed again
    if not jobs:
        return
    with st.container(key="jobs", gap="small"):
        _draw_job(jobs[0])
        if len(jobs) > 1:
            with st.expander(f"Earlier jobs ({len(jobs) - 1})", icon=":material/history:", key="earlier_jobs"):
                for job in jobs[1 : 1 + EARLIER]:
                    _draw_job(job)
                if len(jobs) > 1 + EARLIER:
                    st.caption(f"The last {EARLIER} are listed.")


def _draw_job(job: Job) -> None:
    again = Again("Start again", _again, "What was finished is not done again.") if job.request.arguments else None
    draw_card(job, again=again, dismissed="Deletes its log, nothing else.")


@dataclass(frozen=True)
class Again:
    """How a job that did not finish is taken up: a button, what it calls with the job, and its help."""

    label: str
    call: Callable[[Job], None]
    help: str | None = None


def draw_card(
    job: Job,
    *,
    again: Again | None,
    dismissed: str,
    waiting: str | None = None,
    told: Callable[[Job], str] | None = None,
    below: Callable[[Job], None] | None = None,
) -> None:
    """One job: state, title, at most two buttons, where it is or how it ended, its log folded.

    Parameters
    ----------
    job
    again
        None where it cannot be taken up.
    dismissed
        What "Dismiss" deletes, in a sentence.
    waiting
        What a waiting job waits for; None: it is told like one at work.
    told
        How it ended; default `outcome`.
    below
        Draws what an ended job has to give.
    """
    status = job.status
    word, colour, icon = LOOKS[status.state]
    with st.container(border=True, key=f"job_{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(word, color=colour, icon=icon)
            st.markdown(f"**{look.plain(job.request.title)}**", width="content")
            st.caption(look.moment(job.request.created_at), width="content")
            _draw_buttons(job, again, dismissed)
        if waiting is not None and status.state is JobState.QUEUED:
            st.caption(waiting)
        elif job.is_active:
            st.progress(status.fraction or 0.0, sentence(job))
        else:
            st.markdown((told or outcome)(job))
            if below is not None:
                below(job)
        with st.expander("Log, last lines", icon=":material/terminal:", key=f"log_{job.id}", on_change="rerun") as fold:
            if fold.open:
                st.code(tail(job.paths.log, LOG_LINES) or "Nothing was printed.", language=None, wrap_lines=True)


def sentence(job: Job) -> str:
    """Where a job at work is: "Reading pictures: 300 of 9,037 images · about 3 min left"."""
    status = job.status
    if job.paths.cancel.exists():
        return "Asked to stop. It ends after the piece at hand; what is done is kept."
    if not status.stage:
        return "Starting"
    if status.total is None:
        return look.plain(status.stage)
    parts = [f"{look.plain(status.stage)}: {words.count(status.done)} of {words.count(status.total)} {status.unit}"]
    if status.remaining_s is not None and status.done < status.total:
        parts.append(f"about {in_words(status.remaining_s)} left in this step".replace("about less", "less"))
    return " · ".join(parts)


def outcome(job: Job) -> str:
    """How a job ended, and what it had reached."""
    status = job.status
    if status.state is JobState.FINISHED:
        return look.plain(status.result or "Done.")
    if status.state is JobState.CANCELLED:
        return look.plain(status.message) or "Stopped. What was finished by then is kept."
    reached = (
        f" It had reached: {look.plain(status.stage)}, {words.count(status.done)} {status.unit}."
        if status.stage
        else ""
    )
    return f"{look.plain(status.message) or 'The log says more.'}{reached}"


def _draw_buttons(job: Job, again: Again | None, dismissed: str) -> None:
    """At most two buttons, by what can be done now."""
    asked = job.paths.cancel.exists()
    if job.is_active and not asked:
        st.button(
            "Cancel", key=f"cancel_{job.id}", icon=":material/stop_circle:", on_click=_cancel, args=(job.id, False)
        )
    elif job.is_active or (job.status.state is JobState.LOST and _is_silent(job)):
        st.button(
            "Stop at once", key=f"kill_{job.id}", icon=":material/dangerous:", on_click=_cancel, args=(job.id, True)
        )
    if job.is_active:
        return
    if job.status.state is not JobState.FINISHED and again is not None:
        st.button(
            again.label,
            key=f"again_{job.id}",
            icon=":material/replay:",
            on_click=again.call,
            args=(job,),
            help=again.help,
        )
    st.button("Dismiss", key=f"delete_{job.id}", type="tertiary", on_click=dismiss, args=(job.id,), help=dismissed)


def _is_silent(job: Job) -> bool:
    from derm_model.jobs.store import has_worker

    return has_worker(job.paths)


def _cancel(job_id: str, force: bool) -> None:
    try:
        access.who(Right.RESEARCH)
        cancel(JobStore(), job_id, force=force)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)


def _again(job: Job) -> None:
    try:
        access.who(Right.RESEARCH)
        if any(other.is_active for other in JobStore().list(about=job.request.about)):
            state.say(BUSY, failed=True)
        else:
            launch(JobStore(), job.request.arguments, job.request.title, job.request.about)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)


def dismiss(job_id: str) -> None:
    """Delete an ended job with its folder; what keeps it from being deleted is said."""
    try:
        access.who(Right.RESEARCH)
        JobStore().delete(job_id)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)


def _jobs(workspace: Workspace) -> list[Job]:
    return JobStore().list(about=_about(workspace))


def active(jobs: Sequence[Job]) -> tuple[str, ...]:
    """Ids of the jobs at work, or waiting to be."""
    return tuple(job.id for job in jobs if job.is_active)


def _about(workspace: Workspace) -> dict[str, str]:
    return {"workspace": str(workspace.folder.absolute())}
