"""Alembic runs this file. It uses the connection of the caller, whose transaction holds all steps.

Foreign keys are on: rebuilding a table (Alembic's batch mode on SQLite) would delete the rows that refer to it, and a
transaction cannot turn them off. A migration adds columns and tables, or copies rows by hand.
"""

from __future__ import annotations

from alembic import context

from derm_model.records.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    transaction_per_migration=False,
    render_as_batch=False,
)
with context.begin_transaction():
    context.run_migrations()
