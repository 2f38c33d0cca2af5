"""One row of the taxonomy, and how two names are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MALIGNANCY_STATUSES = ("malignant", "premalignant", "indeterminate", "benign", "non-neoplastic")

_SEPARATORS = re.compile(r"[\W_]+")
_APOSTROPHES = re.compile("['\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}]")  # spreadsheets curl them


@dataclass(frozen=True)
class Node:
    """A disease (leaf) or a group of diseases (inner node).

    Attributes
    ----------
    id : str
        Stable slug, unique in the tree; what files and bundles refer to.
    name : str
        What people read; unique in the tree.
    parent : str or None
        Id of the parent; None for a root.
    synonyms : tuple of str
        Other names; none of them names another node.
    malignancy_status : str or None
        One of `MALIGNANCY_STATUSES`; None for a group whose diseases differ.
        The root "malignant" is no malignancy flag (premalignant and reactive diseases sit there): this is.
    icd10 : str or None
        A hint, not a coding.
    tier : str or None
        Evidence that the disease belongs in the list: A, B or C (assets/taxonomy/README.md).
    """

    id: str
    name: str
    parent: str | None = None
    synonyms: tuple[str, ...] = ()
    malignancy_status: str | None = None
    icd10: str | None = None
    tier: str | None = None


def fold(text: str) -> str:
    """Return `text` as names are compared: case, apostrophes, punctuation and spacing do not count.

    Nor does whether an accented letter is one character or two: nobody sees the difference.

    >>> fold("Bowen's  disease"), fold("seborrheic_keratosis")
    ('bowens disease', 'seborrheic keratosis')
    """
    composed = unicodedata.normalize("NFC", text.casefold())
    return _SEPARATORS.sub(" ", _APOSTROPHES.sub("", composed).replace("+", " plus ")).strip()
