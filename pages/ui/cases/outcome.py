"""What a lesion turned out to be: what is recorded, and the form for it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.access import Right
from derm_model.data.schema import CONFIRMATIONS
from derm_model.errors import DermTreeError
from pages.ui import access, look, resources, state
from pages.ui.cases import keys
from pages.ui.cases.nodes import choose_node, chosen_node, node_in_words

if TYPE_CHECKING:
    from derm_model.records.cases import CaseRecord, OutcomeRow

WAYS = {way: way.replace("_", " ").capitalize() for way in CONFIRMATIONS}


def draw_outcome(case: CaseRecord) -> None:
    """What is known, and a fold with the form."""
    st.markdown("##### Outcome")
    if case.outcome is None:
        st.markdown("Not recorded yet.")
    else:
        st.markdown(f"**{node_in_words(resources.taxonomy(), case.outcome.node)}**")
        st.caption(_how(case.outcome))
        for earlier in reversed(case.outcomes[:-1]):
            st.caption(f"Before that: {node_in_words(resources.taxonomy(), earlier.node)}. {_how(earlier)}")
    with st.expander("Record the outcome", icon=":material/biotech:", key="record_outcome", expanded=False):
        _draw_form(case)


def _how(outcome: OutcomeRow) -> str:
    return f"{WAYS.get(outcome.confirmed_by, outcome.confirmed_by)}, {outcome.diagnosed_on}"


@access.fragment
def _draw_form(case: CaseRecord) -> None:
    if state.is_message_waiting():
        st.rerun()  # it was recorded: the page as a whole shows it
    search, chosen, way, day = (
        _key(key, case.case_id) for key in (keys.NODE_SEARCH, keys.NODE, keys.CONFIRMED_BY, keys.DIAGNOSED_ON)
    )
    node = choose_node(resources.taxonomy(), "Diagnosis", search, chosen)
    st.selectbox("Confirmed by", list(WAYS), format_func=WAYS.__getitem__, key=way)
    today = date.today()
    st.date_input("Diagnosed on", today, max_value=today, format="YYYY-MM-DD", key=day)
    st.button(
        "Record",
        key="record_it",
        icon=":material/check:",
        disabled=node is None,
        help=None if node else "Type a diagnosis first.",
        on_click=_record,
        args=(case.case_id, node),
    )
    st.caption("Said again, the last word counts; what was said before stays and is shown.")


def _key(key: str, case_id: str) -> str:
    """Of a widget of one case's form: an address may lead from case to case, and the words are not about the next."""
    return f"{key}_{case_id}"


def _record(case_id: str, node: str | None) -> None:
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.saving import set_outcome

    search, chosen = _key(keys.NODE_SEARCH, case_id), _key(keys.NODE, case_id)
    if node is None or not st.session_state.get(search):
        return  # pressed twice: it is recorded, and the form is empty
    if chosen_node(resources.taxonomy(), search, chosen) != node:
        state.say(
            "**The outcome was not recorded.** The diagnosis was changed at the moment of the press. Look at it, and "
            "press again.",
            failed=True,
        )
        return
    try:
        who = access.who(Right.CASES)
        with writing(records_engine()) as session:
            set_outcome(
                session,
                case_id,
                node,
                taxonomy_digest=resources.taxonomy().digest,
                confirmed_by=st.session_state[_key(keys.CONFIRMED_BY, case_id)],
                diagnosed_on=st.session_state[_key(keys.DIAGNOSED_ON, case_id)],
                who=who,
            )
    except DermTreeError as error:
        state.say(f"**The outcome was not recorded.** {look.plain(str(error))}", failed=True)
        return
    st.session_state[search] = ""
    state.say("The outcome is recorded.")
