"""Which kept evaluation of the model is shown."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.assessment.answers import About, list_answers
from pages.ui import look, state
from pages.ui.evaluate import keys
from pages.ui.resources import Model

Kept = list[tuple[Path, About]]


def kept_of(model: Model) -> Kept:
    """Kept evaluations of a model, newest first; those of other classes under its id are passed over."""
    classes = tuple(c.id for c in model.card.classes)
    return [(folder, about) for folder, about in list_answers(model.card.bundle_id) if about.classes == classes]


def label(about: About) -> str:
    """Name, size, what the model saw of the images, and when."""
    n = words.plural(about.n_images, "image")
    return f"{about.name} · {n} · {seen(about)} · {look.moment(about.created_at)}"


def seen(about: About) -> str:
    """What is known about whether the model has seen the images."""
    return "held out: unknown" if about.seen == "not known" else about.seen


def choose(model: Model, kept: Kept) -> Path | None:
    """Draw the choice; None where nothing is kept."""
    if not kept:
        with st.container(border=True, key="no_evaluation", gap="xsmall"):
            st.markdown(f"**No evaluation of {look.plain(model.card.name)} yet.** Choose labelled images below.")
            st.caption("Answers are kept in the evaluations folder of $DERM_HOME, so that images are read only once.")
        return None
    by_digest = {about.digest: (folder, about) for folder, about in kept}
    state.drop_unless(keys.EVALUATION, by_digest)
    with st.container(horizontal=True, vertical_alignment="bottom", key="evaluations"):
        digest = st.selectbox(
            "Evaluation",
            list(by_digest),
            format_func=lambda one: label(by_digest[one][1]),
            key=keys.EVALUATION,
            persist_state="session",
            help="Kept answers of this model to labelled images: name, images, whether the model has seen them, when.",
        )
        folder, _ = by_digest[digest]
        st.button(
            "Delete",
            key="ask_delete_evaluation",
            icon=":material/delete:",
            type="tertiary",
            on_click=state.ask_to_delete_evaluation,
            args=(str(folder),),
        )
    return folder
