"""`python -m derm_model partition`, as a person at a terminal meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derm_model.__main__ import main
from derm_model.taxonomy import Partition

COUNTS = "node,n\nmelanocytic-nevus-nos,900\nMelanoma,20\nbcc,150\nbasal-cell-carcinoma-nos,50\nactinic keratosis,30\n"


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text(COUNTS, encoding="utf-8-sig")
    return path


def call(path: Path, *options: str, limit: str = "100") -> int:
    return main(["partition", "--counts", str(path), "--max-class-size", limit, *options])


def test_the_table_lists_classes_in_output_order_and_what_is_lost(
    counts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(counts) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 training classes, 1150 images"
    assert [line.split()[:3] for line in lines if line[:4].strip().isdigit()] == [
        ["0", "30", "actinic-and-premalignant-keratoses"],
        ["1", "200", "basal-cell-carcinoma-nos"],
        ["2", "20", "melanoma"],
        ["3", "900", "melanocytic-nevus-nos"],
    ]
    assert "images in no class: 0" in lines


def test_the_faithful_table_names_what_is_lost(counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(counts, "--mode", "faithful") == 0
    out = capsys.readouterr().out
    assert "images in no class: 1100" in out
    assert "leaves dropped for their size: basal-cell-carcinoma-nos (200), melanocytic-nevus-nos (900)" in out
    assert "classes without images: " in out


def test_own_images_of_a_split_group_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("node,n\nmelanoma,20\nmelanoma-nos,90\n", encoding="utf-8")
    assert call(path, "--mode", "faithful") == 0
    assert "own images of groups that were split: melanoma (20)" in capsys.readouterr().out


def test_json_holds_the_whole_partition(counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(counts, "--json") == 0
    data = json.loads(capsys.readouterr().out)
    stored = Partition.from_json(data)
    assert [entry.n_images for entry in stored.classes] == [30, 200, 20, 900]
    assert (data["n_images"], data["n_lost"], data["n_excluded"]) == (1150, 0, 0)


def test_data_set_labels_go_through_the_crosswalk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("dataset,label,n\nHAM10000,nv,67\nISIC 2019,NV,33\nISIC 2019,UNK,5\n", encoding="utf-8")
    assert call(path, limit="1000") == 0
    out = capsys.readouterr().out
    assert "1 training classes" not in out
    assert "1 training class, 100 images" in out
    assert "images whose label stands for no node: 5" in out


@pytest.mark.parametrize(
    "text, messages",
    [
        (
            "node,n\nmelanomma,3\nbcc,-3\nbcc,many\n,1\n",
            ["row 2: ", "nearest are melanoma", "row 3: ", "'-3'", "row 4: ", "row 5: "],
        ),
        (
            "dataset,label,n\nHAM10000,nevus,3\nCIFAR,cat,1\n",
            ["row 2: HAM10000 has no label 'nevus'", "row 3: ", "CIFAR"],
        ),
        ("node,n\n\nbcc,-3\n", ["row 3: "]),
        ("node,n,why\nbcc\n", ["row 2: ", "got ''"]),
        ("name,count\nbcc,3\n", ["must have the columns node, n or dataset, label, n; found count, name"]),
        ("", ["found none"]),
        ("node,n\n", ["every count is 0"]),
    ],
)
def test_bad_counts_end_with_code_2_and_every_row_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, messages: list[str]
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text, encoding="utf-8")
    assert call(path) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(message in captured.err for message in messages)


def test_a_missing_file_and_a_limit_below_one_end_with_code_2(
    tmp_path: Path, counts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path / "none.csv") == 2
    assert "cannot be read" in capsys.readouterr().err
    assert call(counts, limit="0") == 2
    assert "at least 1 image" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["partition", "--help"])
    assert caught.value.code == 0
    assert "python -m derm_model partition --counts counts.csv --max-class-size 1000" in capsys.readouterr().out
