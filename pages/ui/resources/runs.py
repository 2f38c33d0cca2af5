"""Trainings: what one would be, worked out beside the page, and the curves of those there are."""

from __future__ import annotations

import json
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.home import home
from derm_model.taxonomy import Taxonomy
from derm_model.taxonomy.crosswalk import own_path
from pages.ui.resources.bundles import taxonomy
from pages.ui.train.sources import file_version

if TYPE_CHECKING:
    from derm_model.data.manifest import Manifest
    from derm_model.data.splits import Holdout, Split
    from derm_model.palette import Palette
    from pages.ui.train.curves import Chart
    from pages.ui.train.plan import Plan
    from pages.ui.train.run_files import History
    from pages.ui.train.sources import Images
    from pages.ui.train.wish import Wish

SPEED_FILE = "speed.json"  # of derm_model.net.effort, whose import would be torch's

_planner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-plan")


def run_plan(images: Images, wish: Wish) -> Future[Plan]:
    """What a training would be, being worked out or ready: torch's import and large tables must not hold up typing.

    Measured, seconds of one core: 10,000 images 0.7 the first time, then 0.01; 130,000 images 5.1 the first time, 0.13
    for other options of the recipe, 1.9 for another split.
    """
    speeds = file_version(home() / SPEED_FILE)  # an epoch was timed since: the estimate is another
    stamp = (images.stamp, file_version(own_path()))
    key = (images.path, stamp, json.dumps(asdict(wish), sort_keys=True), speeds)
    future = _run_plan(images, wish, *key)
    if future.done() and future.exception() is not None:
        _run_plan.clear(images, wish, *key)  # looked at again on the next run: the file may be whole by then
    return future


@st.cache_resource(show_spinner=False, max_entries=24)  # some kB each: without the images
def _run_plan(_images: Images, _wish: Wish, path: str, stamp: Hashable, asked: str, speeds: Hashable) -> Future[Plan]:
    return _planner.submit(_make_plan, _images, _wish, taxonomy())


def _make_plan(images: Images, wish: Wish, tree: Taxonomy) -> Plan:
    from pages.ui.train.plan import make_plan

    table = (images.manifest, (file_version(images.manifest), file_version(own_path())))  # labels pass the crosswalk
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
