"""A login that is half set up lets nobody in, and a server without one is closed to other machines."""

from __future__ import annotations

from typing import Any

import pytest

from derm_model.access.openness import is_loopback, why_open
from derm_model.access.settings import Provider, read_provider
from derm_model.errors import AccessError

OWN = {
    "client_id": "dermtree",
    "client_secret": "s3cret-s3cret",
    "server_metadata_url": "https://login.example/.well-known",
}
SHARED = {"redirect_uri": "https://skin.example/oauth2callback", "cookie_secret": "0123456789abcdef" * 2}


def test_the_provider_may_have_a_name_or_none() -> None:
    assert read_provider(SHARED | OWN) == Provider(None, "dermtree")
    assert read_provider(SHARED | {"keycloak": OWN}) == Provider("keycloak", "dermtree")
    assert read_provider(SHARED | OWN | {"client_kwargs": {"prompt": "login"}}) == Provider(None, "dermtree")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": None}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"server_metadata_url": None}, "server_metadata_url"),
        ({"server_metadata_url": "http://login.example/"}, "https"),
        ({"cookie_secret": "short"}, "32 random"),
        ({"cookie_secret": None}, "32 random"),
        ({"redirect_uri": "https://skin.example/"}, "/oauth2callback"),
        ({"redirect_uri": "http://skin.example/oauth2callback"}, "https"),
        ({"keycloak": OWN}, "several providers"),
    ],
)
def test_a_section_that_is_half_done_is_refused_and_no_secret_is_said(changes: dict[str, Any], said: str) -> None:
    section = {key: value for key, value in (SHARED | OWN | changes).items() if value is not None}
    with pytest.raises(AccessError, match=said) as caught:
        read_provider(section)
    assert not {OWN["client_secret"], SHARED["cookie_secret"]} & set(str(caught.value).split())


def test_all_problems_of_an_empty_section_are_named_at_once() -> None:
    with pytest.raises(AccessError) as caught:
        read_provider({})
    assert all(word in str(caught.value) for word in ("client_id", "client_secret", "cookie_secret", "redirect_uri"))


def test_two_named_providers_are_refused() -> None:
    with pytest.raises(AccessError, match="one, two"):
        read_provider(SHARED | {"one": OWN, "two": OWN})


def test_headers_of_a_proxy_are_nobodys_word() -> None:
    with pytest.raises(AccessError, match="trustedUserHeaders"):
        read_provider(SHARED | OWN, {"X-User": "email"})


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_has_several_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "localhost.example", "127.0.0.1.example", "::", "8.8.8.8"])
def test_other_names_are_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_a_server_that_listens_and_is_asked_on_this_machine_only_is_closed() -> None:
    for host in ("localhost:8501", "127.0.0.1:8501", "[::1]:8501", "localhost"):
        assert why_open("127.0.0.1", {"Host": host}) is None


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        (None, {"Host": "localhost:8501"}),
        ("", {"Host": "localhost:8501"}),
        ("0.0.0.0", {"Host": "localhost:8501"}),
        ("192.168.1.5", {"Host": "localhost:8501"}),
        ("127.0.0.1", {"Host": "evil.example:8501"}),
        ("127.0.0.1", {"Host": "localhost@evil.example"}),
        ("127.0.0.1", {"Host": "[bad"}),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"host": "localhost", "X-Forwarded-For": "10.0.0.1"}),
        ("127.0.0.1", {"host": "localhost", "forwarded": "for=10.0.0.1"}),
    ],
)
def test_a_server_that_others_may_reach_is_open(address: str | None, headers: dict[str, str]) -> None:
    assert why_open(address, headers)
