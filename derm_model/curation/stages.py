"""The steps of curation that write: each takes the workspace's lock, can be stopped, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from derm_model.curation.collection import is_known, keep_manifest_digest, manifest_digest, workspace_features
from derm_model.curation.scanning import scan, scanned_hashes
from derm_model.curation.shards import KEY
from derm_model.curation.workspace import ImportNote, Workspace, now
from derm_model.errors import CurationError
from derm_model.files import write_json
from derm_model.progress import Progress, Report, quiet, track

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.feature_store import FeatureStore
    from derm_model.data.manifest import Manifest
    from derm_model.data.problems import ProblemLog
    from derm_model.data.split_plan import SplitPlan

__all__ = ["add_manifest", "embed_features", "link", "make_split", "remove_source", "scan"]


def add_manifest(workspace: Workspace, manifest: Manifest, what: str, report: Report = quiet) -> int:
    """Append the records of a manifest; images the workspace has already (same source and image_id) stay as they are.

    Parameters
    ----------
    workspace
    manifest
        Files whose content hash is not stated are read.
    what : str
        How the import is called in the list of imports.
    report

    Returns
    -------
    int
        Number of images that are new.
    """
    import pandas as pd

    from derm_model.data.problems import ProblemLog
    from derm_model.data.table import to_table, write_table

    with workspace.locked():
        old, new = workspace.table(), to_table(manifest.records)
        log = ProblemLog()
        if old is not None:
            there = _keys(new).isin(_keys(old))
            for image_id in new.loc[there, "image_id"]:
                log.add("image already in the workspace, the first one was kept", str(image_id))
            new = new.loc[~there]
        new = _with_hashes(new, log, report)
        note = ImportNote(what, now(), len(new), (*manifest.problems, *log.problems()))
        if len(new):
            table = new if old is None else pd.concat([old, new], ignore_index=True)
            table = table.reset_index(drop=True)
            write_table(workspace.paths.manifest, table)
            keep_manifest_digest(workspace, table)
        notes = [*workspace.imports(), note]
        write_json(workspace.paths.imports, {"imports": [n.to_json() for n in notes]})
    return len(new)


def remove_source(workspace: Workspace, source: str) -> int:
    """Take all images of one data set out of the workspace, e.g. to import it again; no image file is touched.

    Decisions are kept. Edges and folds are of positions that change, so they are removed and have to be made again.

    Returns
    -------
    int
        Number of images taken out.
    """
    from derm_model.data.table import write_table

    with workspace.locked():
        table = workspace.need_table()
        kept = table[table["source"] != source].reset_index(drop=True)
        if len(kept) == len(table):
            raise CurationError(f"The workspace {workspace.name} has no images of {source}.")
        paths = workspace.paths
        for path in (paths.edges_facts, paths.edges, paths.folds_facts, paths.folds):
            path.unlink(missing_ok=True)
        if len(kept):
            write_table(paths.manifest, kept)
            keep_manifest_digest(workspace, kept)
        else:
            paths.manifest.unlink()
        note = ImportNote(f"{source} removed", now(), len(kept) - len(table), ())
        write_json(paths.imports, {"imports": [n.to_json() for n in (*workspace.imports(), note)]})
    return len(table) - len(kept)


def embed_features(
    workspace: Workspace, bundle: Path, report: Report = quiet, *, device: str = "cpu"
) -> tuple[str, ...]:
    """Compute the network's features of every picture that has none yet.

    Parameters
    ----------
    workspace
    bundle : Path
        Folder of the model bundle whose features are used; it is noted in the workspace.
    report
    device

    Returns
    -------
    tuple of str
        Files that could not be read.
    """
    from derm_model.data.feature_store import feature_store
    from derm_model.net.bundle import load_bundle
    from derm_model.net.embedding import embed
    from derm_model.net.engine import Engine
    from derm_model.taxonomy import read_taxonomy

    table = workspace.need_table()
    report(Progress("Loading the model", 0, None))
    engine = Engine(load_bundle(bundle, read_taxonomy()), device)
    files = table.drop_duplicates("content_hash")
    items = [(str(key), Path(file)) for key, file in zip(files["content_hash"], files["file"], strict=True)]
    with workspace.locked():
        write_json(workspace.paths.features_facts, {"bundle_id": engine.bundle.card.bundle_id, "bundle": str(bundle)})
        unreadable = embed(engine, items, feature_store(engine.bundle.card.bundle_id), report)
    return tuple(f"{item.path}: {item.reason}" for item in unreadable)


def link(workspace: Workspace, report: Report = quiet) -> int:
    """Find the edges of the duplicate graph.

    Edges are kept down to well below the thresholds in use, so that a threshold can be moved without a new search.
    Kinds whose input is not there (no scan, no features) are left out, and `edges.json` says which were searched.

    Returns
    -------
    int
        Number of edges.
    """
    from derm_model.data.duplicates.edges import concat_edges, write_edges
    from derm_model.data.duplicates.identity import edges_of_ids

    table = workspace.need_table()
    with workspace.locked():
        report(Progress("Joining lesions, patients and known copies", 0, None, "edges"))
        edges = [edges_of_ids(table)]
        edges += _edges_of_prints(workspace, table, report)
        features = workspace_features(workspace)
        if features is not None:
            edges.append(_edges_of_features(table, features, report))
        joined = concat_edges(edges)
        write_edges(workspace.paths.edges, joined)
        facts = {
            "at": now(),
            "manifest": manifest_digest(workspace, table),
            "n_images": len(table),
            "n_scanned": int(is_known(table, scanned_hashes(workspace)).sum()),
            "features": None if features is None else features.folder.name,
            "n_features": 0 if features is None else int(is_known(table, features.known()).sum()),
            "counts": {str(kind): int(n) for kind, n in joined["kind"].value_counts().items()},
        }
        write_json(workspace.paths.edges_facts, facts)
    return len(joined)


def make_split(workspace: Workspace, plan: SplitPlan) -> pd.DataFrame:
    """Choose test set and folds from the groups and flags as they are now, and keep the plan.

    Returns
    -------
    DataFrame
        Of `derm_model.data.folds.make_folds`.
    """
    from derm_model.curation.settings import change_settings
    from derm_model.curation.view import load_curation, split_inputs
    from derm_model.data.folds import check_folds, make_folds, write_folds
    from derm_model.taxonomy import read_taxonomy

    with workspace.locked():
        curation = load_curation(workspace)
        table = workspace.need_table()
        folds = make_folds(table, curation.groups, curation.flagged, plan, taxonomy=read_taxonomy())
        check_folds(folds)
        change_settings(workspace, plan=plan)
        write_folds(workspace.paths.folds, folds)
        inputs = split_inputs(curation.collection.digest, curation.groups, curation.flagged)
        write_json(workspace.paths.folds_facts, {"at": now(), "inputs": inputs, "plan": plan.to_json()})
    return folds


def _edges_of_prints(workspace: Workspace, table: pd.DataFrame, report: Report) -> Iterator[pd.DataFrame]:
    from derm_model.data.duplicates.exif import edges_of_exif
    from derm_model.data.duplicates.identity import edges_of_pixels
    from derm_model.data.duplicates.perceptual import edges_of_pictures

    prints = workspace.paths.shards("prints").read()
    if prints is None:
        return
    prints = prints[is_known(prints, set(table[KEY].tolist()))]
    yield edges_of_pixels(table, prints)
    yield edges_of_exif(table, prints)
    yield edges_of_pictures(table, prints, report=report)


def _edges_of_features(table: pd.DataFrame, features: FeatureStore, report: Report) -> pd.DataFrame:
    """Edges between the first images of contents with features; copies are joined to those by their bytes."""
    from derm_model.data.duplicates.edges import make_edges
    from derm_model.data.duplicates.neighbours import similar_by_features

    known = features.known()
    positions = np.flatnonzero(is_known(table, known) & ~table[KEY].duplicated().to_numpy())
    pairs, cosine = similar_by_features(features.read(table[KEY].iloc[positions].tolist()), report=report)
    return make_edges(positions[pairs], "features", cosine)


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    import pandas as pd

    return pd.MultiIndex.from_frame(table[["source", "image_id"]].astype(str))


def _with_hashes(table: pd.DataFrame, log: ProblemLog, report: Report) -> pd.DataFrame:
    """The rows whose file can be read, each with its content hash."""
    from derm_model.data.hashing import content_hash

    unknown = table.index[table[KEY].isna() | (table[KEY] == "")]
    found: dict[int, str] = {}
    for row in track(unknown, "Reading files", report, unit="files") if len(unknown) else ():
        path = Path(str(table.at[row, "file"]))
        try:
            found[row] = content_hash(path)
        except OSError as error:
            log.add(f"file cannot be read ({error.strerror})", str(path))
    table = table.drop(index=unknown.difference(list(found)))
    table.loc[list(found), KEY] = list(found.values())
    return table
