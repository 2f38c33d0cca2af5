"""The address of the page holds its view: model, evaluation, section and what is chosen in it. Ids, never paths."""

from __future__ import annotations

import streamlit as st

from derm_model.assessment.answers import list_answers
from pages.ui import resources, state
from pages.ui.resources import Model

MODEL, EVALUATION, SECTION = "model", "evaluation", "section"
# what an address says besides, by section: words of the query and the widgets that hold them
WIDGETS: dict[str, dict[str, str]] = {
    "levels": {"level": state.EVALUATION_LEVEL},
    "questions": {
        "question": state.EVALUATION_QUESTION,
        "images": state.EVALUATION_IMAGES,
        "axes": state.EVALUATION_AXES,
        "threshold": state.EVALUATION_POINT,
        "prevalence": state.EVALUATION_PREVALENCE,
        "positive": state.EVALUATION_POSITIVE,
        "negative": state.EVALUATION_NEGATIVE,
    },
    "calibration": {},
    "unusual": {},
    "compare": {"other": state.EVALUATION_OTHER},
    "map": {"colour": state.EVALUATION_COLOUR},
}
LISTS = ("positive", "negative")  # several ids, with commas
KEYS = (MODEL, EVALUATION, SECTION, *(word for words in WIDGETS.values() for word in words))


def take_model() -> None:
    """Choose the model the address names, or else one that has the evaluation, before the frame draws the choice."""
    query = _news()
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
    query = _news()
    if not query:
        return
    state.set_evaluation_link(query)
    if query.get(MODEL) not in (None, model.card.bundle_id):
        st.warning(
            "**The address is of another model**, which is not on this server. What is shown belongs to the model "
            "chosen in the sidebar.",
            icon=":material/link_off:",
        )
        return
    digest = query.get(EVALUATION)
    if digest is not None:
        if digest not in {about.digest for _, about in list_answers(model.card.bundle_id)}:
            st.warning(
                "**The address shows an evaluation that is not kept here.** What stands below is another one.",
                icon=":material/link_off:",
            )
        st.session_state[state.EVALUATION] = digest
    section = query.get(SECTION, "")
    if section in WIDGETS:
        st.session_state[state.EVALUATION_SECTION] = section
        for word, key in WIDGETS[section].items():
            if word in query:
                st.session_state[key] = query[word].split(",") if word in LISTS else query[word]


def put(model: Model, digest: str, section: str) -> None:
    """Let the address say what is shown, so that it can be copied."""
    query = {MODEL: model.card.bundle_id, EVALUATION: digest} | _view(section)
    state.set_evaluation_link(query)
    if _query() != query:
        st.query_params.from_dict(query)


def _view(section: str) -> dict[str, str]:
    """Section and what is chosen in it, as the widgets have it."""
    query = {SECTION: section}
    for word, key in WIDGETS[section].items():
        value = st.session_state.get(key)
        if isinstance(value, list | tuple):
            value = ",".join(value)
        if value:
            query[word] = str(value)
    if query.get("question") != "own":
        for word in LISTS:
            query.pop(word, None)
    return query


def _news() -> dict[str, str]:
    """What the address says and the page does not know yet; {} where there is nothing new.

    A hand that is quicker than the browser's address sends what was pressed together with an address the page wrote
    before: what was pressed counts.
    """
    query, links = _query(), state.evaluation_links()
    if query == (links[-1] if links else {}):
        return {}
    return {} if query in links and _was_moved(links[-1]) else query


def _was_moved(link: dict[str, str]) -> bool:
    """Whether a widget says something else than the address written last."""
    section, evaluation = (st.session_state.get(key) for key in (state.EVALUATION_SECTION, state.EVALUATION))
    if section not in WIDGETS:
        return False
    if evaluation not in (None, link.get(EVALUATION)):
        return True
    return _view(section) != {word: value for word, value in link.items() if word not in (MODEL, EVALUATION)}


def _query() -> dict[str, str]:
    given = st.query_params.to_dict()
    return {key: given[key] for key in KEYS if key in given}
