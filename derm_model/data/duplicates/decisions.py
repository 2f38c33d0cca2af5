"""What a person decided about pairs of pictures, kept in a CSV by content hash: it outlives imports and thresholds.

    content_hash_a,content_hash_b,decision,decided_at,note
    <hex>,<hex>,same|different,2026-11-23T03:58:00Z,...

content_hash_a < content_hash_b. One row a pair: the last decision. Undoing one deletes its row.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.edges import SIMILARITY_KINDS, of_kinds
from derm_model.errors import CurationError
from derm_model.files import replaced, taking_turns

if TYPE_CHECKING:
    from derm_model.data.duplicates.edges import Edges

Answer = Literal["same", "different"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
HashPair = tuple[str, str]
COLUMNS = ("content_hash_a", "content_hash_b", "decision", "decided_at", "note")


@dataclass(frozen=True)
class PairDecision:
    """One decision: when it was taken (UTC, e.g. 2026-11-23T03:58:00Z) and why, in the person's words."""

    decision: Answer
    decided_at: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class DecidedPairs:
    """Decisions as positions of one table.

    Attributes
    ----------
    same : (k, 2) int64
    different : (m, 2) int64
        i < j in every row.
    """

    same: NDArray[np.int64]
    different: NDArray[np.int64]

    def rejects(self, edges: Edges) -> NDArray[np.bool_]:
        """Which edges a person rejected: the similarity edges of pairs called different, never one of a fact.

        Returns
        -------
        (m,) bool
        """
        rejected = np.zeros(len(edges), dtype=np.bool_)
        if len(self.different):
            asked = np.flatnonzero(of_kinds(edges, SIMILARITY_KINDS))
            keys = pair_keys(edges["a"].to_numpy()[asked], edges["b"].to_numpy()[asked])
            rejected[asked] = is_among(keys, pair_keys(*self.different.T))
        return rejected


class PairDecisions(Mapping[HashPair, PairDecision]):
    """Decisions about pairs of pictures; a mapping from (smaller, larger content hash) to the decision.

    It never changes; `decided` and `undone` return another one.
    """

    def __init__(self, decisions: Mapping[HashPair, PairDecision] | None = None) -> None:
        self._decisions = {hash_pair(*pair): decision for pair, decision in (decisions or {}).items()}

    def __getitem__(self, pair: HashPair) -> PairDecision:
        return self._decisions[min(pair), max(pair)]

    def __iter__(self) -> Iterator[HashPair]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    def decided(
        self, pairs: Iterable[HashPair], decision: Answer, *, note: str = "", at: datetime | None = None
    ) -> PairDecisions:
        """Decide several pairs at once, each replacing what was decided about it before.

        Parameters
        ----------
        pairs
            Of content hashes, in any order.
        decision
        note
        at
            An aware time; by default now.

        Raises
        ------
        CurationError
            A pair of one and the same content, which nobody can call different, or an unknown decision.
        """
        if decision not in ANSWERS:
            raise CurationError(f"A decision is one of {', '.join(ANSWERS)}. Found {decision!r}. Choose one of them.")
        stamp = (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        new = {hash_pair(*pair): PairDecision(decision, stamp, note) for pair in pairs}
        return PairDecisions({pair: d for pair, d in self._decisions.items() if pair not in new} | new)

    def undone(self, pairs: Iterable[HashPair]) -> PairDecisions:
        """Forget what was decided about these pairs; a pair nobody decided stays undecided."""
        gone = {hash_pair(*pair) for pair in pairs}
        return PairDecisions({pair: decision for pair, decision in self._decisions.items() if pair not in gone})

    def at(self, content_hashes: Sequence[str]) -> DecidedPairs:
        """Find the decided pairs in a table.

        Parameters
        ----------
        content_hashes : (n,)
            The table's column. Pictures that are not in it are passed over.

        Returns
        -------
        DecidedPairs
            Every position of a content that stands in the table twice.
        """
        import pandas as pd

        hashes = pd.Series(content_hashes, dtype=str).reset_index(drop=True)
        places: defaultdict[str, list[int]] = defaultdict(list)
        asked = hashes[hashes.isin({content_hash for pair in self._decisions for content_hash in pair})]
        for position, content_hash in zip(asked.index.tolist(), asked.tolist(), strict=True):
            places[content_hash].append(position)
        found: dict[Answer, list[tuple[int, int]]] = {"same": [], "different": []}
        for (a, b), decision in self._decisions.items():
            pairs = product(places.get(a, ()), places.get(b, ()))
            found[decision.decision] += [(min(pair), max(pair)) for pair in pairs]
        same, different = (np.array(found[answer], dtype=np.int64).reshape(-1, 2) for answer in ANSWERS)
        return DecidedPairs(same, different)


def hash_pair(a: str, b: str) -> HashPair:
    """Two different content hashes, the smaller one first.

    Raises
    ------
    CurationError
        They are one content.
    """
    if a == b:
        raise CurationError(
            f"A decision is about two different files. Both are the content {a[:12]}, which is always one group. "
            "Decide about other pairs."
        )
    return (a, b) if a < b else (b, a)


def pair_keys(a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.int64]:
    """One number a pair of positions < 2**31, such that equal pairs have equal numbers."""
    return np.asarray(a.astype(np.int64) << 32 | b.astype(np.int64), dtype=np.int64)


def is_among(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of many keys are among a few; by hash, ten times as fast as numpy's sorting for a million keys."""
    import pandas as pd

    return np.asarray(pd.Index(keys).isin(wanted), dtype=np.bool_)


def read_pair_decisions(path: Path) -> PairDecisions:
    """Read a decision file; one that is not there holds no decisions.

    Raises
    ------
    CurationError
        The file breaks a rule, with the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CurationError(
                    f"A file of pair decisions has the columns {', '.join(COLUMNS)}. {path} has "
                    f"{', '.join(reader.fieldnames or ()) or 'none'}. Restore it or move it away."
                )
            return PairDecisions(dict(_read_row(row, f"{path}, line {reader.line_num}") for row in reader))
    except FileNotFoundError:
        return PairDecisions()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CurationError(f"{path} cannot be read ({error}). Restore it or move it away.") from error


def write_pair_decisions(path: Path, decisions: PairDecisions) -> None:
    """Write a decision file in the order of the decisions, replaced whole."""
    with replaced(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for pair, decision in decisions.items():
            writer.writerow([*pair, decision.decision, decision.decided_at, decision.note])


def decide_pairs(path: Path, pairs: Iterable[HashPair], decision: Answer, note: str = "") -> PairDecisions:
    """Add decisions to a file that several people may be changing; see `PairDecisions.decided`.

    Returns
    -------
    PairDecisions
        All there are now.
    """
    return _change(path, lambda decisions: decisions.decided(pairs, decision, note=note))


def undo_pairs(path: Path, pairs: Iterable[HashPair]) -> PairDecisions:
    """Take decisions out of a file that several people may be changing; see `PairDecisions.undone`."""
    return _change(path, lambda decisions: decisions.undone(pairs))


def _change(path: Path, change: Callable[[PairDecisions], PairDecisions]) -> PairDecisions:
    with taking_turns(path):
        decisions = change(read_pair_decisions(path))
        write_pair_decisions(path, decisions)
        return decisions


def _read_row(row: Mapping[str, str | None], where: str) -> tuple[HashPair, PairDecision]:
    a, b, decision, decided_at, note = (row[column] for column in COLUMNS)
    answer = next((answer for answer in ANSWERS if answer == decision), None)
    if not a or not b or a == b or answer is None or not decided_at or None in row.values() or None in row:
        raise CurationError(
            f"A pair decision names two different content hashes, {' or '.join(ANSWERS)}, and when. "
            f"Found {list(row.values())} ({where}). Correct or delete the line."
        )
    return hash_pair(a, b), PairDecision(answer, decided_at, note or "")
