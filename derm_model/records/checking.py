"""Is all well with the records: schema, database, files."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, select, text

from derm_model.errors import RecordsError
from derm_model.records.case_tables import StoredImage
from derm_model.records.deleting import missing_files
from derm_model.records.engine import explaining, reading
from derm_model.records.image_store import ImageStore
from derm_model.records.migrating import HEAD, alembic_config, revision


def problems(engine: Engine, store: ImageStore, *, read_images: bool = False) -> Iterator[str]:
    """What is wrong, a sentence each; nothing where all is well. With `read_images` every file is read and decrypted.

    Raises
    ------
    RecordsError
        The database cannot be reached, or is newer than this DermTree.
    """
    with explaining(engine):
        found = revision(engine)
    if found != HEAD:
        yield f"The schema is {found or 'empty'}, and {HEAD} is needed: `python -m derm_model records upgrade`."
        return
    yield from (f"The schema differs from the code's: {difference}." for difference in schema_differences(engine))
    if engine.dialect.name == "sqlite":
        yield from _sqlite_problems(engine)
    missing = missing_files(engine, store)
    if missing:
        yield f"{len(missing)} images have no file in {store.folder}, {missing[0][:12]} first. Restore them."
    if read_images:
        yield from _unreadable(engine, store, set(missing))
    with reading(engine) as session:
        held = set(session.scalars(select(StoredImage.sha256)))
    n_unheld = len(set(store.all()) - held) + len(list(store.leftovers()))
    if n_unheld:
        yield f"{n_unheld} files belong to no case, e.g. of a killed process. `records purge` deletes them."


def schema_differences(engine: Engine) -> tuple[str, ...]:
    """How the tables there are differ from those the code knows."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from derm_model.records.schema import METADATA

    with explaining(engine), engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=dict(alembic_config(connection).attributes))
        return tuple(str(difference) for difference in compare_metadata(context, METADATA))


def _sqlite_problems(engine: Engine) -> Iterator[str]:
    with explaining(engine), engine.connect() as connection:
        for line in connection.scalars(text("PRAGMA integrity_check")):
            if line != "ok":
                yield f"The database file is damaged: {line}. Restore a backup."
        for table, row, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"Row {row} of {table} refers to a row of {parent} that is not there. Restore a backup."


def _unreadable(engine: Engine, store: ImageStore, missing: set[str]) -> Iterator[str]:
    with reading(engine) as session:
        hashes = session.scalars(select(StoredImage.sha256).order_by(StoredImage.sha256)).all()
    for sha256 in hashes:
        if sha256 in missing:
            continue
        try:
            store.get(sha256)
        except RecordsError as error:
            yield str(error)
