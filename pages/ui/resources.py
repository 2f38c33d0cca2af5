"""The only cache in the app: what every session may share. Never an image that somebody uploaded, or an answer.

Taxonomy, cards and engines; and of a curated collection its tables and small pictures of its images, each under a stamp
of the files it came from, so that what somebody else changed is read anew.

Nothing here imports torch at the top. An engine loads in a background thread, started once per process and model, so
that the first page is drawn while torch is still being imported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.card import BundleCard, bundle_roots, find_bundles, read_card
from derm_model.errors import BundleError, WrongTaxonomy
from derm_model.home import home
from derm_model.taxonomy import Aggregator, TaskClasses, Taxonomy, read_tasks, read_taxonomy, restrict
from pages.ui.train.sources import file_version

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.curation.view import Collection, Curation
    from derm_model.curation.workspace import Workspace
    from derm_model.data.duplicates.edges import EdgeKind
    from derm_model.data.manifest import Manifest, Record
    from derm_model.data.split_doctor import ForeignSplit, LeakReport
    from derm_model.data.splits import Holdout, Split
    from derm_model.net.engine import Engine
    from derm_model.palette import Palette
    from pages.ui.dataset.pictures import Thumbnail
    from pages.ui.train.curves import Chart
    from pages.ui.train.plan import Plan
    from pages.ui.train.run_files import History
    from pages.ui.train.sources import Images
    from pages.ui.train.wish import Wish

BUNDLES_VARIABLE = "DERM_BUNDLES"  # list of folders to look for bundles in, instead of the usual ones

SPEED_FILE = "speed.json"  # of derm_model.net.effort, whose import would be torch's

_loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-load")
_planner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-plan")


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
            "Move it with `python -m derm_model taxonomy move`, which says whether its classes survive, or train again."
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


def labelled(images: Images) -> tuple[Record, ...]:
    """Labelled images of a workspace or manifest, read anew when it changes.

    Raises
    ------
    ManifestError
        The table cannot be used.
    """
    return _labelled(images, images.path, images.stamp)


@st.cache_resource(show_spinner="Reading the list of images", max_entries=2)  # 130,000 records take some 150 MB
def _labelled(_images: Images, path: str, stamp: Hashable) -> tuple[Record, ...]:
    from pages.ui.readers.sample import read_records

    return read_records(_images, taxonomy())


def run_plan(images: Images, wish: Wish) -> Future[Plan]:
    """What a training would be, being worked out or ready: torch's import and large tables must not hold up typing.

    Measured, seconds of one core: 10,000 images 0.7 the first time, then 0.01; 130,000 images 5.1 the first time, 0.13
    for other options of the recipe, 1.9 for another split.
    """
    speeds = file_version(home() / SPEED_FILE)  # an epoch was timed since: the estimate is another
    key = (images.path, images.stamp, json.dumps(asdict(wish), sort_keys=True), speeds)
    future = _run_plan(images, wish, *key)
    if future.done() and future.exception() is not None:
        _run_plan.clear(images, wish, *key)  # looked at again on the next run: the file may be whole by then
    return future


@st.cache_resource(show_spinner=False, max_entries=24)  # some kB each: without the images
def _run_plan(_images: Images, _wish: Wish, path: str, stamp: Hashable, asked: str, speeds: Hashable) -> Future[Plan]:
    return _planner.submit(_make_plan, _images, _wish, taxonomy())


def _make_plan(images: Images, wish: Wish, tree: Taxonomy) -> Plan:
    from pages.ui.train.plan import make_plan

    table = (images.manifest, file_version(images.manifest))
    return make_plan(
        wish,
        _manifest(*table, tree),
        images.folds,
        lambda rules: _split(
            *table, tree, tuple(rules.holdout.items()), rules.default_holdout, rules.validation, wish.config.seed
        ),
        tree,
    )


# Below: only the planner's one thread calls these, so nothing is read twice; Streamlit's caches are for script threads.
@lru_cache(maxsize=2)  # 130,000 records take some 150 MB
def _manifest(path: Path, stamp: Hashable, tree: Taxonomy) -> Manifest:
    from derm_model.data.manifest import join, read_manifest
    from derm_model.taxonomy import read_crosswalk

    return join([read_manifest(path, tree, read_crosswalk(tree))], tree)


@lru_cache(maxsize=4)
def _split(
    path: Path,
    stamp: Hashable,
    tree: Taxonomy,
    holdout: tuple[tuple[str, Holdout], ...],
    default_holdout: float,
    validation: float,
    seed: int,
) -> Split:
    from derm_model.data.splits import SplitRules, make_split

    records = _manifest(path, stamp, tree).records
    rules = SplitRules(dict(holdout), default_holdout, validation)
    return make_split(records, rules, seed, group_numbers=_groups(path, stamp, tree))


@lru_cache(maxsize=2)
def _groups(path: Path, stamp: Hashable, tree: Taxonomy) -> tuple[int, ...]:
    from derm_model.data.splits import groups

    return tuple(groups(_manifest(path, stamp, tree).records, pixels=False))


def gpus() -> tuple[str, ...]:
    """Names of the GPUs torch sees, in order; () until torch is imported, which happens beside the page."""
    future = _gpus()
    return future.result() if future.done() and future.exception() is None else ()


@st.cache_resource(show_spinner=False)
def _gpus() -> Future[tuple[str, ...]]:
    return _planner.submit(_find_gpus)


def _find_gpus() -> tuple[str, ...]:
    from derm_model.net.devices import gpu_names

    return gpu_names()


def n_folds(path: Path) -> int | None:
    """Folds of a workspace's table; None where it cannot be read, which the plan says."""
    return _n_folds(path, file_version(path))


@st.cache_resource(show_spinner=False, max_entries=16)
def _n_folds(path: Path, stamp: Hashable) -> int | None:
    from derm_model.data.fold_table import read_folds
    from derm_model.errors import SplitError

    try:
        return int(read_folds(path)["fold"].dropna().nunique()) or None
    except SplitError:
        return None


def history(folder: Path) -> History:
    """Epochs of a run so far, read anew when there is one more."""
    return _history(folder, file_version(folder / "metrics.jsonl"))


@st.cache_resource(show_spinner=False, max_entries=128)
def _history(folder: Path, stamp: Hashable) -> History:
    from pages.ui.train.run_files import read_history

    return read_history(folder)


def run_charts(folder: Path, colours: Palette) -> tuple[Chart, ...]:
    """Curves of a run, made anew when there is one more epoch."""
    return _run_charts(folder, file_version(folder / "metrics.jsonl"), colours.name, colours)


@st.cache_resource(show_spinner=False, max_entries=32)
def _run_charts(folder: Path, stamp: Hashable, theme: str, _colours: Palette) -> tuple[Chart, ...]:
    from pages.ui.train.curves import make_charts

    return make_charts(_history(folder, stamp), _colours)


def card(folder: Path) -> BundleCard:
    """Card of a run's bundle.

    Raises
    ------
    BundleError
        There is none, or it cannot be read.
    """
    return _card(folder, _stamp(folder))


@st.cache_resource(show_spinner=False, max_entries=32)
def _card(folder: Path, stamp: int) -> BundleCard:
    return read_card(folder)
