"""Who uses this session, and what they may. Every page and every act that changes or reveals something asks here."""

from __future__ import annotations

from derm_model.access import LOCAL, Person, Right, check_right


def person() -> Person:
    """Whoever uses this session."""
    return LOCAL


def may(right: Right) -> bool:
    """Whether to offer something; whether to do it is `who`'s to say."""
    return person().may(right)


def who(right: Right) -> str:
    """Return the name of who acts, for the audit log, if they may.

    Raises
    ------
    NotAllowed
        They may not.
    """
    somebody = person()
    check_right(somebody, right)
    return somebody.name
