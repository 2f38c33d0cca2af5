"""Training classes of one tree in another: which still mean the same diseases, and why the others do not.

A bundle is bound to the digest of its tree. When the tree is edited its classes can go over to the new one only if each
covers exactly the diseases it was trained for; otherwise its outputs would be read as something they never learnt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.partition import NodeImages, Partition, TrainingClass
from derm_model.taxonomy.tree import Taxonomy

MEASURED_LEVELS = {1: "root", 2: "second-level node"}  # the levels a card's accuracies are measured at
MAX_NAMES = 5


@dataclass(frozen=True)
class MappedClass:
    """A training class and what became of it.

    Attributes
    ----------
    old : TrainingClass
    new : TrainingClass or None
        In the new tree; None where it does not survive.
    reasons : tuple of str
        Why not; () where it survives.
    """

    old: TrainingClass
    new: TrainingClass | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassMapping:
    """All classes of a bundle or partition, in the order of the outputs, which is kept."""

    classes: tuple[MappedClass, ...]
    old_digest: str
    new_digest: str

    @property
    def survives(self) -> bool:
        """Whether every class does."""
        return all(mapped.new is not None for mapped in self.classes)

    @property
    def lost(self) -> tuple[MappedClass, ...]:
        """The classes that do not survive."""
        return tuple(mapped for mapped in self.classes if mapped.new is None)

    @property
    def training_classes(self) -> tuple[TrainingClass, ...]:
        """The classes in the new tree; TaxonomyError with all reasons unless every one survives."""
        if not self.survives:
            raise TaxonomyError(self.refusal)
        return tuple(mapped.new for mapped in self.classes if mapped.new is not None)

    @property
    def refusal(self) -> str:
        """Sentence for people with the reasons of all classes that do not survive; "" where all do."""
        if self.survives:
            return ""
        reasons = "\n".join(f"- {mapped.old.name}: {'; '.join(mapped.reasons)}" for mapped in self.lost)
        return (
            f"{len(self.lost)} of {len(self.classes)} classes do not survive from {self.old_digest[:12]} to "
            f"{self.new_digest[:12]}; train again, or keep these nodes as they were:\n{reasons}"
        )


def map_classes(classes: Sequence[TrainingClass], old: Taxonomy, new: Taxonomy) -> ClassMapping:
    """Look for each training class in another tree.

    Parameters
    ----------
    classes : sequence of TrainingClass
        Of a partition of `old`.
    old, new : Taxonomy

    Returns
    -------
    ClassMapping
        A class survives where its node is still there, covers the same diseases, and lies below the same root and
        second-level node, because the figures on a card were measured there.

    Raises
    ------
    TaxonomyError
        The classes are not of `old`.

    Notes
    -----
    A node that is gone counts as still there where another node has taken over its name as name or synonym (two
    diseases merged, an id rewritten). Groups within a class may come, go and be renamed; a leaf may be divided.
    An id whose old name is now that of a node outside the class was given to another disease: it does not survive.
    """
    unknown = sorted({node for c in classes for node in (c.node, *c.members) if node not in old})
    if unknown:
        raise TaxonomyError(
            f"the classes are of another tree than the old one given: it has no {_listed(unknown)}; "
            "give the tree the bundle was made for"
        )
    heirs = {node.id: heir(node.id, old, new) for node in old.nodes}
    mapped = [_map_class(training_class, old, new, heirs) for training_class in classes]
    taken = Counter(m.new.node for m in mapped if m.new is not None)
    mapped = [
        replace(m, new=None, reasons=(f"another class stands for {m.new.node!r} now, too",))
        if m.new is not None and taken[m.new.node] > 1
        else m
        for m in mapped
    ]
    return ClassMapping(tuple(mapped), old.digest, new.digest)


def map_partition(partition: Partition, old: Taxonomy, new: Taxonomy) -> Partition:
    """Return a partition in another tree; TaxonomyError with all reasons unless every class survives."""
    classes = map_classes(partition.classes, old, new).training_classes
    return replace(
        partition,
        classes=classes,
        taxonomy_digest=new.digest,
        split_nodes=_map_lost(partition.split_nodes, old, new),
        dropped_leaves=_map_lost(partition.dropped_leaves, old, new),
    )


def heir(node_id: str, old: Taxonomy, new: Taxonomy) -> str | None:
    """Return the id under which the new tree has a node: its own, or that of the node that took over its name."""
    return node_id if node_id in new else new.find(old.node(node_id).name)


def _map_class(
    training_class: TrainingClass, old: Taxonomy, new: Taxonomy, heirs: dict[str, str | None]
) -> MappedClass:
    node = heirs[training_class.node]
    if node is None:
        return MappedClass(training_class, None, (f"the node {training_class.node!r} is not in the new tree",))
    reasons = [
        f"it lies below another {what}: {before} before, {after} now"
        for level, what in MEASURED_LEVELS.items()
        for before, after in [(heirs[old.at_level(training_class.node, level)], new.at_level(node, level))]
        if before != after
    ]
    members = (node,) if training_class.residual else new.descendants(node)
    reasons += _given_away(training_class, set(members), old, new, heirs)
    if training_class.residual:
        if new.is_leaf(node):
            reasons.append(f"it stood for images of the group {node!r} itself, which has no children any more")
    else:
        reasons += _coverage(training_class, set(members), old, new, heirs)
    if reasons:
        return MappedClass(training_class, None, tuple(reasons))
    name = training_class.name.replace(old.node(training_class.node).name, new.node(node).name)
    ending = training_class.id.removeprefix(training_class.node)  # "--own" of a residual class
    return MappedClass(
        training_class, replace(training_class, id=f"{node}{ending}", name=name, node=node, members=members)
    )


def _given_away(
    training_class: TrainingClass, covered: set[str], old: Taxonomy, new: Taxonomy, heirs: dict[str, str | None]
) -> list[str]:
    """Reasons why an id means another disease now: what it was called is a node outside the class."""
    found = []
    for member in training_class.members:
        if old.is_leaf(member) or member == training_class.node:  # a group's name says nothing of its diseases
            owner = new.find(old.node(member).name)
            if owner is not None and owner != heirs[member] and owner not in covered:
                found.append(member)
    return [f"what they were called is another node now: {_listed(found)}"] if found else []


def _coverage(
    training_class: TrainingClass, covered: set[str], old: Taxonomy, new: Taxonomy, heirs: dict[str, str | None]
) -> list[str]:
    """Reasons why the diseases below the node are not those the class was trained for."""
    reasons = []
    lost, moved = [], []
    known: set[str | None] = set()  # what the class learnt, in the new tree
    for member in training_class.members:
        now = heirs[member]
        if now is None:
            if old.is_leaf(member):  # a group that was dissolved takes nothing along
                lost.append(member)
        elif now not in covered:
            moved.append(member)
        elif old.is_leaf(member):
            known.add(now)
    members = set(training_class.members)
    elsewhere = {heirs[node.id] for node in old.nodes if node.id not in members} - known

    def is_known(leaf: str) -> bool:
        """A divided leaf is still that leaf, but not what came to it from elsewhere."""
        line = (leaf, *new.ancestors(leaf))
        return next((node for node in line if node in known or node in elsewhere), None) in known

    gained = [leaf for leaf in new.leaves() if leaf in covered and not is_known(leaf)]
    if lost:
        reasons.append(f"not in the new tree: {_listed(lost)}")
    if moved:
        reasons.append(f"no longer below its node: {_listed(moved)}")
    if gained:
        reasons.append(f"below its node, but never learnt: {_listed(gained)}")
    return reasons


def _map_lost(entries: Sequence[NodeImages], old: Taxonomy, new: Taxonomy) -> tuple[NodeImages, ...]:
    """Nodes whose images are in no class; a group that was dissolved and had none is left out."""
    found = []
    for entry in entries:
        node = heir(entry.node, old, new)
        if node is not None:
            found.append(replace(entry, node=node))
        elif entry.n_images:
            raise TaxonomyError(f"{entry.n_images} images of {entry.node!r} are in no class, and the new tree lacks it")
    return tuple(found)


def _listed(nodes: Sequence[str]) -> str:
    more = len(nodes) - MAX_NAMES
    return ", ".join(map(repr, nodes[:MAX_NAMES])) + (f" and {more} more" if more > 0 else "")
