"""What the files of a workspace hold. Reads only; a second or two for 130,000 images and a million edges."""

from __future__ import annotations

from collections.abc import Collection as Known
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derm_model.curation.scanning import scanned_hashes
from derm_model.curation.shards import KEY
from derm_model.curation.workspace import Workspace, digest_of, read_json
from derm_model.errors import CurationError
from derm_model.files import write_json

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.curation.workspace import ImportNote
    from derm_model.data.feature_store import FeatureStore

SCANNED = "scanned"  # column: whether the file was read, with or without success
UNLIKE = "unlike"  # column: rank of the distance from the training features, per cent (Prediction.ood_percentile)


@dataclass(frozen=True, eq=False)
class Collection:
    """What only stages change. Never changed by a reader.

    Attributes
    ----------
    workspace
    table : DataFrame (n, 17)
        Empty before the first import.
    digest
        Of the table.
    imports
    quality : DataFrame (n, ...) or None
        Measures of each image, and `UNLIKE` where there are features; NaN where not measured. None before any scan.
    edges : DataFrame (m, 4) or None
    edges_facts
        What the edges were made from: at, manifest, n_images, features, counts. Empty without edges.
    folds : DataFrame or None
    folds_facts
    n_features
        Pictures that have features.
    """

    workspace: Workspace
    table: pd.DataFrame
    digest: str
    imports: tuple[ImportNote, ...]
    quality: pd.DataFrame | None
    edges: pd.DataFrame | None
    edges_facts: dict[str, Any]
    folds: pd.DataFrame | None
    folds_facts: dict[str, Any]
    n_features: int

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.table)


def workspace_features(workspace: Workspace) -> FeatureStore | None:
    """The features the workspace uses; None before they were computed."""
    from derm_model.data.feature_store import feature_store

    bundle_id = read_json(workspace.paths.features_facts).get("bundle_id")
    return None if bundle_id is None else feature_store(bundle_id)


def is_known(table: pd.DataFrame, hashes: Known[str]) -> NDArray[np.bool_]:
    """Which rows have one of these content hashes, (n,) bool; a tenth of the time `Series.isin` takes."""
    return np.fromiter((key in hashes for key in table[KEY].tolist()), dtype=np.bool_, count=len(table))


def collection_stamp(workspace: Workspace) -> Hashable:
    """Changes whenever a stage wrote something: a key for caching `read_collection`."""
    paths = workspace.paths
    features = workspace_features(workspace)
    files = [paths.manifest, paths.imports, paths.edges, paths.edges_facts, paths.folds, paths.folds_facts]
    files += [*paths.shards("quality").files(), *([] if features is None else sorted(features.folder.iterdir()))]
    return file_stamps(files)


def read_collection(workspace: Workspace) -> Collection:
    """Read what the stages have written."""
    from derm_model.data.duplicates.edges import read_edges
    from derm_model.data.table import to_table

    paths = workspace.paths
    table = workspace.table()
    if table is None:
        table = to_table(())
    features = workspace_features(workspace)
    known = is_known(table, features.known() if features is not None else ())
    return Collection(
        workspace=workspace,
        table=table,
        digest=manifest_digest(workspace, table),
        imports=workspace.imports(),
        quality=_quality(workspace, table, features, known),
        edges=read_edges(paths.edges) if paths.edges.is_file() else None,
        edges_facts=read_json(paths.edges_facts),
        folds=_folds(paths.folds),
        folds_facts=read_json(paths.folds_facts),
        n_features=int(known.sum()),
    )


def manifest_digest(workspace: Workspace, table: pd.DataFrame) -> str:
    """Digest of the table; computed anew only when its file is not the one the digest was kept for."""
    kept = read_json(workspace.paths.manifest_facts)
    if "digest" in kept and kept.get("stamp") == _file_stamp(workspace.paths.manifest):
        return str(kept["digest"])
    return digest_of(table)


def keep_manifest_digest(workspace: Workspace, table: pd.DataFrame) -> None:
    """Note the digest of a table that was just written."""
    values = {"digest": digest_of(table), "stamp": _file_stamp(workspace.paths.manifest)}
    write_json(workspace.paths.manifest_facts, values)


def _quality(
    workspace: Workspace, table: pd.DataFrame, features: FeatureStore | None, known: NDArray[np.bool_]
) -> pd.DataFrame | None:
    """Measures aligned with the table, whether each was scanned, and the rank of features where they are `known`."""
    quality = workspace.paths.shards("quality").aligned(table[KEY])
    if quality is None or not len(table):
        return None
    quality[SCANNED] = is_known(table, scanned_hashes(workspace))
    if features is not None:
        quality[UNLIKE] = np.full(len(table), np.nan, dtype=np.float32)
        quality.loc[known, UNLIKE] = features.read_percentiles(table[KEY][known].tolist())
    return quality.drop(columns=KEY)


def _folds(path: Path) -> pd.DataFrame | None:
    import pandas as pd

    try:
        return pd.read_parquet(path) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise CurationError(f"{path} cannot be read ({error}). Make the split again.") from error


def file_stamps(files: Iterable[Path]) -> Hashable:
    """Name, time and size of each file: changes whenever one of them does."""
    return tuple((file.name, *(_file_stamp(file) or ())) for file in files)


def _file_stamp(path: Path) -> list[int] | None:
    """Time and size of a file; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return [status.st_mtime_ns, status.st_size]
