"""The roles file is read strictly, every problem is named with its line, and it is read as it is now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from derm_model.access import Role
from derm_model.access.roles_file import RolesProblems, parse_roles, read_roles, roles_path
from tests.access.conftest import ROLES


def problems(text: str) -> list[str]:
    with pytest.raises(RolesProblems) as caught:
        parse_roles(text.encode())
    return list(caught.value.problems)


def test_a_file_in_order_is_read_whole() -> None:
    found = parse_roles(ROLES.encode())
    assert found.emails == {"anna@clinic.example": Role.CLINICIAN}
    assert found.subjects == {"s-rita": Role.READER}
    assert found.groups == {"lab": Role.RESEARCHER, "all": Role.READER}
    assert (found.idle_minutes, found.max_hours, found.end_with_token, found.name_by) == (30, 8, True, "email")


def test_every_problem_is_named_with_its_line() -> None:
    found = problems(
        'issuer = "http://login.example"\n'
        'name_by = "nickname"\n'
        "roles = 1\n"
        "[session]\n"
        "idle_minutes = 0\n"
        "max_hours = true\n"
        'end_with_token = "no"\n'
        "[emails]\n"
        '"a@b.example" = "boss"\n'
        'c = "admin"\n'
        '"D@b.example" = "admin"\n'
        '"d@b.example" = "reader"\n'
        "[subjects]\n"
        '"x" = ["admin"]\n'
        "[groups]\n"
        "claim = 5\n"
        "[groups.roles]\n"
        '"y" = "owner"\n'
    )
    lines = sorted(int(problem.split(":")[0].removeprefix("Line ")) for problem in found)
    assert lines == [1, 2, 3, 5, 6, 7, 9, 10, 12, 14, 16, 18]
    assert any("'boss'" in problem and "reader, clinician, researcher, admin" in problem for problem in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "issuer"),
        ('issuer = "https://a.example"', "Nobody has a role"),
        ('issuer = "https://a.example"\nemails = "x"', "table"),
        ('issuer = "https://a.example"\n[emails]\na@b.example = "admin"', "line 3"),
        ('issuer = "a.example"\n[subjects]\nx = "admin"', "no address"),
        ('issuer = "https://[::1"\n[subjects]\nx = "admin"', "no address"),
        ('issuer = "https://a\u2100b.example"\n[subjects]\nx = "admin"', "no address"),
        ('issuer = "https://a.example"\n[emails]\n"x@y.z" = "admin"\n"x@y.z" = "reader"', "Cannot overwrite"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    assert said in " ".join(problems(text))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(RolesProblems, match="UTF-8"):
        parse_roles(b"issuer = \xff")


def test_a_provider_without_tls_is_trusted_on_this_machine_only() -> None:
    rest = '\n[subjects]\nx = "admin"'
    assert parse_roles(f'issuer = "http://127.0.0.1:9000"{rest}'.encode()).issuer == "http://127.0.0.1:9000"
    assert "https" in problems(f'issuer = "http://10.0.0.1"{rest}')[0]


def test_the_file_is_read_as_it_is_now_even_if_its_time_and_size_stay(tmp_path: Path) -> None:
    path = tmp_path / "roles.toml"
    path.write_text(ROLES, "utf-8")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    assert "s-rita" in read_roles(path).subjects
    path.write_text(ROLES.replace("s-rita", "s-mary"), "utf-8")
    os.utime(path, ns=times)
    assert list(read_roles(path).subjects) == ["s-mary"]


def test_a_file_that_everybody_can_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roles.toml"
    path.write_text(ROLES, "utf-8")
    path.chmod(0o646)
    with pytest.raises(RolesProblems, match="chmod o-w"):
        read_roles(path)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DERM_ROLES", raising=False)
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    assert roles_path() == tmp_path / "roles.toml"
    with pytest.raises(RolesProblems, match=r"roles\.toml cannot be read"):
        read_roles(roles_path())
    monkeypatch.setenv("DERM_ROLES", str(tmp_path / "other.toml"))
    assert roles_path() == tmp_path / "other.toml"
