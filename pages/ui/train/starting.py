"""Cost, reasons against it, and the button that starts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.access import Right
from derm_model.errors import DermTreeError
from derm_model.jobs import Job, JobStore, launch, runs_root
from pages.ui import access, audit_trail, look, resources
from pages.ui.train import preview
from pages.ui.train.wish import CROSSVAL, Wish

if TYPE_CHECKING:
    from pages.ui.train.plan import Plan
    from pages.ui.train.sources import Images


def draw_start(images: Images | None, wish: Wish | None, future: Future[Plan] | None, reasons: Sequence[str]) -> None:
    """The end of the form; the button waits until nothing speaks against it.

    Parameters
    ----------
    images, wish
        What was chosen; None where it cannot be used.
    future
        Of its plan.
    reasons
        What speaks against it so far.
    """
    plan = None if future is None else preview.settled(future)
    if wish is not None and images is not None and future is not None:
        preview.draw_cost(plan, wish)
    against = list(reasons)
    if isinstance(plan, str):
        against.append(plan)
    elif plan is not None and plan.problem:
        against.append(plan.problem)
    if against:
        with st.container(key="train_reasons"):
            st.warning(
                "**Not yet.**\n\n" + "\n".join(f"- {look.plain(reason)}" for reason in dict.fromkeys(against)),
                icon=":material/rule:",
            )
    ready = not against and plan is not None
    cross = wish is not None and wish.kind == CROSSVAL
    if st.button(
        "Start cross-validation" if cross else "Start training",
        key="start_training",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not ready,
        width="stretch",
    ) and (ready and wish is not None and plan is not None and not isinstance(plan, str)):
        try:
            begin(wish, plan.sources)
        except DermTreeError as error:
            st.error(f"**It was not started.** {look.plain(str(error))}", icon=":material/error:")
            return
        st.toast("Started. It goes on without this page.", icon=":material/check:")
        st.rerun()


def begin(wish: Wish, sources: Sequence[str]) -> Job:
    """Start the job.

    Raises
    ------
    JobError
        No folder can be written, or no process be started.
    NotAllowed
    """
    who = access.who(Right.RESEARCH)
    # a cross-validation computes nothing itself: its folds wait for devices, and it must not hold one
    device = None if wish.kind == CROSSVAL else device_of(wish)
    job = launch(JobStore(runs_root()), wish.arguments(sources), wish.title, {"kind": wish.kind}, device=device)
    audit_trail.training_started(job.id, wish.kind, who)
    return job


def device_of(wish: Wish) -> str:
    """The device in whose queue a training waits; several processes begin with the first GPU."""
    if wish.device != "auto":
        return wish.device
    return "cuda:0" if resources.gpus() else "cpu"
