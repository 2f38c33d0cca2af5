"""Waiting for the model with a visible step, in the size of what will come."""

from __future__ import annotations

import logging
from concurrent.futures import wait
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.errors import DermTreeError
from pages.ui import look, resources
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.net.engine import Engine

SKELETON_PX = 520
log = logging.getLogger(__name__)


def engine(model: Model) -> Engine:
    """The engine; while it is still loading, a step says so. Ends the run with a message where it cannot be loaded."""
    future = resources.engine(model)
    place = st.empty()
    if not future.done():
        with place.container():
            with st.status("Getting the model ready, the first time only", type="step"):
                st.write("Loading PyTorch and the weights")
            left, right = st.columns([11, 9], gap="large")
            left.skeleton(SKELETON_PX)
            right.skeleton(SKELETON_PX)
            wait([future])
        place.empty()
    error = future.exception()
    if error is not None:
        place.error(_explanation(model, error), icon=":material/error:")
        st.stop()
    return future.result()


def _explanation(model: Model, error: BaseException) -> str:
    """What to say of a model that cannot be loaded; an error that nobody foresaw goes to the log in full."""
    if isinstance(error, DermTreeError):
        reason = str(error)
    else:
        log.error("bundle %s could not be loaded", model.folder, exc_info=error)
        reason = "An unexpected error; the log of the server has the details."
    return (
        f"**{look.plain(model.card.name)} could not be loaded.** {look.plain(reason)} "
        "Choose another model in the sidebar, or reload this page to try again."
    )
