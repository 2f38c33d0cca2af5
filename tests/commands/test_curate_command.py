from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.__main__ import main
from derm_model.data.manifest import Manifest, write_manifest
from tests.curation.conftest import home, manifest
from tests.support import make_tiny_bundle

__all__ = ["home", "manifest"]


def test_curate_adds_scans_links_and_says_what_it_found(
    home: Path, manifest: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "manifest.csv"
    write_manifest(path, manifest.records)
    bundle = make_tiny_bundle(tmp_path / "bundle")
    folder = str(home / "curation" / "skin")
    assert main(["curate", str(path), "--workspace", folder, "--bundle", str(bundle)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "8 images added" in said[0]
    assert "features: done (8 of 8)" in said
    assert said[-1] == "8 images in 5 groups; 3 of them hold 6 images, the largest 2"
    # a second start finds everything done
    assert main(["curate", "--workspace", folder]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == said[-1]


def test_a_picture_that_cannot_be_read_ends_with_code_1(
    home: Path, manifest: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest.records[7].path.write_bytes(b"no picture at all")
    path = tmp_path / "manifest.csv"
    write_manifest(path, manifest.records)
    assert main(["curate", str(path), "--workspace", str(tmp_path / "ws")]) == 1
    assert "files that could not be read: 1" in capsys.readouterr().out


def test_features_without_a_bundle_are_refused_before_any_work(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curate", "--workspace", str(tmp_path / "ws"), "--only", "features"]) == 2
    assert "--bundle" in capsys.readouterr().err
    assert not (tmp_path / "ws").exists()


def test_a_folder_with_other_files_is_left_alone(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["curate", "--workspace", str(tmp_path)]) == 2
    assert "empty folder" in capsys.readouterr().err
