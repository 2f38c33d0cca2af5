"""What a person decided about flagged pictures, by content hash, so that it outlives a new import."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from derm_model.errors import CurationError
from derm_model.files import replaced, taking_turns

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["keep", "leave out"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_COLUMNS = ("content_hash", "decision", "decided_at", "note")


@dataclass(frozen=True)
class QualityDecision:
    """One decision.

    Attributes
    ----------
    decision
        "keep": may stand in validation and test sets whatever the rules say; "leave out": may not.
    decided_at
        UTC, ISO 8601.
    note
    """

    decision: Verdict
    decided_at: str
    note: str = ""


@dataclass(frozen=True)
class QualityDecisions:
    """All decisions of a workspace; a change gives a new object, so the one before it is the way to undo.

    Attributes
    ----------
    by_hash
        Decision by the file's content hash (sha256, hexadecimal).
    """

    by_hash: Mapping[str, QualityDecision] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.by_hash)

    def get(self, content_hash: str) -> QualityDecision | None:
        """The decision about a file, None where there is none."""
        return self.by_hash.get(content_hash)

    def decide(self, content_hashes: Iterable[str], decision: Verdict, note: str = "") -> QualityDecisions:
        """Set one decision for several files, with the time of now; earlier ones about them are replaced."""
        if decision not in VERDICTS:
            raise CurationError(f"A decision about quality must be {' or '.join(VERDICTS)}, not {decision!r}.")
        made = QualityDecision(decision, datetime.now(UTC).isoformat(timespec="seconds"), " ".join(note.split()))
        return QualityDecisions(MappingProxyType({**self.by_hash, **dict.fromkeys(content_hashes, made)}))

    def withdraw(self, content_hashes: Iterable[str]) -> QualityDecisions:
        """Forget what was decided about some files: the rules decide again."""
        gone = set(content_hashes)
        return QualityDecisions(MappingProxyType({k: v for k, v in self.by_hash.items() if k not in gone}))


def read_decisions(path: Path) -> QualityDecisions:
    """Read the decisions of a CSV file; none where there is no file yet.

    Raises
    ------
    CurationError
        The file has not the columns content_hash, decision, decided_at, note, or a decision is unknown.
    """
    if not path.exists():
        return QualityDecisions()
    found: dict[str, QualityDecision] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
            raise CurationError(
                f"{path.name} must have the columns {', '.join(_COLUMNS)}; {', '.join(missing)} is missing. "
                "Restore the file or move it away to start without decisions."
            )
        for number, row in enumerate(reader, start=2):
            if row["decision"] not in VERDICTS:
                raise CurationError(
                    f"{path.name}, line {number}: a decision must be {' or '.join(VERDICTS)}, not {row['decision']!r}. "
                    "Correct the line or delete it."
                )
            verdict = cast(Verdict, row["decision"])
            found[row["content_hash"]] = QualityDecision(verdict, row["decided_at"] or "", row["note"] or "")
    return QualityDecisions(MappingProxyType(found))


def write_decisions(path: Path, decisions: QualityDecisions) -> None:
    """Write all decisions, sorted by content hash; the file is replaced whole."""
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for content_hash, made in sorted(decisions.by_hash.items()):
            writer.writerow((content_hash, made.decision, made.decided_at, made.note))


def decide_quality(path: Path, content_hashes: Iterable[str], decision: Verdict, note: str = "") -> QualityDecisions:
    """Add decisions to a file that several people may be changing; see `QualityDecisions.decide`.

    Returns
    -------
    QualityDecisions
        All there are now.
    """
    return _change(path, lambda decisions: decisions.decide(content_hashes, decision, note))


def withdraw_quality(path: Path, content_hashes: Iterable[str]) -> QualityDecisions:
    """Take decisions out of a file that several people may be changing; see `QualityDecisions.withdraw`."""
    return _change(path, lambda decisions: decisions.withdraw(content_hashes))


def _change(path: Path, change: Callable[[QualityDecisions], QualityDecisions]) -> QualityDecisions:
    with taking_turns(path):
        decisions = change(read_decisions(path))
        write_decisions(path, decisions)
        return decisions


def effective_flags(
    flags: pd.DataFrame, decisions: QualityDecisions, content_hashes: Sequence[str]
) -> NDArray[np.bool_]:
    """Which pictures leave validation and test sets: what rules flagged, unless a person decided otherwise.

    Parameters
    ----------
    flags : DataFrame of bool, n rows
        Of `derm_model.data.quality.flags`.
    decisions
    content_hashes
        Of the n rows.

    Returns
    -------
    (n,) bool
    """
    if len(content_hashes) != len(flags):
        raise ValueError(f"There must be a content hash a row: {len(flags)} rows, {len(content_hashes)} hashes.")
    flagged = np.asarray(flags.to_numpy(dtype=bool).any(axis=1), dtype=np.bool_)
    if decisions.by_hash:
        for position, content_hash in enumerate(content_hashes):
            made = decisions.by_hash.get(content_hash)
            if made is not None:
                flagged[position] = made.decision == "leave out"
    return flagged
