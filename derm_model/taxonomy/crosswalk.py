"""What the labels of public data sets mean in the taxonomy."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from derm_model.errors import CrosswalkError
from derm_model.home import home
from derm_model.taxonomy.node import fold
from derm_model.taxonomy.reading import ASSETS
from derm_model.taxonomy.search import closest_names
from derm_model.taxonomy.tree import Taxonomy

FILE = "crosswalk.csv"
COLUMNS = ("dataset", "label", "node")
MAX_PROBLEMS_SHOWN = 10


@dataclass(frozen=True)
class Entry:
    """One row of a crosswalk; `node` is None where the label stands for nothing, `note` says why."""

    dataset: str
    label: str
    node: str | None
    note: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells labels apart: case, punctuation and spacing do not count."""
        return fold(self.dataset), fold(self.label)


class Crosswalk:
    """Labels of data sets and the nodes they stand for; case, punctuation and spacing do not count.

    Parameters
    ----------
    rows : iterable of (dataset, label, node)
        `node` is an id of the taxonomy, or None for a label that stands for nothing in it.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str | None]]) -> None:
        self._names: dict[str, str] = {}
        self._labels: dict[str, list[str]] = {}
        self._nodes: dict[tuple[str, str], str | None] = {}
        for dataset, label, node in rows:
            key = fold(dataset)
            if self._nodes.setdefault((key, fold(label)), node) != node:
                raise CrosswalkError(f"{dataset} label {label!r} stands for two nodes; keep one of the rows")
            self._names.setdefault(key, dataset)
            self._labels.setdefault(key, []).append(label)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets."""
        return tuple(self._names.values())

    def labels(self, dataset: str) -> tuple[str, ...]:
        """Return the labels of a data set as it writes them."""
        return tuple(self._labels[self._key(dataset)])

    def node(self, dataset: str, label: str) -> str | None:
        """Return the id of the node a label stands for; None for a known label that stands for none.

        Raises
        ------
        CrosswalkError
            For an unknown data set or label, naming the nearest known ones.
        """
        key = self._key(dataset)
        try:
            return self._nodes[key, fold(label)]
        except KeyError:
            near = closest_names(label, self._labels[key]) or self._labels[key][:5]
            raise CrosswalkError(
                f"{self._names[key]} has no label {label!r}; the nearest are {', '.join(near)}"
            ) from None

    def knows(self, dataset: str, label: str) -> bool:
        """Whether there is a row for a label; it may stand for nothing."""
        return (fold(dataset), fold(label)) in self._nodes

    def labels_of(self, node_id: str) -> tuple[tuple[str, str], ...]:
        """Return the (dataset, label) that stand for exactly this node."""
        return self._by_node.get(node_id, ())

    @cached_property
    def _by_node(self) -> dict[str, tuple[tuple[str, str], ...]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for key, dataset in self._names.items():
            for label in self._labels[key]:
                node = self._nodes[key, fold(label)]
                if node is not None:
                    found.setdefault(node, []).append((dataset, label))
        return {node: tuple(labels) for node, labels in found.items()}

    @cached_property
    def meanings(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Folded label -> node -> the data sets that use it so; labels that stand for nothing are left out."""
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for (key, label), node in self._nodes.items():
            if node is not None:
                nodes = found.setdefault(label, {})
                nodes[node] = (*nodes.get(node, ()), self._names[key])
        return found

    def _key(self, dataset: str) -> str:
        key = fold(dataset)
        if key not in self._names:
            known = ", ".join(self.datasets)
            raise CrosswalkError(
                f"the crosswalk has no data set {dataset!r}, only {known}; give taxonomy nodes instead of labels"
            )
        return key


def read_crosswalk(taxonomy: Taxonomy, path: Path | None = None) -> Crosswalk:
    """Read a crosswalk file and check every target against the taxonomy.

    Parameters
    ----------
    taxonomy : Taxonomy
    path : Path, optional
        A CSV with the columns dataset, label, node (empty: stands for nothing); others are ignored.
        By default the one that ships with DermTree and, before it, the user's own: ``$DERM_HOME/crosswalk.csv``.

    Raises
    ------
    CrosswalkError
        When the file cannot be read, lacks a column, or has rows that cannot be used; all of them are listed.
    """
    if path is not None:
        return Crosswalk(_triples(read_entries(taxonomy, path)))
    own = read_entries(taxonomy, own_path()) if own_path().exists() else ()
    said = {entry.key for entry in own}
    shipped = [entry for entry in read_entries(taxonomy, ASSETS / FILE) if entry.key not in said]
    return Crosswalk(_triples([*shipped, *own]))


def own_path() -> Path:
    """The user's own crosswalk, whose rows go before those that ship."""
    return home() / FILE


def read_entries(taxonomy: Taxonomy, path: Path) -> tuple[Entry, ...]:
    """Rows of a crosswalk file, in order; CrosswalkError lists every row that cannot be used."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [column.strip() for column in next(reader, ())]
            rows = [(row, cells) for row, cells in enumerate(reader, start=2) if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CrosswalkError(f"{path} cannot be read as a UTF-8 text file: {error}") from error
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise CrosswalkError(f"{path.name} lacks the column(s) {', '.join(missing)}")
    entries, numbers, problems = [], [], []
    for row, cells in rows:
        cell = {column: text.strip() for column, text in zip(header, cells, strict=False)}
        if set(COLUMNS) <= set(cell):
            entries.append(Entry(cell["dataset"], cell["label"], cell["node"] or None, cell.get("note", "")))
            numbers.append(row)
        else:  # a label whose node is missing would stand for nothing, and its images be left out
            problems.append((row, f"row {row}: {len(cells)} cells, the header has {len(header)}"))
    _refuse([*problems, *_entry_problems(taxonomy, entries, numbers)], path.name)
    return tuple(entries)


def check_entries(taxonomy: Taxonomy, entries: Sequence[Entry], source: str, first_row: int = 2) -> None:
    """Raise CrosswalkError with every row that cannot be used, the first ten in words."""
    _refuse(_entry_problems(taxonomy, entries, range(first_row, first_row + len(entries))), source)


def _entry_problems(taxonomy: Taxonomy, entries: Sequence[Entry], rows: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Row and message of every entry that cannot be used."""
    first: dict[tuple[str, str], tuple[int, str | None]] = {}
    for row, entry in zip(rows, entries, strict=True):
        what = f"row {row}: {entry.dataset} {entry.label!r}"
        if not all(entry.key):
            yield row, f"row {row}: data set and label must both be given"
            continue
        if entry.node is not None and entry.node not in taxonomy:
            yield row, f"{what} -> {entry.node!r}, which the taxonomy does not have"
        before, node = first.setdefault(entry.key, (row, entry.node))
        if node != entry.node:
            yield row, f"{what} stands for two nodes, see row {before}; keep one of the rows"


def _refuse(problems: Iterable[tuple[int, str]], source: str) -> None:
    found = [message for _, message in sorted(problems, key=lambda problem: problem[0])]
    if found:
        more = len(found) - MAX_PROBLEMS_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        raise CrosswalkError(f"correct {source}: {'; '.join(found[:MAX_PROBLEMS_SHOWN])}{rest}")


def _triples(entries: Iterable[Entry]) -> Iterator[tuple[str, str, str | None]]:
    return ((entry.dataset, entry.label, entry.node) for entry in entries)
