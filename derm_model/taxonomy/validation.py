"""The rules a taxonomy must keep, all checked before the first error is raised.

Whoever edits the file in a spreadsheet gets every problem at once, each with its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.node import MALIGNANCY_STATUSES, Node, fold

MAX_PROBLEMS_SHOWN = 20


def find_problems(nodes: Sequence[Node], rows: Sequence[int]) -> list[str]:
    """Return one sentence per broken rule, in row order; an empty list for a sound tree.

    Parameters
    ----------
    nodes : sequence of Node
        In the order of the file.
    rows : sequence of int
        The row of each node, as a spreadsheet counts (1 is the header).
    """
    first_row: dict[str, int] = {}
    for node, row in zip(nodes, rows, strict=True):
        first_row.setdefault(node.id, row)
    found = _row_problems(nodes, rows, first_row) + _cycles(nodes, first_row) + _shared_names(nodes, rows)
    return [f"row {row}: {problem}" for row, problem in sorted(found, key=lambda item: item[0])]


def check_problems(problems: Sequence[str], source: str) -> None:
    """Raise TaxonomyError naming all `problems` (the first 20 in words) unless there are none."""
    if not problems:
        return
    shown = "\n".join(f"- {problem}" for problem in problems[:MAX_PROBLEMS_SHOWN])
    more = len(problems) - MAX_PROBLEMS_SHOWN
    rest = f"\n- and {more} more" if more > 0 else ""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise TaxonomyError(f"{source} has {count}; correct these rows:\n{shown}{rest}")


def _row_problems(nodes: Sequence[Node], rows: Sequence[int], first_row: Mapping[str, int]) -> list[tuple[int, str]]:
    found = []
    for node, row in zip(nodes, rows, strict=True):
        if not node.id.strip():
            found.append((row, "the id is empty; give the node a short unique id"))
        elif first_row[node.id] != row:
            found.append((row, f"the id {node.id!r} is already used in row {first_row[node.id]}; ids must be unique"))
        if not node.name.strip():
            found.append((row, f"the name of {node.id!r} is empty; write the name people should read"))
        if node.parent is not None and node.parent not in first_row:
            found.append((row, f"the parent {node.parent!r} of {node.id!r} is no id in this file; an orphan"))
        if node.malignancy_status is not None and node.malignancy_status not in MALIGNANCY_STATUSES:
            allowed = ", ".join(MALIGNANCY_STATUSES)
            found.append(
                (row, f"the malignancy status {node.malignancy_status!r} is unknown; use {allowed} or nothing")
            )
    return found


def _cycles(nodes: Sequence[Node], first_row: Mapping[str, int]) -> list[tuple[int, str]]:
    """One problem per cycle, at the row of its member that comes first in the file."""
    parents: dict[str, str | None] = {}
    for node in nodes:
        parents.setdefault(node.id, node.parent)
    found = []
    settled: set[str] = set()
    for start in parents:
        trail: list[str] = []
        on_trail: set[str] = set()
        current: str | None = start
        while current in parents and current not in settled and current not in on_trail:
            trail.append(current)
            on_trail.add(current)
            current = parents[current]
        if current in on_trail:
            members = trail[trail.index(current) :]
            chain = " -> ".join([*members, members[0]])
            row = min(first_row[member] for member in members)
            found.append((row, f"the parents go round in a circle: {chain}; one of them must have another parent"))
        settled |= on_trail
    return found


def _shared_names(nodes: Sequence[Node], rows: Sequence[int]) -> list[tuple[int, str]]:
    """An id, name or synonym that two nodes share: nobody could know which one is meant."""
    owners: dict[str, tuple[str, int]] = {}
    found = []
    for node, row in zip(nodes, rows, strict=True):
        for text in (node.name, *node.synonyms, node.id):
            key = fold(text)
            if not key:
                continue
            owner, owner_row = owners.setdefault(key, (node.id, row))
            if owner != node.id:
                found.append((row, f"{text!r} of {node.id!r} also names {owner!r} (row {owner_row}); keep one of them"))
    return found
