"""Which groups a split cuts, also one that others made, and how many a random split would have cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derm_model.data.foreign_split import ForeignSplit, official_parts, read_foreign_split
from derm_model.errors import SplitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ForeignSplit",
    "Leak",
    "LeakReport",
    "PartPair",
    "expected_random_leaks",
    "expected_shared_groups",
    "find_leaks",
    "leak_table",
    "official_parts",
    "read_foreign_split",
]


@dataclass(frozen=True)
class Leak:
    """A group that lies in several parts.

    Attributes
    ----------
    group
    members
        Positions of its images that have a part, ascending.
    parts
        Part of each member.
    """

    group: int
    members: tuple[int, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class PartPair:
    """Groups with members in both of two parts: found, and expected of a random split into parts of the same sizes."""

    first: str
    second: str
    n_groups: int
    n_expected: float


@dataclass(frozen=True)
class LeakReport:
    """What a split leaks.

    Attributes
    ----------
    part_sizes
        Images in each part, by name.
    n_groups
        Groups with two images or more that have a part: those that could leak.
    leaks
        The groups that do, by number of members, then by group.
    n_expected
        How many groups a random split into parts of the same sizes would have cut, on average.
    pairs
        Every two parts, in the order of `part_sizes`.
    """

    part_sizes: Mapping[str, int]
    n_groups: int
    leaks: tuple[Leak, ...]
    n_expected: float
    pairs: tuple[PartPair, ...]

    @property
    def n_leaking_images(self) -> int:
        """Images in groups that leak."""
        return sum(len(leak.members) for leak in self.leaks)

    @property
    def summary(self) -> str:
        """One line for people."""
        if not self.leaks:
            verdict = f"No group lies in two parts ({self.n_groups:,} groups of two images or more)."
        else:
            verdict = (
                f"{len(self.leaks):,} of {self.n_groups:,} groups of two images or more lie in several parts "
                f"({self.n_leaking_images:,} images)."
            )
        return f"{verdict} A random split would have cut {self.n_expected:,.1f} on average."


def find_leaks(groups: npt.ArrayLike, parts: Sequence[str | None]) -> LeakReport:
    """Find the groups that lie in several parts.

    Parameters
    ----------
    groups
        Group of each image (n).
    parts
        Part of each image (n); None or NaN for images that have none, which count for nothing.

    Returns
    -------
    LeakReport

    Raises
    ------
    SplitError
        Lengths differ, or no image has a part.
    """
    group = np.asarray(groups, dtype=np.int64)
    if len(group) != len(parts):
        raise SplitError(f"Every image has a group and a part, or none. {len(group)} groups, {len(parts)} parts given.")
    positions = np.array([i for i, part in enumerate(parts) if isinstance(part, str)], dtype=np.int64)
    if not len(positions):
        raise SplitError("A split names parts of images. None of these images has a part. Check the split's column.")
    names = [str(parts[i]) for i in positions]
    group, part_names = group[positions], sorted(set(names))
    number = {name: i for i, name in enumerate(part_names)}
    part = np.array([number[name] for name in names])

    ids, own, sizes = np.unique(group, return_inverse=True, return_counts=True)
    held = np.zeros((len(ids), len(part_names)), dtype=bool)
    held[own, part] = True
    cut = np.flatnonzero(held.sum(axis=1) > 1)
    part_sizes = dict(zip(part_names, np.bincount(part, minlength=len(part_names)).tolist(), strict=True))
    pairs = tuple(
        PartPair(a, b, int((held[:, i] & held[:, j]).sum()), expected_shared_groups(sizes, part_sizes, a, b))
        for (i, a), (j, b) in combinations(enumerate(part_names), 2)
    )
    return LeakReport(
        part_sizes,
        int((sizes > 1).sum()),
        _leaks(ids, own, cut, positions, names),
        expected_random_leaks(sizes, list(part_sizes.values())),
        pairs,
    )


def expected_random_leaks(group_sizes: npt.ArrayLike, part_sizes: Sequence[int]) -> float:
    """How many groups a random split cuts on average.

    Images are drawn into the parts without replacement. All s members of a group fall into a part of n of N images
    with probability C(n, s) / C(N, s) (hypergeometric distribution); a group is cut when they fall into no single one.

    Parameters
    ----------
    group_sizes
        Images in each group (n_groups), together N.
    part_sizes
        Images in each part, together N.
    """
    total = int(sum(part_sizes))
    return sum(
        times * (1.0 - sum(_all_within(size, n, total) for n in part_sizes)) for size, times in _tally(group_sizes)
    )


def expected_shared_groups(group_sizes: npt.ArrayLike, part_sizes: Mapping[str, int], first: str, second: str) -> float:
    """How many groups have members in both parts, on average over random splits; as `expected_random_leaks`."""
    total = sum(part_sizes.values())
    n_first, n_second = part_sizes[first], part_sizes[second]
    expected = 0.0
    for size, times in _tally(group_sizes):
        none_in_first = _all_within(size, total - n_first, total)
        none_in_second = _all_within(size, total - n_second, total)
        in_neither = _all_within(size, total - n_first - n_second, total)
        expected += times * (1.0 - none_in_first - none_in_second + in_neither)
    return max(expected, 0.0)


def leak_table(report: LeakReport, table: pd.DataFrame) -> pd.DataFrame:
    """The members of the leaking groups, one row each, for export.

    Returns
    -------
    DataFrame
        group, part, image_id, source, node, lesion_id, patient_id, file; in the order of `report.leaks`.
    """
    rows = [i for leak in report.leaks for i in leak.members]
    found = table.iloc[rows][["image_id", "source", "node", "lesion_id", "patient_id", "file"]].reset_index(drop=True)
    found.insert(0, "part", [part for leak in report.leaks for part in leak.parts])
    found.insert(0, "group", [leak.group for leak in report.leaks for _ in leak.members])
    return found


def _leaks(
    ids: npt.NDArray[np.int64],
    own: npt.NDArray[np.intp],
    cut: npt.NDArray[np.intp],
    positions: npt.NDArray[np.int64],
    names: Sequence[str],
) -> tuple[Leak, ...]:
    members: dict[int, list[int]] = {int(g): [] for g in cut}
    for k in np.flatnonzero(np.isin(own, cut)).tolist():
        members[int(own[k])].append(k)
    found = (
        Leak(int(ids[g]), tuple(positions[rows].tolist()), tuple(names[k] for k in rows)) for g, rows in members.items()
    )
    return tuple(sorted(found, key=lambda leak: (-len(leak.members), leak.group)))


def _tally(group_sizes: npt.ArrayLike) -> Iterable[tuple[int, int]]:
    """Size -> number of groups of it, for the sizes that can be cut."""
    sizes, times = np.unique(np.asarray(group_sizes, dtype=np.int64), return_counts=True)
    return [(s, t) for s, t in zip(sizes.tolist(), times.tolist(), strict=True) if s > 1]


def _all_within(size: int, n: int, total: int) -> float:
    """C(n, size) / C(total, size), as a product: no factorial overflows, and n < size gives 0."""
    if size > n:
        return 0.0
    step = np.arange(size, dtype=np.float64)
    return float(np.prod((n - step) / (total - step)))
