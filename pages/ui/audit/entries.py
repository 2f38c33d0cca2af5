"""Entries of the audit log: filters, pages, and a table to take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from pages.ui import audit_trail, look, state
from pages.ui.cases import keys
from pages.ui.cases.listing import draw_pages

if TYPE_CHECKING:
    from derm_model.records.audit import AuditRow
    from derm_model.records.audit_view import AuditFilter

ALL = "all"
SHORT = 12  # digits of a digest or id that tell it from others


def draw_entries() -> None:
    """The newest first."""
    from derm_model.records.audit_view import list_entries
    from derm_model.records.engine import reading, records_engine

    st.markdown("##### Entries")
    chosen = _choose()
    with reading(records_engine()) as session:
        page = list_entries(session, chosen, page=st.session_state.get(keys.AUDIT_PAGE) or 1)
    if not page.n:
        st.markdown("No entry fits the filters.")
        return
    st.caption(f"{words.plural(page.n, 'entry', 'entries')}, the newest first; times are UTC")
    st.dataframe(
        [_line(row) for row in page.rows],
        hide_index=True,
        key="audit_entries",
        alt="A line per entry: number, time, who, what, and what it was about",
    )
    draw_pages(page.page, page.n_pages, keys.AUDIT_PAGE)
    st.download_button(
        "Entries (CSV)",
        audit_trail.exporting(lambda: _csv(chosen), "audit log (CSV)", Right.AUDIT),
        "dermtree-audit.csv",
        "text/csv",
        key="audit_csv",
        on_click="ignore",
        icon=":material/download:",
        help="All entries that fit the filters, oldest first, with whole ids and hashes.",
    )


def _choose() -> AuditFilter:
    from derm_model.records.audit import Action
    from derm_model.records.audit_view import AuditFilter, people
    from derm_model.records.engine import reading, records_engine

    with reading(records_engine()) as session:
        names = people(session)
    state.drop_unless(keys.AUDIT_WHO, [ALL, *names])
    columns = st.columns(4)
    with columns[0]:
        who = st.selectbox("Who", [ALL, *names], key=keys.AUDIT_WHO, on_change=_first_page)
    with columns[1]:
        action = st.selectbox("What", [ALL, *Action], key=keys.AUDIT_ACTION, on_change=_first_page)
    with columns[2]:
        after = st.date_input("From", None, key=keys.AUDIT_FROM, format="YYYY-MM-DD", on_change=_first_page)
    with columns[3]:
        before = st.date_input("Until", None, key=keys.AUDIT_TO, format="YYYY-MM-DD", on_change=_first_page)
    subject = st.text_input(
        "Id of a case, visit, study or job", key=keys.AUDIT_SUBJECT, type="search", on_change=_first_page
    )
    return AuditFilter(
        who=None if who == ALL else who,
        action=None if action == ALL else Action(action),
        subject=(subject or "").strip() or None,
        day_from=after,
        day_to=before,
    )


def _first_page() -> None:
    st.session_state.pop(keys.AUDIT_PAGE, None)


def _line(row: AuditRow) -> dict[str, str | int]:
    return {
        "No.": row.seq,
        "At": row.at[:19].replace("T", " "),
        "Who": row.who,
        "What": row.action,
        "Details": ", ".join(f"{name}: {value}" for name, value in row.details.items()),
        "Question": row.task_id or "",
        "Threshold": "" if row.threshold is None else f"{row.threshold:.3f}",
        "Bundle": (row.bundle_digest or "")[:SHORT],
        "About": ", ".join(subject[:SHORT] for subject in row.subjects),
    }


def _csv(chosen: AuditFilter) -> str:
    from derm_model.records.audit_view import entries_csv
    from derm_model.records.engine import reading, records_engine

    with reading(records_engine()) as session:
        return entries_csv(session, chosen)


def draw_trouble(error: Exception) -> None:
    """Where the log cannot be read."""
    st.error(f"**The audit log cannot be read now.** {look.plain(str(error))}", icon=":material/cloud_off:")
