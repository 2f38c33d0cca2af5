"""Markdown made of text from files, safe and readable also as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

Plain = Callable[[str], str]

BLANK, JOINER = "\u00a0", "\u2060"  # a space and a nothing at which no line is broken

_MARKS = re.compile(r"([\\`*_\[\]<>|~$])")


def escaped(text: str) -> str:
    """Text from a file, safe inside Markdown and still readable as it stands."""
    return _MARKS.sub(r"\\\1", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A Markdown table; the columns `numbers` are set to the right."""
    rule = ["--:" if i in numbers else ":--" for i in range(len(heads))]
    return "\n".join("| " + " | ".join(cell or " " for cell in row) + " |" for row in (heads, rule, *rows))


def unbroken(text: str) -> str:
    """The same, to be broken before a bracket only: the two ends of an interval or of a sum belong together."""
    return text.replace(" ", BLANK).replace(f"{BLANK}(", " (").replace("–", f"{JOINER}–{JOINER}")
