"""Reader studies; the day from which the retention of a case is counted."""

from __future__ import annotations

from datetime import UTC

import sqlalchemy as sa
from alembic import op

from derm_model.records.append_only import refusals

revision = "0002"
down_revision = "0001"

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and fill the new column of cases from what is known of them."""
    _last_active_on()
    _studies()
    _study_images()
    _study_truths()
    _participants()
    _readings()
    _prescreen_votes()
    dialect = op.get_bind().dialect.name
    for table in ("readings", "prescreen_votes"):
        for statement in refusals(dialect, table):
            op.execute(statement)
    for table in ("study_images", "study_truths"):  # fixed as long as their study is there
        for statement in refusals(dialect, table, deletes=False):
            op.execute(statement)


def _last_active_on() -> None:
    # SQLite adds a column to a table with rows only with a value for them; this one is never reached by a retention
    default = sa.text("'9999-12-31'")
    op.add_column("cases", sa.Column("last_active_on", sa.Date(), nullable=False, server_default=default))
    when = sa.DateTime(timezone=True)
    cases = sa.table("cases", sa.column("id"), sa.column("created_at", when), sa.column("last_active_on", sa.Date()))
    visits = sa.table("visits", sa.column("case_id"), sa.column("created_at", when))
    outcomes = sa.table("outcomes", sa.column("case_id"), sa.column("recorded_at", when))
    moments = sa.union_all(
        sa.select(cases.c.id, cases.c.created_at.label("at")),
        sa.select(visits.c.case_id, visits.c.created_at),
        sa.select(outcomes.c.case_id, outcomes.c.recorded_at),
    ).subquery()
    connection = op.get_bind()
    last = connection.execute(sa.select(moments.c.id, sa.func.max(moments.c.at, type_=when)).group_by(moments.c.id))
    for case_id, at in last.all():
        day = (at if at.tzinfo is None else at.astimezone(UTC)).date()  # without a zone: SQLite, where all is UTC
        connection.execute(cases.update().where(cases.c.id == case_id).values(last_active_on=day))
    op.create_index(op.f("ix_cases_last_active_on"), "cases", ["last_active_on"])


def _studies() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("question", sa.String(length=120), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("images_digest", sa.String(length=64), nullable=False),
        sa.Column("bundle_id", sa.String(length=120), nullable=True),
        sa.Column("bundle_digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("name", name=op.f("uq_studies_name")),
    )


def _study_images() -> None:
    op.create_table(
        "study_images",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("image_id", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_images_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "position", name=op.f("pk_study_images")),
        sa.UniqueConstraint("study_id", "source", "image_id", name=op.f("uq_study_images_study_id_source_image_id")),
    )


def _study_truths() -> None:
    op.create_table(
        "study_truths",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "position"],
            ["study_images.study_id", "study_images.position"],
            name=op.f("fk_study_truths_study_id_position"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "position", name=op.f("pk_study_truths")),
    )


def _participants() -> None:
    op.create_table(
        "participants",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=11), nullable=False),
        sa.Column("experience", sa.String(length=20), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('reader', 'prescreener')", name=op.f("ck_participants_role")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_participants_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participants")),
        sa.UniqueConstraint("id", "study_id", name=op.f("uq_participants_id_study_id")),
        sa.UniqueConstraint("study_id", "code", name=op.f("uq_participants_study_id_code")),
    )


def _readings() -> None:
    op.create_table(
        "readings",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("with_ai", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.String(length=120), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("corrects_id", BIG_KEY, nullable=True),
        sa.Column("origin", sa.String(length=6), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("origin IN ('app', 'import')", name=op.f("ck_readings_origin")),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 100", name=op.f("ck_readings_confidence")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_readings_seconds")),
        sa.ForeignKeyConstraint(["corrects_id"], ["readings.id"], name=op.f("fk_readings_corrects_id")),
        sa.ForeignKeyConstraint(
            ["participant_id", "study_id"],
            ["participants.id", "participants.study_id"],
            name=op.f("fk_readings_participant_id_study_id"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "position"],
            ["study_images.study_id", "study_images.position"],
            name=op.f("fk_readings_study_id_position"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readings")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_readings_corrects_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_readings_study_id"), "readings", ["study_id"], unique=False)
    op.create_index(
        "uq_readings_first",
        "readings",
        ["participant_id", "position", "with_ai"],
        unique=True,
        sqlite_where=sa.text("corrects_id IS NULL"),
        postgresql_where=sa.text("corrects_id IS NULL"),
    )


def _prescreen_votes() -> None:
    op.create_table(
        "prescreen_votes",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("usable", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id", "study_id"],
            ["participants.id", "participants.study_id"],
            name=op.f("fk_prescreen_votes_participant_id_study_id"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "position"],
            ["study_images.study_id", "study_images.position"],
            name=op.f("fk_prescreen_votes_study_id_position"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescreen_votes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_prescreen_votes_participant_id"), "prescreen_votes", ["participant_id"], unique=False)
    op.create_index(op.f("ix_prescreen_votes_study_id"), "prescreen_votes", ["study_id"], unique=False)
