"""Table of the audit log. Append-only by triggers; every row holds the hash of the row before."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from derm_model.records.case_tables import MAX_WORD
from derm_model.records.tables import MAX_WHO, Base, BigKey


class AuditEntry(Base):
    """Who did what when, to which records, with which model and threshold.

    Times, lists and details are stored as the very text that is hashed: what a database makes of its own types may
    change with its version.
    """

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)  # 1, 2, 3, ... without a gap
    at: Mapped[str] = mapped_column(String(32))  # UTC, ISO 8601 with microseconds
    who: Mapped[str] = mapped_column(String(MAX_WHO))
    action: Mapped[str] = mapped_column(String(24))
    bundle_digest: Mapped[str | None] = mapped_column(String(64))
    threshold: Mapped[float | None]
    task_id: Mapped[str | None] = mapped_column(String(MAX_WORD))
    subjects: Mapped[str] = mapped_column(Text)  # JSON list of ids
    details: Mapped[str] = mapped_column(Text)  # JSON object of short values
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
