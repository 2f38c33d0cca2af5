"""`evaluate`: from a manifest to kept answers and every figure."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derm_model.__main__ import main
from derm_model.assessment import foreign
from derm_model.assessment.answers import DISTANCE, list_answers, read_answers
from derm_model.assessment.embedding import EMBEDDING
from derm_model.assessment.foreign import FOREIGN, read_foreign
from derm_model.data.manifest import Record, write_manifest
from derm_model.data.non_lesions import KINDS
from derm_model.net import answering
from derm_model.net.bundle import load_bundle, save_bundle
from derm_model.taxonomy import Taxonomy
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
    monkeypatch.setattr(foreign, "PER_KIND", 1)  # of each drawing: what is tested is not how many there are
    monkeypatch.setattr(foreign, "SIZE_PX", 64)
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


def written(manifest: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((manifest.parent / "out" / "evaluation.json").read_text())
    return found


def test_drawings_that_show_no_lesion_are_asked_about_once_per_bundle(
    tiny_bundle: Path,
    manifest: Path,
    records: list[Record],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0
    assert "drawings that show no lesion: AUC" in capsys.readouterr().out
    unusual = written(manifest)["unusual"]
    assert [kind["pictures"] for kind in unusual["kinds"]] == list(KINDS)
    assert unusual["held_out"][0]["n"] == 12 and 0 <= unusual["no_lesion"][0]["auc"]["value"] <= 1
    assert "Unusual images" in (manifest.parent / "out" / "report.html").read_text()

    def asked(*_: object, **__: object) -> None:
        pytest.fail("asked twice")

    monkeypatch.setattr(answering, "ask_of", asked)
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0
    write_manifest(manifest, records[:6])  # other images, the same bundle
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0
    assert len(list_answers()) == 2 and all(read_foreign(folder) for folder, _ in list_answers())


def test_a_users_pictures_are_asked_about_and_stay(
    tiny_bundle: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    draw(np.random.default_rng(5), (10, 200, 10)).save(own / "a.png")
    (own / "b.png").write_text("no picture")
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--no-drawings", "--foreign", str(own)) == 1
    assert "b.png" in capsys.readouterr().err
    (only,) = written(manifest)["unusual"]["no_lesion"]
    assert (only["pictures"], only["n"]) == ("own pictures", 1)
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0
    assert [one["n"] for one in written(manifest)["unusual"]["no_lesion"]] == [len(KINDS) - 1, 1]
    assert evaluate(tiny_bundle, manifest, "--foreign", str(tmp_path / "nowhere")) == 2


def test_answers_of_the_time_before_get_their_distances_without_reading_the_images_again(
    tiny_bundle: Path, manifest: Path, records: list[Record], taxonomy: Taxonomy
) -> None:
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--no-drawings") == 0
    unusual = written(manifest)["unusual"]
    assert unusual["no_lesion"] == [] and unusual["held_out"][0]["auc"] is None
    ((folder, _),) = list_answers()
    exact = read_answers(folder).distance
    assert exact is not None and not (folder / FOREIGN).exists()
    (folder / DISTANCE).unlink()
    for record in records:
        record.path.write_bytes(b"no picture any more")
    assert evaluate(tiny_bundle, manifest, "--workers", "0") == 0
    found = read_answers(folder).distance
    assert found is not None and np.allclose(found, exact, rtol=0.01)  # features are kept in half precision
    assert written(manifest)["unusual"]["no_lesion"][0]["auc"] is not None


def test_a_new_name_keeps_what_lies_beside_the_answers(tiny_bundle: Path, manifest: Path) -> None:
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--name", "first") == 0
    ((folder, _),) = list_answers()
    (folder / EMBEDDING).touch()
    assert evaluate(tiny_bundle, manifest, "--workers", "0", "--name", "second") == 0
    assert list_answers()[0][1].name == "second"
    assert (folder / EMBEDDING).exists() and (folder / FOREIGN).exists()


def test_a_bundle_that_cannot_say_how_unusual_a_picture_is_says_that(
    tiny_bundle: Path, manifest: Path, tmp_path: Path, taxonomy: Taxonomy, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = load_bundle(tiny_bundle, taxonomy)
    save_bundle(tmp_path / "bare", bundle.network, bundle.card, None)
    assert evaluate(tmp_path / "bare", manifest, "--workers", "0") == 0
    assert "no feature reference" in capsys.readouterr().err
    assert written(manifest)["unusual"] is None
