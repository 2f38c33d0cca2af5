"""One case: whose and where, its images over time, what was said of them, what it turned out to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import RecordsError
from pages.ui import access, audit_trail, look
from pages.ui.cases import address, course, deleting, keys, outcome, pictures, store, visits
from pages.ui.cases.body_map import draw_place, place_in_words
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.records.cases import CaseRecord


def draw_case(model: Model | None, case_id: str) -> None:
    """Everything of it; a case that is gone says so."""
    st.button("All cases", icon=":material/arrow_back:", on_click=address.show, args=(None,), key="all_cases")
    try:
        case = store.one_case(case_id)
    except RecordsError as error:
        st.session_state.pop(keys.PICTURES, None)  # deleted in another tab: its pictures go here, too
        st.warning(f"**This case cannot be shown.** {look.plain(str(error))}", icon=":material/folder_off:")
        return
    audit_trail.opened_case(case_id, access.asked(Right.CASES))
    st.markdown(f"### {look.plain(case.patient_key)} · {look.plain(case.lesion)}")
    n = words.plural(len(case.visits), "visit")
    st.caption(
        f"{place_in_words(case.site, case.side)} · {n} · saved {case.created_at.date()}, last active "
        f"{case.last_active_on}"
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        pictures.draw_pictures(case)
        course.draw_course(case)
    with right:
        outcome.draw_outcome(case)
        visits.draw_visits(case, model)
        draw_place(case.site, case.side, "case_place")
    course.draw_answers(case)
    _draw_end(case)


def _draw_end(case: CaseRecord) -> None:
    st.markdown("##### Take it away, or delete it")
    who = access.asked(Right.CASES)  # the session is not there when the file is made
    with st.container(horizontal=True, key="case_end"):
        st.download_button(
            "Case (ZIP)",
            access.later(Right.CASES, lambda: _zip(case.case_id, who)),
            "dermtree-case.zip",
            "application/zip",
            key="case_zip",
            on_click="ignore",
            icon=":material/download:",
        )
        deleting.draw_buttons(case)
    st.caption(
        "The file holds the images, every answer and the notes as they were typed: read them before you pass it on. "
        "Deleting takes images, answers, notes and outcomes; backups made before keep them until they are deleted, too."
    )


def _zip(case_id: str, who: str) -> bytes:
    from derm_model.records.engine import records_engine
    from derm_model.records.exporting import export_case
    from derm_model.records.image_store import image_store

    return export_case(records_engine(), image_store(), case_id, who)
