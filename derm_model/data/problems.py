"""What was found wrong with rows and files: counted, with a few examples, so that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# Enough to recognise a pattern ("all of them end in .tif"), few enough to read.
MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Problem:
    """Rows (files, lesions) with one thing wrong: how many, and up to five of them by name.

    Attributes
    ----------
    kind
        What is wrong, as part of a sentence: "file not found".
    count
        How many, >= 1.
    examples
        At most `MAX_EXAMPLES`.
    kept
        True where the row stays (perhaps with a value emptied), False where it is left out.
    unit
        What is counted, in the singular: "row", "file", "lesion".
    """

    kind: str
    count: int
    examples: tuple[str, ...]
    kept: bool = False
    unit: str = "row"

    @property
    def message(self) -> str:
        """One sentence, e.g. "2 rows left out: file not found (a.jpg, b.jpg)."."""
        counted = f"{self.count:,} {self.unit}{'' if self.count == 1 else 's'}"
        more = ", …" if self.count > len(self.examples) else ""
        shown = f" ({', '.join(self.examples)}{more})" if self.examples else ""
        return f"{counted} {'kept' if self.kept else 'left out'}: {self.kind}{shown}."


class RowProblem(Exception):
    """Why one row is left out, and the example to show for it; whoever reads the rows catches it and counts it."""

    def __init__(self, kind: str, example: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.example = example


@dataclass
class _Tally:
    count: int = 0
    examples: list[str] = field(default_factory=list)


class ProblemLog:
    """Collects problems while rows are read; problems of one kind become one `Problem`, in order of first appearance.

    Memory does not grow with the number of rows: only the first examples are kept.
    """

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, bool, str], _Tally] = {}

    def add(self, kind: str, example: str, *, kept: bool = False, unit: str = "row", count: int = 1) -> None:
        """Count one more (or `count` more, shown by one example)."""
        tally = self._tallies.setdefault((kind, kept, unit), _Tally())
        tally.count += count
        if len(tally.examples) < MAX_EXAMPLES and example not in tally.examples:
            tally.examples.append(example)

    def add_row(self, problem: RowProblem) -> None:
        """Count a row that is left out."""
        self.add(problem.kind, problem.example)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take over what another log has found."""
        for problem in problems:
            tally = self._tallies.setdefault((problem.kind, problem.kept, problem.unit), _Tally())
            tally.count += problem.count
            room = MAX_EXAMPLES - len(tally.examples)
            tally.examples += [example for example in problem.examples if example not in tally.examples][:room]

    def problems(self) -> tuple[Problem, ...]:
        """Return what was found so far."""
        return tuple(
            Problem(kind, tally.count, tuple(tally.examples), kept, unit)
            for (kind, kept, unit), tally in self._tallies.items()
        )
