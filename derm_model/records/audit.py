"""The audit log: who did what when. Every entry holds the hash of the one before, so that a change shows.

What can be detected, and what cannot, stands in docs/records.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from derm_model.errors import RecordsError
from derm_model.records.anchor import EMPTY, Head
from derm_model.records.audit_table import AuditEntry
from derm_model.records.tables import MAX_WHO, check_share, check_text, now

MAX_DETAIL = 200  # a detail is a number or a few words
LOCAL = "local"  # who works without a login
PART = 1000  # entries verified at once

Detail = str | int | float | bool | None

_HASHED = ("seq", "at", "who", "action", "bundle_digest", "threshold", "task_id", "subjects", "details")


class Action(StrEnum):
    """What is written down."""

    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    OPEN = "open"
    CLASSIFY = "classify"
    SAVE = "save"
    OUTCOME = "outcome"
    EXPORT = "export"
    DELETE = "delete"
    PURGE = "purge"
    THRESHOLD = "threshold change"
    TRAINING = "training start"
    STUDY = "study"
    BACKUP = "backup"
    RESTORE = "restore"


@dataclass(frozen=True)
class AuditRow:
    """One entry; `subjects` are ids of cases, studies or jobs, never pixels or keys of patients."""

    seq: int
    at: str
    who: str
    action: str
    bundle_digest: str | None
    threshold: float | None
    task_id: str | None
    subjects: tuple[str, ...]
    details: Mapping[str, Detail]
    digest: str


@dataclass(frozen=True)
class ChainReport:
    """What `verify` found.

    Attributes
    ----------
    head
        Last entry up to which all is well.
    n
        Entries there are.
    broken_at : int or None
        Number of the first entry that is not as it was written, or is missing; None of a chain that holds.
    problem : str or None
        The same in words.
    anchored : int or None
        How many entries the anchor vouches for; None without an anchor.
    """

    head: Head
    n: int
    broken_at: int | None
    problem: str | None
    anchored: int | None


def append(
    session: Session,
    action: Action,
    who: str,
    *,
    subjects: Iterable[str] = (),
    bundle_digest: str | None = None,
    threshold: float | None = None,
    task_id: str | None = None,
    details: Mapping[str, Detail] | None = None,
) -> Head:
    """Add an entry to the transaction of a session made by `writing`: deed and entry stand or fall together.

    Two processes come one after the other: SQLite's transaction holds the database, PostgreSQL's the table from here
    on. So call it last.

    Raises
    ------
    RecordsError
        A word is missing or too long, or a detail is no short value.
    """
    _take_turn(session)
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).first()
    head = EMPTY if last is None else Head(last.seq, last.hash)
    entry = AuditEntry(
        seq=head.n + 1,
        at=now().astimezone(UTC).isoformat(timespec="microseconds"),
        who=check_text("person who acts", who, MAX_WHO),
        action=Action(action).value,
        bundle_digest=bundle_digest,
        threshold=check_share("threshold", threshold),
        task_id=task_id,
        subjects=canonical([str(subject) for subject in subjects]),
        details=canonical({key: _detail(key, value) for key, value in (details or {}).items()}),
        previous_hash=head.digest,
    )
    entry.hash = entry_digest(entry)
    session.add(entry)
    session.flush()
    head = Head(entry.seq, entry.hash)
    session.info["audit_head"] = head
    return head


def _take_turn(session: Session) -> None:
    connection = session.connection()
    assert connection.get_execution_options().get("writes"), "an entry needs a session made by `writing`"
    if connection.dialect.name == "postgresql":
        # readers go on; who else appends waits, and then sees this entry
        connection.execute(text("LOCK TABLE audit_entries IN SHARE ROW EXCLUSIVE MODE"))


def _detail(key: str, value: Detail) -> Detail:
    if isinstance(value, str):
        return check_text(f"detail {key}", value, MAX_DETAIL, needed=False)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    raise RecordsError(f"A detail of the audit log is a number or a few words; {key} is a {type(value).__name__}.")


def canonical(value: object) -> str:
    """JSON in the one form that is hashed: keys in order, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def entry_digest(entry: AuditEntry) -> str:
    """SHA-256 over the hash of the entry before and the canonical JSON of this one."""
    content = canonical({name: getattr(entry, name) for name in _HASHED})
    return hashlib.sha256(f"{entry.previous_hash}\n{content}".encode("ascii")).hexdigest()


def entries(session: Session, *, subject: str | None = None, page: int = 1, size: int = 50) -> tuple[AuditRow, ...]:
    """Entries, newest first; only those about one subject where its id is given."""
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(size).offset((page - 1) * size)
    if subject is not None:
        query = query.where(AuditEntry.subjects.contains(f'"{subject}"', autoescape=True))
    return tuple(audit_row(entry) for entry in session.scalars(query))


def audit_row(entry: AuditEntry) -> AuditRow:
    """Entry apart from its session."""
    return AuditRow(
        seq=entry.seq,
        at=entry.at,
        who=entry.who,
        action=entry.action,
        bundle_digest=entry.bundle_digest,
        threshold=entry.threshold,
        task_id=entry.task_id,
        subjects=tuple(json.loads(entry.subjects)),
        details=json.loads(entry.details),
        digest=entry.hash,
    )


def verify(session: Session, anchor: Head | None, expected: Head | None = None) -> ChainReport:
    """Walk the chain from its first entry and name the first link that does not hold.

    Parameters
    ----------
    session
    anchor
        Head that was kept beside the database; entries after it are accepted, because a process can be killed between
        the two writes.
    expected
        Head somebody noted elsewhere, e.g. on paper.
    """
    n = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    noted = [
        (kept, where) for kept, where in ((anchor, "beside the database"), (expected, "given")) if kept is not None
    ]
    head = EMPTY

    def broken(problem: str) -> ChainReport:
        return ChainReport(head, n, head.n + 1, problem, None if anchor is None else anchor.n)

    for entry in _in_order(session):
        number = head.n + 1
        if entry.seq != number:
            return broken(f"Entry {number} is missing: the next one there is has the number {entry.seq}.")
        if entry_digest(entry) != entry.hash:
            return broken(f"Entry {number} is not as it was written: its hash does not fit what it says.")
        if entry.previous_hash != head.digest:
            return broken(f"Entry {number} does not follow entry {head.n}: one of the two was replaced.")
        for kept, where in noted:
            if kept.n == number and kept.digest != entry.hash:
                return broken(f"Entry {number} was replaced: the head {where} has another hash.")
        head = Head(number, entry.hash)
    for kept, where in noted:
        if kept.n > head.n:
            return broken(f"The end is missing: the log has {head.n} entries, the head {where} counts {kept.n}.")
    return ChainReport(head, n, None, None, None if anchor is None else anchor.n)


def _in_order(session: Session) -> Iterator[AuditEntry]:
    """Entries by number, a part at a time: a log of years need not be in memory at once."""
    query = select(AuditEntry).order_by(AuditEntry.seq).limit(PART)
    part = session.scalars(query).all()
    while part:
        yield from part
        last = part[-1].seq
        session.expunge_all()
        part = session.scalars(query.where(AuditEntry.seq > last)).all()
