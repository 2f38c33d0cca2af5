"""Images per label as the publishers of data sets count them: what a partition would give without any download."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from derm_model.errors import CrosswalkError
from derm_model.taxonomy.crosswalk import Crosswalk
from derm_model.taxonomy.reading import ASSETS

CONTAINED = {"HAM10000": "ISIC 2019"}  # the first data set's images are among the second's


@dataclass(frozen=True)
class LabelCount:
    """Images of one label of a data set, and the file they were counted in."""

    label: str
    n_images: int
    source: str


@dataclass(frozen=True)
class MappedCounts:
    """Label counts read through the crosswalk.

    Attributes
    ----------
    by_node
        Images labelled with exactly this node.
    unmapped
        (data set, label, images) of labels that stand for no node.
    """

    by_node: dict[str, int]
    unmapped: tuple[tuple[str, str, int], ...]


def read_published(path: Path | None = None) -> dict[str, tuple[LabelCount, ...]]:
    """Label counts by data set; by default those that ship with DermTree, read once per process."""
    return _read(path or ASSETS / "published_counts.csv")


@lru_cache(maxsize=4)
def _read(path: Path) -> dict[str, tuple[LabelCount, ...]]:
    found: dict[str, list[LabelCount]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["dataset"], []).append(LabelCount(row["label"], int(row["n_images"]), row["source"]))
    return {data_set: tuple(labels) for data_set, labels in found.items()}


def count_nodes(
    data_sets: Iterable[str], published: dict[str, tuple[LabelCount, ...]], crosswalk: Crosswalk
) -> MappedCounts:
    """Add up the label counts of some data sets by the nodes their labels stand for.

    Raises
    ------
    CrosswalkError
        A data set is not counted here, or the crosswalk does not know one of its labels.
    """
    by_node: dict[str, int] = {}
    unmapped = []
    for data_set in data_sets:
        if data_set not in published:
            raise CrosswalkError(f"Nothing is counted for {data_set!r}, only for {', '.join(published)}. Choose those.")
        for entry in published[data_set]:
            node = crosswalk.node(data_set, entry.label)
            if node is None:
                unmapped.append((data_set, entry.label, entry.n_images))
            else:
                by_node[node] = by_node.get(node, 0) + entry.n_images
    return MappedCounts(by_node, tuple(unmapped))
