"""What somebody sees who is not let in: a door with one handle, or who they are and what is missing. Nothing else."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.access import Person, Right
from derm_model.errors import AccessError, DermTreeError, NotAllowed, NotSignedIn
from pages.ui import access, login, look
from pages.ui.login import Caller


def let_in(title: str, right: Right) -> Caller:
    """Let somebody into a page, or end its script with the reason why not."""
    caller = _admitted(title, right)
    if caller is None:
        st.stop()
    return caller


def _admitted(title: str, right: Right) -> Caller | None:
    try:
        return access.admit(right)
    except NotSignedIn as error:
        _draw_sign_in(str(error))
    except NotAllowed as error:
        _draw_refusal(title, error)
    except AccessError as error:
        _draw_head("DermTree")
        st.error(f"**Nobody is let in.** {look.plain(str(error))}", icon=":material/lock:")
    return None


def draw_person(caller: Caller) -> None:
    """Who is signed in, as what, and the way out; for the sidebar."""
    if caller.login is not None:
        _draw_name(caller.person)
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=access.sign_out)
    if caller.person.may(Right.AUDIT):
        for sentence in login.warnings():
            st.warning(look.plain(sentence), icon=":material/warning:")


def _draw_name(somebody: Person) -> None:
    name = somebody.name.replace("`", "'")  # as code: an address would become a link
    st.caption(f"Signed in as `{name}`, {somebody.role or 'without a role'}")


def _draw_head(title: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(title, anchor=False, width="content")
        st.badge(words.BADGE, color="gray")


def _draw_sign_in(reason: str) -> None:
    _draw_head("DermTree")
    if reason:
        st.info(look.plain(reason), icon=":material/logout:")
    with st.container(border=True, key="sign_in_box", width=440):
        st.markdown("**Sign in to go on.** Your institution says who you are.")
        st.button(  # a callback: what a press leaves in the session is gone with the session
            "Sign in",
            key="sign_in",
            type="primary",
            icon=":material/login:",
            width="stretch",
            on_click=login.sign_in,
        )
    st.caption(words.NOTICE)


def _draw_refusal(title: str, error: DermTreeError) -> None:
    _draw_head(title)
    st.warning(f"**This page is not open to you.** {look.plain(str(error))}", icon=":material/lock:")
    try:
        caller = login.caller()
    except DermTreeError:
        return  # gone a moment ago: the next run shows the door
    _draw_name(caller.person)
    if caller.login is not None:
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=access.sign_out)
    access.watch_session(caller)
