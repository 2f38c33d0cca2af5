"""Taxonomies of this installation's users: ``$DERM_HOME/taxonomies/DIGEST/`` with the table and who saved it when.

The digest is the version: an edited tree is another one beside the first. Only what no digest covers (synonyms, ICD-10
hints, tiers) replaces the file of the same digest.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from derm_model.errors import TaxonomyError
from derm_model.files import replaced, taking_turns, write_json
from derm_model.home import home
from derm_model.taxonomy.reading import ASSETS, parse_taxonomy, read_taxonomy
from derm_model.taxonomy.tree import Taxonomy

FOLDER, TABLE, NOTE = "taxonomies", "taxonomy.csv", "about.json"
FORMER = ASSETS / "former"  # trees that shipped before, for the bundles made with them: all that a digest covers
MAX_NAME_LENGTH = 80
SHORTEST = 12  # digits of a digest that tell trees apart, as messages show them
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredTaxonomy:
    """What is known of a stored tree without reading it.

    Attributes
    ----------
    digest, name : str
    saved_at : str
        UTC, ISO 8601.
    saved_by : str
    n_nodes, n_leaves : int
    """

    digest: str
    name: str
    saved_at: str
    saved_by: str
    n_nodes: int
    n_leaves: int


def save_taxonomy(content: bytes, name: str, who: str) -> StoredTaxonomy:
    """Store a table as its user wrote it.

    Parameters
    ----------
    content : bytes
        Of a file without problems.
    name : str
        What people call it, 1 to 80 characters.
    who : str

    Raises
    ------
    TaxonomyError
        The table has problems, all of which are listed, or the name is empty or too long.
    """
    taxonomy = parse_taxonomy(content, name)
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        raise TaxonomyError(f"the name of a taxonomy has 1 to {MAX_NAME_LENGTH} characters, not {len(name)}")
    saved_at = datetime.now(UTC).isoformat(timespec="seconds")
    note = StoredTaxonomy(taxonomy.digest, name, saved_at, who, len(taxonomy), len(taxonomy.leaves()))
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / taxonomy.digest
    with taking_turns(folder):
        if folder.is_dir():
            with replaced(folder / TABLE) as temporary:
                temporary.write_bytes(content)
            write_json(folder / NOTE, asdict(note))
            return note
        new = Path(tempfile.mkdtemp(prefix=f".{taxonomy.digest[:12]}.", suffix=".tmp", dir=root))
        try:
            (new / TABLE).write_bytes(content)
            write_json(new / NOTE, asdict(note))
            new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return note


def list_taxonomies() -> tuple[StoredTaxonomy, ...]:
    """Stored trees, the last saved first; a folder that cannot be read is left out."""
    found = []
    for path in _root().glob(f"*/{NOTE}"):
        try:
            found.append(_note(path))
        except TaxonomyError:
            continue
    return tuple(sorted(found, key=lambda stored: (stored.saved_at, stored.digest), reverse=True))


def load_taxonomy(digest: str) -> Taxonomy:
    """Tree of a digest or of its first twelve digits or more: a stored one, the one that ships or shipped before.

    Raises
    ------
    TaxonomyError
        There is none, several begin so, or the file is no longer what was stored.
    """
    shipped = read_taxonomy()
    former = {path.stem: path for path in FORMER.glob("*.csv")}
    known = {shipped.digest, *former, *(stored.digest for stored in list_taxonomies())}
    found = sorted(full for full in known if len(digest) >= SHORTEST and full.startswith(digest))
    if len(found) != 1:
        there = ", ".join(sorted(full[:12] for full in known))
        raise TaxonomyError(f"no taxonomy {digest[:12]!r} is stored here, only {there}; save its table first")
    if found[0] == shipped.digest:
        return shipped
    taxonomy = read_taxonomy(former.get(found[0], _root() / found[0] / TABLE))
    if taxonomy.digest != found[0]:
        raise TaxonomyError(
            f"the stored table {found[0][:12]} was changed outside DermTree (it is {taxonomy.digest[:12]} now); "
            "save it anew"
        )
    return taxonomy


def delete_taxonomy(digest: str, used_by: Sequence[str]) -> None:
    """Delete a stored tree that nothing uses.

    Parameters
    ----------
    digest : str
        All 64 digits.
    used_by : sequence of str
        What needs it, in words; see `derm_model.bundle_move.users_of`.

    Raises
    ------
    TaxonomyError
        There is none, or something uses it.
    """
    folder = _folder(digest)
    if used_by:
        raise TaxonomyError(f"the taxonomy {digest[:12]} is used by {', '.join(used_by)}; delete these first")
    with taking_turns(folder):
        shutil.rmtree(folder)


def _root() -> Path:
    return home() / FOLDER


def _folder(digest: str) -> Path:
    folder = _root() / digest
    if not _DIGEST.fullmatch(digest) or not folder.is_dir():  # a digest is no path that could lead elsewhere
        raise TaxonomyError(f"no taxonomy {digest[:12]!r} is stored here")
    return folder


def _note(path: Path) -> StoredTaxonomy:
    try:
        note = StoredTaxonomy(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise TaxonomyError(f"{path} cannot be read ({error})") from error
    if note.digest != path.parent.name:
        raise TaxonomyError(f"{path} is the note of another taxonomy")
    return note
