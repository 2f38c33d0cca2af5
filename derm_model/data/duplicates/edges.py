"""Edges of the duplicate graph: two images, why they may belong together, and how strongly.

A vertex is an image, named by its position in the table (docs/data-format.md). Edges are kept as one DataFrame, because
there may be a million of them:

    a, b      int32, positions, a < b
    kind      category of `EDGE_KINDS`
    strength  float32 in 0..1, larger is more alike:
              content, pixels, lesion, patient, link: 1
              perceptual: correlation of fine structure; features: cosine; exif: 1 / (1 + seconds between the shots)

Kinds that say an equality ("star" kinds) join the first image that has a value to every later one, so that a patient
with 1,000 pictures costs 999 edges and not half a million. Only `SIMILARITY_KINDS` name single pairs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.errors import CurationError
from derm_model.files import replaced

if TYPE_CHECKING:
    import pandas as pd

EdgeKind = Literal["content", "pixels", "perceptual", "exif", "lesion", "patient", "link", "features"]
EDGE_KINDS: tuple[EdgeKind, ...] = get_args(EdgeKind)
# What a person may reject: it was inferred from the pictures. The other kinds are facts of the files and their records.
SIMILARITY_KINDS: tuple[EdgeKind, ...] = ("perceptual", "exif", "features")

Edges: TypeAlias = "pd.DataFrame"
COLUMNS = ("a", "b", "kind", "strength")


def make_edges(pairs: ArrayLike, kind: EdgeKind, strength: ArrayLike = 1.0) -> Edges:
    """Edges of one kind.

    Parameters
    ----------
    pairs : (m, 2) int
        Positions, in any order. An image with itself is no edge, and of equal pairs the strongest counts.
    kind
    strength : float or (m,) float

    Returns
    -------
    DataFrame
        Sorted by a, then b.
    """
    import pandas as pd

    ends = np.sort(np.asarray(pairs, dtype=np.int64).reshape(-1, 2), axis=1)
    values = np.broadcast_to(np.asarray(strength, dtype=np.float32), len(ends))
    order = np.lexsort((-values, ends[:, 1], ends[:, 0]))
    ends, values = ends[order], values[order]
    keep = ends[:, 0] < ends[:, 1]
    keep[1:] &= (ends[1:] != ends[:-1]).any(axis=1)
    return pd.DataFrame(
        {
            "a": ends[keep, 0].astype(np.int32),
            "b": ends[keep, 1].astype(np.int32),
            "kind": pd.Categorical.from_codes(
                np.full(int(keep.sum()), EDGE_KINDS.index(kind), dtype=np.int8), dtype=_dtype()
            ),
            "strength": values[keep],
        }
    )


def _dtype() -> pd.CategoricalDtype[str]:
    import pandas as pd

    return pd.CategoricalDtype(list(EDGE_KINDS))


def no_edges() -> Edges:
    """Return a table of edges without a row."""
    return make_edges(np.empty((0, 2)), "content")


def concat_edges(parts: Iterable[Edges]) -> Edges:
    """Put edges of several kinds into one table, rows numbered anew."""
    import pandas as pd

    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else no_edges()


def equal_pairs(keys: Iterable[Hashable | None]) -> NDArray[np.intp]:
    """Join the first position with a key to every later one with the same; None is equal to nothing.

    Returns
    -------
    (m, 2) intp
        i < j in every row.
    """
    first: dict[Hashable, int] = {}
    pairs = [(first.setdefault(key, i), i) for i, key in enumerate(keys) if key is not None]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.intp).reshape(-1, 2)


def kind_codes(edges: Edges) -> NDArray[np.int8]:
    """Index into `EDGE_KINDS` of every edge's kind."""
    return np.asarray(edges["kind"].cat.codes, dtype=np.int8)


def of_kinds(edges: Edges, kinds: Sequence[EdgeKind]) -> NDArray[np.bool_]:
    """Which edges are of one of these kinds, (m,) bool."""
    wanted = np.array([kind in kinds for kind in EDGE_KINDS])
    return np.asarray(wanted[kind_codes(edges)], dtype=np.bool_)


def exif_strength(seconds: ArrayLike) -> NDArray[np.float32]:
    """Strength of an edge between two shots this far apart; 1 at the same second, 0.03 at half a minute."""
    return np.asarray(1.0 / (1.0 + np.asarray(seconds, dtype=np.float64)), dtype=np.float32)


def exif_seconds(strength: ArrayLike) -> NDArray[np.float64]:
    """Seconds between two shots, from the strength of their edge. EXIF counts whole seconds, and so does this."""
    return np.asarray(np.round(1.0 / np.asarray(strength, dtype=np.float64) - 1.0), dtype=np.float64)


def write_edges(path: Path, edges: Edges) -> None:
    """Write a Parquet file, replaced whole."""
    with replaced(path) as temporary:
        edges.loc[:, list(COLUMNS)].to_parquet(temporary, index=False)


def read_edges(path: Path) -> Edges:
    """Read what `write_edges` wrote.

    Raises
    ------
    CurationError
        The file is missing or damaged, or holds something else.
    """
    import pandas as pd

    try:
        edges = pd.read_parquet(path, columns=list(COLUMNS))
        unknown = set(edges["kind"].unique()) - set(EDGE_KINDS)
        if unknown:
            raise ValueError(f"unknown kinds {sorted(map(str, unknown))}")
    except (OSError, ValueError, KeyError) as error:  # pyarrow's own errors are ValueErrors and KeyErrors
        raise CurationError(
            f"{path} holds no edges of a duplicate graph ({error}). Look for duplicates again."
        ) from error
    return edges.astype({"a": "int32", "b": "int32", "strength": "float32", "kind": _dtype()})
