"""The address of the page holds the view: read where it is news, written whenever the view changes."""

from __future__ import annotations

import streamlit as st

from pages.ui import resources, state
from pages.ui.address_bar import AddressBar
from pages.ui.resources import Model
from pages.ui.threshold import link
from pages.ui.threshold.desk import Desk
from pages.ui.threshold.link import Link

BAR = AddressBar("threshold", link.KEYS)  # what a hand set is no widget's: whatever the page wrote is an echo


def take_model() -> None:
    """Choose the model that the address names, before the frame draws the choice."""
    wanted = _news().model
    found = [model for model in resources.models()[0] if model.card.bundle_id == wanted]
    if found:
        st.session_state[state.MODEL] = str(found[0].folder)


def take(model: Model) -> Link:
    """What a new address says beyond the model; what cannot be shown is said."""
    news = _news()
    if news != Link():
        BAR.take(BAR.query())
        news = _choose(news, model)
    BAR.draw_complaints()
    return news


def _choose(news: Link, model: Model) -> Link:
    """Choose question and images; what remains to be taken."""
    if news.model not in (None, model.card.bundle_id):
        BAR.complain(
            "**The address is of another model**, which is not on this server. What is shown belongs to the model "
            "chosen in the sidebar, so the threshold of the address was left out."
        )
        return Link()
    if news.question is not None and news.question in model.tasks:
        st.session_state[state.DESK_QUESTION] = news.question
    if news.images is not None:
        st.session_state[state.DESK_IMAGES] = news.images
    if news.unusable:
        BAR.complain(f"**Part of the address could not be used** ({', '.join(news.unusable)}). The rest was.")
    return news


def put(desk: Desk) -> None:
    """Let the address say what is shown, so that it can be copied."""
    BAR.put(link.write(desk.bundle_id, desk.task.id, desk.shown.choice.key, desk.hand))


def _news() -> Link:
    return link.read(BAR.news())
