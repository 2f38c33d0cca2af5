"""Deleting a visit, a case or everything of a patient, after a question: rows and files are gone then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError, RecordsError
from pages.ui import access, look, state
from pages.ui.cases import address, keys, store
from pages.ui.confirming import draw_keep_or_delete

if TYPE_CHECKING:
    from derm_model.records.cases import CaseRecord, VisitRow

VISIT, CASE, PATIENT = "visit", "case", "patient"


def draw_buttons(case: CaseRecord) -> None:
    """For the case and for its patient."""
    st.button(
        "Delete this case",
        key="delete_this_case",
        icon=":material/delete:",
        on_click=_ask_for,
        args=(CASE, case.case_id, _name(case)),
    )
    st.button(
        "Delete everything of this patient",
        key="delete_this_patient",
        icon=":material/delete_sweep:",
        on_click=_ask_for,
        args=(PATIENT, case.patient_key, case.patient_key),
    )


def draw_visit_button(case: CaseRecord, visit: VisitRow) -> None:
    """For one visit; the last one is the case."""
    if len(case.visits) > 1:
        st.button(
            "Delete",
            key=f"delete_{visit.visit_id}",
            icon=":material/delete:",
            on_click=_ask_for,
            args=(VISIT, visit.visit_id, f"{visit.seen_on} of {_name(case)}"),
        )


def _name(case: CaseRecord) -> str:
    return f"{case.patient_key} · {case.lesion}"


def _ask_for(what: str, which: str, name: str) -> None:
    st.session_state[keys.DELETING] = (what, which, name)


def draw_question() -> None:
    """Ask, where a button asked for it."""
    asked = st.session_state.get(keys.DELETING)
    if asked is not None:
        st.dialog(f"Delete this {asked[0]}?", icon=":material/delete:", on_dismiss=_keep)(_ask)(*asked)


def _ask(what: str, which: str, name: str) -> None:
    if what == VISIT:
        st.markdown(f"Images, answers and note of **{look.plain(name)}** go.")
    elif what == CASE:
        st.markdown(f"All visits of **{look.plain(name)}** go, with images, answers, notes and outcomes.")
    else:
        n = words.plural(store.n_cases_of(which), "lesion")
        st.markdown(f"Everything of **{look.plain(name)}** goes: {n}, with images, answers, notes and outcomes.")
    st.markdown("Files that no other case shows are deleted, too. This cannot be undone.")
    draw_keep_or_delete(what, _keep, lambda: _delete(what, which))


def _keep() -> None:
    st.session_state.pop(keys.DELETING, None)


def _delete(what: str, which: str) -> None:
    from derm_model.records.deleting import delete_case, delete_patient, delete_visit
    from derm_model.records.engine import records_engine
    from derm_model.records.image_store import image_store

    _keep()
    try:
        who = access.who(Right.CASES)
        if what == VISIT:
            _check_others(which)
        act = {VISIT: delete_visit, CASE: delete_case, PATIENT: delete_patient}[what]
        act(records_engine(), image_store(), which, who)
    except DermTreeError as error:
        state.say(f"**It was not deleted.** {look.plain(str(error))}", failed=True)
        return
    st.session_state.pop(keys.PICTURES, None)
    st.session_state.pop(keys.SAVED, None)
    if what != VISIT:
        address.show(None)
    state.say("Deleted.")


def _check_others(visit_id: str) -> None:
    """Check that a case is left: the last visit takes it along, and the question spoke of one day."""
    case_id = address.open_case()
    visits = () if case_id is None else store.one_case(case_id).visits
    if [visit.visit_id for visit in visits] == [visit_id]:
        raise RecordsError(
            "It is the only visit by now: somebody deleted the others. Delete the case, and its outcomes go, too."
        )
