"""Training that is real: a tiny network on drawn images, stopped, killed and resumed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from derm_model.__main__ import main
from derm_model.data.manifest import Record, read_manifest
from derm_model.data.splits import SplitRules
from derm_model.errors import TrainingError
from derm_model.net.bundle import load_bundle
from derm_model.net.config import Stage, TrainConfig
from derm_model.net.engine import Engine
from derm_model.net.loader import draw_epoch, sampling_weights, training_batches
from derm_model.net.run import Run, prepare_run
from derm_model.net.run_state import Average, RunPaths
from derm_model.net.training import fit, fitted, jitter
from derm_model.taxonomy import Taxonomy, read_crosswalk
from tests.net.drawn import write_drawn_manifest

TINY = TrainConfig(
    architecture="tiny",
    initialisation="random",
    stages=(Stage(76, 2), Stage(80, 4)),
    read_size_px=100,
    batch_size=8,
    optimizer="adamw",
    learning_rate=1e-2,
    dropout=0.2,
    brightness=0.1,
    ema_decay=0.9,
    sampling_power=0.5,
    workers=0,
    max_class_size=10,
)
OPTIONS = [
    *("--set", "architecture=tiny", "--initialisation", "random", "--stages", "76:2", "80:4", "--set", "batch_size=8"),
    *("--set", "optimizer=adamw", "--set", "learning_rate=0.01", "--set", "ema_decay=0.9", "--set", "workers=0"),
    *("--set", "max_class_size=10", "--set", "read_size_px=100", "--validation", "0.2", "--device", "cpu"),
]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn_manifest(tmp_path_factory.mktemp("drawn"))


def prepared(manifest: Path, taxonomy: Taxonomy, paths: RunPaths, config: TrainConfig = TINY) -> Run:
    records = read_manifest(manifest, taxonomy, read_crosswalk(taxonomy)).records
    return prepare_run(config, records, taxonomy, SplitRules(default_holdout=0.2, validation=0.2), paths)


def train(run: Run, paths: RunPaths, epochs: int | None = None) -> dict[str, torch.Tensor]:
    """Weights after `epochs` further epochs, or all."""
    for i, _ in enumerate(fit(run.config, run.train, run.validation, len(run.partition.classes), paths), start=1):
        if i == epochs:
            break
    return fitted(run.config, len(run.partition.classes), paths).network.state_dict()


@pytest.fixture(scope="module")
def finished(manifest: Path, taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, RunPaths]:
    paths = RunPaths(tmp_path_factory.mktemp("run"))
    run = prepared(manifest, taxonomy, paths)
    train(run, paths)
    return run, paths


def test_it_learns_to_separate_drawn_kinds(finished: tuple[Run, RunPaths]) -> None:
    lines = [json.loads(line) for line in finished[1].metrics.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["size_px"] for line in lines] == [76, 76, 80, 80, 80, 80]
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]
    assert lines[-1]["accuracy"] >= 0.9


def test_a_run_stopped_after_any_epoch_ends_with_the_same_weights(
    finished: tuple[Run, RunPaths], manifest: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    paths = RunPaths(tmp_path)
    run = prepared(manifest, taxonomy, paths)
    train(run, paths, epochs=1)
    train(prepared(manifest, taxonomy, paths), paths, epochs=3)
    resumed = train(prepared(manifest, taxonomy, paths), paths)
    whole = fitted(run.config, 2, finished[1]).network.state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert len(paths.metrics.read_text().splitlines()) == 6


def test_no_lesion_is_in_two_parts_of_a_run(finished: tuple[Run, RunPaths]) -> None:
    run = finished[0]
    lesions = [{r.lesion_id for r in part.records} for part in (run.train, run.validation, run.test)]
    assert all(lesions)
    assert not lesions[0] & lesions[1]
    assert not (lesions[0] | lesions[1]) & lesions[2]


def test_another_recipe_in_the_same_folder_is_refused(
    finished: tuple[Run, RunPaths], manifest: Path, taxonomy: Taxonomy
) -> None:
    other = dataclasses.replace(TINY, learning_rate=0.5)
    with pytest.raises(TrainingError, match="another set of recipe"):
        prepared(manifest, taxonomy, finished[1], other)


def test_a_damaged_checkpoint_is_named(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    run, paths = finished[0], RunPaths(tmp_path)
    paths.checkpoint.write_bytes(finished[1].checkpoint.read_bytes()[:2000])
    with pytest.raises(TrainingError, match="checkpoint"):
        next(fit(run.config, run.train, run.validation, 2, paths))


def test_a_class_without_training_images_is_refused(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    run = finished[0]
    with pytest.raises(TrainingError, match="no training image"):
        next(fit(run.config, run.train, run.validation, 3, RunPaths(tmp_path)))


def test_a_loss_that_is_not_finite_stops_with_advice(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    run = finished[0]
    wild = dataclasses.replace(TINY, learning_rate=1e30)
    with pytest.raises(TrainingError, match="learning rate"):
        list(fit(wild, run.train, run.validation, 2, RunPaths(tmp_path)))


def test_reduced_precision_trains_to_nearly_the_same_loss(
    finished: tuple[Run, RunPaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished[0]
    exact = json.loads(finished[1].metrics.read_text().splitlines()[0])["loss"]
    monkeypatch.setattr("derm_model.net.training.autocast_dtype", lambda device: torch.bfloat16)
    reduced = next(fit(run.config, run.train, run.validation, 2, RunPaths(tmp_path)))
    assert reduced.loss == pytest.approx(exact, rel=0.15)  # six steps at a high rate let rounding grow
    assert reduced.loss != exact  # it really ran in bfloat16


def test_a_weighted_epoch_draws_rare_classes_more_often() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    records = [Record(str(i), Path("x"), "n", None, "rare" if i == 0 else "other") for i in range(100)]
    weights = sampling_weights(records, labels, dataclasses.replace(TINY, sampling_power=1.0))
    assert weights is not None
    assert weights[labels == 1].sum() == pytest.approx(0.5)
    drawn = labels[draw_epoch(100, weights, seed=1, epoch=0)]
    assert 30 < (drawn == 1).sum() < 70
    boosted = sampling_weights(
        records, labels, dataclasses.replace(TINY, sampling_power=0, source_weights={"rare": 5.0})
    )
    assert boosted is not None
    assert boosted[0] == pytest.approx(5 * boosted[1])


def test_the_papers_epoch_sees_every_image_once() -> None:
    assert sampling_weights([], np.array([], dtype=np.int64), TrainConfig()) is None
    assert sorted(draw_epoch(50, None, seed=1, epoch=3)) == list(range(50))


def test_views_do_not_depend_on_worker_processes(finished: tuple[Run, RunPaths]) -> None:
    part = finished[0].train
    alone, helped = (
        [pixels for pixels, _ in training_batches(part.records, part.labels, dataclasses.replace(TINY, workers=n), 0)]
        for n in (0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(alone, helped, strict=True))


def test_jitter_keeps_colours_in_range_and_off_means_untouched() -> None:
    unit = torch.rand(4, 3, 8, 8)
    assert jitter(unit, TrainConfig()) is unit
    shifted = jitter(unit, dataclasses.replace(TINY, brightness=0.5, contrast=0.5))
    assert shifted.min() >= 0
    assert shifted.max() <= 1
    assert not torch.allclose(shifted, unit)


def test_the_average_follows_the_weights() -> None:
    layer = torch.nn.Linear(1, 1)
    average = Average(layer, decay=0.5)
    with torch.no_grad():
        layer.weight.fill_(10.0)
    for step in range(40):
        average.update(layer, step)
    assert average.values["weight"].item() == pytest.approx(10.0, abs=1e-3)


def command(manifest: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "derm_model", "train", "--manifest", str(manifest), "--out", str(out), *OPTIONS]


def wait_for(path: Path, process: subprocess.Popen[bytes], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, "the run ended before its first epoch"
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_or_interrupted_process_loses_at_most_the_running_epoch(
    manifest: Path, tmp_path: Path, how: int
) -> None:
    paths = RunPaths(tmp_path / "run")
    first = subprocess.Popen(
        command(manifest, paths.folder),
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # A shell's background jobs ignore SIGINT, and so would a child of tests that run as one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(paths.metrics, first)
    first.send_signal(how)
    _, said = first.communicate(timeout=120)
    assert first.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130), said.decode()
    assert paths.checkpoint.exists()
    kept = len(paths.metrics.read_text().splitlines())
    assert main(["train", "--manifest", str(manifest), "--out", str(paths.folder), *OPTIONS]) == 0
    epochs = [json.loads(line)["epoch"] for line in paths.metrics.read_text().splitlines()]
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert kept < 6
    assert (paths.bundle / "bundle.json").is_file()


def test_the_command_makes_a_bundle_the_engine_reads(manifest: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    notes = tmp_path / "notes.json"
    notes.write_text(json.dumps({"origin": "random weights", "limitations": ["Drawings only."]}))
    out = tmp_path / "run"
    arguments = ["train", "--manifest", str(manifest), "--out", str(out), *OPTIONS, "--card-notes", str(notes)]
    assert main([*arguments, "--name", "drawn"]) == 0
    bundle = load_bundle(out / "bundle", taxonomy)
    card = bundle.card
    assert card.name == "drawn"
    assert card.network.origin == "random weights"
    assert card.limitations == ("Drawings only.",)
    assert card.training.config["weights"] in ("average", "last")
    assert [source.licence for source in card.data] == ["CC0-1.0"]
    assert card.training.n_train + card.training.n_validation + card.data[0].n_test == 80
    assert card.tasks.keys() == {"melanocytic"}  # no epidermal class was trained
    melanocytic = card.tasks["melanocytic"]
    assert melanocytic.holdout is not None
    assert melanocytic.holdout.n_pos + melanocytic.holdout.n_neg == card.data[0].n_test
    assert melanocytic.auc[0].value > 0.95
    records = read_manifest(manifest, taxonomy, read_crosswalk(taxonomy)).records
    from derm_model.data.images import decode_file

    prediction = Engine(bundle).predict([decode_file(records[0].path).pixels])[0]
    assert bundle.classes[int(prediction.class_probs.argmax())].node == records[0].node


def test_wrong_options_end_with_one_sentence_and_code_2(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["train", "--manifest", str(manifest), "--out", str(tmp_path / "run")]
    for wrong, word in (
        (["--preset", "fast"], "preset"),
        (["--set", "learning_rate=high"], "number"),
        (["--set", "lr=1"], "lr"),
        (["--stages", "big"], "PX:EPOCHS"),
        (["--holdout", "drawn"], "NAME=VALUE"),
    ):
        assert main([*base, *wrong]) == 2
        assert word in capsys.readouterr().err
