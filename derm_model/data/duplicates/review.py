"""What a person looks at: pairs around a threshold, with the reasons, and what moving the threshold does to groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.data.duplicates.components import components, connect, edges_that_count, min_strength
from derm_model.data.duplicates.decisions import is_among, pair_keys
from derm_model.data.duplicates.edges import EDGE_KINDS, SIMILARITY_KINDS, exif_seconds, of_kinds
from derm_model.data.duplicates.identity import known
from derm_model.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.components import GraphRules
    from derm_model.data.duplicates.decisions import DecidedPairs, PairDecisions
    from derm_model.data.duplicates.edges import EdgeKind, Edges

Show = Literal["undecided", "decided", "all", "above", "below"]
SHOWS: tuple[Show, ...] = get_args(Show)

# Text of one reason, from the strength of the edge.
_REASONS: dict[EdgeKind, Callable[[float], str]] = {
    "content": lambda strength: "same file",
    "pixels": lambda strength: "same pixels",
    "lesion": lambda strength: "same lesion",
    "patient": lambda strength: "same patient",
    "link": lambda strength: "linked by the data sets",
    "perceptual": lambda strength: f"fine structure {strength:.2f}",
    "features": lambda strength: f"features {strength:.2f}",
    "exif": lambda strength: f"one camera, {exif_seconds(strength):.0f} s apart",
}


def review_pairs(
    table: pd.DataFrame,
    edges: Edges,
    rules: GraphRules,
    decisions: PairDecisions,
    *,
    kind: EdgeKind = "features",
    around: float | None = None,
    show: Show = "undecided",
    limit: int = 24,
    offset: int = 0,
    groups: NDArray[np.int32] | None = None,
) -> pd.DataFrame:
    """Pairs with an edge of one similarity kind, nearest to the threshold first.

    Parameters
    ----------
    table, edges, rules, decisions
    kind
        "perceptual", "features" or "exif".
    around
        The threshold in the kind's own unit (correlation, cosine, seconds); by default that of the rules.
    show
        "undecided": nobody decided, and no fact (same file, pixels, lesion, patient, link) joins the two already;
        "decided"; "above" or "below" the threshold, decided or not ("above" joins: for seconds, it is the shorter
        time); "all".
    limit, offset
        Rows of the answer.
    groups : (n,) int32
        Of `components` with the rules and decisions, where the caller has them; else they are computed.

    Returns
    -------
    DataFrame
        a, b (positions); content_hash_a, content_hash_b; perceptual, features (NaN where there is no such edge),
        exif (seconds, NaN); reasons (text); decision ("same", "different" or None); joined (in one group now).
    """
    chosen, strength = _choose(table, edges, rules, decisions, kind, around, show)
    threshold = min_strength(kind, rules.threshold(kind) if around is None else around)
    nearest = _nearest(np.abs(strength - threshold), offset + limit)
    chosen, strength = chosen[nearest], strength[nearest]
    # Ties by position: the same question gives the same pages.
    a, b = edges["a"].to_numpy()[chosen], edges["b"].to_numpy()[chosen]
    order = np.lexsort((b, a, np.abs(strength - threshold)))[offset : offset + limit]
    if groups is None:
        groups = components(len(table), edges, rules, decisions.at(known_hashes(table)))
    return _describe(table, edges, decisions, a[order], b[order], groups)


def threshold_effect(
    n: int,
    edges: Edges,
    rules: GraphRules,
    decisions: DecidedPairs | None,
    kind: EdgeKind,
    thresholds: ArrayLike,
) -> pd.DataFrame:
    """What each threshold of one kind would do to the groups, all other rules as they are.

    Parameters
    ----------
    n
        Number of images.
    edges, rules, decisions
    kind
        "perceptual", "features" or "exif".
    thresholds : (t,) float
        In the kind's own unit.

    Returns
    -------
    DataFrame
        One row a threshold, in the order given: threshold, n_pairs (of that kind that join), n_groups (of two images or
        more), n_images (in them), largest (images in the largest group).
    """
    import pandas as pd

    levels = np.asarray(thresholds, dtype=np.float64).ravel()
    least = np.array([min_strength(kind, level) for level in levels])
    counts = edges_that_count(edges, rules, decisions)
    own = of_kinds(edges, [kind])
    pairs = edges[["a", "b"]].to_numpy()
    base = pairs[counts & ~own]
    if decisions is not None:
        base = np.concatenate([base, decisions.same])
        own &= ~decisions.rejects(edges)
    labels = connect(n, base)
    images = np.bincount(labels, minlength=1)
    asked = np.flatnonzero(own)
    strength = edges["strength"].to_numpy()[asked]
    rows = {}
    upper = np.inf
    # From the strictest threshold down, each step joining the groups of the step before: every edge is used once.
    for i in np.argsort(-least):
        step = asked[(strength >= least[i]) & (strength < upper)]
        upper = least[i]
        merged = connect(len(images), labels[pairs[step]])
        images = np.bincount(merged, weights=images, minlength=1).astype(np.int64)
        labels = merged[labels]
        big = images[images >= 2]
        rows[int(i)] = (int((strength >= least[i]).sum()), len(big), int(big.sum()), int(images.max(initial=0)))
    frame = pd.DataFrame([rows[i] for i in range(len(levels))], columns=["n_pairs", "n_groups", "n_images", "largest"])
    frame.insert(0, "threshold", levels)
    return frame


def group_sizes(groups: NDArray[np.int32]) -> pd.DataFrame:
    """How many groups there are of each size.

    Returns
    -------
    DataFrame
        size (images), n_groups; smallest size first.
    """
    import pandas as pd

    sizes, counts = np.unique(np.bincount(groups) if len(groups) else np.empty(0, int), return_counts=True)
    return pd.DataFrame({"size": sizes.astype(np.int64), "n_groups": counts.astype(np.int64)})


def known_hashes(table: pd.DataFrame) -> list[str]:
    """Content hashes of the table, in its order."""
    hashes: list[str] = table["content_hash"].tolist()
    return hashes


def _choose(
    table: pd.DataFrame,
    edges: Edges,
    rules: GraphRules,
    decisions: PairDecisions,
    kind: EdgeKind,
    around: float | None,
    show: Show,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Positions (in `edges`) and strengths of the edges of the kind that are to be shown."""
    if show not in SHOWS:
        raise CurationError(f"Pairs are shown by {', '.join(SHOWS)}. Found {show!r}. Choose one of them.")
    chosen = np.flatnonzero(of_kinds(edges, [kind]))
    strength = edges["strength"].to_numpy()[chosen]
    least = min_strength(kind, rules.threshold(kind) if around is None else around)
    if show in ("above", "below"):
        keep = (strength >= least) == (show == "above")
    elif show == "all":
        keep = np.ones(len(chosen), dtype=np.bool_)
    else:
        a, b = edges["a"].to_numpy()[chosen], edges["b"].to_numpy()[chosen]
        at = decisions.at(known_hashes(table))
        decided = is_among(pair_keys(a, b), pair_keys(*np.concatenate([at.same, at.different]).T))
        keep = decided
        if show == "undecided":
            facts = edges_that_count(edges, rules) & ~of_kinds(edges, SIMILARITY_KINDS)
            stated = connect(len(table), edges[["a", "b"]].to_numpy()[facts])
            keep = ~decided & (stated[a] != stated[b])
    return chosen[keep], strength[keep]


def _nearest(distance: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The k least distances and all equal to the last of them, in any order: sorting a million would take a second."""
    if k >= len(distance):
        return np.arange(len(distance))
    return np.flatnonzero(distance <= np.partition(distance, max(k - 1, 0))[max(k - 1, 0)])


def _describe(
    table: pd.DataFrame,
    edges: Edges,
    decisions: PairDecisions,
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    groups: NDArray[np.int32],
) -> pd.DataFrame:
    """The rows of `review_pairs` for these pairs."""
    import pandas as pd

    strengths = {kind: _strengths(edges, kind, a, b, len(table)) for kind in EDGE_KINDS}
    strengths["link"] = _linked(table, a, b)
    hashes = known_hashes(table)
    first, second = [hashes[i] for i in a], [hashes[i] for i in b]
    answers = [decisions.get((x, y)) for x, y in zip(first, second, strict=True)]
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "content_hash_a": first,
            "content_hash_b": second,
            "perceptual": strengths["perceptual"],
            "features": strengths["features"],
            "exif": exif_seconds(strengths["exif"]),
            "reasons": [_reasons({kind: float(strengths[kind][row]) for kind in EDGE_KINDS}) for row in range(len(a))],
            "decision": pd.Series([answer.decision if answer else None for answer in answers], dtype=object),
            "joined": groups[a] == groups[b],
        }
    )


def _strengths(edges: Edges, kind: EdgeKind, a: NDArray[np.int32], b: NDArray[np.int32], n: int) -> NDArray[np.float32]:
    """Strength of the edge of this kind between each two positions; NaN where there is none."""
    own = np.flatnonzero(of_kinds(edges, [kind]))
    starts, ends = edges["a"].to_numpy()[own], edges["b"].to_numpy()[own]
    found = np.full(len(a), np.nan, dtype=np.float32)
    if kind not in SIMILARITY_KINDS:  # a star: both hang on one first image
        root = np.arange(n)
        root[ends] = starts
        found[root[a] == root[b]] = 1.0
        return found
    wanted = pair_keys(a, b)
    here = own[is_among(pair_keys(starts, ends), wanted)]
    strength = dict(
        zip(
            pair_keys(edges["a"].to_numpy()[here], edges["b"].to_numpy()[here]).tolist(),
            edges["strength"].to_numpy()[here].tolist(),
            strict=True,
        )
    )
    return np.array([strength.get(key, np.nan) for key in wanted.tolist()], dtype=np.float32)


def _linked(table: pd.DataFrame, a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.float32]:
    """1 where the two share a key in `links`, NaN elsewhere. An image may have several, so links are no star."""
    ours, others = known(table["links"].iloc[a]), known(table["links"].iloc[b])
    shared = [set((x or "").split()) & set((y or "").split()) for x, y in zip(ours, others, strict=True)]
    return np.array([1.0 if keys else np.nan for keys in shared], dtype=np.float32)


def _reasons(strengths: dict[EdgeKind, float]) -> str:
    """Why two images may belong together, most certain first."""
    return " · ".join(_REASONS[kind](value) for kind, value in strengths.items() if not np.isnan(value))
