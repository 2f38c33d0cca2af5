"""A report before it is drawn: its pieces in order, as text, numbers and pixels.

In texts ``**`` marks what is bold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.palette import Role

BOLD_MARK = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Row:
    """A node or class with its probability, in words and from 0 to 1."""

    name: str
    role: Role
    text: str
    share: float
    root: bool = False
    child: bool = False


@dataclass(frozen=True)
class Block:
    """A question with its answer, in the page's words."""

    question: str
    mark: str
    heading: str
    suggestion: str
    score: float | None
    threshold: float | None
    score_text: str
    threshold_text: str
    rates: str
    applies: str
    disagreement: str | None
    notice: str | None


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (h, w, 3) uint8 with a caption and a text for those who do not see them."""

    pixels: NDArray[np.uint8]
    caption: str
    alt: str


@dataclass(frozen=True, eq=False)
class Shown:
    """An image with its map, and what was noticed."""

    image: Picture | None
    map: Picture | None
    caption: str
    notices: tuple[str, ...]
    unusual: str | None


@dataclass(frozen=True)
class Table:
    """Head and rows of text."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Part:
    """What belongs to one lesion; `title` only where there are several. `asked`: a question comes before the rows."""

    title: str | None
    asked: bool
    images: tuple[Shown, ...]
    blocks: tuple[Block, ...]
    others: Table | None
    nodes: tuple[Row, ...]
    unresolved: str | None
    classes: tuple[Row, ...]
    folded: str | None
    views: tuple[Table, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    footer: str
    notices: tuple[str, ...]
    overview: Table | None
    parts: tuple[Part, ...]
    map_text: str | None
    facts: tuple[tuple[str, str], ...]
    sources: Table | None
    limits: tuple[str, ...]
    intended_use: str
    note: str

    @property
    def thumbnails(self) -> tuple[Picture | None, ...]:
        """Of each lesion the image, for the overview."""
        return tuple(part.images[0].image for part in self.parts)
