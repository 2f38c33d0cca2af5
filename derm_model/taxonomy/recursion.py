"""Algorithm 1 of the paper, one line after the other: what a lecture shows, and a second way to the same classes.

`partition` walks down the tree in one loop; here the recursion runs as the pseudocode is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from derm_model.taxonomy.partition import NodeImages, Partition, TrainingClass, check_limit, own_counts, residual_class
from derm_model.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class Line:
    """One line of the pseudocode; `added` where the paper does not have it."""

    number: str
    indent: int
    text: str
    added: bool = False


BEGIN, ENTER, GATHER, TEST, APPEND, LEAF, APPEND_LEAF, OWN, APPEND_OWN, LOOP, CALL, LEAVE, ROOT, RETURN = (
    "12", "13", "14", "15", "16", "16a", "16b", "17a", "17b", "18", "19", "21", "22", "23",
)  # fmt: skip

_HEAD = (
    Line("1", 0, "input"),
    Line("2", 1, "taxonomy: the tree of diseases"),
    Line("3", 1, "maxClassSize: limit on the images of a class"),
    Line("4", 0, "output"),
    Line("5", 1, "partition: list of classes, each a set of nodes"),
    Line("6", 0, "function DESCENDANTS(node)"),
    Line("7", 1, "return {node} and DESCENDANTS(child) for each child"),
    Line("8", 0, "end function"),
    Line("9", 0, "function NUMIMAGES(nodes)"),
    Line("10", 1, "return the sum of the nodes' own images"),
    Line("11", 0, "end function"),
    Line(BEGIN, 0, "partition ← empty list"),
    Line(ENTER, 0, "function PARTITION(node)"),
    Line(GATHER, 1, "class ← DESCENDANTS(node)"),
    Line(TEST, 1, "if NUMIMAGES(class) < maxClassSize then"),
)
_TAIL = (
    Line(LOOP, 2, "for child in node.children do"),
    Line(CALL, 3, "PARTITION(child)"),
    Line("20", 2, "end for"),
    Line(LEAVE, 0, "end function"),
    Line(ROOT, 0, "PARTITION(root), for each root"),
    Line(RETURN, 0, "return partition"),
)
LISTINGS: Mapping[str, tuple[Line, ...]] = {
    "faithful": (*_HEAD, Line(APPEND, 2, "append class to partition"), Line("17", 1, "else"), *_TAIL),
    "practical": (
        *_HEAD,
        Line(APPEND, 2, "append class to partition, unless it has no image"),
        Line(LEAF, 1, "else if node has no children then", added=True),
        Line(APPEND_LEAF, 2, "append class to partition", added=True),
        Line("17", 1, "else"),
        Line(OWN, 2, "if node has images of its own then", added=True),
        Line(APPEND_OWN, 3, "append {node} alone to partition", added=True),
        *_TAIL,
    ),
}


@dataclass(frozen=True)
class Step:
    """One line that runs.

    Attributes
    ----------
    line
        Its number in the listing.
    node
        What PARTITION was called with; None outside it. The stack of calls is this node and its ancestors.
    n_classes
        Classes in the partition after the line has run.
    n_lost
        Images that are in no class for good after the line has run.
    """

    line: str
    node: str | None
    n_classes: int
    n_lost: int


@dataclass(frozen=True)
class Trace:
    """A whole run: every step, and the partition it ends with."""

    steps: tuple[Step, ...]
    partition: Partition


def trace(taxonomy: Taxonomy, counts: Mapping[str, int], max_class_size: int, mode: str = "practical") -> Trace:
    """Run the pseudocode and note every line.

    Parameters
    ----------
    taxonomy, counts, max_class_size, mode
        As for `partition`.

    Returns
    -------
    Trace
        Whose partition equals that of `partition`, class for class.

    Raises
    ------
    PartitionError
        As `partition`.

    Notes
    -----
    Source: Esteva et al. 2017, Extended Data Table 1, in our words; lines 15, 18, 22 and 23 have the paper's numbers.
    With several roots line 22 calls once per root.
    """
    check_limit(max_class_size, mode)
    run = _Run(taxonomy, own_counts(taxonomy, counts, mode), max_class_size, practical=mode == "practical")
    run.note(BEGIN, None)
    for root in taxonomy.children(None):
        run.note(ROOT, None)
        run.visit(root)
    run.note(RETURN, None)
    found = Partition(tuple(run.classes), mode, max_class_size, taxonomy.digest, tuple(run.split), tuple(run.dropped))
    return Trace(tuple(run.steps), found)


class _Run:
    """What the recursion has done so far."""

    def __init__(self, taxonomy: Taxonomy, own: list[int], limit: int, *, practical: bool) -> None:
        self.taxonomy = taxonomy
        self.own = own
        self.before = [0, *accumulate(own)]
        self.limit = limit
        self.practical = practical
        self.steps: list[Step] = []
        self.classes: list[TrainingClass] = []
        self.split: list[NodeImages] = []
        self.dropped: list[NodeImages] = []
        self.n_lost = 0

    def note(self, line: str, node: str | None) -> None:
        self.steps.append(Step(line, node, len(self.classes), self.n_lost))

    def visit(self, node: str) -> None:
        """PARTITION(node); a generator's stack instead of Python's own, so that no tree is too deep."""
        waiting: list[Iterator[None]] = [self._call(node)]
        while waiting:
            try:
                next(waiting[-1])
            except StopIteration:
                waiting.pop()
                continue
            waiting.append(self._call(self._next))

    def _call(self, node: str) -> Iterator[None]:
        """The body of the function; it yields where it calls itself, with the argument in `_next`."""
        self.note(ENTER, node)
        self.note(GATHER, node)
        self.note(TEST, node)
        size, own = self._size(node), self.own[self.taxonomy.position(node)]
        children = self.taxonomy.children(node)
        if size < self.limit:
            if size or not self.practical:
                self._append(node, size)
            self.note(APPEND, node)
        elif self.practical and not children:
            self.note(LEAF, node)
            self._append(node, size)
            self.note(APPEND_LEAF, node)
        else:
            if self.practical:
                self.note(LEAF, node)
                self.note(OWN, node)
                if own:
                    self.classes.append(residual_class(self.taxonomy.node(node), own))
                    self.note(APPEND_OWN, node)
            else:
                self.n_lost += own  # line 18 goes on with the children, and nothing comes back to these
            if children:
                self.split.append(NodeImages(node, 0 if self.practical else own))
            else:
                self.dropped.append(NodeImages(node, size))
            for child in children:
                self.note(LOOP, node)
                self.note(CALL, node)
                self._next = child
                yield
            self.note(LOOP, node)  # no child is left, or there never was one
        self.note(LEAVE, node)

    def _append(self, node: str, size: int) -> None:
        named = self.taxonomy.node(node)
        self.classes.append(TrainingClass(node, named.name, node, self.taxonomy.descendants(node), size))

    def _size(self, node: str) -> int:
        return self.before[self.taxonomy.end(node)] - self.before[self.taxonomy.position(node)]
