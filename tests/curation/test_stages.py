from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from derm_model.curation import scanning, stages
from derm_model.curation.export import export, export_frame
from derm_model.curation.settings import change_settings, read_settings
from derm_model.curation.view import collection_stamp, decisions_stamp, load_curation
from derm_model.curation.workspace import Workspace, read_json
from derm_model.data.duplicates.components import GraphRules
from derm_model.data.duplicates.decisions import PairDecisions, write_pair_decisions
from derm_model.data.folds import SplitPlan
from derm_model.data.manifest import Manifest
from derm_model.data.problems import Problem
from derm_model.data.quality import QualityDecisions, write_decisions
from derm_model.errors import Cancelled, CurationError
from derm_model.files import write_json
from derm_model.progress import Progress, quiet
from tests.curation.conftest import draw
from tests.support import make_tiny_bundle


def ready(workspace: Workspace, manifest: Manifest) -> Workspace:
    stages.add_manifest(workspace, manifest, "drawn")
    stages.scan(workspace)
    stages.link(workspace)
    return workspace


def test_an_import_appends_hashes_and_keeps_its_problems(workspace: Workspace, manifest: Manifest) -> None:
    problem = Problem("file not found", 3, ("a", "b"))
    added = stages.add_manifest(workspace, Manifest(manifest.records[:5], (problem,)), "first")
    again = stages.add_manifest(workspace, manifest, "second")
    assert (added, again) == (5, 3)
    table = workspace.need_table()
    assert table["image_id"].tolist() == [r.image_id for r in manifest.records]
    assert table["content_hash"].str.len().eq(64).all()
    first, second = workspace.imports()
    assert first.problems == (problem,)
    assert [(p.kind, p.count) for p in second.problems] == [
        ("image already in the workspace, the first one was kept", 5)
    ]


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_goes_on(workspace: Workspace, manifest: Manifest) -> None:
    gone = replace(manifest.records[0], path=Path("/nowhere/x.png"))
    assert stages.add_manifest(workspace, Manifest((gone, *manifest.records[1:])), "drawn") == 7
    assert workspace.imports()[0].problems[0].count == 1


def test_groups_follow_ids_before_and_pictures_after_the_search(workspace: Workspace, manifest: Manifest) -> None:
    stages.add_manifest(workspace, manifest, "drawn")
    before = load_curation(workspace)
    assert before.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 4]  # the same file is a fact of the manifest
    recoded = draw(workspace.folder.parent / "pictures" / "again.png", 7).with_suffix(".tif")
    Image.open(recoded.with_suffix(".png")).save(recoded)
    more = replace(manifest.records[7], image_id="again", path=recoded)
    stages.add_manifest(workspace, Manifest((more,)), "again")
    stages.scan(workspace)
    stages.link(workspace)
    after = load_curation(workspace)
    assert after.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 4, 4]
    assert after.stage("duplicates").state == "done"


def test_a_stopped_scan_keeps_what_it_read_and_goes_on_there(
    workspace: Workspace, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SHARD_ROWS", 2)
    monkeypatch.setattr("derm_model.progress.MIN_SECONDS_BETWEEN", 0)
    stages.add_manifest(workspace, manifest, "drawn")

    def stop(progress: Progress) -> None:
        if progress.done >= 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        stages.scan(workspace, stop)
    kept = workspace.paths.shards("prints").known()
    assert 2 <= len(kept) < 7
    assert load_curation(workspace).stage("scan").state == "partial"
    assert stages.scan(workspace) == 7 - len(kept)  # eight rows, seven files
    assert load_curation(workspace).stage("scan").state == "done"
    assert stages.scan(workspace, quiet) == 0


def test_a_file_that_is_no_picture_is_counted_and_not_tried_for_ever(workspace: Workspace, manifest: Manifest) -> None:
    manifest.records[6].path.write_text("no picture")
    stages.add_manifest(workspace, manifest, "drawn")
    stages.scan(workspace)
    assert stages.scan(workspace) == 0
    quality = load_curation(workspace).collection.quality
    assert quality is not None
    assert quality["unreadable"].notna().tolist() == [i == 6 for i in range(8)]


def test_new_images_make_edges_and_folds_stale(workspace: Workspace, manifest: Manifest) -> None:
    ready(workspace, Manifest(manifest.records[:6]))
    stages.make_split(workspace, SplitPlan(n_folds=2, test_fraction=0.0))
    assert load_curation(workspace).stage("splits").state == "done"
    stages.add_manifest(workspace, manifest, "more")
    curation = load_curation(workspace)
    assert [(s.name, s.state) for s in curation.stages] == [
        ("import", "done"),
        ("scan", "partial"),
        ("features", "missing"),
        ("duplicates", "stale"),
        ("splits", "stale"),
    ]
    assert len(curation.groups) == 8


def test_pictures_found_alike_stay_joined_when_images_are_added(workspace: Workspace, manifest: Manifest) -> None:
    copy = manifest.records[7].path.with_name("copy.tif")
    Image.open(manifest.records[7].path).save(copy)
    pair = (manifest.records[7], replace(manifest.records[7], image_id="copy", path=copy))
    ready(workspace, Manifest(pair))
    assert load_curation(workspace).groups.tolist() == [0, 0]
    stages.add_manifest(workspace, Manifest(manifest.records[:2]), "more")
    assert load_curation(workspace).groups.tolist() == [0, 0, 1, 1]


def test_what_an_older_version_measured_counts_as_not_scanned(workspace: Workspace, manifest: Manifest) -> None:
    ready(workspace, manifest)
    for file in workspace.paths.shards("quality").files():
        pd.read_parquet(file).drop(columns="ink_share").to_parquet(file, index=False)
    assert load_curation(workspace).stage("scan").state == "missing"
    assert stages.scan(workspace) == 7
    assert load_curation(workspace).stage("scan").state == "done"


def test_a_decision_changes_groups_at_once_and_makes_the_split_stale(workspace: Workspace, manifest: Manifest) -> None:
    ready(workspace, manifest)
    stages.make_split(workspace, SplitPlan(n_folds=2, test_fraction=0.0))
    before, stamps = load_curation(workspace), (collection_stamp(workspace), decisions_stamp(workspace))
    hashes = workspace.need_table()["content_hash"].tolist()
    write_pair_decisions(workspace.paths.pair_decisions, PairDecisions().decided([(hashes[6], hashes[7])], "same"))
    after = load_curation(workspace)
    assert before.groups[6] != before.groups[7]
    assert after.groups[6] == after.groups[7]
    assert after.stage("splits").state == "stale"
    assert collection_stamp(workspace) == stamps[0]
    assert decisions_stamp(workspace) != stamps[1]


def test_a_person_may_overrule_the_rules_of_quality_both_ways(workspace: Workspace, manifest: Manifest) -> None:
    ready(workspace, manifest)
    change_settings(workspace, thresholds={"sharpness": 1000.0})
    assert load_curation(workspace).flagged.all()
    hashes = workspace.need_table()["content_hash"].tolist()
    write_decisions(workspace.paths.quality_decisions, QualityDecisions().decide([hashes[0]], "keep"))
    assert load_curation(workspace).flagged.tolist() == [False, *[True] * 7]
    change_settings(workspace, thresholds={})
    write_decisions(workspace.paths.quality_decisions, QualityDecisions().decide([hashes[1]], "leave out"))
    assert load_curation(workspace).flagged[1]


def test_features_of_the_bundle_make_edges_and_ranks(workspace: Workspace, manifest: Manifest, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "bundle")
    stages.add_manifest(workspace, manifest, "drawn")
    assert stages.embed_features(workspace, bundle) == ()
    stages.scan(workspace)
    stages.link(workspace)
    curation = load_curation(workspace)
    assert curation.stage("features").state == "done"
    assert curation.collection.edges_facts["n_features"] == 8
    assert curation.collection.quality is not None
    assert curation.collection.quality["unlike"].between(0, 100).all()


def test_features_that_are_not_there_yet_are_unknown_and_no_error(
    workspace: Workspace, manifest: Manifest, tmp_path: Path
) -> None:
    bundle = make_tiny_bundle(tmp_path / "bundle")
    stages.add_manifest(workspace, Manifest(manifest.records[:4]), "first")
    stages.embed_features(workspace, bundle)
    stages.add_manifest(workspace, manifest, "more")
    stages.scan(workspace)
    curation = load_curation(workspace)
    assert curation.collection.quality is not None
    assert curation.collection.quality["unlike"].isna().tolist() == [False] * 4 + [True] * 4
    assert curation.stage("features").state == "partial"


def test_a_removed_source_leaves_decisions_and_takes_edges_and_folds_along(
    workspace: Workspace, manifest: Manifest
) -> None:
    ready(workspace, manifest)
    with pytest.raises(CurationError, match="no images of"):
        stages.remove_source(workspace, "elsewhere")
    assert stages.remove_source(workspace, "drawn") == 8
    curation = load_curation(workspace)
    assert curation.collection.n == 0
    assert [s.state for s in curation.stages] == ["missing"] * 5
    assert stages.add_manifest(workspace, manifest, "again") == 8


def test_settings_that_change_apart_do_not_undo_each_other(workspace: Workspace) -> None:
    change_settings(workspace, rules=GraphRules(min_features=0.5))
    change_settings(workspace, thresholds={"sharpness": 0.2, "contrast": None})
    settings = read_settings(workspace)
    assert (settings.rules.min_features, settings.thresholds) == (0.5, {"sharpness": 0.2, "contrast": None})
    assert read_json(workspace.paths.settings)["format"] == 1


def test_a_workspace_of_a_newer_version_is_refused(workspace: Workspace) -> None:
    write_json(workspace.paths.settings, {"format": 2})
    with pytest.raises(CurationError, match="newer"):
        read_settings(workspace)


def test_exports_hold_every_image_with_its_group_and_fold(workspace: Workspace, manifest: Manifest) -> None:
    ready(workspace, manifest)
    stages.make_split(workspace, SplitPlan(n_folds=2, test_fraction=0.0))
    curation = load_curation(workspace)
    images = export_frame(curation, "images")
    assert len(images) == 8
    assert images["group"].tolist() == curation.groups.tolist()
    assert set(images["part"]) == {"development"}
    for what in ("images", "edges", "decisions", "problems"):
        assert export(curation, what, "parquet")[:4] == b"PAR1"  # type: ignore[arg-type]
        assert export(curation, what, "csv").decode().splitlines()  # type: ignore[arg-type]
    edges = export_frame(curation, "edges")
    assert {"source_a", "image_id_b", "kind", "strength"} <= set(edges.columns)
    assert np.isfinite(edges["strength"]).all()
