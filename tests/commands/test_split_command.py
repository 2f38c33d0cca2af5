"""`python -m derm_model split`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from derm_model.__main__ import main
from derm_model.curation.stages import add_manifest
from derm_model.curation.workspace import make_workspace
from derm_model.data.drawings import draw_lesion
from derm_model.data.folds import check_folds
from derm_model.data.manifest import Record, read_manifest, write_manifest
from derm_model.taxonomy import Taxonomy, read_crosswalk

N = 12


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawings of eleven lesions, the first two of them one picture under two ids, in train and in test."""
    folder = tmp_path_factory.mktemp("collection ü")
    records = []
    for i in range(N):
        path = folder / f"img-{i}.png"
        Image.fromarray(draw_lesion(max(i, 1), 96, "nevus")).save(path)
        part = "test" if i in (1, 2) else "train"
        records.append(
            Record(f"img-{i}", path, "melanocytic-nevus-nos", None, "Clinic", patient_id=f"p{i}", official_split=part)
        )
    write_manifest(folder / "manifest.csv", records)
    return folder / "manifest.csv"


def call(*arguments: object) -> int:
    return main(["split", *map(str, arguments)])


def test_a_manifest_is_split_by_ids_and_pictures(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "folds.csv"
    assert call("--manifest", manifest, "--out", out, "--folds", "3") == 0
    folds = pd.read_csv(out)
    assert folds["part"].tolist() == ["left out", "test", "test", *["development"] * (N - 3)]
    check_folds(folds)
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "9 images in 3 folds, 2 in the test set, 1 left out; no group lies in two of them"
    assert [line.split() for line in printed[1:4]] == [["fold", str(k), "3", "3", "3"] for k in range(3)]


def test_by_ids_alone_the_twins_are_not_seen(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "folds.parquet"
    assert call("--manifest", manifest, "--by-ids", "--out", out, "--folds", "3") == 0
    assert pd.read_parquet(out)["part"].tolist().count("left out") == 0


def test_groups_can_be_given(manifest: Path, tmp_path: Path) -> None:
    groups, out = tmp_path / "groups.csv", tmp_path / "folds.csv"
    rows = [f"img-{i},{'together' if i > 8 else i}" for i in range(N)]
    groups.write_text("\n".join(["image_id,group", *rows]), encoding="utf-8")
    assert call("--manifest", manifest, "--groups", groups, "--no-official-test", "--out", out, "--folds", "2") == 0
    assert pd.read_csv(out)["fold"].iloc[9:].nunique() == 1


@pytest.mark.parametrize(
    "text, message",
    [
        ("image_id,group\nimg-0,1\n", "names none for 11 images"),
        ("id,group\n", "names none"),
        ("image_id\nx\n", "group"),
    ],
)
def test_groups_that_are_not_complete_are_refused(
    text: str, message: str, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text(text, encoding="utf-8")
    assert call("--manifest", manifest, "--groups", groups, "--out", tmp_path / "folds.csv") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "folds.csv").exists()


def test_a_split_that_leaks_is_code_1_and_its_leaks_are_exported(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "leaks.csv"
    assert call("--manifest", manifest, "--check", "official", "--out", out) == 1
    printed = capsys.readouterr().out
    assert "img-0 (train), img-1 (test)" in printed
    assert "1 of 1 groups of two images or more lie in several parts (2 images)" in printed
    assert pd.read_csv(out)["image_id"].tolist() == ["img-0", "img-1"]


def test_a_split_that_does_not_leak_is_code_0(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("photo,use\nimg-0,test\nimg-1,test\nimg-3.png,train\nimg-77,train\n", encoding="utf-8")
    columns = ("--id-column", "photo", "--split-column", "use")
    assert call("--manifest", manifest, "--check", foreign, *columns) == 0
    said = capsys.readouterr()
    assert "No group lies in two parts" in said.out
    assert "image of the split not in the collection (img-77)" in said.err
    assert "9 images kept: image of the collection the split does not name" in said.err


def test_a_workspace_is_split_and_checked(
    manifest: Path, tmp_path: Path, taxonomy: Taxonomy, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make_workspace(tmp_path / "workspace")
    add_manifest(workspace, read_manifest(manifest, taxonomy, read_crosswalk(taxonomy)), "drawings")
    out = tmp_path / "folds.csv"
    assert call("--workspace", workspace.folder, "--folds", "3", "--level", "1", "--out", out) == 0
    assert workspace.paths.folds.is_file()
    assert len(pd.read_csv(out)) == N
    assert call("--workspace", workspace.folder, "--check", "official") in (0, 1)
    assert "A random split would have cut" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--manifest", "m.csv"), "Give --out folds.csv"),
        (("--workspace", "w", "--by-ids"), "A workspace knows its groups"),
        (("--workspace", "nowhere"), "A workspace is a folder"),
        (("--manifest", "nowhere.csv", "--out", "o.csv"), "nowhere.csv"),
        (("--workspace", "w", "--folds", "1"), "two folds or more"),
    ],
)
def test_a_mistaken_call_says_what_to_do(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err
