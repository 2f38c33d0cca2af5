"""The user's own crosswalk, ``$DERM_HOME/crosswalk.csv``: what labels of their data mean; imports read it first."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from derm_model.errors import CrosswalkError
from derm_model.files import replaced, taking_turns
from derm_model.taxonomy.crosswalk import COLUMNS, Crosswalk, Entry, check_entries, own_path, read_entries
from derm_model.taxonomy.node import fold
from derm_model.taxonomy.suggestions import Suggestion, suggest
from derm_model.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class UnmappedLabel:
    """A label the crosswalk does not know, how many images have it, and what it may mean, best first."""

    dataset: str
    label: str
    n_images: int
    suggestions: tuple[Suggestion, ...]


def read_own(taxonomy: Taxonomy, path: Path | None = None) -> tuple[Entry, ...]:
    """Rows of the user's own file, () where there is none; CrosswalkError lists every row that cannot be used."""
    path = path or own_path()
    return read_entries(taxonomy, path) if path.exists() else ()


def save_own(taxonomy: Taxonomy, entries: Sequence[Entry], path: Path | None = None) -> tuple[Entry, ...]:
    """Add rows to the user's own file; a row for a label that is there already replaces it.

    Returns
    -------
    tuple of Entry
        All rows of the file.

    Raises
    ------
    CrosswalkError
        A row cannot be used; nothing is written then.
    """
    check_entries(taxonomy, entries, "the entries", first_row=1)
    said = {entry.key for entry in entries}
    return _change(taxonomy, path, lambda kept: [*(entry for entry in kept if entry.key not in said), *entries])


def remove_own(taxonomy: Taxonomy, dataset: str, label: str, path: Path | None = None) -> tuple[Entry, ...]:
    """Take a label's row out of the user's own file; CrosswalkError where it has none."""
    key = (fold(dataset), fold(label))
    if key not in {entry.key for entry in read_own(taxonomy, path)}:
        raise CrosswalkError(f"your own crosswalk has no row for {dataset} {label!r}")
    return _change(taxonomy, path, lambda kept: [entry for entry in kept if entry.key != key])


def unmapped_labels(
    labels: Iterable[tuple[str, str]], taxonomy: Taxonomy, crosswalk: Crosswalk, limit: int = 5
) -> tuple[UnmappedLabel, ...]:
    """Labels that the crosswalk does not know, the most frequent first.

    Parameters
    ----------
    labels : iterable of (dataset, label)
        One of each image.
    taxonomy, crosswalk
    limit : int
        Most suggestions for each.
    """
    n_images: dict[tuple[str, str], int] = {}
    for dataset, label in labels:
        n_images[dataset, label] = n_images.get((dataset, label), 0) + 1
    merged: dict[tuple[str, str], tuple[str, str, int]] = {}
    for (dataset, label), n in n_images.items():
        key = Entry(dataset, label, None).key
        written = merged.get(key, (dataset, label, 0))
        if all(key) and (written[2] or not crosswalk.knows(dataset, label)):
            merged[key] = (*written[:2], written[2] + n)
    ordered = sorted(merged.values(), key=lambda item: (-item[2], item[0], item[1]))
    return tuple(UnmappedLabel(*item, suggest(taxonomy, item[1], limit, crosswalk)) for item in ordered)


def _change(
    taxonomy: Taxonomy, path: Path | None, change: Callable[[Sequence[Entry]], list[Entry]]
) -> tuple[Entry, ...]:
    path = path or own_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with taking_turns(path):
        entries = change(read_own(taxonomy, path))
        check_entries(taxonomy, entries, path.name)
        with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow((*COLUMNS, "note"))
            writer.writerows((entry.dataset, entry.label, entry.node or "", entry.note) for entry in entries)
    return tuple(entries)
