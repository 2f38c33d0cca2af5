"""The question before a run is deleted."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.errors import JobError
from derm_model.jobs import Job
from pages.ui import look, state
from pages.ui.confirming import draw_keep_or_delete
from pages.ui.train import actions, evaluation


def draw_question() -> None:
    """Ask, where a run's menu asked for it; a run that is gone by now needs no question."""
    job_id = state.deleting()
    if job_id is None:
        return
    try:
        job = actions.store().read(job_id)
    except JobError:
        state.ask_to_delete(None)
        return
    st.dialog("Delete this run?", icon=":material/delete:", on_dismiss=actions.keep)(_ask)(job)


def _ask(job: Job) -> None:
    st.markdown(f"**{look.plain(job.request.title)}**, begun {look.moment(job.request.created_at)}.")
    if folds := len(actions.folds_of(job.id)):
        st.markdown(f"{words.plural(folds, 'training')} of its folds and the table of results go with it.")
    elif evaluation.has_bundle(job):
        st.markdown(
            "Its model goes with it: nobody on this server can choose it any more. To keep it, copy the folder "
            f"`{evaluation.bundle_of(job)}` to the bundles folder of $DERM_HOME first."
        )
    else:
        st.markdown("Its checkpoint goes with it, so that it cannot be resumed.")
    st.markdown("Curves and log go, too. This cannot be undone.")
    draw_keep_or_delete("run", actions.keep, lambda: actions.delete(job.id))
