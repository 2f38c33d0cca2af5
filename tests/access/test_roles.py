"""What each role may do, as the documentation's table has it."""

from __future__ import annotations

import pytest

from derm_model.access import LOCAL, RIGHTS, Person, Right, Role, check_right
from derm_model.errors import NotAllowed


def test_a_reader_sees_no_answer_of_the_network_and_a_researcher_no_patient() -> None:
    assert Right.CLASSIFY not in RIGHTS[Role.READER]
    assert Right.CASES not in RIGHTS[Role.RESEARCHER]
    assert {role for role in Role if Right.AUDIT in RIGHTS[role]} == {Role.ADMIN}
    assert RIGHTS.keys() == set(Role)


def test_whoever_works_without_a_login_may_do_everything() -> None:
    for right in Right:
        check_right(LOCAL, right)


def test_who_has_no_role_may_do_nothing_and_hears_why() -> None:
    for right in Right:
        with pytest.raises(NotAllowed, match="no role here"):
            check_right(Person("sub:x", None), right)
    with pytest.raises(NotAllowed, match=r"role reader.*classify images"):
        check_right(Person("r", Role.READER), Right.CLASSIFY)
