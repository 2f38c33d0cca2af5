"""The Cases page below its title: one case, or the list, the figures of this clinic, and the retention."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from derm_model.errors import RecordsError
from pages.ui import access, audit_trail, look
from pages.ui.cases import address, clinic, deleting, keys, listing, one, retention
from pages.ui.resources import Model

LIST, CLINIC, RETENTION = "Cases", "This clinic", "Retention"
DRAW = {LIST: listing.draw_list, CLINIC: clinic.draw_clinic, RETENTION: retention.draw_retention}


def draw_sections(model: Model | None) -> None:
    """Whatever is chosen; where the records cannot be read the page says why."""
    case_id = address.open_case()
    try:
        if case_id is not None:
            one.draw_case(model, case_id)
        else:
            audit_trail.opened_case(None, access.asked(Right.CASES))
            section = st.segmented_control(
                "Section",
                list(DRAW),
                default=LIST,
                required=True,
                key=keys.SECTION,
                label_visibility="collapsed",
                wrap=True,
            )
            DRAW[section]()
        deleting.draw_question()
    except RecordsError as error:
        st.error(
            f"**The records cannot be read now.** {look.plain(str(error))} The other pages work without them.",
            icon=":material/cloud_off:",
        )
    address.put()
