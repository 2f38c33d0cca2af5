"""Claims are believed only when all of them are in order, and they give the role the file says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from derm_model.access import Role
from derm_model.access.identity import Login, recognise, subject_name
from derm_model.access.roles_file import MAX_NAME, RolesFile
from derm_model.errors import NotSignedIn
from tests.access.conftest import NOW, OURS, claims


def known(roles: RolesFile, **changes: Any) -> Login:
    return recognise(claims(**changes), roles, OURS, NOW)


def test_a_verified_address_has_its_role_in_whatever_letters(roles: RolesFile) -> None:
    login = known(roles, email="ANNA@clinic.EXAMPLE")
    assert (login.person.name, login.person.role) == ("anna@clinic.example", Role.CLINICIAN)


@pytest.mark.parametrize("verified", [None, False, "true", 1, "yes"])
def test_an_address_that_is_not_verified_is_nobodys(roles: RolesFile, verified: object) -> None:
    login = known(roles, email_verified=verified)
    assert (login.person.name, login.person.role) == ("sub:s-anna", None)


@pytest.mark.parametrize(
    "address", ["anna@clinic.example\u200b", "\u212aanna@clinic.example", "аnna@clinic.example", 5]
)
def test_an_address_that_only_looks_alike_has_no_role(roles: RolesFile, address: object) -> None:
    assert known(roles, email=address).person.role is None


def test_subject_goes_before_address_and_address_before_group(roles: RolesFile) -> None:
    assert known(roles, sub="s-rita").person.role is Role.READER
    assert known(roles, groups=["lab"]).person.role is Role.CLINICIAN
    assert known(roles, email=None, groups=["lab"]).person.role is Role.RESEARCHER


def test_of_several_groups_the_one_with_more_rights_counts_in_any_order(roles: RolesFile) -> None:
    for groups in (["all", "lab"], ["lab", "all"]):
        assert known(roles, email=None, groups=groups).person.role is Role.RESEARCHER


@pytest.mark.parametrize("groups", ["lab", {"lab": 1}, ["lab", 3], [["lab"]], None])
def test_groups_are_a_list_of_words_or_count_for_nothing(roles: RolesFile, groups: object) -> None:
    assert known(roles, email=None, groups=groups).person.role is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.clinic.example/realms/other"},
        {"iss": "https://login.clinic.example/realms/skin/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": "another", "azp": OURS},
        {"aud": [OURS, "another"]},
        {"aud": [OURS, "another"], "azp": "another"},
        {"aud": OURS, "azp": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"nonce": None},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "2999"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": 10**13},
        {"iat": float("nan")},
        {"iat": -1},
        {"iat": None},
        {"iat": NOW + 61},
        {"nbf": NOW + 61},
        {"iat": NOW - 8 * 3600},
    ],
    ids=str,
)
def test_whoever_brings_such_claims_is_not_signed_in(roles: RolesFile, changes: dict[str, Any]) -> None:
    with pytest.raises(NotSignedIn):
        known(roles, **changes)


def test_claims_at_the_edge_of_the_rules_are_believed(roles: RolesFile) -> None:
    for changes in (
        {"exp": NOW + 1},
        {"iat": NOW + 59},
        {"iat": NOW - 8 * 3600 + 1},
        {"aud": [OURS, "b"], "azp": OURS},
    ):
        assert known(roles, **changes).person.role is Role.CLINICIAN


def test_an_empty_audience_of_ours_matches_nobody(roles: RolesFile) -> None:
    with pytest.raises(NotSignedIn):
        recognise(claims(aud=""), roles, "", NOW)


def test_a_session_may_outlive_its_token_where_the_file_says_so_but_not_the_hours(roles: RolesFile) -> None:
    longer = replace(roles, end_with_token=False)
    assert known(longer, exp=NOW - 3000).ends_at == NOW - 60 + 8 * 3600
    assert known(roles).ends_at == NOW + 3540
    with pytest.raises(NotSignedIn):
        known(longer, iat=NOW - 8 * 3600)


def test_a_sign_in_has_one_id_and_the_next_one_another(roles: RolesFile) -> None:
    first = known(roles)
    assert known(roles, groups=["new"]).id == first.id
    assert len({first.id, known(roles, nonce="n2").id, known(roles, sub="x").id, known(roles, iat=NOW).id}) == 4
    assert "anna" not in first.id


def test_the_name_can_be_the_subject(roles: RolesFile) -> None:
    assert known(replace(roles, name_by="subject")).person.name == "sub:s-anna"


def test_a_name_fits_the_audit_log_and_is_never_that_of_nobody() -> None:
    from derm_model.records.tables import MAX_WHO, check_text

    assert MAX_NAME == MAX_WHO
    for subject in ("local", "a" * 255, "two\nlines", "  spaces  ", "é"):
        name = subject_name(subject)
        assert check_text("person who acts", name, MAX_WHO) == name
        assert name.startswith("sub:")
    assert subject_name("a" * 255) != subject_name("a" * 254)
