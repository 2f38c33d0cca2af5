"""Verify the chain of the audit log, and show the head to note down."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, look
from pages.ui.cases import keys


@dataclass(frozen=True)
class Verified:
    """What was found, in Markdown; `head` of a log that holds."""

    text: str
    head: str | None = None


def draw_verifying() -> None:
    """Button, result in words, head."""
    with st.container(border=True, key="audit_verify", gap="small"):
        st.markdown("##### Does the log hold?")
        st.text_input(
            "Head noted earlier, if you have one",
            key=keys.AUDIT_EXPECTED,
            placeholder="812:5f0c…",
            help="Number and hash of the last entry at that time. The log must still hold it.",
        )
        st.button("Verify", key="verify_audit", icon=":material/verified:", on_click=_verify)
        found = st.session_state.get(keys.VERIFIED)
        if found is None:
            st.caption("Every entry holds the hash of the one before, so that a change shows. Not verified yet.")
        elif found.head is None:
            st.error(found.text, icon=":material/link_off:")
        else:
            st.markdown(found.text)
            st.code(found.head, language=None)
            st.caption(
                "This is the head. Note it elsewhere, e.g. monthly on paper: whoever can write both the database and "
                "the head beside it can otherwise forge all."
            )


def _verify() -> None:
    from derm_model.records.anchor import parse_head, read_anchor
    from derm_model.records.audit import verify
    from derm_model.records.engine import reading, records_engine

    try:
        access.who(Right.AUDIT)
        given = (st.session_state.get(keys.AUDIT_EXPECTED) or "").strip()
        expected = parse_head(given) if given else None
        engine = records_engine()
        with reading(engine) as session:
            report = verify(session, read_anchor(engine.url), expected)
    except DermTreeError as error:
        st.session_state[keys.VERIFIED] = Verified(f"**It could not be verified.** {look.plain(str(error))}")
        return
    if report.problem is not None:
        text = f"**The log is broken at entry {words.count(report.broken_at or 0)}.** {look.plain(report.problem)}"
        st.session_state[keys.VERIFIED] = Verified(text)
        return
    text = f"**All {words.plural(report.head.n, 'entry holds', 'entries hold')}.**"
    if report.anchored is None:
        text += " No head was kept beside the database: entries cut off at the end would not show."
    elif report.anchored < report.head.n:
        text += f" The head kept beside the database is that of entry {words.count(report.anchored)}."
    else:
        text += " The head kept beside the database agrees."
    if expected is not None:
        text += " So does the head you gave."
    st.session_state[keys.VERIFIED] = Verified(text, str(report.head))
