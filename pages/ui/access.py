"""Who uses this session, and what they may. Every page and every act that changes or reveals something asks here.

Nothing is remembered from one act to the next: claims, roles file and sign-in are looked at each time, so that a role
that was taken away and a session that has ended count at once. Without an `[auth]` section in Streamlit's secrets
everybody is `LOCAL`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from derm_model.access import Person, Right, check_right
from derm_model.errors import AccessError, DermTreeError, NotAllowed
from pages.ui import login, look, state
from pages.ui.login import Caller

P = ParamSpec("P")
T = TypeVar("T")

WATCH_S = 15.0  # an open page notices so soon that its session has ended
NO_ROLE = "Nobody has given you a role here. Ask who runs this server."

# keys of the session, which go with it when it is emptied
_DRAWN_FOR = "dermtree_drawn_for"
_BY_CLOCK = "dermtree_by_clock"


def person() -> Person:
    """Whoever uses this session.

    Raises
    ------
    NotSignedIn
        Nobody does, or the session has ended.
    AccessError
        The server is not set up, so nobody is let in.
    """
    return login.caller().person


def may(right: Right) -> bool:
    """Whether to offer something; whether to do it is `who`'s to say."""
    try:
        return person().may(right)
    except DermTreeError:
        return False


def who(right: Right) -> str:
    """Return the name of who acts, for the audit log, if they may. It counts as an act of the session.

    Raises
    ------
    NotAllowed
        They may not, or nobody is signed in any more.
    """
    return _checked(login.claims(), right)


def asked(right: Right) -> str:
    """Name of whoever looks, if they may; as `who`, but no act of the session: a page may be drawn without a hand.

    Raises
    ------
    NotAllowed
        They may not, or nobody is signed in any more.
    """
    return _checked(login.claims(), right, is_act=False)


def act(right: Right) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Have a callback do nothing but say why, where whoever pressed may not."""

    def asking(callback: Callable[P, None]) -> Callable[P, None]:
        @wraps(callback)
        def asked_first(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                who(right)
            except NotAllowed as error:
                state.say(look.plain(str(error)), failed=True)
            else:
                callback(*args, **kwargs)

        return asked_first

    return asking


def later(right: Right, make: Callable[[], T]) -> Callable[[], T]:
    """Have a file made when its button is pressed, if whoever the button was drawn for may have it then.

    Streamlit makes such files outside of the session, so the claims are kept from now.
    """
    claims = login.claims()

    def made() -> T:
        _checked(claims, right)
        return make()

    return made


def _checked(claims: login.Claims, right: Right, *, is_act: bool = True) -> str:
    try:
        caller = login.caller_of(claims)
    except AccessError as error:
        raise NotAllowed(str(error)) from error  # a server that is not set up refuses acts as it refuses people
    check_right(caller.person, right)
    if is_act:
        caller.note()
    return caller.person.name


def poll(function: Callable[P, None], seconds: float | None) -> Callable[P, None]:
    """Make a fragment that runs by itself every so many seconds: no act of the session, and it ends with it.

    Parameters
    ----------
    function
    seconds
        None: it does not run by itself.
    """
    return st.fragment(_watched(function, is_act=False), run_every=seconds)


def fragment(function: Callable[P, None], *, key: str | None = None) -> Callable[P, None]:
    """Make a fragment that runs when somebody uses a widget in it, which is an act of the session."""
    return st.fragment(_watched(function, is_act=True), key=key)


def _watched(function: Callable[P, None], *, is_act: bool) -> Callable[P, None]:
    @wraps(function)
    def watched(*args: P.args, **kwargs: P.kwargs) -> None:
        context = get_script_run_ctx()
        if context is not None and context.fragment_ids_this_run:  # else the page's head has just asked
            _stay(is_act)
        try:
            function(*args, **kwargs)
        except RerunException:
            st.session_state[_BY_CLOCK] = not is_act
            raise

    return watched


def _stay(is_act: bool) -> None:
    """Have the whole page drawn anew when it was drawn for somebody who is not here any more, or for another role."""
    try:
        caller = login.caller()
        if _mark(caller.person) == st.session_state.get(_DRAWN_FOR):
            if is_act:
                caller.note()
            return
    except DermTreeError:
        pass  # the page's head says it
    st.session_state[_BY_CLOCK] = True
    st.rerun()


def _mark(somebody: Person) -> str:
    return f"{somebody.name} {somebody.role}"


def admit(right: Right) -> Caller:
    """Let somebody into a page who may open it, and drop what the session held for anybody else.

    Raises
    ------
    NotAllowed
        They may not. The session is empty where nobody is signed in or nobody gave them a role.
    AccessError
        The server lets nobody in.
    """
    by_clock = st.session_state.pop(_BY_CLOCK, False)
    try:
        caller = login.caller()
    except DermTreeError:
        forget()
        raise
    if st.session_state.get(_DRAWN_FOR, _mark(caller.person)) != _mark(caller.person) or caller.person.role is None:
        forget()
    st.session_state[_DRAWN_FOR] = _mark(caller.person)
    if caller.person.role is None:
        raise NotAllowed(NO_ROLE)
    check_right(caller.person, right)
    if not by_clock:
        caller.note()
    return caller


def watch_session(caller: Caller) -> None:
    """Have an open page notice by itself that its session has ended."""
    if caller.login is not None:
        poll(_nothing, min(WATCH_S, max(1.0, caller.idle_s / 4)))()


def _nothing() -> None:
    """What the fragment does beyond looking: nothing."""


def forget() -> None:
    """Empty the session: images, answers, uploads, everything."""
    st.session_state.clear()
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def sign_out() -> None:
    """Empty the session and sign out."""
    forget()
    login.sign_out()
