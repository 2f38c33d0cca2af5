"""From edges to groups: which edges count, and the connected components they make.

Two images of one group must never lie on two sides of a split, or the test would ask what the training told
(Esteva et al. 2017, Methods, "Data preparation": connected components of the graph of similar images).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from derm_model.data.duplicates.detail import MIN_CORRELATION
from derm_model.data.duplicates.edges import EDGE_KINDS, SIMILARITY_KINDS, EdgeKind, exif_strength, kind_codes
from derm_model.data.duplicates.neighbours import LINKED_ABOVE
from derm_model.errors import CurationError

if TYPE_CHECKING:
    from derm_model.data.duplicates.decisions import DecidedPairs
    from derm_model.data.duplicates.edges import Edges

# Half a minute: long enough to step closer and attach the dermatoscope, too short for the next patient.
MAX_EXIF_SECONDS = 30.0


@dataclass(frozen=True)
class GraphRules:
    """Which edges join.

    Attributes
    ----------
    min_perceptual
        Least correlation of fine structure, 0..1.
    min_features
        Least cosine of whitened features of the network, 0..1.
    max_exif_seconds
        Greatest time between two shots of one camera, seconds.
    kinds
        Kinds that count. "content" is always among them: two identical files on two sides of a split are a leak
        whatever else one believes.
    """

    min_perceptual: float = MIN_CORRELATION
    min_features: float = LINKED_ABOVE
    max_exif_seconds: float = MAX_EXIF_SECONDS
    kinds: tuple[EdgeKind, ...] = EDGE_KINDS

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in EDGE_KINDS]
        if unknown or "content" not in self.kinds:
            raise CurationError(
                f"Kinds of edges are some of {', '.join(EDGE_KINDS)}, content always among them. "
                f"Found {', '.join(self.kinds) or 'none'}. Correct the list."
            )
        for name in ("min_perceptual", "min_features"):
            if not 0 <= getattr(self, name) <= 1:
                raise CurationError(f"{name} lies between 0 and 1. Found {getattr(self, name)}. Choose another value.")
        if not 0 <= self.max_exif_seconds < float("inf"):
            raise CurationError(
                f"max_exif_seconds is a number of seconds, 0 or more. Found {self.max_exif_seconds}. Choose another."
            )

    def threshold(self, kind: EdgeKind) -> float:
        """The rule of a similarity kind, in its own unit (correlation, cosine, seconds)."""
        return float(getattr(self, _field(kind)))

    def with_threshold(self, kind: EdgeKind, value: float) -> GraphRules:
        """Return the same rules but for one threshold."""
        return replace(self, **{_field(kind): float(value)})  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """Return the rules as JSON values; `rules_from_json` reads them."""
        return asdict(self) | {"kinds": list(self.kinds)}


def rules_from_json(values: Mapping[str, Any]) -> GraphRules:
    """Read rules from JSON values; what is not named keeps its default.

    Raises
    ------
    CurationError
        A name or a value that rules do not have.
    """
    try:
        return GraphRules(**{**values, **({"kinds": tuple(values["kinds"])} if "kinds" in values else {})})
    except TypeError as error:
        raise CurationError(
            f"Rules of the duplicate graph are {', '.join(GraphRules().to_json())}. Found {dict(values)}. "
            "Correct or delete them."
        ) from error


def min_strength(kind: EdgeKind, threshold: float) -> float:
    """Least strength of an edge that a threshold in the kind's own unit lets through."""
    return float(exif_strength(np.floor(threshold))) if kind == "exif" else float(np.float32(threshold))


def edges_that_count(edges: Edges, rules: GraphRules, decisions: DecidedPairs | None = None) -> NDArray[np.bool_]:
    """Which edges join: of a kind that counts, strong enough, and not rejected by a person.

    Returns
    -------
    (m,) bool
    """
    least = np.zeros(len(EDGE_KINDS), dtype=np.float32)
    for kind in SIMILARITY_KINDS:
        least[EDGE_KINDS.index(kind)] = min_strength(kind, rules.threshold(kind))
    least[[kind not in rules.kinds for kind in EDGE_KINDS]] = np.inf
    counts = edges["strength"].to_numpy() >= least[kind_codes(edges)]
    if decisions is not None:
        counts &= ~decisions.rejects(edges)
    return np.asarray(counts, dtype=np.bool_)


def components(
    n: int, edges: Edges, rules: GraphRules | None = None, decisions: DecidedPairs | None = None
) -> NDArray[np.int32]:
    """Groups of images that must stay together: connected components of the edges that count.

    Parameters
    ----------
    n
        Number of images, >= 0.
    edges
    rules
        By default `GraphRules()`.
    decisions
        Of `PairDecisions.at`: pairs called the same are joined, whatever the rules; similarity edges of pairs called
        different do not count. Such a pair may still be joined by a chain over other images.

    Returns
    -------
    (n,) int32
        Group numbers from 0 in the order of first appearance. More edges never split a group.
    """
    counts = edges_that_count(edges, rules or GraphRules(), decisions)
    pairs = edges.loc[counts, ["a", "b"]].to_numpy()
    if decisions is not None:
        pairs = np.concatenate([pairs, decisions.same])
    return connect(n, pairs)


def connect(n: int, pairs: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Connected components of n positions under (m, 2) pairs, numbered by first appearance.

    0.15 s for 130,000 positions and a million pairs.
    """
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    if n == 0:
        return np.empty(0, dtype=np.int32)
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return np.asarray(rank[inverse], dtype=np.int32)


def _field(kind: EdgeKind) -> str:
    fields = {"perceptual": "min_perceptual", "features": "min_features", "exif": "max_exif_seconds"}
    if kind not in fields:
        raise CurationError(
            f"Only {', '.join(SIMILARITY_KINDS)} have a threshold. Found {kind}, which is there or not. Name another."
        )
    return fields[kind]
