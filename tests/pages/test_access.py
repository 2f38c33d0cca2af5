"""Who sees what of the pages, without a browser: the claims are given, everything after them is the app's own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.access import RIGHTS, Right, Role
from pages.ui import access
from tests.pages.conftest import ROOT, TIMEOUT_S, texts

ISSUER = "https://login.clinic.example"
AUTH = {
    "redirect_uri": "https://skin.clinic.example/oauth2callback",
    "cookie_secret": "0123456789abcdef" * 4,
    "client_id": "dermtree",
    "client_secret": "not told",
    "server_metadata_url": f"{ISSUER}/.well-known/openid-configuration",
}
PAGES = {
    found[1]: Right[found[2]]
    for found in re.finditer(r'Entry\("pages/(\w+)\.py", [^)]*Right\.(\w+)\)', (ROOT / "app.py").read_text("utf-8"))
}
SHUT = [(name, role) for name, right in PAGES.items() for role in Role if right not in RIGHTS[role]]

OpenAs = Callable[..., AppTest]


def claims(sub: str = "s-1", **changes: Any) -> dict[str, Any]:
    """A sign-in of a moment ago."""
    now = time.time()
    found = {
        "is_logged_in": True,
        "iss": ISSUER,
        "sub": sub,
        "aud": "dermtree",
        "nonce": "n",
        "iat": now,
        "exp": now + 900,
    }
    return found | changes


@pytest.fixture
def roles_file(home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    path = home / "roles.toml"
    path.write_text(
        f'issuer = "{ISSUER}"\n[subjects]\n' + "".join(f'"{role}" = "{role}"\n' for role in Role), encoding="utf-8"
    )
    return path


@pytest.fixture
def open_as(roles_file: Path) -> OpenAs:
    """Open a page with a login, as the one the claims are about; None: nobody is signed in."""

    def opened(name: str, user: dict[str, Any] | None, **auth: Any) -> AppTest:
        page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=TIMEOUT_S)
        page.secrets["auth"] = AUTH | auth
        page.user = user or {"is_logged_in": False}
        page.run()
        assert not page.exception
        return page

    return opened


def is_shut(page: AppTest) -> bool:
    """Whether nothing is there but a sentence, and a button that leads in or out."""
    drawn = [*page.selectbox, *page.get("file_uploader"), *page.text_input, *page.get("download_button"), *page.metric]
    return not drawn and {button.label for button in page.button} <= {"Sign in", "Sign out"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_a_door_and_nothing_else_to_nobody(open_as: OpenAs, name: str) -> None:
    page = open_as(name, None)
    assert is_shut(page)
    assert [button.label for button in page.button] == ["Sign in"]
    assert [title.value for title in page.title] == ["DermTree"]
    assert "Research tool, not a medical device" in texts(page)
    assert "tiny" not in texts(page)


@pytest.mark.parametrize(("name", "role"), SHUT)
def test_a_page_says_what_is_missing_and_nothing_else_to_a_smaller_role(open_as: OpenAs, name: str, role: Role) -> None:
    page = open_as(name, claims(role))
    assert is_shut(page)
    assert f"the role {role}" in texts(page)
    assert f"let you {PAGES[name]}" in texts(page)
    assert f"sub:{role}" in texts(page)
    assert "tiny" not in texts(page)


def test_the_rest_is_open(open_as: OpenAs) -> None:
    page = open_as("classify", claims("clinician"))
    assert page.get("file_uploader")
    assert "Signed in as `sub:clinician`, clinician" in texts(page)
    assert [button.label for button in page.sidebar.button] == ["Sign out"]


@pytest.mark.parametrize("name", PAGES)
def test_an_admin_may_open_every_page(open_as: OpenAs, name: str) -> None:
    assert "not open to you" not in texts(open_as(name, claims("admin")))


def test_a_page_of_readers_offers_no_model(open_as: OpenAs) -> None:
    page = open_as("readers", claims("reader"))
    assert "not open to you" not in texts(page)
    assert not page.sidebar.selectbox


def test_who_is_known_and_has_no_role_gets_in_nowhere(open_as: OpenAs) -> None:
    for name in PAGES:
        page = open_as(name, claims("stranger"))
        assert is_shut(page)
        assert "Nobody has given you a role here" in texts(page)


def test_a_role_that_is_taken_away_counts_at_the_next_run_and_empties_the_session(
    open_as: OpenAs, roles_file: Path
) -> None:
    page = open_as("classify", claims("clinician"))
    page.session_state["dermtree_picked"] = "something of mine"
    page.run()
    assert "dermtree_picked" in page.session_state
    roles_file.write_text(roles_file.read_text("utf-8").replace('"clinician" = "clinician"\n', ""), "utf-8")
    page.run()
    assert is_shut(page)
    assert "dermtree_picked" not in page.session_state


def test_a_changed_role_does_not_inherit_what_the_session_held(open_as: OpenAs, roles_file: Path) -> None:
    page = open_as("classify", claims("clinician"))
    page.session_state["dermtree_picked"] = "something of mine"
    text = roles_file.read_text("utf-8").replace('"clinician" = "clinician"', '"clinician" = "researcher"')
    roles_file.write_text(text, "utf-8")
    page.run()
    assert "dermtree_picked" not in page.session_state
    assert "researcher" in texts(page)


@pytest.mark.parametrize(
    "changes",
    [{"exp": 1.0}, {"iss": "https://elsewhere.example"}, {"aud": "another", "azp": "dermtree"}, {"nonce": None}],
    ids=str,
)
def test_claims_that_are_not_in_order_open_nothing(open_as: OpenAs, changes: dict[str, Any]) -> None:
    page = open_as("classify", claims("admin", **changes))
    assert is_shut(page)
    assert [button.label for button in page.button] == ["Sign in"]


def test_only_true_is_signed_in(open_as: OpenAs) -> None:
    assert is_shut(open_as("classify", claims("admin", is_logged_in="true")))


def test_an_idle_session_is_over_however_often_the_page_looks(
    open_as: OpenAs, roles_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_as("classify", claims("clinician"))
    now = time.time()
    monkeypatch.setattr("pages.ui.login.time.time", lambda: now + 600)
    page.session_state["dermtree_by_clock"] = True
    page.run()
    assert not is_shut(page)
    monkeypatch.setattr("pages.ui.login.time.time", lambda: now + 31 * 60)
    page.user |= {"exp": now + 7200}
    page.run()
    assert is_shut(page)
    assert "30 minutes" in "".join(info.value for info in page.info)


def test_a_login_that_is_half_set_up_lets_nobody_in(open_as: OpenAs, roles_file: Path) -> None:
    page = open_as("classify", claims("admin"), cookie_secret="short")
    assert is_shut(page)
    assert "Nobody is let in" in texts(page) and "cookie" in texts(page) and AUTH["client_secret"] not in texts(page)
    roles_file.unlink()
    page = open_as("classify", claims("admin"))
    assert is_shut(page)
    assert "python -m derm_model roles" in texts(page).replace("\\", "")


def test_people_in_a_broken_roles_file_are_not_shown(open_as: OpenAs, roles_file: Path) -> None:
    roles_file.write_text('[emails]\n"secret.person@clinic.example" = "boss"\n', "utf-8")
    page = open_as("classify", None)
    assert is_shut(page)
    assert "secret.person" not in texts(page)


def test_without_a_login_everybody_is_local_and_a_roles_file_is_a_warning(roles_file: Path) -> None:
    page = AppTest.from_file(str(ROOT / "pages" / "classify.py"), default_timeout=TIMEOUT_S).run()
    assert not page.exception
    assert page.get("file_uploader")
    assert "no [auth] section" in re.sub(r"\\", "", texts(page))
    assert "Sign out" not in {button.label for button in page.button}


def test_secrets_that_cannot_be_read_are_not_the_same_as_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit import config
    from streamlit.runtime.secrets import Secrets

    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n", "utf-8")
    real = config.get_option
    monkeypatch.setattr(config, "get_option", lambda key: [str(broken)] if key == "secrets.files" else real(key))
    monkeypatch.setattr("streamlit.secrets", Secrets())
    page = AppTest.from_file(str(ROOT / "pages" / "classify.py"), default_timeout=TIMEOUT_S).run()
    assert not page.exception
    assert is_shut(page)
    assert "cannot be read" in texts(page)


def test_a_file_is_made_for_who_may_have_it_when_its_button_is_pressed(
    home: Path, roles_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.ui.login._section", lambda: AUTH)
    monkeypatch.setattr("pages.ui.login.claims", lambda: claims("clinician"))
    make = access.later(Right.CASES, lambda: b"a case")
    monkeypatch.setattr("pages.ui.login.claims", dict)  # outside of the session, as Streamlit makes files
    assert make() == b"a case"
    roles_file.write_text(roles_file.read_text("utf-8").replace('"clinician" = "clinician"\n', ""), "utf-8")
    with pytest.raises(access.NotAllowed):
        make()
    with pytest.raises(access.NotAllowed):
        access.later(Right.CASES, lambda: b"nobody's")()
