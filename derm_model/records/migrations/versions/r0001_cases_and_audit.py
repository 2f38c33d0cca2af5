"""Cases with their images, answers and outcomes; the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from derm_model.records.append_only import refusals

revision = "0001"
down_revision = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _cases()
    _visits()
    _images()
    _visit_images()
    _predictions()
    _answers()
    _outcomes()
    _audit_entries()
    for statement in refusals(op.get_bind().dialect.name, "audit_entries"):
        op.execute(statement)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("patient_key", sa.String(length=40), nullable=False),
        sa.Column("lesion", sa.String(length=40), nullable=False),
        sa.Column("site", sa.String(length=20), nullable=False),
        sa.Column("side", sa.String(length=6), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side IN ('left', 'right', 'middle')", name=op.f("ck_cases_side")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("patient_key", "lesion", name=op.f("uq_cases_patient_key_lesion")),
    )


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(note) <= 500", name=op.f("ck_visits_note")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_visits_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    op.create_index(op.f("ix_visits_case_id"), "visits", ["case_id"], unique=False)


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_images")),
    )


def _visit_images() -> None:
    op.create_table(
        "visit_images",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("visit_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("modality", sa.String(length=11), nullable=True),
        sa.ForeignKeyConstraint(["sha256"], ["images.sha256"], name=op.f("fk_visit_images_sha256")),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_visit_images_visit_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_images")),
        sa.UniqueConstraint("visit_id", "position", name=op.f("uq_visit_images_visit_id_position")),
    )
    op.create_index(op.f("ix_visit_images_sha256"), "visit_images", ["sha256"], unique=False)


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("visit_id", sa.String(length=32), nullable=False),
        sa.Column("visit_image_id", sa.String(length=32), nullable=True),
        sa.Column("bundle_id", sa.String(length=120), nullable=False),
        sa.Column("bundle_digest", sa.String(length=64), nullable=False),
        sa.Column("taxonomy_digest", sa.String(length=64), nullable=False),
        sa.Column("class_probs", sa.JSON(), nullable=False),
        sa.Column("ood_percentile", sa.Double(), nullable=True),
        sa.Column("quality_notes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ood_percentile >= 0 AND ood_percentile <= 100", name=op.f("ck_predictions_ood_percentile")),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_predictions_visit_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["visit_image_id"], ["visit_images.id"], name=op.f("fk_predictions_visit_image_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
    )
    op.create_index(op.f("ix_predictions_visit_id"), "predictions", ["visit_id"], unique=False)
    op.create_index(op.f("ix_predictions_visit_image_id"), "predictions", ["visit_image_id"], unique=False)


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("prediction_id", sa.String(length=32), nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("threshold_rule", sa.String(length=120), nullable=True),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_answers_score")),
        sa.CheckConstraint("threshold >= 0 AND threshold <= 1", name=op.f("ck_answers_threshold")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_answers_prediction_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("prediction_id", "task_id", name=op.f("pk_answers")),
    )


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("node", sa.String(length=120), nullable=False),
        sa.Column("taxonomy_digest", sa.String(length=64), nullable=False),
        sa.Column("confirmed_by", sa.String(length=19), nullable=False),
        sa.Column("diagnosed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outcomes_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outcomes_case_id"), "outcomes", ["case_id"], unique=False)


def _audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("bundle_digest", sa.String(length=64), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("task_id", sa.String(length=120), nullable=True),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
    )
