"""What the labels of public data sets mean in the taxonomy."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from derm_model.errors import CrosswalkError
from derm_model.taxonomy.node import fold
from derm_model.taxonomy.reading import ASSETS
from derm_model.taxonomy.search import closest_names
from derm_model.taxonomy.tree import Taxonomy

COLUMNS = ("dataset", "label", "node")


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
        By default the one that ships with DermTree.

    Raises
    ------
    CrosswalkError
        When the file cannot be read, lacks a column, or names nodes the taxonomy does not have.
    """
    path = path or ASSETS / "crosswalk.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise CrosswalkError(f"{path.name} lacks the column(s) {', '.join(missing)}")
            rows = [(row["dataset"].strip(), row["label"].strip(), row["node"].strip() or None) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise CrosswalkError(f"{path} cannot be read as a UTF-8 text file: {error}") from error
    unknown = [f"{dataset} {label!r} -> {node!r}" for dataset, label, node in rows if node and node not in taxonomy]
    if unknown:
        raise CrosswalkError(f"{path.name} names nodes the taxonomy does not have: {'; '.join(unknown[:10])}")
    return Crosswalk(rows)
