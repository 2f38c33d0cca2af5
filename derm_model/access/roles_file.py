"""The file that says who has which role: TOML, read strictly, every problem with its line.

It is read again at every act, so that somebody who was taken out of it loses access at the next act and not at the
next sign-in. docs/deployment.md explains it, docs/deployment/roles.example.toml is one.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from derm_model.access.openness import is_loopback
from derm_model.access.roles import Role
from derm_model.errors import AccessError
from derm_model.home import home

VARIABLE = "DERM_ROLES"
FILE = "roles.toml"
MAX_NAME = 120  # of a name in the audit log (derm_model/records/tables.py MAX_WHO)
IDLE_MINUTES = 30.0  # a workstation in a clinic has many hands
MAX_HOURS = 10.0  # one working day: the provider is asked again tomorrow
MAX_BYTES = 1_000_000

_TABLES = {"issuer", "name_by", "session", "emails", "subjects", "groups"}
_SESSION = {"idle_minutes", "max_hours", "end_with_token"}
# ASCII only: letters that look alike, or become alike when made small, are other people's addresses
_EMAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HEAD = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?")


@dataclass(frozen=True)
class RolesFile:
    """What the file says.

    Attributes
    ----------
    issuer
        The one provider whose word is taken, exactly as it stands in its tokens (`iss`).
    name_by
        What stands in the audit log: "email" (verified; else the subject) or "subject".
    idle_minutes
        A session ends after so long without an act.
    max_hours
        And so long after its sign-in whatever was done.
    end_with_token
        And when its token expires.
    emails, subjects, groups
        Who has which role; addresses in small letters.
    group_claim
        Claim of the token that lists the groups of somebody.
    """

    issuer: str
    name_by: str = "email"
    idle_minutes: float = IDLE_MINUTES
    max_hours: float = MAX_HOURS
    end_with_token: bool = True
    emails: Mapping[str, Role] = field(default_factory=dict)
    subjects: Mapping[str, Role] = field(default_factory=dict)
    groups: Mapping[str, Role] = field(default_factory=dict)
    group_claim: str = "groups"


class RolesProblems(AccessError):
    """The file breaks rules; `problems` are all of them, a sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("The roles file cannot be used. " + " ".join(problems))
        self.problems = problems


def roles_path() -> Path:
    """Where the file is: ``$DERM_ROLES``, or ``roles.toml`` in ``$DERM_HOME``."""
    given = os.environ.get(VARIABLE, "").strip()
    return Path(given).expanduser() if given else home() / FILE


def read_roles(path: Path) -> RolesFile:
    """Read the file as it is now.

    Raises
    ------
    RolesProblems
        It is missing, can be changed by everybody, or breaks a rule.
    """
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise RolesProblems(
            (f"{path} cannot be read ({error.strerror}). Make it, or name another in {VARIABLE}.",)
        ) from error
    if mode & stat.S_IWOTH:
        raise RolesProblems((f"{path} can be written by everybody on this machine. Take that away: chmod o-w {path}",))
    if len(data) > MAX_BYTES:
        raise RolesProblems((f"{path} has {len(data):,} bytes, more than {MAX_BYTES:,}. Use groups instead of names.",))
    return parse_roles(data)


@lru_cache(maxsize=4)  # by content: a changed file is another one, however quickly it was changed
def parse_roles(data: bytes) -> RolesFile:
    """Parse the content of the file.

    Raises
    ------
    RolesProblems
        It breaks rules; all of them are named.
    """
    try:
        text = data.decode("utf-8")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise RolesProblems((f"Byte {error.start} is no UTF-8. Save the file as UTF-8.",)) from error
    except tomllib.TOMLDecodeError as error:
        raise RolesProblems((f"It is no TOML: {error}.",)) from error
    return _Reading(text, content).file()


class _Reading:
    """One pass over the file that collects what is wrong."""

    def __init__(self, text: str, content: dict[str, Any]) -> None:
        self.lines = text.splitlines()
        self.content = content
        self.problems: list[str] = []

    def file(self) -> RolesFile:
        for name in self.content.keys() - _TABLES:
            self.say("", name, f"is not known. Known are {', '.join(sorted(_TABLES))}.")
        issuer = self.issuer()
        name_by = self.content.get("name_by", "email")
        if name_by not in ("email", "subject"):
            self.say("", "name_by", 'is "email" or "subject".')
        session = self.table("session")
        for name in session.keys() - _SESSION:
            self.say("session", name, f"is not known. Known are {', '.join(sorted(_SESSION))}.")
        idle = self.number(session, "idle_minutes", IDLE_MINUTES, 24 * 60)
        hours = self.number(session, "max_hours", MAX_HOURS, 24 * 30)
        with_token = session.get("end_with_token", True)
        if not isinstance(with_token, bool):
            self.say("session", "end_with_token", "is true or false.")
        emails, subjects = self.emails(), self.roles("subjects", self.table("subjects"))
        claim, groups = self.groups()
        if not (emails or subjects or groups) and not self.problems:
            self.problems.append("Nobody has a role in it. Give somebody one in [emails], [subjects] or [groups].")
        if self.problems:
            raise RolesProblems(tuple(self.problems))
        return RolesFile(issuer, name_by, idle, hours, with_token, emails, subjects, groups, claim)

    def issuer(self) -> str:
        issuer = self.content.get("issuer")
        if not isinstance(issuer, str) or not issuer:
            self.say("", "issuer", "is missing: the address of the provider as it stands in its tokens (iss).")
            return ""
        try:
            parts = urlsplit(issuer)
        except ValueError:  # half an IPv6 address, letters that look like a slash
            parts = urlsplit("")
        if not parts.hostname or parts.query or parts.fragment:
            self.say("", "issuer", f"is no address of a provider: {issuer!r}.")
        elif parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            self.say("", "issuer", f"begins with https://, or anybody on the way could sign people in: {issuer!r}.")
        return issuer

    def table(self, name: str) -> dict[str, Any]:
        found = self.content.get(name, {})
        if isinstance(found, dict):
            return found
        self.say("", name, f"is a table: write [{name}].")
        return {}

    def number(self, table: dict[str, Any], name: str, default: float, most: float) -> float:
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            self.say("session", name, f"is a number above 0, at most {most:g}.")
            return default
        return float(value)

    def roles(self, table: str, entries: dict[str, Any]) -> dict[str, Role]:
        found = {}
        for name, role in entries.items():
            if not name or not name.isprintable():
                self.say(table, name, "is empty or has characters that cannot be printed.")
            elif not isinstance(role, str) or role not in tuple(Role):
                self.say(table, name, f"has the role {role!r}. A role is one of {', '.join(Role)}.")
            else:
                found[name] = Role(role)
        return found

    def emails(self) -> dict[str, Role]:
        found: dict[str, Role] = {}
        for address, role in self.roles("emails", self.table("emails")).items():
            small = normal_email(address)
            if small is None:
                self.say("emails", address, "is no e-mail address in ASCII. Write it in quotes, and whole.")
            elif small in found:
                self.say("emails", address, "stands there twice, in large and in small letters.")
            else:
                found[small] = role
        return found

    def groups(self) -> tuple[str, dict[str, Role]]:
        table = dict(self.table("groups"))
        claim = table.pop("claim", "groups")
        if not isinstance(claim, str) or not claim:
            self.say("groups", "claim", "is the name of the claim that lists the groups.")
            claim = "groups"
        entries = table.pop("roles", {})
        for name in table:
            self.say("groups", name, "is not known. Known are claim and the table [groups.roles].")
        if not isinstance(entries, dict):
            self.say("groups", "roles", "is a table: write [groups.roles].")
            return claim, {}
        return claim, self.roles("groups.roles", entries)

    def say(self, table: str, key: str, problem: str) -> None:
        line = self.line_of(table, key)
        where = f"Line {line}: " if line is not None else ""
        self.problems.append(f"{where}{f'[{table}] ' if table else ''}{key!r} {problem}")

    def line_of(self, table: str, key: str) -> int | None:
        """Number of the line with a key; None where it is missing or written in another way."""
        now = ""
        wanted = re.compile(rf"""\s*(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')\s*=""")
        for number, line in enumerate(self.lines, start=1):
            head = _HEAD.fullmatch(line)
            if head:
                now = head[1].strip()
                if now == (f"{table}.{key}" if table else key):
                    return number
            elif now == table and wanted.match(line):
                return number
        return None


def normal_email(address: str) -> str | None:
    """An address in small letters; None of what is no ASCII address, or too long for the audit log."""
    return address.lower() if len(address) <= MAX_NAME and _EMAIL.fullmatch(address) else None
