"""The question before an evaluation is deleted."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.assessment.answers import About, delete_answers, read_about
from derm_model.errors import DermTreeError, EvaluationError
from pages.ui import access, look, state
from pages.ui.confirming import draw_keep_or_delete


def draw_question() -> None:
    """Ask, where the button asked for it; an evaluation that is gone by now needs no question."""
    folder = state.deleting_evaluation()
    if folder is None:
        return
    try:
        about = read_about(Path(folder))
    except EvaluationError:
        _keep()
        return
    st.dialog("Delete this evaluation?", icon=":material/delete:", on_dismiss=_keep)(_ask)(Path(folder), about)


def _ask(folder: Path, about: About) -> None:
    n = words.plural(about.n_images, "image")
    st.markdown(f"**{look.plain(about.name)}**, {n}, of {look.moment(about.created_at)}.")
    st.markdown(
        "The model's answers to these images and the map go. The images and the model stay: they can be evaluated "
        "again."
    )
    draw_keep_or_delete("evaluation", _keep, lambda: _delete(folder))


def _keep() -> None:
    state.ask_to_delete_evaluation(None)


def _delete(folder: Path) -> None:
    _keep()
    try:
        access.who(Right.RESEARCH)
        delete_answers(folder)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        state.say("Deleted.")
