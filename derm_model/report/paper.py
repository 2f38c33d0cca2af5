"""Sizes of paper."""

from __future__ import annotations

from enum import StrEnum

# where letter is the usual size (ISO 3166); everywhere else it is A4
LETTER_COUNTRIES = frozenset(("US", "CA", "MX", "PH", "CL", "CO", "VE", "GT", "CR", "SV", "NI", "PA", "DO", "PR"))


class Paper(StrEnum):
    """A size of paper; the value is its label."""

    A4 = "A4"
    LETTER = "US letter"

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        return (210.0, 297.0) if self is Paper.A4 else (215.9, 279.4)


def paper_of(locale: str | None) -> Paper:
    """The usual paper where a browser's language tag (``en-US``) is from; A4 where it names no country."""
    parts = (locale or "").replace("_", "-").split("-")
    return Paper.LETTER if any(part.upper() in LETTER_COUNTRIES for part in parts[1:]) else Paper.A4
