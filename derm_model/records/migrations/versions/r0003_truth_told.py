"""When a reader was told what the images show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; nobody knows it of readers who were told before, and their studies' last answers stay open."""
    op.add_column("participants", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
