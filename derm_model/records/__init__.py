"""What a clinic keeps: cases, reader studies and the audit log, in SQLite or PostgreSQL; images beside the database.

The only room with SQLAlchemy, Alembic and cryptography. Nothing is imported here: a page that saves nothing waits for
none of them. What is stored where, and what for: docs/records.md.
"""
