"""What the buttons of a run do; callbacks. What goes wrong is said at the top of the page."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from derm_model.errors import DermTreeError
from derm_model.jobs import Job, JobStore, cancel, resume, runs_root
from pages.ui import access, audit_trail, look, state
from pages.ui.train import form_state
from pages.ui.train.wish import read_wish


def store() -> JobStore:
    """All runs."""
    return JobStore(runs_root())


def evaluation_key(job_id: str) -> str:
    """Key of the fold with a run's evaluation: True opens it."""
    return f"evaluation_of_{job_id}"


def stop(job_id: str, force: bool = False) -> None:
    """Ask a run to stop, or end it."""
    try:
        access.who(Right.RESEARCH)
        cancel(store(), job_id, force=force)
    except DermTreeError as error:
        _say(error)
        st.rerun()


def resume_run(job_id: str) -> None:
    """Go on with a run."""
    try:
        who = access.who(Right.RESEARCH)
        resume(store(), job_id)
        audit_trail.training_started(job_id, "resumed", who)
    except DermTreeError as error:
        _say(error)
    st.rerun()


def use_model(folder: str) -> None:
    """Make a run's bundle the model of the session."""
    st.session_state[state.MODEL] = folder
    state.say("All pages use this model now.")
    st.rerun()


def clone(job: Job) -> None:
    """Fill the form with what a run was asked for."""
    try:
        form_state.fill(read_wish(job.request.arguments))
    except DermTreeError as error:
        _say(error)
    else:
        state.say(f"The form holds the options of {look.plain(job.request.title)}. Change them, then start.")
    st.rerun()


def compare(job_id: str) -> None:
    """Add a run to those that are compared."""
    chosen = list(st.session_state.get(state.COMPARED) or [])
    if job_id not in chosen:
        st.session_state[state.COMPARED] = [*chosen, job_id]
    st.rerun()


def ask_to_delete(job_id: str) -> None:
    """Have the page ask for a confirmation."""
    state.ask_to_delete(job_id)
    st.rerun()


def folds_of(job_id: str) -> list[Job]:
    """The runs a cross-validation has started, one per fold and kind of outputs."""
    return store().list(about={"crossval": job_id})


def delete(job_id: str) -> None:
    """Delete a run with everything in its folder, the folds of a cross-validation first."""
    state.ask_to_delete(None)
    try:
        access.who(Right.RESEARCH)
        for fold in folds_of(job_id):
            store().delete(fold.id)
        store().delete(job_id)
    except DermTreeError as error:
        _say(error)
    else:
        state.say("Deleted.")


def keep() -> None:
    """Delete nothing."""
    state.ask_to_delete(None)


def _say(error: DermTreeError) -> None:
    state.say(look.plain(str(error)), failed=True)
