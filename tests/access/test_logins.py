"""A sign-in goes on while hands are on it, and what has ended stays ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.access.identity import Login, recognise
from derm_model.access.logins import BEGUN, BY_HAND, IDLE, KEPT_S, Logins
from derm_model.access.roles_file import RolesFile
from derm_model.errors import AccessError, NotSignedIn
from tests.access.conftest import NOW, OURS, claims

IDLE_S = 600.0


class Told(list[tuple[str, str]]):
    def __call__(self, login: Login, what: str) -> None:
        self.append((login.id, what))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def logins(tmp_path: Path, told: Told) -> Logins:
    return Logins(told, tmp_path / "logins")


@pytest.fixture
def login(roles: RolesFile) -> Login:
    return recognise(claims(), roles, OURS, NOW)


def test_an_act_puts_the_end_off_and_looking_does_not(logins: Logins, login: Login) -> None:
    logins.check(login, IDLE_S, NOW)
    logins.check(login, IDLE_S, NOW + 599)
    logins.act(login, NOW + 590)
    logins.check(login, IDLE_S, NOW + 1189)
    with pytest.raises(NotSignedIn, match="10 minutes"):
        logins.check(login, IDLE_S, NOW + 1190)


def test_an_idle_sign_in_is_over_for_good(logins: Logins, login: Login, told: Told) -> None:
    logins.check(login, IDLE_S, NOW)
    for later in (600, 601):
        with pytest.raises(NotSignedIn):
            logins.check(login, IDLE_S, NOW + later)
    logins.act(login, NOW + 602)
    with pytest.raises(NotSignedIn):
        logins.check(login, IDLE_S, NOW + 603)
    assert told == [(login.id, BEGUN), (login.id, IDLE)]


def test_a_sign_in_ended_by_hand_does_not_come_back_with_its_cookie(logins: Logins, login: Login, told: Told) -> None:
    logins.check(login, IDLE_S, NOW)
    logins.end(login, BY_HAND)
    logins.end(login, BY_HAND)
    again = Logins(told, logins.folder)  # another process, or after a restart
    with pytest.raises(NotSignedIn, match="signed out"):
        again.check(login, IDLE_S, NOW + 1)
    assert told == [(login.id, BEGUN), (login.id, BY_HAND)]


def test_a_cookie_that_nobody_used_in_time_is_idle_too(logins: Logins, login: Login) -> None:
    with pytest.raises(NotSignedIn):
        logins.check(login, IDLE_S, login.issued_at + IDLE_S)
    logins.check(login, IDLE_S, login.issued_at + IDLE_S - 1)


def test_files_name_nobody_and_are_readable_by_their_owner_only(logins: Logins, login: Login) -> None:
    logins.check(login, IDLE_S, NOW)
    assert [path.name for path in logins.folder.iterdir()] == [login.id]
    assert logins.folder.stat().st_mode & 0o077 == 0
    assert (logins.folder / login.id).stat().st_mode & 0o077 == 0


def test_old_files_go_when_their_cookies_hold_no_more(logins: Logins, roles: RolesFile, login: Login) -> None:
    logins.check(login, IDLE_S, NOW)
    later = NOW + KEPT_S + 1
    new = recognise(claims(iat=later, exp=later + 60, nonce="n2"), roles, OURS, later)
    logins.check(new, IDLE_S, later)
    assert [path.name for path in logins.folder.iterdir()] == [new.id]


def test_where_nothing_can_be_noted_nobody_gets_in(tmp_path: Path, told: Told, login: Login) -> None:
    (tmp_path / "logins").write_text("a file, not a folder", "utf-8")
    with pytest.raises(AccessError, match="cannot be used"):
        Logins(told, tmp_path / "logins").check(login, IDLE_S, NOW)
