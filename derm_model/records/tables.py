"""What all tables share: names of constraints, times in UTC, keys, checks."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from derm_model.errors import RecordsError

MAX_KEY, MAX_WHO, MAX_NOTE = 40, 120, 500  # a note is a remark, not a chart
ID = 32  # hexadecimal digits of a random UUID

_KEY = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_KEY - 1}}}")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[._-]?(?:0[1-9]|1[0-2])[._-]?(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[._-](?:0?[1-9]|1[0-2])[._-](?:19|20)\d\d)(?!\d)"
)

# of autoincrement keys: SQLite counts in INTEGER only
BigKey = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """All tables; constraints have names, so that a migration can speak of them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: with its zone on both sides, although SQLite knows none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: whose noon would it be?"""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time is stored with its zone, got {value.isoformat()}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """Constrain a column to a list that will not grow: SQLite would have to rebuild the table for a new word."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def share(column: str) -> CheckConstraint:
    """Constrain a column to [0, 1]."""
    return CheckConstraint(f"{column} >= 0 AND {column} <= 1", name=column)


def new_id() -> str:
    """Random, so that an id in the audit log or in an address tells nothing."""
    return uuid.uuid4().hex


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def check_key(what: str, text: str) -> str:
    """Return a pseudonymous key as it is stored.

    Raises
    ------
    RecordsError
        It is empty, too long, has other characters than a key, or looks like a date.
    """
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise RecordsError(
            f"The {what} is a code that names nobody: up to {MAX_KEY} letters, digits, '.', '_' and '-', "
            f"without spaces. What was given ({len(key)} characters) is none. Choose another."
        )
    if _DATE.search(key):
        raise RecordsError(f"The {what} looks like a date, and a date of birth must not be kept. Choose another.")
    return key


def check_text(what: str, text: str, longest: int, *, needed: bool = True) -> str:
    """Return free text as it is stored: trimmed, of printable characters and line breaks.

    Raises
    ------
    RecordsError
        It is missing though needed, too long, or has control characters.
    """
    tidy = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if needed and not tidy:
        raise RecordsError(f"The {what} is missing.")
    if len(tidy) > longest or not tidy.replace("\n", " ").isprintable():
        raise RecordsError(
            f"The {what} may have {longest} printable characters. This has {len(tidy)}. Shorten or retype it."
        )
    return tidy


def check_share(what: str, value: float | None) -> float | None:
    """Return a probability, score or threshold as it is stored; NaN, which is undefined, becomes None.

    Raises
    ------
    RecordsError
        It lies outside [0, 1].
    """
    if value is None or math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise RecordsError(f"A {what} lies between 0 and 1, got {value}.")
    return float(value) + 0.0  # -0.0 would come back from SQLite as 0.0, and break the chain of the audit log


def check_word(what: str, word: str, words: Iterable[str]) -> str:
    """Return a word of a fixed list.

    Raises
    ------
    RecordsError
        It is not on the list.
    """
    known = tuple(words)
    if word not in known:
        raise RecordsError(f"The {what} is one of {', '.join(known)}; got {word!r}.")
    return word
