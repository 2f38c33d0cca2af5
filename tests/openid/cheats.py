"""Whom the provider knows, and the words by which it forges; apart from it, so that a test need not import it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Claims = dict[str, Any]

USERS: dict[str, Claims] = {
    "s-anna": {"email": "Anna@clinic.example", "email_verified": True, "name": "Anna"},
    "s-rita": {"email": "rita@clinic.example", "email_verified": False},
    "s-rob": {"email": "rob@lab.example", "email_verified": True, "groups": ["guests", "lab"]},
    "s-ada": {"email": "ada@clinic.example", "email_verified": True},
    "s-none": {"email": "none@elsewhere.example", "email_verified": True, "groups": ["guests"]},
    "s-liar": {"email": "anna@clinic.example", "email_verified": False, "groups": "lab"},
}


def _with(**changes: Any) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **changes}


def _times(**seconds: int) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **{name: int(time.time()) + by for name, by in seconds.items()}}


# what a forged token says; signed with the provider's own key
CHEATS: dict[str, Callable[[Claims], Claims]] = {
    "issuer": _with(iss="https://elsewhere.example"),
    "audience": _with(aud="another-application"),
    "audience of another, authorised party ours": lambda c: {**c, "aud": "another-application", "azp": _ours(c)},
    "nonce": _with(nonce="another"),
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "expired": _times(iat=-7200, exp=-3600),
    "expired a minute ago": _times(iat=-3600, exp=-60),
    "from the future": _times(iat=3600, exp=7200),
    "an old one that holds for long": _times(iat=-100 * 3600, exp=3600),
}
# what it is signed with
SIGNATURES = ("another key", "no signature", "the public key as a secret")


def _ours(claims: Claims) -> str:
    aud = claims["aud"]
    return str(aud[0] if isinstance(aud, list) else aud)
