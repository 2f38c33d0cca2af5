"""Claims of an ID token as a provider would send them, and a roles file that knows some people."""

from __future__ import annotations

from typing import Any

import pytest

from derm_model.access.roles_file import RolesFile, parse_roles

NOW = 1_800_000_000.0
ISSUER = "https://login.clinic.example/realms/skin"
OURS = "dermtree"
ROLES = f"""\
issuer = "{ISSUER}"

[session]
max_hours = 8

[emails]
"Anna@Clinic.example" = "clinician"

[subjects]
"s-rita" = "reader"

[groups.roles]
"lab" = "researcher"
"all" = "reader"
"""


@pytest.fixture
def roles() -> RolesFile:
    return parse_roles(ROLES.encode())


def claims(**changes: Any) -> dict[str, Any]:
    """Anna's, signed in a minute ago; a change to None takes a claim out."""
    found = {
        "iss": ISSUER,
        "sub": "s-anna",
        "aud": OURS,
        "nonce": "n1",
        "iat": NOW - 60,
        "exp": NOW + 3540,
        "email": "anna@clinic.example",
        "email_verified": True,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}
