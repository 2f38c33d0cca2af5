"""The address of the page holds its view: model, evaluation, section and what is chosen in it. Ids, never paths."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from derm_model.assessment.answers import list_answers
from pages.ui import resources, state
from pages.ui.address_bar import AddressBar
from pages.ui.evaluate import keys
from pages.ui.resources import Model

MODEL, EVALUATION, SECTION = "model", "evaluation", "section"
# what an address says besides, by section: words of the query and the widgets that hold them
WIDGETS: dict[str, dict[str, str]] = {
    "levels": {"level": keys.EVALUATION_LEVEL},
    "questions": {
        "question": keys.EVALUATION_QUESTION,
        "images": keys.EVALUATION_IMAGES,
        "axes": keys.EVALUATION_AXES,
        "threshold": keys.EVALUATION_POINT,
        "prevalence": keys.EVALUATION_PREVALENCE,
        "positive": keys.EVALUATION_POSITIVE,
        "negative": keys.EVALUATION_NEGATIVE,
    },
    "calibration": {},
    "unusual": {},
    "compare": {"other": keys.EVALUATION_OTHER},
    "map": {"colour": keys.EVALUATION_COLOUR},
}
LISTS = ("positive", "negative")  # several ids, with commas
BAR = AddressBar(
    "evaluate",
    (MODEL, EVALUATION, SECTION, *(word for words in WIDGETS.values() for word in words)),
    (keys.EVALUATION, keys.EVALUATION_SECTION, *(key for words in WIDGETS.values() for key in words.values())),
)


def take_model() -> None:
    """Choose the model the address names, or else one that has the evaluation, before the frame draws the choice."""
    query = BAR.news()
    if not query:
        return
    usable = {model.card.bundle_id: model for model in resources.models()[0]}
    wanted = query.get(MODEL)
    if wanted is None and EVALUATION in query:
        current = st.session_state.get(state.MODEL)
        having = [about.bundle_id for _, about in list_answers() if about.digest == query[EVALUATION]]
        having.sort(key=lambda id_: id_ in usable and str(usable[id_].folder) != current)
        wanted = next((bundle_id for bundle_id in having if bundle_id in usable), None)
    if wanted in usable:
        st.session_state[state.MODEL] = str(usable[wanted].folder)


def take(model: Model) -> None:
    """Choose what a new address says beyond the model; what is not here is said."""
    query = BAR.news()
    if query:
        BAR.take(query)
        _choose(query, model)
    BAR.draw_complaints()


def _choose(query: Mapping[str, str], model: Model) -> None:
    if query.get(MODEL) not in (None, model.card.bundle_id):
        BAR.complain(
            "**The address is of another model**, which is not on this server. What is shown belongs to the model "
            "chosen in the sidebar."
        )
        return
    digest = query.get(EVALUATION)
    if digest is not None:
        kept = {about.digest for _, about in list_answers(model.card.bundle_id)}
        if digest not in kept:
            other = " What stands below is another one." if kept else ""
            BAR.complain(f"**The address shows an evaluation that is not kept here.**{other}")
        st.session_state[keys.EVALUATION] = digest
    section = query.get(SECTION, "")
    if section in WIDGETS:
        st.session_state[keys.EVALUATION_SECTION] = section
        for word, key in WIDGETS[section].items():
            if word in query:
                st.session_state[key] = query[word].split(",") if word in LISTS else query[word]


def put(model: Model, digest: str, section: str) -> None:
    """Let the address say what is shown, so that it can be copied."""
    query = {MODEL: model.card.bundle_id, EVALUATION: digest, SECTION: section}
    for word, key in WIDGETS[section].items():
        value = st.session_state.get(key)
        if isinstance(value, list | tuple):
            value = ",".join(value)
        if value:
            query[word] = str(value)
    if query.get("question") != "own":
        for word in LISTS:
            query.pop(word, None)
    BAR.put(query)
