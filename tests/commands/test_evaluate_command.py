"""`evaluate`: from a manifest to kept answers and every figure."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from derm_model.__main__ import main
from derm_model.assessment.answers import list_answers
from derm_model.data.manifest import Record, write_manifest
from tests.net.drawn import draw

NODES = {
    "melanoma-nos": (60, 45, 40),
    "melanocytic-nevus-nos": (190, 90, 80),
    "seborrheic-keratosis": (120, 150, 60),
    "basal-cell-carcinoma-nos": (90, 90, 200),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    found = []
    for i, (node, colour) in enumerate(NODES.items()):
        for k in range(3):
            path = tmp_path / f"{i}-{k}.png"
            draw(np.random.default_rng(10 * i + k), colour).save(path)
            found.append(Record(path.stem, path, node, None, "own", "dermoscopic", patient_id=f"P{i}{k // 2}"))
    return found


@pytest.fixture
def manifest(tmp_path: Path, records: list[Record]) -> Path:
    write_manifest(tmp_path / "manifest.csv", records)
    return tmp_path / "manifest.csv"


def evaluate(tiny_bundle: Path, manifest: Path, *more: str) -> int:
    out = manifest.parent / "out"
    return main(["evaluate", "--bundle", str(tiny_bundle), "--manifest", str(manifest), "--out", str(out), *more])


def test_every_figure_is_written_with_its_n_and_answers_are_kept(
    tiny_bundle: Path, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0
    said = capsys.readouterr()
    assert "not known" in said.out and "Research tool, not a medical device" in said.out
    found = json.loads((manifest.parent / "out" / "evaluation.json").read_text())
    assert found["images"]["n"] == 12 and found["images"]["n_patients"] == 8
    assert {level["level"] for level in found["levels"]} >= {"classes", "nine", "three"}
    for level in found["levels"]:
        assert sum(node["n"] for node in level["nodes"]) == level["n"] == 12 - level["n_unjudged"]
        assert [sum(row) for row in level["confusion"]["counts"]] == [node["n"] for node in level["nodes"]]
    asked = {(q["question"], q["n_pos"], q["n_neg"]) for q in found["questions"]}
    assert asked == {("epidermal", 3, 3), ("melanocytic", 3, 3)}
    assert all(q["prevalence"] == 0.5 and q["n_groups"] == 4 and q["points"] for q in found["questions"])
    with (manifest.parent / "out" / "answers.csv").open() as file:
        rows = list(csv.reader(file))
    assert len(rows) == 13 and sum(map(float, rows[1][3:])) == pytest.approx(1, abs=1e-4)
    assert [about.name for _, about in list_answers()] == ["manifest"]


def test_the_same_images_are_not_read_twice_unless_asked(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--name", "first") == 0
    before = (manifest.parent / "out" / "evaluation.json").read_text()
    write_manifest(manifest, records[::-1])
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--name", "first") == 0
    assert "--again" in capsys.readouterr().err
    assert (manifest.parent / "out" / "evaluation.json").read_text() == before
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--name", "renamed") == 0
    assert [about.name for _, about in list_answers()] == ["renamed"]
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--again", "--name", "second") == 0
    assert [about.name for _, about in list_answers()] == ["second"]


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_judged(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    records[0].path.write_bytes(b"no picture at all")
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 1
    assert str(records[0].path) in capsys.readouterr().err
    found = json.loads((manifest.parent / "out" / "evaluation.json").read_text())
    assert found["images"]["n"] == 11
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0  # the answers are kept under the same images
    for record in records:
        record.path.write_bytes(b"no picture at all")
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--again") == 2
    assert "None of 12 images can be read" in capsys.readouterr().err


def test_images_of_the_models_own_training_are_refused_without_a_part(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    split = manifest.parent / "split.csv"
    parts = ["train"] * 6 + ["test"] * 6
    lines = [f"{r.source},{r.image_id},{part}" for r, part in zip(records, parts, strict=True)]
    split.write_text("\n".join(["source,image_id,part", *lines]))
    assert evaluate(tiny_bundle, manifest, "--split", str(split)) == 2
    assert "6 train images" in capsys.readouterr().err
    assert evaluate(tiny_bundle, manifest, "--split", str(split), "--part", "test", "--workers", "0") == 0
    assert "6 images, held out" in capsys.readouterr().out
    assert evaluate(tiny_bundle, manifest, "--part", "test") == 2
    assert "--split" in capsys.readouterr().err


def test_a_result_that_cannot_be_written_says_so(
    tiny_bundle: Path, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest.parent / "out").write_text("a file where the folder should be")
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 2
    assert "Choose another --out" in capsys.readouterr().err
