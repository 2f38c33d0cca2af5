"""The list of studies, and one study: taking part in it, its results, its readers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError, EvaluationError, RecordsError
from derm_model.reader_questions import StudyQuestion, study_question
from pages.ui import access, look, resources, state
from pages.ui.dataset.current import draw_messages
from pages.ui.readers import address, joining, making, people, results, taking
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.records.participants import ParticipantRow
    from derm_model.records.studies import StudyRow

TAKE, RESULTS, PEOPLE = "take", "results", "people"
VIEWS = {TAKE: "Take part", RESULTS: "Results", PEOPLE: "Readers"}


def draw_page(model: Model | None) -> None:
    """The list, one study, or the images of somebody who takes part; the page without records says why."""
    try:
        _draw(model)
    except DermTreeError as error:
        st.error(f"**The studies cannot be shown.** {look.plain(str(error))}", icon=":material/error:")
        if address.study_id():
            st.button("All studies", key="all_studies", on_click=partial(address.show, ""))
    address.put()


def _draw(model: Model | None) -> None:
    if not address.study_id():
        draw_messages()
        _draw_list(model)
        return
    study, question = _get(address.study_id())
    person = _find(study.study_id)
    if person is not None and address.is_taking() and study.closed_at is None:
        taking.draw_taking(study, question, person)
        return
    address.stop_taking()
    draw_messages()
    _draw_study(study, question, person, model)


def _get(study_id: str) -> tuple[StudyRow, StudyQuestion]:
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.studies import get_study

    with reading(records_engine()) as session:
        study = get_study(session, study_id)
    try:
        return study, study_question(study.question, resources.taxonomy())
    except EvaluationError as error:
        raise RecordsError(f"{study.name}: {error}") from error


def _find(study_id: str) -> ParticipantRow | None:
    """Who takes part here; a code that is none is forgotten."""
    try:
        return joining.find(study_id)
    except RecordsError:
        address.read_as("")
        return joining.find(study_id)


def _draw_list(model: Model | None) -> None:
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.studies import list_studies

    with reading(records_engine()) as session:
        studies = list_studies(session)
    if not studies:
        st.markdown("**No study yet.** A study shows the same images to several readers and asks each one question.")
        if not access.may(Right.RUN_STUDIES):
            st.caption("Who runs studies here makes one and sends you its link.")
    for study in studies:
        _draw_row(study)
    if access.may(Right.RUN_STUDIES):
        making.draw_new(model, is_first=not studies)


def _draw_row(study: StudyRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"study_{study.study_id}"):
        with st.container(gap="xxsmall"):
            st.markdown(f"**{look.plain(study.name)}**")
            st.caption(_facts(study))
        if study.closed_at is not None:
            st.badge("Closed", icon=":material/lock:", color="gray")
        st.button("Open", key=f"open_{study.study_id}", on_click=partial(address.show, study.study_id))


def _facts(study: StudyRow) -> str:
    n = words.plural(study.n_images, "image")
    readers = words.plural(study.n_readers, "reader")
    return f"{_asked(study)} · {n} · {readers} · made {study.created_at:%Y-%m-%d}"


def _asked(study: StudyRow) -> str:
    try:
        return study_question(study.question, resources.taxonomy()).name
    except EvaluationError:
        return "A question of another version"


def _draw_study(study: StudyRow, question: StudyQuestion, person: ParticipantRow | None, model: Model | None) -> None:
    st.button(
        "All studies",
        key="all_studies",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=partial(address.show, ""),
    )
    with st.container(horizontal=True, vertical_alignment="center", key="study_head"):
        st.subheader(study.name, anchor=False, width="content")
        if study.closed_at is not None:
            st.badge("Closed", icon=":material/lock:", color="gray")
    st.caption(_facts(study))
    view = TAKE
    if access.may(Right.RUN_STUDIES):
        view = _choose_view()
    if view == PEOPLE:
        people.draw_people(study)
    elif view == RESULTS:
        results.draw_results(study, model)
    else:
        _draw_part(study, person, model)


def _choose_view() -> str:
    chosen = st.segmented_control(
        "View",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key=state.STUDY_VIEW,
        default=None if state.STUDY_VIEW in st.session_state else TAKE,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen or TAKE


def _draw_part(study: StudyRow, person: ParticipantRow | None, model: Model | None) -> None:
    if person is None:
        joining.draw_join(study)
        return
    joining.draw_own(study, person)
    has_read = person.role == joining.READ and person.state.done + person.state.with_ai > 0
    if has_read and (person.state.is_finished or study.closed_at is not None):
        results.draw_own_result(study, person.participant_id, model)
