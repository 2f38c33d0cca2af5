"""Transactions in which images come or go: rows and files change together, whatever is killed when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from derm_model.errors import RecordsError
from derm_model.records.case_tables import StoredImage
from derm_model.records.engine import reading, writing
from derm_model.records.image_store import ImageStore

MAX_ASKED = 500  # values in one statement: SQLite takes 32,766, older ones 999


@contextmanager
def changing_images(engine: Engine, store: ImageStore) -> Iterator[tuple[Session, set[str]]]:
    """Open a transaction in which images come or go, one at a time over all processes that share the store.

    Files are written before the commit, so that no row lacks its file, and dropped after it, so that a transaction that
    fails loses none. However it ends, of the images named in the set only those stay that a row holds.

    Yields
    ------
    session, touched
        Add the hash of every image that is put or may be no longer held.

    Raises
    ------
    RecordsError
        The folder cannot be made or locked, or the database cannot be written.
    """
    with ExitStack() as held:
        try:
            store.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            held.enter_context(store.locked())
        except OSError as error:
            raise RecordsError(f"Images cannot be kept in {store.folder} ({error.strerror}). Check it.") from error
        touched: set[str] = set()
        try:
            with writing(engine) as session:
                yield session, touched
        except BaseException:
            # where the database is out of reach, nobody knows whether the commit arrived: the files stay
            with suppress(RecordsError):
                drop_unheld(engine, store, touched)
            raise
        drop_unheld(engine, store, touched)


def drop_unheld(engine: Engine, store: ImageStore, hashes: Iterable[str]) -> int:
    """Delete the files of those images no row holds; return how many. Only while the store is locked."""
    asked, n = sorted(set(hashes)), 0
    for start in range(0, len(asked), MAX_ASKED):
        part = asked[start : start + MAX_ASKED]
        with reading(engine) as session:
            held = set(session.scalars(select(StoredImage.sha256).where(StoredImage.sha256.in_(part))))
        n += sum(store.drop(sha256) for sha256 in part if sha256 not in held)
    return n
