"""The audit log for people: filters, pages, and a table to take away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from derm_model import spreadsheet
from derm_model.records.audit import Action, AuditRow, audit_row, canonical
from derm_model.records.audit_table import AuditEntry

PAGE_SIZE = 50
PART = 1000  # entries read at once for the table
COLUMNS = (
    "number",
    "at_utc",
    "who",
    "action",
    "bundle_digest",
    "task",
    "threshold",
    "subjects",
    "details",
    "hash",
)


@dataclass(frozen=True)
class AuditFilter:
    """Which entries to show; what is None does not restrict.

    Attributes
    ----------
    subject
        Whole id of a case, visit, study or job.
    day_from, day_to
        Days in UTC, both included.
    """

    who: str | None = None
    action: Action | None = None
    subject: str | None = None
    day_from: date | None = None
    day_to: date | None = None


@dataclass(frozen=True)
class AuditPage:
    """Some entries, newest first, and how many there are on all pages."""

    rows: tuple[AuditRow, ...]
    n: int
    page: int
    n_pages: int


def list_entries(session: Session, chosen: AuditFilter, *, page: int = 1, size: int = PAGE_SIZE) -> AuditPage:
    """One page; a page beyond the last is the last.

    Raises
    ------
    ValueError
        `page` or `size` is below 1.
    """
    if page < 1 or size < 1:
        raise ValueError(f"pages and their size count from 1, got page {page} of size {size}")
    conditions = _conditions(chosen)
    n = session.scalar(select(func.count()).select_from(AuditEntry).where(*conditions)) or 0
    n_pages = max(1, -(-n // size))
    page = min(page, n_pages)
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.seq.desc()).limit(size).offset((page - 1) * size)
    return AuditPage(tuple(map(audit_row, session.scalars(query))), n, page, n_pages)


def _conditions(chosen: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.who is not None:
        conditions.append(AuditEntry.who == chosen.who)
    if chosen.action is not None:
        conditions.append(AuditEntry.action == chosen.action.value)
    if chosen.subject is not None:
        conditions.append(AuditEntry.subjects.contains(json.dumps(chosen.subject), autoescape=True))
    if chosen.day_from is not None:
        conditions.append(AuditEntry.at >= chosen.day_from.isoformat())
    if chosen.day_to is not None:
        conditions.append(AuditEntry.at < (chosen.day_to + timedelta(days=1)).isoformat())
    return conditions


def people(session: Session) -> tuple[str, ...]:
    """Everybody who is named in the log."""
    return tuple(session.scalars(select(AuditEntry.who).distinct().order_by(AuditEntry.who)))


def entries_csv(session: Session, chosen: AuditFilter) -> str:
    """All entries of a filter as a table, oldest first; an empty cell is one that does not apply."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _oldest_first(session, chosen):
        cells = (
            str(row.seq),
            row.at,
            row.who,
            row.action,
            row.bundle_digest or "",
            row.task_id or "",
            "" if row.threshold is None else f"{row.threshold:.6g}",
            " ".join(row.subjects),
            canonical(dict(row.details)),
            row.digest,
        )
        writer.writerow([spreadsheet.cell(text) for text in cells])
    return "\ufeff" + buffer.getvalue()  # with a byte order mark, or spreadsheets take UTF-8 for something else


def _oldest_first(session: Session, chosen: AuditFilter) -> Iterator[AuditRow]:
    query = select(AuditEntry).where(*_conditions(chosen)).order_by(AuditEntry.seq).limit(PART)
    part = session.scalars(query).all()
    while part:
        yield from map(audit_row, part)
        last = part[-1].seq
        session.expunge_all()
        part = session.scalars(query.where(AuditEntry.seq > last)).all()
