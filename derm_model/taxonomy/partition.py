"""Algorithm 1 of the paper: cut the taxonomy into training classes of limited size (Extended Data Table 1)."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from derm_model.errors import PartitionError
from derm_model.taxonomy.node import Node
from derm_model.taxonomy.search import closest_names
from derm_model.taxonomy.tree import Taxonomy

MODES = ("practical", "faithful")


@dataclass(frozen=True)
class TrainingClass:
    """What one output of the network stands for.

    Attributes
    ----------
    id, name : str
        Unique among the classes of a partition.
    node : str
        The top node of the class.
    members : tuple of str
        Nodes whose images train this class: all descendants of `node`, or for a residual class `node` alone.
    n_images : int
        Training images.
    residual : bool
        True for the images labelled at an inner node itself, when that node is split.
    """

    id: str
    name: str
    node: str
    members: tuple[str, ...]
    n_images: int
    residual: bool = False


@dataclass(frozen=True)
class NodeImages:
    """A node and a number of images labelled with it."""

    node: str
    n_images: int


@dataclass(frozen=True)
class Partition:
    """The training classes, in the order of the network's outputs, and what fell out.

    Attributes
    ----------
    classes : tuple of TrainingClass
        Depth-first, children in stored order.
    mode : str
        "faithful" or "practical", see `partition`.
    max_class_size : int
        A node with fewer images than this is not split.
    taxonomy_digest : str
        The tree it was made from.
    split_nodes : tuple of NodeImages
        Inner nodes that were split, with their own images that are in no class.
    dropped_leaves : tuple of NodeImages
        Leaves in no class because they hold `max_class_size` images or more ("faithful" only).
    """

    classes: tuple[TrainingClass, ...]
    mode: str
    max_class_size: int
    taxonomy_digest: str
    split_nodes: tuple[NodeImages, ...] = ()
    dropped_leaves: tuple[NodeImages, ...] = ()

    @property
    def n_images(self) -> int:
        """Images in the classes."""
        return sum(training_class.n_images for training_class in self.classes)

    @property
    def n_lost(self) -> int:
        """Images in no class."""
        return sum(entry.n_images for entry in (*self.split_nodes, *self.dropped_leaves))

    @property
    def uncovered(self) -> tuple[str, ...]:
        """Nodes whose own images are in no class."""
        return tuple(entry.node for entry in (*self.split_nodes, *self.dropped_leaves) if entry.n_images)

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """Ids of classes without any image ("faithful" only)."""
        return tuple(training_class.id for training_class in self.classes if training_class.n_images == 0)

    def class_index(self, node_id: str) -> int | None:
        """Return the output that an image labelled `node_id` trains; None when it trains none."""
        for index, training_class in enumerate(self.classes):
            if node_id in training_class.members:
                return index
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the partition as JSON-ready data; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Partition:
        """Read what `to_json` wrote; PartitionError when a field is missing or of the wrong kind."""
        try:
            return cls(
                classes=tuple(TrainingClass(**{**item, "members": tuple(item["members"])}) for item in data["classes"]),
                mode=data["mode"],
                max_class_size=data["max_class_size"],
                taxonomy_digest=data["taxonomy_digest"],
                split_nodes=tuple(NodeImages(**item) for item in data["split_nodes"]),
                dropped_leaves=tuple(NodeImages(**item) for item in data["dropped_leaves"]),
            )
        except (KeyError, TypeError) as error:
            raise PartitionError(f"this is no stored partition ({error!r}); write it with Partition.to_json") from error


def partition(taxonomy: Taxonomy, counts: Mapping[str, int], max_class_size: int, mode: str = "practical") -> Partition:
    """Cut the tree into training classes.

    Walking down from each root, a node whose subtree holds fewer than `max_class_size` images becomes a class
    with all its descendants; any other node is split into its children.

    Parameters
    ----------
    taxonomy : Taxonomy
        The tree to cut.
    counts : mapping of str to int
        Images labelled with exactly this node, >= 0; nodes left out have none.
    max_class_size : int
        >= 1. The comparison is strict, as in line 15 of the algorithm (the prose says "does not exceed").
    mode : {"practical", "faithful"}
        "faithful" is the pseudocode taken literally: a leaf with `max_class_size` images or more vanishes, so do
        images labelled at a node that is split, and a subtree without images becomes an empty class.
        "practical" loses no image: such a leaf is a class of its own, a split node's own images form a
        residual class, and empty classes are left out.

    Returns
    -------
    Partition

    Raises
    ------
    PartitionError
        For negative counts, ids the taxonomy does not know, a limit below 1, an unknown mode,
        or (practical) no image at all.

    Notes
    -----
    A taxonomy with several roots is partitioned root by root: the virtual root of the pseudocode would only matter
    if all images together fitted one class, from which nothing can be learnt.
    Source: Esteva et al. 2017, Extended Data Table 1.
    """
    check_limit(max_class_size, mode)
    own = own_counts(taxonomy, counts, mode)
    before = [0, *accumulate(own)]
    classes: list[TrainingClass] = []
    split: list[NodeImages] = []
    dropped: list[NodeImages] = []
    practical = mode == "practical"
    position = 0
    while position < len(taxonomy.nodes):
        node = taxonomy.nodes[position]
        end = taxonomy.end(node.id)
        size = before[end] - before[position]
        is_leaf = end == position + 1
        if size < max_class_size or (is_leaf and practical):
            if size or not practical:
                members = tuple(member.id for member in taxonomy.nodes[position:end])
                classes.append(TrainingClass(node.id, node.name, node.id, members, size))
            position = end
            continue
        if is_leaf:
            dropped.append(NodeImages(node.id, size))
        else:
            if practical and own[position]:
                classes.append(residual_class(node, own[position]))
            split.append(NodeImages(node.id, 0 if practical else own[position]))
        position += 1
    return Partition(tuple(classes), mode, max_class_size, taxonomy.digest, tuple(split), tuple(dropped))


def residual_class(node: Node, n_images: int) -> TrainingClass:
    """The class of the images labelled at an inner node itself."""
    name = f"{node.name}, not further specified"
    return TrainingClass(f"{node.id}--own", name, node.id, (node.id,), n_images, residual=True)


def check_limit(max_class_size: int, mode: str) -> None:
    """Raise PartitionError unless a tree can be cut with this limit and mode."""
    if mode not in MODES:
        raise PartitionError(f"the mode must be one of {', '.join(MODES)}, got {mode!r}")
    if max_class_size < 1:
        raise PartitionError(f"max_class_size must be at least 1 image, got {max_class_size}")


def own_counts(taxonomy: Taxonomy, counts: Mapping[str, int], mode: str) -> list[int]:
    """Images per position of the tree.

    Raises
    ------
    PartitionError
        Naming every unknown id and negative count (up to ten); or ("practical") there is no image at all.
    """
    own = [0] * len(taxonomy.nodes)
    problems = []
    for node_id, count in counts.items():
        if node_id not in taxonomy.index:
            near = closest_names(node_id, taxonomy.index)
            problems.append(f"no node {node_id!r}" + (f" (nearest: {', '.join(near)})" if near else ""))
            continue
        try:
            number = operator.index(count)
        except TypeError:
            problems.append(f"{node_id!r} has {count!r} images, not a whole number")
            continue
        if number < 0:
            problems.append(f"{node_id!r} has {number} images")
        own[taxonomy.index[node_id]] = number
    if problems:
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise PartitionError(
            f"image counts must be whole numbers >= 0 of nodes of the taxonomy: {'; '.join(problems[:10])}{more}"
        )
    if mode == "practical" and not any(own):
        raise PartitionError("a partition needs images, but every count is 0; give the training counts per node")
    return own
