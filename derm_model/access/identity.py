"""Who somebody is, by the claims of an ID token whose signature was verified at sign-in, and by the roles file.

Streamlit 1.67 with Authlib verifies signature, algorithm, issuer, nonce and, at sign-in and with two minutes of grace,
the times. It looks at none of them later, and takes a token for another audience whose `azp` is this client. So all
claims are checked here, at every act.

Source: OpenID Connect Core 1.0, sections 2 and 3.1.3.7.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derm_model.access.roles import Person, Role
from derm_model.access.roles_file import MAX_NAME, RolesFile, normal_email
from derm_model.errors import NotSignedIn

SKEW_S = 60.0  # clocks of two machines; a token from further in the future is refused
LATEST = 1e12  # seconds since 1970: beyond any calendar
AGAIN = "Sign in again."
# the role of somebody whose groups give several: what an admin gave is not taken away by what else was given
STRONGEST = (Role.ADMIN, Role.RESEARCHER, Role.CLINICIAN, Role.READER)


@dataclass(frozen=True)
class Login:
    """One sign-in.

    Attributes
    ----------
    id
        Of this sign-in and no other, the same in every tab; names nobody.
    person
    issued_at, ends_at
        Seconds since 1970.
    """

    id: str
    person: Person
    issued_at: float
    ends_at: float


def recognise(claims: Mapping[str, Any], roles: RolesFile, audience: str, now: float) -> Login:
    """Who the claims are about, if they are to be believed now.

    Parameters
    ----------
    claims
        Of an ID token whose signature was verified.
    roles
    audience
        Our id at the provider.
    now
        Seconds since 1970.

    Raises
    ------
    NotSignedIn
        The token is another provider's, for somebody else, not of now, or says too little.
    """
    subject, nonce = _text(claims, "sub"), _text(claims, "nonce")
    if claims.get("iss") != roles.issuer:
        raise NotSignedIn(f"The sign-in is not by the provider that this server trusts. {AGAIN}")
    _check_audience(claims, audience)
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if issued > now + SKEW_S or _moment(claims, "nbf", issued) > now + SKEW_S:
        raise NotSignedIn(f"The sign-in lies in the future: a clock is wrong. {AGAIN}")
    if roles.end_with_token and expires <= now:
        raise NotSignedIn(f"Your session has ended, because what the provider vouched for has expired. {AGAIN}")
    ends = issued + roles.max_hours * 3600
    if ends <= now:
        raise NotSignedIn(f"Your session has ended after {roles.max_hours:g} hours, as every session does. {AGAIN}")
    email = _verified_email(claims)
    role = _role(claims, roles, subject, email)
    named = email if roles.name_by == "email" else None
    parts = [roles.issuer, subject, nonce, issued]
    return Login(
        hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
        Person(named or subject_name(subject), role),
        issued,
        min(ends, expires) if roles.end_with_token else ends,
    )


def subject_name(subject: str) -> str:
    """Name of a subject in the audit log; a long one by its hash."""
    name = f"sub:{subject}"
    if len(name) <= MAX_NAME and name.isprintable() and name == " ".join(name.split()):
        return name
    return f"sub:sha256:{hashlib.sha256(subject.encode()).hexdigest()}"


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise NotSignedIn(f"The provider did not say who you are: its token has no {name}. Tell who runs this server.")
    return value


def _moment(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    # JSON as Python reads it knows NaN, which is never over, and integers that no float can hold
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise NotSignedIn(f"The provider's token has no {name}, so nobody knows until when it holds. {AGAIN}")
    return float(value)


def _check_audience(claims: Mapping[str, Any], audience: str) -> None:
    given = claims.get("aud")
    listed = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    party = claims.get("azp")
    if not audience or audience not in listed or (party is not None and party != audience):
        raise NotSignedIn(f"The sign-in was made for another application. {AGAIN}")
    if len(listed) > 1 and party is None:
        raise NotSignedIn(f"The sign-in was made for several applications and does not say by which. {AGAIN}")


def _verified_email(claims: Mapping[str, Any]) -> str | None:
    """The address, where the provider has verified it: `true`, and not a word that looks like it."""
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str):
        return None
    return normal_email(address)


def _role(claims: Mapping[str, Any], roles: RolesFile, subject: str, email: str | None) -> Role | None:
    """By subject, else by address, else by group: what names one person goes before what names many."""
    if subject in roles.subjects:
        return roles.subjects[subject]
    if email is not None and email in roles.emails:
        return roles.emails[email]
    listed = claims.get(roles.group_claim)
    if not isinstance(listed, list) or not all(isinstance(group, str) for group in listed):
        return None
    found = {roles.groups[group] for group in listed if group in roles.groups}
    return next((role for role in STRONGEST if role in found), None)
