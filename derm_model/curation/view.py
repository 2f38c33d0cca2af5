"""A workspace as it stands: what its files hold, and what follows from them. Reads only.

Reading is split in two because a page decides about one pair after the other: a `Collection` is what only a stage
changes (a second for 130,000 images and a million edges), a `Curation` what also depends on settings and decisions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from derm_model.curation.collection import (
    SCANNED,
    UNLIKE,
    Collection,
    collection_stamp,
    file_stamps,
    read_collection,
)
from derm_model.curation.settings import Settings, read_settings
from derm_model.curation.workspace import Workspace
from derm_model.data.duplicates.components import components
from derm_model.data.duplicates.decisions import PairDecisions, read_pair_decisions
from derm_model.data.quality import QualityDecisions, effective_flags, flags, read_decisions

if TYPE_CHECKING:
    import pandas as pd


__all__ = [
    "SCANNED",
    "UNLIKE",
    "Collection",
    "Curation",
    "StageState",
    "collection_stamp",
    "curate",
    "decisions_stamp",
    "load_curation",
    "read_collection",
    "split_inputs",
]

StageName = Literal["import", "scan", "features", "duplicates", "splits"]
State = Literal["missing", "partial", "stale", "done"]


@dataclass(frozen=True)
class StageState:
    """How far a stage is.

    Attributes
    ----------
    name
    state
        "partial": some images are still to be done. "stale": what it was made from has changed since.
    done, total
        Images it is done for, of those there are.
    made_at
        UTC; None where that is not kept.
    """

    name: StageName
    state: State
    done: int
    total: int
    made_at: str | None = None


@dataclass(frozen=True, eq=False)
class Curation:
    """A collection with settings and decisions, and what follows.

    Attributes
    ----------
    collection
    settings
    pair_decisions, quality_decisions
    groups : (n,) int32
        Group of each image; by ids alone where no edges were searched yet.
    flags : DataFrame (n, rules) of bool, or None before any scan
    flagged : (n,) bool
        Left out of validation and test: flagged by a rule and not kept by hand, or left out by hand.
    stages
        In the order of the work.
    """

    collection: Collection
    settings: Settings
    pair_decisions: PairDecisions
    quality_decisions: QualityDecisions
    groups: NDArray[np.int32]
    flags: pd.DataFrame | None
    flagged: NDArray[np.bool_]
    stages: tuple[StageState, ...]

    def stage(self, name: StageName) -> StageState:
        """How far this stage is."""
        return next(s for s in self.stages if s.name == name)


def decisions_stamp(workspace: Workspace) -> Hashable:
    """Changes whenever somebody decided or applied something: with `collection_stamp` a key for `curate`."""
    paths = workspace.paths
    return file_stamps((paths.settings, paths.pair_decisions, paths.quality_decisions))


def curate(collection: Collection) -> Curation:
    """Apply settings and decisions to what was read; 0.5 s for 130,000 images and a million edges."""
    from derm_model.data.duplicates.edges import concat_edges
    from derm_model.data.duplicates.identity import edges_of_ids

    workspace, table = collection.workspace, collection.table
    settings = read_settings(workspace)
    pairs = read_pair_decisions(workspace.paths.pair_decisions)
    quality_decisions = read_decisions(workspace.paths.quality_decisions)
    edges = collection.edges
    if edges is None:
        edges = edges_of_ids(table)
    elif collection.edges_facts.get("manifest") != collection.digest:
        # images came since: what was found before still holds, because positions never change (workspace.py)
        edges = concat_edges([edges, edges_of_ids(table)])
    hashes = table["content_hash"].tolist()
    groups = components(len(table), edges, settings.rules, pairs.at(hashes))
    by_rule = None if collection.quality is None else flags(collection.quality, settings.thresholds)
    nothing = flags(table[[]], {})  # decisions count before any scan, too
    flagged = effective_flags(nothing if by_rule is None else by_rule, quality_decisions, hashes)
    inputs = split_inputs(collection.digest, groups, flagged)
    stages = tuple(_stages(collection, inputs))
    return Curation(collection, settings, pairs, quality_decisions, groups, by_rule, flagged, stages)


def load_curation(workspace: Workspace) -> Curation:
    """Read a workspace with all that follows from it."""
    return curate(read_collection(workspace))


def split_inputs(digest: str, groups: NDArray[np.int32], flagged: NDArray[np.bool_]) -> str:
    """Digest of what a split is made from: when it changes, the split is out of date."""
    return hashlib.sha256(digest.encode() + groups.tobytes() + flagged.tobytes()).hexdigest()


def _stages(collection: Collection, inputs: str) -> Iterator[StageState]:
    n = collection.n
    at = collection.imports[-1].at if collection.imports else None
    yield StageState("import", "done" if n else "missing", n, n, at)
    scanned = 0 if collection.quality is None else int(collection.quality[SCANNED].sum())
    yield StageState("scan", _progress(scanned, n), scanned, n)
    yield StageState("features", _progress(collection.n_features, n), collection.n_features, n)
    facts = collection.edges_facts
    made = collection.edges is not None
    current = facts.get("manifest") == collection.digest and facts.get("n_scanned") == scanned
    current = current and facts.get("n_features") == collection.n_features
    linked = int(facts.get("n_images", 0)) if made else 0
    yield StageState("duplicates", _freshness(made, current), linked, n, facts.get("at"))
    made = collection.folds is not None
    split = 0 if collection.folds is None else len(collection.folds)
    current = collection.folds_facts.get("inputs") == inputs
    yield StageState("splits", _freshness(made, current), split, n, collection.folds_facts.get("at"))


def _progress(done: int, total: int) -> State:
    if not done:
        return "missing"
    return "done" if done == total else "partial"


def _freshness(made: bool, current: bool) -> State:
    if not made:
        return "missing"
    return "done" if current else "stale"
