"""For who runs a study: the link to give away, who takes part and how far they are, closing and deleting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, look, state
from pages.ui.confirming import draw_keep_or_delete
from pages.ui.evaluate.parts import table
from pages.ui.readers import address

if TYPE_CHECKING:
    from derm_model.records.participants import ParticipantRow
    from derm_model.records.studies import StudyRow

HEAD = ("Code", "Takes part as", "Experience", "Where", "Last answer")
ROLES = {"reader": "Reader", "prescreener": "Pre-screen"}


def draw_people(study: StudyRow) -> None:
    """The link, the list, and what ends a study; NotAllowed unless the person may run studies."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.participants import list_participants
    from derm_model.records.reader_view import left_out

    access.who(Right.RUN_STUDIES)
    with reading(records_engine()) as session:
        people, dropped = list_participants(session, study.study_id), left_out(session, study.study_id)
    st.markdown("##### Link for readers")
    st.code(address.link(study.study_id), language=None, wrap_lines=True)
    st.markdown("##### Who takes part")
    if people:
        st.markdown(table(HEAD, [_row(person) for person in people], n_words=3))
    else:
        st.caption("Nobody has joined yet. Give the link away.")
    if dropped:
        n = words.plural(len(dropped), "image")
        st.caption(f"{n} of {study.n_images:,} left out by the pre-screen.")
    st.markdown("##### End the study")
    with st.container(horizontal=True, vertical_alignment="center"):
        if study.closed_at is None:
            st.button("Close", key="close_study", icon=":material/lock:", on_click=partial(_close, study.study_id))
            st.caption("No more answers are taken; those there are kept.", width="content")
        else:
            st.caption(f"Closed {look.moment(study.closed_at.isoformat())}.", width="content")
        if not study.n_readings and not any(person.state.done for person in people):
            st.button(
                "Delete",
                key="delete_study",
                icon=":material/delete:",
                on_click=partial(state.ask_to_delete_study, study.study_id),
            )
    if state.deleting_study() == study.study_id:
        st.dialog("Delete this study?", icon=":material/delete:", on_dismiss=_keep)(_ask)(study)


def _row(person: ParticipantRow) -> tuple[str, ...]:
    where = person.state
    part = ", part 2" if where.with_ai else ""
    last = "" if person.last_at is None else look.moment(person.last_at.isoformat())
    progress = f"{where.done:,} of {where.total:,}{part}"
    return person.code, ROLES[person.role], person.experience or "", progress, last


def _close(study_id: str) -> None:
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.studies import close_study

    try:
        who = access.who(Right.RUN_STUDIES)
        with writing(records_engine()) as session:
            close_study(session, study_id, who)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        state.say("Closed.")


def _ask(study: StudyRow) -> None:
    n = words.plural(study.n_images, "image")
    st.markdown(f"**{look.plain(study.name)}** with {n}. Nobody has answered yet. The images themselves stay.")
    draw_keep_or_delete("this_study", _keep, lambda: _delete(study.study_id))


def _keep() -> None:
    state.ask_to_delete_study(None)


def _delete(study_id: str) -> None:
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.studies import delete_study

    _keep()
    try:
        who = access.who(Right.RUN_STUDIES)
        with writing(records_engine()) as session:
            delete_study(session, study_id, who)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        address.show("")
        state.say("Deleted.")
