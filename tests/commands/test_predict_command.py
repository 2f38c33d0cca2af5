"""`python -m derm_model predict`."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from derm_model.__main__ import main
from derm_model.card import read_card
from derm_model.commands.predict import Unreadable, find_images
from derm_model.commands.prediction_records import Recorder
from derm_model.commands.prediction_writers import CsvWriter, TableWriter
from derm_model.errors import WrongTaxonomy
from derm_model.operating_points import new_point, points_file, save_point
from derm_model.taxonomy import Aggregator, read_tasks, restrict, task_score
from derm_model.words import NOTICE
from tests.support import noise_image

if TYPE_CHECKING:
    from derm_model.taxonomy import Taxonomy

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[..., tuple[int, list[dict[str, Any]]]]


def save_image(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise_image(seed)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eleven images, more than a batch, two of them deeper; and files that are none."""
    for seed in range(9):
        save_image(tmp_path / "clinic" / f"{seed}.png", seed)
    save_image(tmp_path / "clinic" / "more" / "deep.JPG", 20)
    save_image(tmp_path / "clinic" / "more" / "views" / "deeper.webp", 21)
    save_image(tmp_path / "clinic" / ".hidden" / "thumb.png")
    save_image(tmp_path / "clinic" / "._0.png")
    (tmp_path / "clinic" / "notes.txt").write_text("no image", encoding="utf-8")
    return tmp_path / "clinic"


@pytest.fixture
def call(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run predict in this process; exit code and records."""

    def run(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
        code = main(["predict", *map(str, arguments), "--bundle", str(tiny_bundle)])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_a_record_has_the_promised_keys_and_its_probabilities_sum_to_one(
    call: Call, tmp_path: Path, tiny_bundle: Path, taxonomy: Taxonomy
) -> None:
    image = save_image(tmp_path / "lesion.png")
    code, (record,) = call(image)
    card = read_card(tiny_bundle)
    assert code == 0
    of_image = ["width_px", "height_px", "quality", "created_at"]
    answer = ["file", "bundle", "class_probs", "nodes", "tasks", "ood_percentile"]
    assert list(record) == [*answer, *of_image, "notice"]
    assert (record["file"], record["bundle"], record["notice"]) == (str(image), card.bundle_id, NOTICE)
    assert list(record["class_probs"]) == [c.id for c in card.classes]
    assert sum(record["class_probs"].values()) == pytest.approx(1)
    assert set(record["nodes"]) == {*taxonomy.cut(1), *taxonomy.cut(2)}
    assert 0 <= record["ood_percentile"] <= 100


def test_nodes_are_sums_of_classes_and_null_where_nothing_was_learnt(
    call: Call, tmp_path: Path, tiny_bundle: Path, taxonomy: Taxonomy
) -> None:
    _, (record,) = call(save_image(tmp_path / "lesion.png"))
    classes = read_card(tiny_bundle).classes
    for node, probability in record["nodes"].items():
        below = [record["class_probs"][c.id] for c in classes if taxonomy.is_within(c.node, node)]
        assert probability == (pytest.approx(sum(below)) if below else None)
    assert None in record["nodes"].values()


def test_tasks_have_score_threshold_and_the_side(
    call: Call, tmp_path: Path, tiny_bundle: Path, taxonomy: Taxonomy
) -> None:
    _, records = call(*(save_image(tmp_path / f"{seed}.png", seed) for seed in range(8)))
    card = read_card(tiny_bundle)
    sides = set()
    for record in records:
        probs = np.array(list(record["class_probs"].values()))
        for task_id, task in read_tasks().items():
            classes = restrict(task, taxonomy, card.classes)
            assert classes is not None
            answer = record["tasks"][task_id]
            chosen = {preset.name: preset.threshold for preset in card.tasks[task_id].presets}["Sensitivity 90%"]
            assert answer["score"] == pytest.approx(float(task_score(probs, classes)))
            assert answer["threshold"] == chosen
            assert answer["positive"] is (answer["score"] >= chosen)
            assert answer["region_probability"] == pytest.approx(probs[[*classes.positive, *classes.negative]].sum())
            sides.add(answer["positive"])
    assert sides == {True, False}


def test_a_folder_is_read_at_any_depth_in_order_of_names(call: Call, folder: Path) -> None:
    code, records = call(folder)
    names = [str(Path(record["file"]).relative_to(folder)) for record in records]
    assert names == [*(f"{i}.png" for i in range(9)), "more/deep.JPG", "more/views/deeper.webp"]
    assert code == 0


def test_every_image_gets_its_own_answer_whatever_stands_beside_it(call: Call, folder: Path) -> None:
    _, together = call(folder)
    for record in (together[0], together[8], together[10]):
        _, (alone,) = call(record["file"])
        assert alone["class_probs"] == pytest.approx(record["class_probs"], abs=1e-5)


def test_unreadable_files_become_errors_in_their_place_and_the_rest_go_on(call: Call, folder: Path) -> None:
    (folder / "3.png").write_bytes(b"")
    (folder / "5.png").write_text("<svg>", encoding="utf-8")
    truncated = (folder / "8.png").read_bytes()
    (folder / "8.png").write_bytes(truncated[: len(truncated) // 2])
    gone = folder / "gone.png"
    code, records = call(gone, folder)
    assert code == 1
    assert [Path(r["file"]).name for r in records if "error" in r] == ["gone.png", "3.png", "5.png", "8.png"]
    assert all(list(r) == ["file", "error"] and len(r["error"]) > 10 for r in records if "error" in r)
    assert len(records) == 12
    assert sum("class_probs" in r for r in records) == 8


def test_a_folder_without_images_is_an_error_not_silence(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, records = call(tmp_path / "empty")
    assert code == 1
    assert "no image file" in records[0]["error"]


def test_a_named_file_is_read_whatever_it_is_called_and_only_once(call: Call, folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "photo.dat"
    shutil.copy(folder / "0.png", odd)
    code, records = call(odd, folder / "1.png", folder / "1.png", odd)
    assert code == 0
    assert [record["file"] for record in records] == [str(odd), str(folder / "1.png")]


def test_a_folder_that_cannot_be_listed_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path) == folder / "more":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # a mode of 0 would stop everyone but root
    found = find_images([folder])
    assert found[:9] == [folder / f"{i}.png" for i in range(9)]
    assert found[9:] == [Unreadable(str(folder / "more"), "The folder could not be listed (Permission denied).")]


def test_links_to_folders_do_not_lead_into_a_circle(folder: Path) -> None:
    (folder / "more" / "again").symlink_to(folder, target_is_directory=True)
    assert len(find_images([folder])) == 11


@pytest.mark.parametrize("level,cut", [("roots", 1), ("nine", 2)])
def test_a_level_is_a_cut_of_the_tree(call: Call, tmp_path: Path, taxonomy: Taxonomy, level: str, cut: int) -> None:
    _, (record,) = call(save_image(tmp_path / "a.png"), "--level", level)
    assert record["level"] == {node: record["nodes"][node] for node in taxonomy.cut(cut)}


def test_the_level_classes_is_what_the_network_was_trained_on(call: Call, tmp_path: Path) -> None:
    _, (record,) = call(save_image(tmp_path / "a.png"), "--level", "classes")
    assert record["level"] == record["class_probs"]


def test_a_node_is_given_with_its_children_and_null_below_the_training_classes(
    call: Call, tmp_path: Path, taxonomy: Taxonomy, tiny_bundle: Path
) -> None:
    node = taxonomy.find("malignant melanoma")
    assert node is not None
    _, (record,) = call(save_image(tmp_path / "a.png"), "--level", "Malignant Melanoma")
    assert list(record["level"]) == [node, *taxonomy.children(node)]
    assert record["level"][node] == record["nodes"][node]
    aggregator = Aggregator(taxonomy, read_card(tiny_bundle).classes)
    probs = np.array(list(record["class_probs"].values()))
    assert record["level"] == {key: aggregator.probability(probs, key) for key in record["level"]}
    assert None in record["level"].values()


def test_an_unknown_level_ends_with_code_2_and_the_nearest_names(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "a.png", "--bundle", str(tiny_bundle), "--level", "melanom"]) == 2
    said = capsys.readouterr().err
    assert "roots, nine, classes" in said
    assert "Did you mean: " in said
    assert "elanoma" in said.partition("Did you mean")[2]


def test_a_bundle_of_another_taxonomy_is_refused_before_any_weight_is_read(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], taxonomy: Taxonomy
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    card = (tiny_bundle / "bundle.json").read_text(encoding="utf-8")
    (foreign / "bundle.json").write_text(card.replace(taxonomy.digest, "0" * 64), encoding="utf-8")
    with pytest.raises(WrongTaxonomy, match="this DermTree has"):
        Recorder(read_card(foreign), taxonomy)
    assert main(["predict", "a.png", "--bundle", str(foreign)]) == 2
    assert "trained for" in capsys.readouterr().err


def test_csv_has_one_row_per_file_with_the_same_numbers_as_json(call: Call, folder: Path, tmp_path: Path) -> None:
    (folder / "1.png").write_bytes(b"GIF")
    _, records = call(folder, "--level", "roots")
    table = tmp_path / "table.csv"
    code, printed = call(folder, "--level", "roots", "--csv", table)
    assert (code, printed) == (1, [])
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    assert [row["file"] for row in rows] == [record["file"] for record in records]
    for row, record in zip(rows, records, strict=True):
        assert row["error"] == record.get("error", "")
        for part in ("class_probs", "nodes", "level"):
            for key, value in record.get(part, {}).items():
                assert row[f"{part}.{key}"] == ("" if value is None else str(value))
        for task, answer in record.get("tasks", {}).items():
            assert {key: row[f"tasks.{task}.{key}"] for key in answer} == {k: str(v) for k, v in answer.items()}


def test_a_file_name_cannot_become_a_formula_of_the_spreadsheet(
    tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    writer = CsvWriter(tmp_path / "t.csv", Recorder(read_card(tiny_bundle), taxonomy))
    writer.write({"file": '=HYPERLINK("x")', "error": "no"})
    writer.close()
    (row,) = csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8-sig")))
    assert row["file"] == '\'=HYPERLINK("x")'


def test_a_csv_that_cannot_be_written_is_said_before_the_network_is_loaded(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "no" / "t.csv"
    assert main(["predict", "a.png", "--bundle", str(tiny_bundle), "--csv", str(out)]) == 2
    assert "could not be written" in capsys.readouterr().err


def test_a_question_the_classes_cannot_answer_is_null(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    recorder = Recorder(read_card(tiny_bundle), taxonomy)
    recorder.questions["melanocytic"] = None
    n = len(recorder.card.classes)
    record = recorder.record("a", SimpleNamespace(class_probs=np.full(n, 1 / n), bundle_id="b", ood_percentile=None))  # type: ignore[arg-type]
    assert record["tasks"]["melanocytic"] is None
    assert record["ood_percentile"] is None


def test_a_score_that_is_undefined_is_null_and_has_no_side(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    recorder = Recorder(read_card(tiny_bundle), taxonomy)
    question = recorder.questions["melanocytic"]
    assert question is not None
    probs = np.ones(len(recorder.card.classes))
    probs[[*question.classes.positive, *question.classes.negative]] = 0
    prediction = SimpleNamespace(class_probs=probs / probs.sum(), bundle_id="b", ood_percentile=None)
    answer = recorder.record("a", prediction)["tasks"]["melanocytic"]  # type: ignore[arg-type]
    assert answer == {
        "score": None,
        "threshold": question.threshold,
        "operating_point": "Sensitivity 90%",
        "positive": None,
        "region_probability": 0,
    }


def save(bundle: Path, name: str, threshold: float, task_id: str = "melanocytic") -> None:
    words = {"who": "Dr. Ada", "why": "a test", "chosen_on": "validation images", "measured_on": "held-out images"}
    save_point(read_card(bundle).bundle_id, new_point(name, task_id, threshold, rates=None, **words))


def test_a_saved_operating_point_decides_its_question_and_the_other_keeps_its_own(
    call: Call, tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    save(tiny_bundle, "Our clinic", 0.123)
    code, (record,) = call(save_image(tmp_path / "a.png"), "--operating-point", "our clinic")
    melanocytic, epidermal = record["tasks"]["melanocytic"], record["tasks"]["epidermal"]
    assert code == 0
    assert (melanocytic["threshold"], melanocytic["operating_point"]) == (0.123, "Our clinic")
    assert melanocytic["positive"] is (melanocytic["score"] >= 0.123)
    assert epidermal["operating_point"] == "Sensitivity 90%"


def test_a_preset_of_the_card_can_be_named_and_stands_in_the_table(
    call: Call, tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    table = tmp_path / "table.csv"
    call(save_image(tmp_path / "a.png"), "--operating-point", "Youden", "--csv", table)
    (row,) = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig")))
    for task_id, card in read_card(tiny_bundle).tasks.items():
        (youden,) = [preset for preset in card.presets if preset.name == "Youden"]
        assert row[f"tasks.{task_id}.operating_point"] == "Youden"
        assert float(row[f"tasks.{task_id}.threshold"]) == youden.threshold


def test_an_unknown_operating_point_ends_with_code_2_and_the_names_there_are(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    save(tiny_bundle, "Our clinic", 0.123)
    assert main(["predict", "a.png", "--bundle", str(tiny_bundle), "--operating-point", "theirs"]) == 2
    said = capsys.readouterr().err
    assert "none called 'theirs'" in said
    assert "Sensitivity 90%, Sensitivity 95%, Youden, Our clinic" in said


def test_damaged_saved_points_stop_only_who_asks_for_one(
    call: Call, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    save(tiny_bundle, "Our clinic", 0.123)
    points_file(read_card(tiny_bundle).bundle_id).write_text("{", encoding="ascii")
    code, _ = call(save_image(tmp_path / "a.png"))
    assert code == 0
    assert main(["predict", "a.png", "--bundle", str(tiny_bundle), "--operating-point", "Our clinic"]) == 2
    assert "damaged" in capsys.readouterr().err


def test_on_a_terminal_a_table_in_careful_words_with_bar_and_notice(
    folder: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, taxonomy: Taxonomy
) -> None:
    (folder / "2.png").write_bytes(b"")
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["predict", str(folder), "--bundle", str(tiny_bundle)]) == 1
    text = out.getvalue()
    assert text.endswith(NOTICE + "\n")
    assert text.count("Melanocytic: melanoma or nevus? melanoma 0.") == 10
    assert text.count("operating point") >= 20
    assert "not resolved by this model: " in text
    assert f"{folder / '2.png'}\n  not read: " in text
    assert {"safe", "normal", "cancer detected"}.isdisjoint(text.lower().split())
    assert "image/s" in err.getvalue()
    assert "1 of 11 inputs could not be read" in err.getvalue()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_file_name_cannot_steer_the_terminal(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    stream = io.StringIO()
    TableWriter(stream, Recorder(read_card(tiny_bundle), taxonomy)).write({"file": "a\x1b[2J\udcff.png", "error": "no"})
    assert stream.getvalue() == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}.png\n  not read: no\n\n"


def test_table_rows_fold_what_is_below_one_per_cent(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    stream = io.StringIO()
    recorder = Recorder(read_card(tiny_bundle), taxonomy, "classes")
    probs = np.full(len(recorder.card.classes), 0.005)
    probs[0] = 1 - probs[1:].sum()
    writer = TableWriter(stream, recorder)
    writer.write(recorder.record("a", SimpleNamespace(class_probs=probs, bundle_id="b", ood_percentile=1.0)))  # type: ignore[arg-type]
    lines = stream.getvalue().splitlines()
    assert lines[1:3] == [f"   96%  {recorder.card.classes[0].name}", f"   <1%  each of {len(probs) - 1} more"]


def test_a_run_in_its_own_process_writes_json_lines_and_no_bar_to_a_pipe(folder: Path, tiny_bundle: Path) -> None:
    name = os.fsencode(folder) + b"/caf\xe9.png"  # no UTF-8, as old disks have
    shutil.copy(os.fsencode(folder / "0.png"), name)
    command = [sys.executable, "-m", "derm_model", "predict", str(folder), "--bundle", str(tiny_bundle)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, env={**os.environ, "LC_ALL": "C"}, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 12


def test_ctrl_c_leaves_complete_lines_and_ends_with_130(folder: Path, tiny_bundle: Path) -> None:
    for copy in range(150):
        shutil.copy(folder / "0.png", folder / f"copy{copy}.png")
    command = [sys.executable, "-m", "derm_model", "predict", str(folder), "--bundle", str(tiny_bundle)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what readline would read ahead, communicate would not give back
        # A shell's background jobs ignore SIGINT, and so would a child of tests that run as one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=300)
    lines = [first, *rest.splitlines(keepends=True)]
    assert process.returncode == 130
    assert said == b"stopped\n"
    assert all(line.endswith(b"\n") and json.loads(line)["file"] for line in lines)
    assert len(lines) < 161


def test_without_a_bundle_the_error_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("derm_model.card.bundle_roots", lambda: (tmp_path,))
    assert main(["predict", "a.png"]) == 2
    assert "derm_model train" in capsys.readouterr().err
