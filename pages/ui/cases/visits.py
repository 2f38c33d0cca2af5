"""The visits of a case: note, and what can be done with one: read its images again, ask another model, delete it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.errors import StreamlitAPIException

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, audit_trail, loading, look, state
from pages.ui.case import CaseImage, read_image
from pages.ui.cases import deleting, recording, store
from pages.ui.question import Question
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.records.cases import CaseRecord, VisitRow


def draw_visits(case: CaseRecord, model: Model | None) -> None:
    """One box per visit, the newest first."""
    st.markdown("##### Visits")
    for visit in reversed(case.visits):
        with st.container(border=True, key=f"visit_{visit.visit_id}", gap="xsmall"):
            st.markdown(f"**{visit.seen_on}** · {words.plural(len(visit.images), 'image')}")
            if visit.note:
                st.markdown(look.plain(visit.note))
            with st.container(horizontal=True):
                if st.button(
                    "Open in Classify", key=f"classify_{visit.visit_id}", icon=":material/center_focus_strong:"
                ):
                    _open_in_classify(visit)
                if model is not None and _is_new(visit, model):
                    label = f"Ask {look.plain(model.card.name)}"
                    if st.button(label, key=f"ask_{visit.visit_id}", icon=":material/psychology_alt:"):
                        _ask(visit, model)
                deleting.draw_visit_button(case, visit)


def _is_new(visit: VisitRow, model: Model) -> bool:
    return all(prediction.bundle_digest != model.card.weights_sha256 for prediction in visit.predictions)


def read_images(visit: VisitRow) -> list[CaseImage]:
    """Stored images as Classify holds them, under names that tell nothing.

    Raises
    ------
    DermTreeError
        One cannot be read.
    """
    found = []
    for number, image in enumerate(visit.images, start=1):
        suffix = f" {number}" if len(visit.images) > 1 else ""
        found.append(read_image(f"visit {visit.seen_on}{suffix}", store.image_file(image.sha256), image.sha256, False))
    return found


def _open_in_classify(visit: VisitRow) -> None:
    try:
        access.who(Right.CASES)
        access.who(Right.CLASSIFY)
        images = read_images(visit)
    except DermTreeError as error:
        st.error(f"**The images could not be opened.** {look.plain(str(error))}", icon=":material/error:")
        return
    state.new_case()
    state.case().images = images
    try:
        st.switch_page("pages/classify.py")
    except StreamlitAPIException:  # without app.py there is no table of pages
        st.markdown("The images are open on [Classify](/).")


def _ask(visit: VisitRow, model: Model) -> None:
    """Add what the current model says, with the thresholds in use now."""
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.saving import add_predictions

    try:
        who = access.who(Right.CASES)
        images = read_images(visit)
        answers = loading.engine(model).predict([image.pixels for image in images])
        questions = [Question(model, c, answers[0].class_probs, state.thresholds()) for c in model.tasks.values()]
        audit_trail.settle(who)
        with writing(records_engine()) as session:
            predictions = recording.new_predictions(model, images, answers, questions)
            add_predictions(session, visit.visit_id, predictions, who)
    except DermTreeError as error:
        st.error(f"**The answer was not saved.** {look.plain(str(error))}", icon=":material/error:")
        return
    state.say(f"{look.plain(model.card.name)} has read the images of {visit.seen_on}.")
    st.rerun()
