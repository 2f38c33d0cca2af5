"""Taxonomy, cards and engines, shared by every session.

Nothing here imports torch at the top. An engine loads in a background thread, started once per process and model, so
that the first page is drawn while torch is still being imported.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.card import BundleCard, bundle_roots, find_bundles, read_card
from derm_model.errors import BundleError, WrongTaxonomy
from derm_model.taxonomy import Aggregator, TaskClasses, Taxonomy, read_tasks, read_taxonomy, restrict

if TYPE_CHECKING:
    from derm_model.net.engine import Engine

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
