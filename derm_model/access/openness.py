"""Whether a server without a login is as closed as that needs: reached from its own machine, by its own name."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

ALLOW = "DERM_ALLOW_OPEN"
# what proxies add to a request of somebody else
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine, from this machine."""
    bare = host.strip().strip("[]").rstrip(".").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def why_open(address: str | None, headers: Mapping[str, str]) -> str | None:
    """Why others than this machine may reach the server; None where nothing speaks for it.

    Parameters
    ----------
    address
        What the server listens on; None or empty: on everything.
    headers
        Of the request, names in any case. A page of somebody else whose name was made to point to this machine
        (DNS rebinding) is told by its Host.
    """
    if not address or not is_loopback(address):
        return f"It listens on {address or 'every address'} and not on 127.0.0.1 only."
    small = {name.lower(): value for name, value in headers.items()}
    host = small.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if not is_loopback(name):
        return f"It was asked for under the name {name or host or '(none)'}, which is not this machine's own."
    passed = [name for name in FORWARDED if name in small]
    if passed:
        return f"The request came through a proxy (its header {passed[0]} says so)."
    return None
