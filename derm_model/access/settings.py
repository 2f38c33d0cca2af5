"""The `[auth]` section of Streamlit's secrets, checked before anybody is let in by it: all of it, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from derm_model.access.openness import is_loopback
from derm_model.errors import AccessError

MIN_SECRET = 32  # characters: who guesses it can write a cookie for anybody
CALLBACK = "/oauth2callback"
PLACEHOLDER = "REPLACE-WITH"  # in docs/deployment/secrets.example.toml
_SECRET = ("cookie_secret", "client_secret")
_NEEDED = ("client_id", "client_secret", "server_metadata_url")


@dataclass(frozen=True)
class Provider:
    """Who signs people in: its name in the secrets (None: the unnamed one), and our id there."""

    name: str | None
    client_id: str


def read_provider(section: Mapping[str, Any], trusted_headers: object = None) -> Provider:
    """The one provider of the section.

    Parameters
    ----------
    section
        `[auth]` of secrets.toml.
    trusted_headers
        Streamlit's setting server.trustedUserHeaders, which would overwrite verified claims by headers of a request.

    Raises
    ------
    AccessError
        Something is missing or weak; every problem is named, and no secret.
    """
    name, own = _own(section)
    problems = [f"{key} is missing." for key in _NEEDED if not isinstance(own.get(key), str) or not own[key]]
    found = {**section, **own}
    problems += [f"{key} is still that of the example." for key in _SECRET if PLACEHOLDER in str(found.get(key, ""))]
    secret, redirect = section.get("cookie_secret"), section.get("redirect_uri")
    if not isinstance(secret, str) or len(secret) < MIN_SECRET:
        problems.append(f"cookie_secret needs {MIN_SECRET} random characters or more.")
    if not isinstance(redirect, str) or not redirect.endswith(CALLBACK):
        problems.append(f"redirect_uri is the address of this server followed by {CALLBACK}.")
    elif not _is_private(redirect):
        problems.append("redirect_uri begins with https:// everywhere but on this machine.")
    metadata = own.get("server_metadata_url")
    if isinstance(metadata, str) and metadata and not _is_private(metadata):
        problems.append("server_metadata_url begins with https:// everywhere but on this machine.")
    if trusted_headers:
        problems.append("server.trustedUserHeaders must not be set: a header is nobody's word.")
    if problems:
        raise AccessError("The section [auth] of the secrets cannot be used. " + " ".join(problems))
    return Provider(name, str(own["client_id"]))


def _own(section: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """Name and settings of the provider; where there are several, an issuer could not be pinned."""
    named = [key for key, value in section.items() if isinstance(value, Mapping) and key != "client_kwargs"]
    if "client_id" in section or not named:
        if named:
            raise AccessError(f"The secrets name several providers, [auth] and [auth.{named[0]}]. Keep one.")
        return None, section
    if len(named) > 1:
        raise AccessError(f"The secrets name several providers: {', '.join(named)}. Keep one.")
    return named[0], section[named[0]]


def _is_private(address: str) -> bool:
    """Whether nobody on the way can read along."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    except ValueError:
        return False
