"""How long the audit log was when last written, in a file beside the database: a log whose end was cut off shows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from derm_model.errors import RecordsError
from derm_model.files import taking_turns, write_json
from derm_model.home import home

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Head:
    """The last entry of an audit log: its number, counted from 1, and its hash. (0, 64 zeros) of an empty log."""

    n: int
    digest: str

    def __str__(self) -> str:
        return f"{self.n}:{self.digest}"


EMPTY = Head(0, 64 * "0")


def parse_head(text: str) -> Head:
    """Read what `str` made of a head.

    Raises
    ------
    RecordsError
        The text is no head.
    """
    n, _, digest = text.partition(":")
    if not (n.isascii() and n.isdigit() and _DIGEST.fullmatch(digest)):
        raise RecordsError(f"The head of an audit log is NUMBER:HASH, with 64 digits 0-9a-f. Got {text!r}.")
    return Head(int(n), digest)


def anchor_file(url: URL) -> Path:
    """Where the head is kept: beside a SQLite file, or in ``$DERM_HOME`` by the address of the database."""
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}.head.json")
    name = hashlib.sha256(f"{url.host}:{url.port}/{url.database}?{sorted(url.query.items())}".encode()).hexdigest()
    return home() / f"audit-{name[:16]}.head.json"


def read_anchor(url: URL) -> Head | None:
    """Head as it was last kept; None where none ever was.

    Raises
    ------
    RecordsError
        The file is damaged or cannot be read.
    """
    path = anchor_file(url)
    try:
        content = json.loads(path.read_bytes())
        return parse_head(f"{content['n']}:{content['hash']}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecordsError) as error:
        raise RecordsError(
            f"{path} keeps the length of the audit log and is damaged ({error}). Take it from a backup."
        ) from error


def advance_anchor(url: URL, head: Head, hash_of: Callable[[int], str | None]) -> None:
    """Keep a head, where the log still holds the one that was kept before.

    A log whose end was cut off and which goes on must not take the place of what shows that it was: then the earlier
    head stays for good. So does a later one, because two processes may come here in the other order.

    What is recorded is committed by now and stays so, whatever becomes of this file; so an error is not raised here. A
    file that was not written is behind, which `verify` says, and a damaged one is left for `verify` to find.

    Parameters
    ----------
    url, head
    hash_of
        Hash of the entry of a number as the database has it; None where there is none.
    """
    path = anchor_file(url)
    with contextlib.suppress(OSError, RecordsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with taking_turns(path):
            kept = read_anchor(url)
            if kept is None or (kept.n < head.n and (kept.n == 0 or hash_of(kept.n) == kept.digest)):
                write_json(path, {"n": head.n, "hash": head.digest})
