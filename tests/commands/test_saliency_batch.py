"""`saliency` for many images: an atlas of maps that can be resumed, and the panel of one image of each class."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derm_model.__main__ import main
from derm_model.card import read_card
from derm_model.data.manifest import Record, write_manifest
from derm_model.jobs import JobState, JobStore, cancel, launch
from derm_model.net.atlas import Item, choose_images
from derm_model.net.atlas.rows import COLUMNS
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.saliency import Target
from derm_model.progress import Progress
from derm_model.taxonomy import Aggregator, Resolution, Taxonomy
from tests.jobs.rehearsal import wait_for_end
from tests.net.drawn import draw
from tests.support import make_tiny_bundle

NODES = {
    "melanoma-nos": (60, 45, 40),
    "melanocytic-nevus-nos": (190, 90, 80),
    "seborrheic-keratosis": (120, 150, 60),
}
BATCH = ("saliency", "--device", "cpu")
SIZE_PX = 96


@pytest.fixture(scope="module")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle at a third of its size: these tests ask it a thousand times."""
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "small", size_px=SIZE_PX)


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    (tmp_path / "images").mkdir()
    found = []
    for i, (node, colour) in enumerate(NODES.items()):
        for k in range(2):
            path = tmp_path / "images" / f"{i}-{k}.png"
            draw(np.random.default_rng(10 * i + k), colour).resize((96, 64)).save(path)
            found.append(Record(path.stem, path, node, None, "own", "dermoscopic"))
    return found


@pytest.fixture
def manifest(tmp_path: Path, records: list[Record]) -> Path:
    write_manifest(tmp_path / "manifest.csv", records)
    return tmp_path / "manifest.csv"


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path, taxonomy: Taxonomy) -> Engine:
    return Engine(load_bundle(tiny_bundle, taxonomy), precision="fp32")


def batch(bundle: Path, manifest: Path, *more: str) -> int:
    out = manifest.parent / "out"
    return main([*BATCH, "--bundle", str(bundle), "--manifest", str(manifest), "--out", str(out), *more])


def without_class(engine: Engine, taxonomy: Taxonomy) -> str:
    """A node about which the bundle can say nothing."""
    aggregator = Aggregator(taxonomy, engine.bundle.classes)
    return next(n.id for n in taxonomy.nodes if aggregator.resolution(n.id) is Resolution.NO_CLASS)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "maps.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def made_at(folder: Path) -> dict[str, int]:
    """When each picture and each array was written, by name."""
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in sorted((folder / "maps").rglob("*.*"))}


def test_every_image_gets_a_picture_raw_values_and_a_row(
    tiny_bundle: Path, manifest: Path, records: list[Record], engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert batch(tiny_bundle, manifest) == 0
    assert "6 new maps" in capsys.readouterr().out
    out, rows = manifest.parent / "out", rows_of(manifest.parent / "out")
    assert tuple(rows[0]) == COLUMNS
    assert [(row["image_id"], row["node"]) for row in rows] == [(r.image_id, r.node) for r in records]
    pixels = [np.asarray(Image.open(r.path)) for r in records]
    classes = engine.bundle.classes
    for row, image, expected in zip(rows, pixels, engine.predict(pixels, Target.predicted()), strict=True):
        assert expected.saliency is not None
        values = np.load(out / row["values"])
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected.saliency.values, rtol=1e-3, atol=1e-5 * values.max())
        top = int(expected.class_probs.argmax())
        assert (row["predicted"], row["explained"]) == (classes[top].id, classes[top].name)
        assert float(row["probability"]) == pytest.approx(expected.class_probs[top], rel=1e-4)
        assert (row["method"], row["settings"], row["of"]) == ("gradient", "{}", "loss")
        with Image.open(out / row["picture"]) as picture:
            assert picture.size == (96, 64) == image.shape[1::-1]
            assert "Esteva" in picture.info["Description"] and "not a medical device" in picture.info["Disclaimer"]


def test_what_is_measured_of_a_map_is_what_an_independent_count_gives(tiny_bundle: Path, manifest: Path) -> None:
    assert batch(tiny_bundle, manifest) == 0
    out = manifest.parent / "out"
    for row in rows_of(out):
        values = np.load(out / row["values"]).astype(float)
        mass = np.sort(values.ravel())[::-1].cumsum() / values.sum()
        for share, column in ((0.01, "top_1_area"), (0.05, "top_5_area"), (0.10, "top_10_area")):
            n = int((mass < share).sum()) + 1  # the fewest strongest pixels that hold the share
            assert float(row[column]) * values.size == pytest.approx(n, abs=1)
        y, x = np.indices(values.shape) + 0.5
        centre = [(values * axis).sum() / values.sum() / SIZE_PX - 0.5 for axis in (x, y)]
        assert [float(row["offset_x"]), float(row["offset_y"])] == pytest.approx(centre, abs=1e-4)
        assert row["mask_area"] == row["inside_share"] == row["deletion_area"] == ""


def test_a_second_run_makes_nothing_anew_and_goes_on_where_images_are_missing(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    out = manifest.parent / "out"
    write_manifest(manifest, records[:4])
    assert batch(tiny_bundle, manifest) == 0
    first, table = made_at(out), (out / "maps.csv").read_text()
    assert batch(tiny_bundle, manifest) == 0
    assert made_at(out) == first and (out / "maps.csv").read_text() == table
    assert "0 new maps (4 maps were there)" in capsys.readouterr().out
    (out / rows_of(out)[1]["values"]).unlink()
    write_manifest(manifest, records)
    assert batch(tiny_bundle, manifest) == 0
    later = made_at(out)
    assert {name for name in first if later[name] == first[name]} == {name for name in first if "0-1" not in name}
    assert [row["image_id"] for row in rows_of(out)] == [r.image_id for r in records]
    assert "3 new maps (3 maps were there)" in capsys.readouterr().out


def test_an_image_whose_file_or_label_changed_is_made_anew(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    assert batch(tiny_bundle, manifest) == 0
    shutil.copy(records[3].path, records[0].path)
    os.utime(records[0].path, (1, 1))
    write_manifest(manifest, [*records[:5], replace(records[5], node="melanoma-nos")])
    capsys.readouterr()
    assert batch(tiny_bundle, manifest) == 0
    assert "2 new maps" in capsys.readouterr().out
    rows = rows_of(manifest.parent / "out")
    assert rows[0]["probability"] == rows[3]["probability"] and rows[5]["node"] == "melanoma-nos"


def test_maps_of_another_kind_are_not_mixed_into_a_folder(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    write_manifest(manifest, records[:2])
    assert batch(tiny_bundle, manifest) == 0
    before = made_at(manifest.parent / "out")
    smooth = ["--method", "smoothgrad", "--samples", "2"]
    for more, message in ((smooth, "method gradient, now smoothgrad"), (["--node", "melanoma"], "explained {")):
        assert batch(tiny_bundle, manifest, *more) == 2
        said = capsys.readouterr().err
        assert message in said and "Choose another folder, or make them --again." in said
    assert made_at(manifest.parent / "out") == before
    assert batch(tiny_bundle, manifest, *smooth, "--again") == 0
    assert {row["method"] for row in rows_of(manifest.parent / "out")} == {"smoothgrad"}


def test_again_deletes_what_it_made_and_nothing_else(tiny_bundle: Path, manifest: Path, records: list[Record]) -> None:
    out = manifest.parent / "out"
    assert batch(tiny_bundle, manifest, "--method", "input_x_gradient") == 0
    assert len(list(out.rglob("*.signed.npy"))) == 6
    (out / "maps" / "own" / "notes.txt").write_text("mine")
    write_manifest(manifest, records[:2])
    assert batch(tiny_bundle, manifest, "--again") == 0
    assert sorted(p.name for p in (out / "maps" / "own").iterdir()) == [
        "0-0.npy",
        "0-0.png",
        "0-1.npy",
        "0-1.png",
        "notes.txt",
    ]


def test_an_unreadable_image_is_named_and_the_others_are_drawn(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = records[1].path.read_bytes()
    records[1].path.write_bytes(b"no picture at all")
    assert batch(tiny_bundle, manifest) == 1
    said = capsys.readouterr()
    assert str(records[1].path) in said.err and "1 image got none" in said.out
    rows = rows_of(manifest.parent / "out")
    assert len(rows) == 6 and [row["image_id"] for row in rows if not row["picture"]] == ["0-1"]
    assert "no image" in rows[-1]["note"].lower() or rows[-1]["note"]
    records[1].path.write_bytes(whole)
    assert batch(tiny_bundle, manifest) == 0
    assert "1 new map " in capsys.readouterr().out
    assert all(row["picture"] for row in rows_of(manifest.parent / "out"))


def test_a_run_that_was_killed_while_it_wrote_a_line_loses_that_image_only(
    tiny_bundle: Path, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = manifest.parent / "out"
    assert batch(tiny_bundle, manifest) == 0
    table = (out / "maps.csv").read_text()
    journal = (out / "maps.jsonl").read_text()
    (out / "maps.jsonl").write_text(journal[: journal.rindex('"state"')])
    (out / "maps.csv").unlink()
    capsys.readouterr()
    assert batch(tiny_bundle, manifest) == 0
    assert "1 new map (5 maps were there)" in capsys.readouterr().out
    assert (out / "maps.csv").read_text() == table
    assert batch(tiny_bundle, manifest) == 0  # and the line that was cut is no trouble later
    assert "0 new maps (6 maps were there)" in capsys.readouterr().out


def test_work_that_is_stopped_keeps_what_is_finished(tiny_bundle: Path, manifest: Path) -> None:
    out, told = manifest.parent / "out", list[Progress]()

    def stop(progress: Progress) -> None:
        from derm_model.errors import Cancelled

        told.append(progress)
        if progress.done == 2:
            raise Cancelled("Stopped.")

    words = [*BATCH, "--bundle", str(tiny_bundle), "--manifest", str(manifest), "--out", str(out)]
    # a method that reports within an image, so that the stop need not wait for the next one
    words += ["--method", "smoothgrad", "--samples", "2"]
    assert main(words, report=stop) == 130
    assert [row["image_id"] for row in rows_of(out)] == ["0-0", "0-1"]
    assert {(p.stage, p.total, p.unit) for p in told} == {("Maps: SmoothGrad", 6, "images")}
    told.clear()
    assert main(words, report=told.append) == 0
    assert (told[0].done, told[-1].done) == (2, 6)
    assert len(rows_of(out)) == 6


def test_the_share_inside_a_mask_is_read_off_masks_of_any_size_and_name(
    tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    masks, out = manifest.parent / "masks", manifest.parent / "out"
    masks.mkdir()
    left = Image.new("L", (960, 640), 0)
    left.paste(255, (0, 0, 480, 640))
    left.save(masks / "0-0_segmentation.png")
    left.resize((96, 64)).convert("RGB").save(masks / "0-1.JPG", "JPEG")
    Image.new("L", (96, 64), 0).save(masks / "1-0_Mask.png")
    left.transpose(Image.Transpose.ROTATE_90).resize((64, 96)).save(masks / "1-1_segmentation.png")
    (masks / "2-0_segmentation.png").write_bytes(b"no picture")
    assert batch(tiny_bundle, manifest, "--masks-folder", str(masks)) == 0
    rows = rows_of(out)
    for row in rows[:2]:
        values = np.load(out / row["values"]).astype(float)
        half = values[:, : SIZE_PX // 2].sum()
        assert float(row["inside_share"]) == pytest.approx(half / values.sum(), abs=2e-3)
        assert float(row["mask_area"]) == pytest.approx(0.5, abs=1e-2)
    assert (rows[2]["mask_area"], rows[2]["inside_share"]) == ("0", "")  # nothing is marked
    assert "lies on its side" in rows[3]["note"] and rows[3]["inside_share"] == ""
    assert "2-0_segmentation.png could not be read" in rows[4]["note"]
    assert rows[5]["note"] == rows[5]["mask_area"] == ""  # without a mask
    assert "medians of 2 images with a mask" in capsys.readouterr().out


def test_a_folder_without_masks_is_a_mistake(
    tiny_bundle: Path, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert batch(tiny_bundle, manifest, "--masks-folder", str(manifest.parent / "nowhere")) == 2
    assert "could not be listed" in capsys.readouterr().err


def test_the_true_label_is_explained_by_the_class_that_covers_it(
    tiny_bundle: Path, manifest: Path, records: list[Record], engine: Engine, taxonomy: Taxonomy
) -> None:
    finer = next(node.id for node in taxonomy.nodes if node.id == "acantholytic-actinic-keratosis")
    uncovered = without_class(engine, taxonomy)
    some = [records[0], replace(records[2], node=finer), replace(records[3], node=uncovered)]
    write_manifest(manifest, some)
    assert batch(tiny_bundle, manifest, "--explain", "truth") == 1
    out = manifest.parent / "out"
    melanoma, keratosis, nothing = rows_of(out)
    assert (melanoma["explained"], keratosis["explained"]) == (
        "Malignant Melanoma",
        "Actinic and premalignant keratoses",
    )
    assert "no class of the model covers" in nothing["note"] and nothing["picture"] == ""
    index = engine.bundle.card.partition.class_index("melanoma-nos")
    assert index is not None
    (expected,) = engine.predict([np.asarray(Image.open(records[0].path))], Target.of_class(index))
    assert expected.saliency is not None
    values = np.load(out / melanoma["values"])
    np.testing.assert_allclose(values, expected.saliency.values, rtol=1e-3, atol=1e-5 * values.max())
    assert float(melanoma["probability"]) == pytest.approx(expected.class_probs[index], rel=1e-4)


def test_folders_are_searched_at_any_depth_and_no_two_images_share_a_file(
    tiny_bundle: Path, tmp_path: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "clinic"
    names = ["a.png", "a.bmp", "deep/er/a.png", "häuser 家.png", "odd name?.png"]
    for name, record in zip(names, records, strict=False):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(record.path) as image:
            image.save(root / name)
    large = Image.open(records[0].path).resize((2400, 1600))
    large.save(root / "large.jpg")
    (root / "broken.jpg").write_bytes(b"")
    out = tmp_path / "out"
    words = [*BATCH, "--bundle", str(tiny_bundle), "--folder", str(root), "--out", str(out)]
    assert main(words) == 1
    rows = {row["image_id"]: row for row in rows_of(out)}
    assert set(rows) == {*names, "large.jpg", "broken.jpg"}
    assert {row["source"] for row in rows.values()} == {"clinic"} and {row["node"] for row in rows.values()} == {""}
    pictures = [row["picture"] for row in rows.values() if row["picture"]]
    assert len(set(pictures)) == 6 and all((out / picture).is_file() for picture in pictures)
    with Image.open(out / rows["large.jpg"]["picture"]) as picture:
        assert picture.size == (1024, 683)
    capsys.readouterr()
    assert main(words) == 1
    assert "0 new maps (6 maps were there)" in capsys.readouterr().out


def test_deletion_and_insertion_are_measured_when_asked(
    tiny_bundle: Path, manifest: Path, records: list[Record], engine: Engine
) -> None:
    from derm_model.net.belief import deletion
    from derm_model.net.saliency.explainer import Explainer
    from derm_model.net.saliency.method import Settings
    from derm_model.net.saliency.methods import METHODS

    write_manifest(manifest, records[:1])
    assert batch(tiny_bundle, manifest, "--measures", "deletion", "insertion", "--baseline", "black") == 0
    (row,) = rows_of(manifest.parent / "out")
    assert json.loads(row["settings"]) == {"baseline": "black", "seed": 0}
    pixels, settings = np.asarray(Image.open(records[0].path)), Settings(baseline="black")
    expected = deletion(Explainer(engine), pixels, METHODS["gradient"], Target.predicted(), settings)
    assert float(row["deletion_area"]) == pytest.approx(expected.area, abs=1e-3)
    assert float(row["deletion_random_area"]) == pytest.approx(expected.random_areas.mean(), abs=1e-2)
    assert 0 < float(row["insertion_area"]) < 1


@pytest.mark.parametrize(
    "words, message",
    [
        (["--out", "out"], "Give one IMAGE, or many"),
        (["--folder", "nowhere", "--out", "out"], "takes folders of images"),
        (["--folder", ".", "--panel", "p.png"], "needs labels"),
        (["--folder", ".", "--out", "out", "--explain", "truth"], "A folder has no labels"),
        (["--manifest", "m.csv", "--panel", "p.jpg"], "does not end in .png"),
        (["--manifest", "m.csv", "--panel", "p.png", "--measures", "deletion"], "a panel only shows them"),
        (["--manifest", "m.csv", "--out", "out", "--plain"], "--plain is for one image"),
        (["--manifest", "m.csv", "--out", "out"], "must be a readable CSV"),
    ],
)
def test_a_mistake_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["saliency", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_says_so(
    tiny_bundle: Path, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest.parent / "out").write_text("a file where the folder should be")
    assert batch(tiny_bundle, manifest) == 2
    assert "Choose another --out" in capsys.readouterr().err


class TestPanel:
    def panel(self, bundle: Path, manifest: Path, *more: str) -> int:
        out = manifest.parent / "panel.png"
        return main([*BATCH, "--bundle", str(bundle), "--manifest", str(manifest), "--panel", str(out), *more])

    def test_an_image_of_each_class_lies_above_its_map(
        self, tiny_bundle: Path, manifest: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.panel(tiny_bundle, manifest) == 0
        said = capsys.readouterr().out
        assert [line[:2] for line in said.splitlines()] == ["a ", "b ", "c ", "Wr"]
        with Image.open(manifest.parent / "panel.png") as picture:
            assert read_card(tiny_bundle).bundle_id in picture.info["Source"]
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        grey = (np.ptp(pixels, axis=2) == 0) & (pixels[..., 0] < 200) & (pixels[..., 0] > 90)
        assert grey.sum() > 3 * 1000  # three maps, and no colour in them

    def test_the_choice_follows_the_seed_and_not_the_order(self, engine: Engine) -> None:
        items = [Item("own", f"{node}-{k}", Path("x"), node) for node in NODES for k in range(40)]
        items += [Item("own", "unlabelled", Path("x")), Item("own", "nowhere", Path("x"), "not-in-the-tree")]
        chosen = [[some[0].image_id for some in choose_images(items, engine, seed)] for seed in range(5)]
        assert chosen[0] == [some[0].image_id for some in choose_images(items[::-1], engine, 0)]
        assert len({tuple(names) for names in chosen}) == 5
        order = sorted(NODES, key=lambda node: engine.bundle.card.partition.class_index(node) or 0)
        assert [name.rpartition("-")[0] for name in chosen[0]] == order  # that of the outputs
        rare = [*items, Item("own", "one", Path("x"), "dermatofibroma")]
        assert len(choose_images(rare, engine, 0)) == 4
        assert [len(some) for some in choose_images(rare, engine, 0, 3)] == [40, 40, 40]

    def test_where_the_chosen_image_is_unreadable_another_one_is_shown(
        self, tiny_bundle: Path, manifest: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.panel(tiny_bundle, manifest) == 0
        first = capsys.readouterr().out.splitlines()[0]
        broken = next(r for r in records if f" {r.image_id}:" in first)
        broken.path.write_bytes(b"no picture")
        assert self.panel(tiny_bundle, manifest) == 1
        said = capsys.readouterr()
        assert str(broken.path) in said.err
        assert said.out.splitlines()[0] != first and said.out.splitlines()[0].startswith("a own 0-")

    def test_labels_the_model_has_not_learnt_give_no_panel(
        self, tiny_bundle: Path, manifest: Path, records: list[Record], engine: Engine, taxonomy: Taxonomy,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        unknown = without_class(engine, taxonomy)
        write_manifest(manifest, [replace(r, node=unknown) for r in records])
        assert self.panel(tiny_bundle, manifest) == 2
        assert "no image has a label that the model learnt" in capsys.readouterr().err


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "jobs")
    yield store
    for job in store.list():
        cancel(store, job.id, force=True)


def test_a_batch_runs_as_a_job_of_its_own(store: JobStore, tiny_bundle: Path, manifest: Path) -> None:
    words = [*BATCH, "--out={job}", f"--manifest={manifest}", f"--bundle={tiny_bundle}", "--node=melanoma"]
    job = wait_for_end(store, launch(store, words, "Maps", {"kind": "saliency"}))
    assert job.status.state is JobState.FINISHED, job.paths.log.read_text("utf-8")
    assert (job.status.stage, job.status.done, job.status.total) == ("Maps: Input gradient, L1 over RGB", 6, 6)
    assert job.status.result is not None and "maps.csv" in job.status.result
    rows = rows_of(job.paths.folder)
    assert len(rows) == 6 and {row["explained"] for row in rows} == {"Malignant Melanoma"}
    assert all((job.paths.folder / row["picture"]).is_file() for row in rows)


def test_the_help_lists_what_many_images_get(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["saliency", "--help"])
    said = capsys.readouterr().out
    assert "maps.csv" in said and "--masks-folder" in said
