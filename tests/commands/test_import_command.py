"""`python -m derm_model import`: arguments, files, exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from derm_model.__main__ import main
from derm_model.data.importers import IMPORTERS
from derm_model.data.manifest import read_manifest
from derm_model.taxonomy import read_crosswalk, read_taxonomy


@pytest.fixture
def root(tmp_path: Path) -> Path:
    from PIL import Image

    folder = tmp_path / "clinic"
    for name in ("melanoma/1.png", "melanoma/2.png", "nowhere/3.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (200, int(Path(name).stem), 90)).save(folder / name)
    return folder


def read(path: Path):
    taxonomy = read_taxonomy()
    return read_manifest(path, taxonomy, read_crosswalk(taxonomy))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_import_writes_a_manifest_and_tells_counts_and_problems(root, tmp_path, capsys, suffix):
    out = tmp_path / "new" / f"manifest.{suffix}"
    assert main(["import", "folders", "--root", str(root), "--out", str(out), "--modality", "clinical"]) == 0
    said = capsys.readouterr()
    assert said.out == f"One folder per class: 2 images, 1 diagnosis (most: Malignant Melanoma, 2). Written to {out}.\n"
    assert "1 row left out: node is not in the taxonomy (nowhere/3.png: nowhere).\n" in said.err
    manifest = read(out)
    assert [(r.image_id, r.node, r.modality) for r in manifest.records] == [
        ("melanoma/1.png", "melanoma", "clinical"),
        ("melanoma/2.png", "melanoma", "clinical"),
    ]
    assert all(r.content_hash for r in manifest.records)


def test_options_of_a_data_set_reach_its_importer(root, tmp_path, capsys):
    (root / "list.csv").write_text("photo,what,who\n1,mel,P1\n2,nv,P1\n", encoding="utf-8")
    shutil.rmtree(root / "nowhere")
    arguments = ["import", "csv", "--root", str(root), "--out", str(tmp_path / "m.csv"), "--labels-of", "HAM10000"]
    mapping = ["--column", "image_id=photo", "--column", "diagnosis=what", "--column", "patient_id=who"]
    assert main([*arguments, *mapping]) == 0
    assert capsys.readouterr().out.startswith("CSV file with a column mapping: 2 images, 1 named patient, 2 diagnoses ")
    assert [r.node for r in read(tmp_path / "m.csv").records] == ["melanoma-nos", "melanocytic-nevus-nos"]


def test_an_import_into_a_workspace_adds_the_images_once(root, tmp_path, capsys):
    workspace = tmp_path / "home" / "clinic"
    arguments = ["import", "folders", "--root", str(root), "--workspace", str(workspace)]
    assert main(arguments) == 0
    assert "workspace clinic (2 new images)" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "workspace clinic (0 new images)" in capsys.readouterr().out


def test_the_list_names_every_data_set_with_what_is_expected(capsys):
    assert main(["import", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(IMPORTERS)
    assert all(line.endswith(".") for line in lines[1::2])


@pytest.mark.parametrize("name", IMPORTERS)
def test_the_help_of_every_data_set_says_what_is_expected(name, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["import", name, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert IMPORTERS[name].title.split()[0] in text
    assert all(f"--{option.name.replace('_', '-')}" in text for option in IMPORTERS[name].options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import"], "Name a data set"),
        (["import", "folders", "--root", "."], "--out FILE, --workspace DIR"),
        (["import", "ham10000", "--root", "no such folder", "--out", "m.csv"], "read from a folder"),
        (["import", "folders", "--root", ".", "--out", "m.csv", "--source", "a", "--source", "b"], "given once"),
    ],
)
def test_a_mistake_is_one_line_with_what_to_do_and_code_2(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_starts_without_pandas_and_torch() -> None:
    import subprocess
    import sys

    code = """
import contextlib, io, sys
from derm_model.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["import", "--list"])
print([m for m in ("torch", "pandas", "pyarrow", "PIL", "requests", "faiss") if m in sys.modules])"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
