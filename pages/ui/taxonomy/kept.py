"""What every session may share of this page: the tree as the browser gets it, counts and partitions. No image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from derm_model.palette import Role
from derm_model.taxonomy import Crosswalk, Taxonomy, read_crosswalk
from derm_model.taxonomy.crosswalk import own_path
from derm_model.taxonomy.recursion import Trace, trace
from pages.ui import resources
from pages.ui.train.sources import Images, file_version

ROLES = (Role.MALIGNANT, Role.MELANOMA, Role.BENIGN, Role.NON_NEOPLASTIC)  # in the order of icicle.js


def crosswalk() -> Crosswalk:
    """The crosswalk that ships with DermTree and the user's own, read anew when that changes.

    Raises
    ------
    CrosswalkError
        The user's own cannot be read.
    """
    return _crosswalk(file_version(own_path()))


@st.cache_resource(show_spinner=False, max_entries=2)
def _crosswalk(stamp: Hashable) -> Crosswalk:
    return read_crosswalk(resources.taxonomy())


def tree_payload(taxonomy: Taxonomy) -> dict[str, Any]:
    """Names, parents and roles by position, for the components that draw the tree; 100 kB for 2,226 nodes."""
    return _tree_payload(taxonomy, taxonomy.digest)


@st.cache_resource(show_spinner=False, max_entries=8)
def _tree_payload(_taxonomy: Taxonomy, digest: str) -> dict[str, Any]:
    from derm_model.answer import role_of

    nodes = _taxonomy.nodes
    return {
        "digest": digest,
        "names": [node.name for node in nodes],
        "parents": [-1 if node.parent is None else _taxonomy.index[node.parent] for node in nodes],
        "roles": [ROLES.index(role_of(_taxonomy, node.id)) for node in nodes],
    }


def n_leaves(taxonomy: Taxonomy) -> list[int]:
    """Diseases at or below each node, by position."""
    return _n_leaves(taxonomy, taxonomy.digest)


@st.cache_resource(show_spinner=False, max_entries=8)
def _n_leaves(_taxonomy: Taxonomy, digest: str) -> list[int]:
    return [len(_taxonomy.leaves(node.id)) for node in _taxonomy.nodes]


def image_counts(images: Images) -> dict[str, int]:
    """Images per node of a workspace or a manifest, those held out for tests left out.

    Raises
    ------
    DermTreeError
        The table cannot be used.
    """
    return _image_counts(images, images.path, (images.stamp, file_version(own_path())))  # labels pass the crosswalk


@st.cache_resource(show_spinner="Counting the images", max_entries=16)
def _image_counts(_images: Images, path: str, stamp: Hashable) -> dict[str, int]:
    if _images.is_workspace:
        from derm_model.curation.workspace import Workspace
        from derm_model.data.fold_table import read_folds

        table = Workspace(Path(path)).need_table()
        if _images.folds is not None:
            folds = read_folds(_images.folds)
            if len(folds) == len(table):
                table = table[folds["fold"].notna().to_numpy()]
        return {str(node): int(n) for node, n in table["node"].dropna().value_counts().items()}
    from derm_model.data.manifest import counts, read_manifest

    records = read_manifest(Path(path), resources.taxonomy(), crosswalk()).records
    return counts(record for record in records if record.official_split != "test")


def run_of(taxonomy: Taxonomy, counts: Mapping[str, int], digest: str, limit: int, mode: str) -> Trace:
    """The recursion over some counts; `digest` is theirs.

    Raises
    ------
    PartitionError
        Nothing can be cut.
    """
    return _run_of(taxonomy, counts, taxonomy.digest, digest, limit, mode)


@st.cache_resource(show_spinner=False, max_entries=16)
def _run_of(_taxonomy: Taxonomy, _counts: Mapping[str, int], tree: str, digest: str, limit: int, mode: str) -> Trace:
    return trace(_taxonomy, _counts, limit, mode)
