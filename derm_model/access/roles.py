"""Roles and their rights.

Without a login everybody works as `LOCAL`, who may do everything: the server then listens to this machine only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from derm_model.errors import NotAllowed


class Role(StrEnum):
    """What somebody is here for."""

    READER = "reader"
    CLINICIAN = "clinician"
    RESEARCHER = "researcher"
    ADMIN = "admin"


class Right(StrEnum):
    """What somebody may do, in words for the sentence "you may ..."."""

    CLASSIFY = "classify images"
    KEEP_THRESHOLDS = "keep thresholds"
    CASES = "see and save cases"
    TAKE_STUDY = "take part in reader studies"
    RUN_STUDIES = "run reader studies"
    RESEARCH = "curate data, train and evaluate"
    MODELS = "import, rename and delete models"
    AUDIT = "see the audit log"
    PURGE = "delete cases whose retention is over"


# A reader sees no answer of the network outside a study: it would unblind them. A researcher sees no patients.
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.READER: frozenset({Right.TAKE_STUDY}),
    Role.CLINICIAN: frozenset({Right.CLASSIFY, Right.CASES, Right.TAKE_STUDY}),
    Role.RESEARCHER: frozenset(
        {
            Right.CLASSIFY,
            Right.KEEP_THRESHOLDS,
            Right.TAKE_STUDY,
            Right.RUN_STUDIES,
            Right.RESEARCH,
            Right.MODELS,
        }
    ),
    Role.ADMIN: frozenset(Right),
}


@dataclass(frozen=True)
class Person:
    """Somebody who uses the app; `name` goes into the audit log, `role` is None of who has none here."""

    name: str
    role: Role | None

    def may(self, right: Right) -> bool:
        """Whether the role has the right."""
        return self.role is not None and right in RIGHTS[self.role]


LOCAL = Person("local", Role.ADMIN)


def check_right(person: Person, right: Right) -> None:
    """Raise unless somebody may do something.

    Raises
    ------
    NotAllowed
        The role lacks the right, or there is no role.
    """
    if not person.may(right):
        role = "no role here" if person.role is None else f"the role {person.role}"
        raise NotAllowed(f"You have {role}, which does not let you {right}. Ask who runs this server.")
