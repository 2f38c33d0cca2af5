"""The only cache in the app: what every session may share. Never an image that somebody uploaded, or an answer.

Taxonomy, cards and engines; and of a curated collection its tables and small pictures of its images, each under a stamp
of the files it came from, so that what somebody else changed is read anew.

Nothing here imports torch at the top. An engine loads in a background thread, started once per process and model, so
that the first page is drawn while torch is still being imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.card import BundleCard, bundle_roots, find_bundles, read_card
from derm_model.errors import BundleError, WrongTaxonomy
from derm_model.taxonomy import Aggregator, TaskClasses, Taxonomy, read_tasks, read_taxonomy, restrict

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.curation.view import Collection, Curation
    from derm_model.curation.workspace import Workspace
    from derm_model.data.duplicates.edges import EdgeKind
    from derm_model.data.split_doctor import ForeignSplit, LeakReport
    from derm_model.net.engine import Engine
    from pages.ui.dataset.pictures import Thumbnail

BUNDLES_VARIABLE = "DERM_BUNDLES"  # list of folders to look for bundles in, instead of the usual ones

_loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-load")


@dataclass(frozen=True, eq=False)
class Model:
    """A bundle that may be used, without its weights."""

    folder: Path
    stamp: int
    card: BundleCard
    taxonomy: Taxonomy
    aggregator: Aggregator
    tasks: dict[str, TaskClasses]


@dataclass(frozen=True)
class BrokenBundle:
    """A folder that holds a card but must not be used."""

    folder: Path
    reason: str


def taxonomy() -> Taxonomy:
    """The tree every page uses."""
    return _taxonomy()


@st.cache_resource(show_spinner=False)
def _taxonomy() -> Taxonomy:
    return read_taxonomy()


def models() -> tuple[list[Model], list[BrokenBundle]]:
    """Bundles on this machine that can be used, and those that cannot, each with the reason."""
    usable: list[Model] = []
    broken: list[BrokenBundle] = []
    for folder in find_bundles(_roots()):
        try:
            usable.append(_model(folder, _stamp(folder)))
        except BundleError as error:
            broken.append(BrokenBundle(folder, str(error)))
    return usable, broken


def places() -> tuple[Path, ...]:
    """Folders in which bundles are looked for."""
    return tuple(_roots() or bundle_roots())


def engine(model: Model) -> Future[Engine]:
    """The engine, loading or loaded. The first call starts the loading; a failure is forgotten and can be retried."""
    future = _engine(model.folder, model.stamp)
    if future.done() and future.exception() is not None:
        _engine.clear(model.folder, model.stamp)
    return future


def _roots() -> list[Path] | None:
    listed = os.environ.get(BUNDLES_VARIABLE)
    return [Path(entry) for entry in listed.split(os.pathsep)] if listed else None


def _stamp(folder: Path) -> int:
    """Changes whenever the bundle is replaced: the cache is keyed by it, so a new bundle is read again."""
    try:
        return max(entry.stat().st_mtime_ns for entry in folder.iterdir())
    except OSError as error:
        raise BundleError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from error


@st.cache_resource(show_spinner=False, max_entries=16)
def _model(folder: Path, stamp: int) -> Model:
    card, tree = read_card(folder), taxonomy()
    if card.taxonomy_digest != tree.digest:
        raise WrongTaxonomy(
            f"{folder.name} was made for another taxonomy ({card.taxonomy_digest[:12]}, here {tree.digest[:12]}). "
            "Use the DermTree version it was made with, or train it again."
        )
    restricted = {task.id: restrict(task, tree, card.classes) for task in read_tasks().values()}
    return Model(
        folder=folder,
        stamp=stamp,
        card=card,
        taxonomy=tree,
        aggregator=Aggregator(tree, card.classes),
        tasks={task_id: classes for task_id, classes in restricted.items() if classes is not None},
    )


@st.cache_resource(show_spinner=False, max_entries=2)
def _engine(folder: Path, stamp: int) -> Future[Engine]:
    return _loader.submit(_load_engine, folder, taxonomy())


def _load_engine(folder: Path, tree: Taxonomy) -> Engine:
    """Import torch, load the weights and run once, so that the first image does not pay for the first run."""
    import numpy as np

    import derm_model.data.quality  # noqa: F401  (the first upload needs it, and it takes half a second)
    from derm_model.net.bundle import load_bundle
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import Target

    loaded = Engine(load_bundle(folder, tree))
    loaded.predict([np.full((64, 64, 3), 128, dtype=np.uint8)], explain=Target.predicted())
    return loaded


def curation(workspace: Workspace) -> Curation:
    """A workspace as it stands on disk now. Shared: nobody may change what it holds.

    Raises
    ------
    DermTreeError
        A file of the workspace is damaged.
    """
    from derm_model.curation.view import collection_stamp, decisions_stamp

    return _curation(str(workspace.folder), collection_stamp(workspace), decisions_stamp(workspace))


# 130,000 images with a million edges take some 200 MB, and three seconds after a stage has written
@st.cache_resource(show_spinner="Reading the collection", max_entries=2)
def _collection(folder: str, stamp: Hashable) -> Collection:
    from derm_model.curation.view import read_collection
    from derm_model.curation.workspace import Workspace

    return read_collection(Workspace(Path(folder)))


@st.cache_resource(show_spinner=False, max_entries=4)
def _curation(folder: str, stamp: Hashable, decisions: Hashable) -> Curation:
    from derm_model.curation.view import curate

    return curate(_collection(folder, stamp))


def threshold_effect(of: Curation, kind: EdgeKind, thresholds: tuple[float, ...]) -> pd.DataFrame:
    """What each threshold would do to the groups (`derm_model.data.duplicates.review.threshold_effect`)."""
    from derm_model.curation.view import collection_stamp, decisions_stamp

    workspace = of.collection.workspace
    return _threshold_effect(
        of, str(workspace.folder), collection_stamp(workspace), decisions_stamp(workspace), kind, thresholds
    )


@st.cache_resource(show_spinner=False, max_entries=16)
def _threshold_effect(
    _of: Curation, folder: str, stamp: Hashable, decisions: Hashable, kind: EdgeKind, thresholds: tuple[float, ...]
) -> pd.DataFrame:
    from derm_model.data.duplicates.review import threshold_effect as effect

    table = _of.collection.table
    decided = _of.pair_decisions.at(table["content_hash"].tolist())
    return effect(len(table), _of.collection.edges, _of.settings.rules, decided, kind, thresholds)


def split_counts(of: Curation, level: int | None) -> pd.DataFrame:
    """Images, lesions and patients per part and class at a level of the taxonomy (`folds.count_table`)."""
    from derm_model.curation.view import collection_stamp

    workspace = of.collection.workspace
    return _split_counts(of, str(workspace.folder), collection_stamp(workspace), level)


@st.cache_resource(show_spinner=False, max_entries=8)
def _split_counts(_of: Curation, folder: str, stamp: Hashable, level: int | None) -> pd.DataFrame:
    from derm_model.data.folds import classes_at, count_table

    table, folds = _of.collection.table, _of.collection.folds
    return count_table(folds, table, None if level is None else classes_at(table, taxonomy(), level))


def leaks(of: Curation, split: str, read: Callable[[pd.DataFrame], ForeignSplit]) -> tuple[ForeignSplit, LeakReport]:
    """What a split leaks; `split` names it (with its content), `read` reads it where it was not looked at before.

    Raises
    ------
    SplitError
        The split cannot be used.
    """
    from derm_model.curation.view import collection_stamp, decisions_stamp

    workspace = of.collection.workspace
    stamps = (collection_stamp(workspace), decisions_stamp(workspace))
    return _leaks(of, read, str(workspace.folder), stamps, split)


@st.cache_resource(show_spinner=False, max_entries=8)
def _leaks(
    _of: Curation, _read: Callable[[pd.DataFrame], ForeignSplit], folder: str, stamps: Hashable, split: str
) -> tuple[ForeignSplit, LeakReport]:
    from derm_model.data.split_doctor import find_leaks

    foreign = _read(_of.collection.table)
    return foreign, find_leaks(_of.groups, foreign.parts)


@st.cache_resource(show_spinner=False, max_entries=600)  # some 12 kB each
def thumbnail(path: str, stamp: int) -> Thumbnail:
    """Small picture of a file of the collection; `stamp` changes when the file does."""
    from pages.ui.dataset.pictures import read_thumbnail

    return read_thumbnail(Path(path))
