"""How long a pass of the network takes on this machine, measured once per process and model beside the page."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import access

if TYPE_CHECKING:
    from derm_model.net.engine import Engine
    from derm_model.net.saliency.method import Pace

POLL_S = 1.0

_meter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-speed")


class _Measured:
    """One model's, as far as it is known."""

    def __init__(self) -> None:
        self.future: Future[Pace] | None = None


@st.cache_resource(show_spinner=False, max_entries=8)
def _measured(bundle_id: str, device: str) -> _Measured:
    return _Measured()


def known(engine: Engine) -> Pace | None:
    """None until it is measured."""
    future = _measured(*_name(engine)).future
    return None if future is None or not future.done() or future.exception() is not None else future.result()


def measure_when_idle(engine: Engine, drawn_with: Pace | None, *, is_idle: bool) -> None:
    """Begin to measure while this session computes nothing, which both would slow down; then draw the page anew.

    Parameters
    ----------
    drawn_with
        What was known when the page began to be drawn.
    """
    measured = _measured(*_name(engine))
    if measured.future is None and is_idle:
        measured.future = _meter.submit(_measure, engine)
    if drawn_with is None and measured.future is not None:
        access.poll(_look_again, POLL_S)(engine)


def _look_again(engine: Engine) -> None:
    if known(engine) is not None:
        st.rerun()  # the whole page: what takes how long is known


def _name(engine: Engine) -> tuple[str, str]:
    return engine.bundle.card.bundle_id, str(engine.device)


def _measure(engine: Engine) -> Pace:
    import numpy as np

    from derm_model.net.saliency.explainer import Explainer

    explainer = Explainer(engine)
    return explainer.pace(explainer.unit(np.full((64, 64, 3), 128, dtype=np.uint8)))
