"""Sign-in through Streamlit's OpenID Connect, and who calls: by the claims it verified, the roles file, the sign-in.

Streamlit looks at a token once, when somebody signs in. What it leaves open is closed in `derm_model.access`, which is
asked at every act.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import config
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from derm_model.access import LOCAL, Person
from derm_model.access.identity import Login, recognise
from derm_model.access.logins import BEGUN, BY_HAND, Logins
from derm_model.access.openness import ALLOW, why_open
from derm_model.access.roles_file import RolesFile, RolesProblems, read_roles, roles_path
from derm_model.access.settings import read_provider
from derm_model.errors import AccessError, DermTreeError, NotSignedIn, RecordsError

log = logging.getLogger(__name__)

Claims = dict[str, Any]

_unwritten: dict[str, str] = {}  # why the last sign-in is missing in the audit log; empty when it is there


@dataclass(frozen=True)
class Caller:
    """Who calls: somebody with a sign-in, or without a login whoever sits at this machine."""

    person: Person
    login: Login | None = None
    idle_s: float = 0.0

    def note(self) -> None:
        """Note that they did something just now."""
        if self.login is not None:
            Logins(_write_down).act(self.login, time.time())


def caller() -> Caller:
    """Whoever uses this session.

    Raises
    ------
    NotSignedIn
        Nobody does, or the session has ended.
    AccessError
        The server is not set up, so nobody is let in.
    """
    return caller_of(claims())


def claims() -> Claims:
    """What the provider said about whoever uses this session; empty outside of a session."""
    return dict(st.user.to_dict()) if get_script_run_ctx() is not None else {}


def caller_of(given: Claims) -> Caller:
    """Whoever has these verified claims; raises as `caller` does."""
    section = _section()
    if section is None:
        reason = _why_open()
        if reason is not None and os.environ.get(ALLOW) != "1":
            raise AccessError(
                f"This server has no login, and others than this machine may reach it. {reason} Set up the login "
                f"(docs/deployment.md). Where everybody who reaches it may see and change everything, start it with "
                f"{ALLOW}=1."
            )
        return Caller(LOCAL)
    provider, roles = read_provider(section, config.get_option("server.trustedUserHeaders")), _roles()
    if given.get("is_logged_in") is not True:
        raise NotSignedIn("")
    login = recognise(given, roles, provider.client_id, time.time())
    idle_s = roles.idle_minutes * 60
    Logins(_write_down).check(login, idle_s, time.time())
    return Caller(login.person, login, idle_s)


def sign_in() -> None:
    """Send the browser to the provider."""
    section = _section()
    if section is not None:
        st.login(read_provider(section).name)


def sign_out() -> None:
    """End the sign-in in all tabs and for good, and have the provider forget it, too."""
    try:
        login = caller().login
        if login is not None:
            Logins(_write_down).end(login, BY_HAND)
    except DermTreeError as error:  # it had ended already, or cannot be noted: the cookie goes all the same
        log.warning("sign-out: %s", error)
    st.logout()


def warnings() -> list[str]:
    """What whoever runs the server should know, a sentence each."""
    if _section() is not None:
        return [f"The last sign-in is missing in the audit log. {reason}" for reason in _unwritten.values()]
    found = []
    if roles_path().is_file():
        found.append("There is a roles file, but no [auth] section in the secrets: nobody is asked who they are.")
    if _why_open() is not None:
        found.append(f"Everybody who reaches this server may see and change everything: {ALLOW} says so.")
    return found


def _section() -> Mapping[str, Any] | None:
    """`[auth]` of the secrets; None without. Secrets that cannot be read are not the same as none.

    Raises
    ------
    AccessError
        They cannot be read.
    """
    try:
        is_read = st.secrets.load_if_toml_exists()
        there = is_read or any(Path(path).exists() for path in config.get_option("secrets.files"))
    except (OSError, UnicodeDecodeError):
        is_read, there = False, True
    if not is_read:
        if there:
            raise AccessError("The secrets of this server cannot be read, so nobody knows whether it has a login.")
        return None
    section = st.secrets.get("auth")
    if section is None:
        return None
    if not isinstance(section, Mapping):
        raise AccessError("[auth] in the secrets is a table.")
    return section


def _roles() -> RolesFile:
    try:
        return read_roles(roles_path())
    except RolesProblems as error:
        _log_once(error.problems)
        raise AccessError(
            "The roles file of this server cannot be used, so nobody has a role. Whoever runs it finds the reason with "
            "the command: python -m derm_model roles"
        ) from error


@lru_cache(maxsize=8)  # not at every click
def _log_once(problems: tuple[str, ...]) -> None:
    log.error("The roles file cannot be used: %s", " ".join(problems))


def _why_open() -> str | None:
    if config.get_option("global.appTest"):
        return None  # no server, so nobody reaches it
    if get_script_run_ctx() is None:
        return None  # a file is made: the request that drew its button was looked at, and none is at hand now
    return why_open(config.get_option("server.address"), st.context.headers.to_dict())


def _write_down(login: Login, what: str) -> None:
    """Into the audit log: that somebody came or went. Records that cannot be written keep nobody out."""
    from derm_model.records.audit import Action, append  # SQLAlchemy: not before somebody signs in
    from derm_model.records.engine import records_engine, writing

    action = Action.SIGN_IN if what == BEGUN else Action.SIGN_OUT
    details = {"role": str(login.person.role or "none")} if what == BEGUN else {"why": what}
    try:
        with writing(records_engine()) as session:
            append(session, action, login.person.name, details=details)
    except RecordsError as error:
        log.error("a %s of %s is missing in the audit log: %s", action, login.person.name, error)
        _unwritten["reason"] = str(error)
    else:
        _unwritten.clear()
