"""How long cases are kept here, what is over, and the button that deletes it."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, look, state
from pages.ui.cases import keys, store


def draw_retention() -> None:
    """The rule, and how many cases it would delete now."""
    from derm_model.records.deleting import VARIABLE, retention_days

    days = retention_days()
    if days is None:
        st.markdown("No retention is set: cases stay until somebody deletes them.")
        st.caption(f"Whoever runs this server sets it in days: `{VARIABLE}`.")
        return
    n = store.expired_cases(days)
    kept = words.plural(days, "day")
    st.markdown(f"A case is kept for **{kept}** after it was last active: a visit saved, or an outcome recorded.")
    over = "is 1 case" if n == 1 else f"are {words.count(n)} cases"
    st.markdown(f"There {over} whose time is over.")
    if n and access.may(Right.PURGE):
        with st.popover("Delete them", icon=":material/auto_delete:"):
            st.markdown("They go with images, answers, notes and outcomes. This cannot be undone.")
            st.button(f"Delete {words.plural(n, 'case')}", key="purge", on_click=_purge, args=(days,))
    elif n:
        st.caption("Administrators can delete them here; `python -m derm_model records purge` does it every day.")


def _purge(days: int) -> None:
    from derm_model.records.deleting import purge
    from derm_model.records.engine import records_engine
    from derm_model.records.image_store import image_store

    try:
        n_cases, n_files = purge(records_engine(), image_store(), days, access.who(Right.PURGE))
    except DermTreeError as error:
        state.say(f"**Nothing was deleted.** {look.plain(str(error))}", failed=True)
        return
    st.session_state.pop(keys.PICTURES, None)
    files = f" and {words.plural(n_files, 'file')} of no case" if n_files else ""
    state.say(f"Deleted {words.plural(n_cases, 'case')}{files}.")
