"""What became of the classes of one partition in another: kept, split, merged, moved or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from derm_model.errors import PartitionError
from derm_model.taxonomy.partition import Partition, TrainingClass


class Change(StrEnum):
    """What happened; the value is the word for it."""

    SAME = "same"  # the same nodes, perhaps other images
    SPLIT = "split"  # one class before, several after
    MERGED = "merged"  # several classes before, one after
    MOVED = "moved"  # one class before and after, which stands at another node of the tree
    LOST = "lost"  # its nodes are in no class any more
    NEW = "new"  # its nodes were in no class before


@dataclass(frozen=True)
class Entry:
    """Classes that share nodes, taken together: the smallest such group.

    Attributes
    ----------
    change
    before, after
        Classes of the first and of the second partition, each in its order.
    dropped, added
        Nodes that are in a class only before, or only after, in the order of the classes.
    """

    change: Change
    before: tuple[TrainingClass, ...]
    after: tuple[TrainingClass, ...]
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartitionChanges:
    """Two partitions of one tree compared: every class of both is in exactly one entry."""

    entries: tuple[Entry, ...]

    @property
    def changed(self) -> tuple[Entry, ...]:
        """Entries that are not the same: none for equal partitions."""
        return tuple(entry for entry in self.entries if entry.change is not Change.SAME)

    def of(self, change: Change) -> tuple[Entry, ...]:
        """Entries of one kind."""
        return tuple(entry for entry in self.entries if entry.change is change)


def compare_partitions(first: Partition, second: Partition) -> PartitionChanges:
    """Compare two partitions of the same tree.

    Parameters
    ----------
    first, second : Partition
        Made with another limit, other counts or another mode.

    Returns
    -------
    PartitionChanges
        Entries in the order of the first partition's classes, then new ones in the order of the second's. Two classes
        belong to one entry when they share a node. Classes of a tree lie within each other or apart, so an entry has
        one class on one side at least; taking `before` out and `after` in, entry by entry, leads from one partition to
        the other.

    Raises
    ------
    PartitionError
        They are of two trees.
    """
    if first.taxonomy_digest != second.taxonomy_digest:
        raise PartitionError(
            f"Partitions can be compared within one taxonomy. These are of {first.taxonomy_digest[:12]} and "
            f"{second.taxonomy_digest[:12]}. Make both from the same tree."
        )
    owner_before, owner_after = _owners(first.classes), _owners(second.classes)
    seen_before, seen_after = [False] * len(first.classes), [False] * len(second.classes)
    entries: list[Entry] = []

    def gather(before: list[int], after: list[int]) -> Entry:
        """Everything that hangs together with these classes, marked as seen."""
        old, new = list(before), list(after)
        while before or after:
            if before:
                members, owners = first.classes[before.pop()].members, owner_after
                found, seen, waiting = new, seen_after, after
            else:
                members, owners = second.classes[after.pop()].members, owner_before
                found, seen, waiting = old, seen_before, before
            for member in members:
                index = owners.get(member)
                if index is not None and not seen[index]:
                    seen[index] = True
                    found.append(index)
                    waiting.append(index)
        return _entry([first.classes[i] for i in sorted(old)], [second.classes[i] for i in sorted(new)])

    for index in range(len(first.classes)):
        if not seen_before[index]:
            seen_before[index] = True
            entries.append(gather([index], []))
    for index in range(len(second.classes)):
        if not seen_after[index]:
            seen_after[index] = True
            entries.append(gather([], [index]))
    return PartitionChanges(tuple(entries))


def _owners(classes: Sequence[TrainingClass]) -> dict[str, int]:
    return {member: index for index, training_class in enumerate(classes) for member in training_class.members}


def _entry(before: Sequence[TrainingClass], after: Sequence[TrainingClass]) -> Entry:
    old = dict.fromkeys(member for c in before for member in c.members)
    new = dict.fromkeys(member for c in after for member in c.members)
    dropped, added = tuple(m for m in old if m not in new), tuple(m for m in new if m not in old)
    return Entry(_change(len(before), len(after), bool(dropped or added)), tuple(before), tuple(after), dropped, added)


def _change(n_before: int, n_after: int, differs: bool) -> Change:
    if not n_after:
        return Change.LOST
    if not n_before:
        return Change.NEW
    if n_before == n_after == 1:
        return Change.MOVED if differs else Change.SAME
    return Change.SPLIT if n_before == 1 else Change.MERGED
