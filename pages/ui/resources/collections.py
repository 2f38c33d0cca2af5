"""A curated collection and lists of labelled images: tables and small pictures, never an image somebody uploaded."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.taxonomy.crosswalk import own_path
from pages.ui.resources.bundles import taxonomy
from pages.ui.train.sources import file_version

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.curation.view import Collection, Curation
    from derm_model.curation.workspace import Workspace
    from derm_model.data.duplicates.edges import EdgeKind
    from derm_model.data.manifest import Record
    from derm_model.data.split_doctor import ForeignSplit, LeakReport
    from pages.ui.dataset.pictures import Thumbnail
    from pages.ui.train.sources import Images


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
    return _labelled(images, images.path, (images.stamp, file_version(own_path())))


@st.cache_resource(show_spinner="Reading the list of images", max_entries=2)  # 130,000 records take some 150 MB
def _labelled(_images: Images, path: str, stamp: Hashable) -> tuple[Record, ...]:
    from pages.ui.readers.sample import read_records

    return read_records(_images, taxonomy())


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
