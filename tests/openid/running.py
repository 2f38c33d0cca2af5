"""The provider as a process, and the settings of an app that trusts it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROVIDER = Path(__file__).with_name("provider.py")

ROLES = """\
issuer = "{issuer}"

[session]
idle_minutes = {idle_minutes}

[emails]
"anna@clinic.example" = "clinician"
"ada@clinic.example" = "admin"

[subjects]
"s-rita" = "reader"

[groups.roles]
"lab" = "researcher"
"""


@dataclass(frozen=True)
class Provider:
    """A provider that runs."""

    issuer: str

    def put(self, path: str, content: str) -> None:
        """Send something to it."""
        request = urllib.request.Request(f"{self.issuer}{path}", content.encode(), method="PUT")
        urllib.request.urlopen(request, timeout=5).close()

    def register(self, redirect: str) -> tuple[str, str]:
        """Make an application known; its id and secret."""
        body = json.dumps({"redirect_uris": [redirect], "token_endpoint_auth_method": "client_secret_basic"}).encode()
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.issuer}/oauth2/clients", body, head)
        with urllib.request.urlopen(request, timeout=5) as response:
            found = json.load(response)
        return found["client_id"], found["client_secret"]


@contextmanager
def running_provider(log: Path) -> Iterator[Provider]:
    """A provider while the context lasts."""
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, str(PROVIDER)], stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().decode().strip()
        if not port:
            raise RuntimeError(f"the provider did not start:\n{log.read_text(errors='replace')[-2000:]}")
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def write_secrets(path: Path, of: Provider, origin: str) -> None:
    """Secrets of an app at an origin that signs people in with the provider."""
    redirect = f"{origin}/oauth2callback"
    client_id, client_secret = of.register(redirect)
    path.write_text(
        f'[auth]\nredirect_uri = "{redirect}"\ncookie_secret = "{secrets.token_hex(32)}"\nclient_id = "{client_id}"\n'
        f'client_secret = "{client_secret}"\nserver_metadata_url = "{of.issuer}/.well-known/openid-configuration"\n',
        "utf-8",
    )


def write_roles(path: Path, of: Provider, idle_minutes: float = 30, *, without: str = "") -> None:
    """Everybody's roles; `without` is a name whose line is left out."""
    lines = ROLES.format(issuer=of.issuer, idle_minutes=idle_minutes).splitlines()
    path.write_text("\n".join(line for line in lines if not without or without not in line), "utf-8")
