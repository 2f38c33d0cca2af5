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

import pytest
import torch
from safetensors.torch import save_file

from derm_model.__main__ import main
from derm_model.data.manifest import read_manifest
from derm_model.data.splits import SplitRules
from derm_model.errors import Cancelled, TrainingError
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.network import build_network
from derm_model.net.run import Run, prepare_run
from derm_model.net.run_state import Average, RunPaths
from derm_model.net.training import EpochResult, StepResult, fit, fitted, n_frozen
from derm_model.recipe.config import Stage, TrainConfig
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
    results = (result for result in fit(run, paths) if isinstance(result, EpochResult))
    for i, _ in enumerate(results, start=1):
        if i == epochs:
            break
    return weights(run, paths)


def weights(run: Run, paths: RunPaths, which: str = "last") -> dict[str, torch.Tensor]:
    found = fitted(run, paths, which)
    assert found is not None
    return dict(found.network.state_dict())


def first_epoch(run: Run, paths: RunPaths) -> EpochResult:
    return next(result for result in fit(run, paths) if isinstance(result, EpochResult))


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
    whole = weights(run, finished[1])
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    averages = weights(run, paths, "average"), weights(run, finished[1], "average")
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])
    assert figures(paths) == figures(finished[1])  # bit-equal metrics


def figures(paths: RunPaths) -> list[dict[str, object]]:
    """What the epochs gave, without what the clock gave."""
    timed = ("seconds", "images_per_second", "memory_bytes")
    lines = [json.loads(line) for line in paths.metrics.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


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
        next(fit(run, paths))


def test_a_class_without_training_images_is_refused(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    run = finished[0]
    only = dataclasses.replace(run.train, records=run.train.records[:1], labels=run.train.labels[:1])
    with pytest.raises(TrainingError, match=r"1 have no training image \("):
        next(fit(dataclasses.replace(run, train=only), RunPaths(tmp_path)))
    nothing = dataclasses.replace(run.train, records=(), labels=run.train.labels[:0])
    with pytest.raises(TrainingError, match="no image to train on"):
        next(fit(dataclasses.replace(run, train=nothing), RunPaths(tmp_path)))


def test_a_loss_that_is_not_finite_stops_with_advice(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    wild = dataclasses.replace(finished[0], config=dataclasses.replace(TINY, learning_rate=1e30))
    with pytest.raises(TrainingError, match="learning rate"):
        list(fit(wild, RunPaths(tmp_path)))


def test_reduced_precision_trains_to_nearly_the_same_loss(
    finished: tuple[Run, RunPaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished[0]
    full = dataclasses.replace(run, config=dataclasses.replace(TINY, reduced_precision=False))
    exact = first_epoch(full, folder(tmp_path, "full")).loss
    monkeypatch.setattr("derm_model.net.training.autocast_dtype", lambda device: torch.bfloat16)
    reduced = first_epoch(run, RunPaths(tmp_path))
    assert reduced.loss == pytest.approx(exact, rel=0.15)  # six steps at a high rate let rounding grow
    assert reduced.loss != exact  # it really ran in bfloat16


def test_the_average_follows_the_weights() -> None:
    layer = torch.nn.Linear(1, 1)
    average = Average(layer, decay=0.5)
    with torch.no_grad():
        layer.weight.fill_(10.0)
    for step in range(40):
        average.update(layer, step)
    assert average.values["weight"].item() == pytest.approx(10.0, abs=1e-3)


def folder(parent: Path, name: str) -> RunPaths:
    (parent / name).mkdir()
    return RunPaths(parent / name)


def test_steps_are_told_one_by_one(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    results = []
    for result in fit(finished[0], RunPaths(tmp_path)):
        results.append(result)
        if isinstance(result, EpochResult):
            break
    *steps, epoch = results
    assert isinstance(epoch, EpochResult)
    assert all(isinstance(step, StepResult) for step in steps)
    assert [step.step for step in steps] == list(range(1, steps[0].n_steps + 1))  # type: ignore[union-attr]


def test_a_stop_ends_between_two_steps_and_keeps_the_last_epoch(
    finished: tuple[Run, RunPaths], manifest: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    paths = RunPaths(tmp_path)
    run = prepared(manifest, taxonomy, paths)
    asked = iter([False] * 9 + [True] * 9)
    with pytest.raises(Cancelled, match="last finished epoch is kept"):
        list(fit(run, paths, stop=lambda: next(asked)))
    assert len(figures(paths)) == 1
    assert figures(paths) == figures(finished[1])[:1]
    train(run, paths)
    assert figures(paths) == figures(finished[1])


@pytest.mark.parametrize(
    "options",
    [
        {"accumulate": 2},
        {"mixup": 0.4, "hue": 0.1, "saturation": 0.3},
        {"sampling_power": 0.0, "class_balance": 0.9},
        {"optimizer": "rmsprop_tf", "schedule": "cosine", "warmup_steps": 3, "label_smoothing": 0.1},
        {"ema_decay": None, "reduced_precision": False},
    ],
    ids=lambda options: " ".join(options),
)
def test_every_option_trains_and_resumes_to_the_same_weights(
    options: dict[str, object], finished: tuple[Run, RunPaths], tmp_path: Path
) -> None:
    config = dataclasses.replace(TINY, stages=(Stage(76, 2),), **options)  # type: ignore[arg-type]
    config.check()
    run = dataclasses.replace(finished[0], config=config)
    whole = train(run, folder(tmp_path, "whole"))
    paths = folder(tmp_path, "stopped")
    train(run, paths, epochs=1)
    resumed = train(run, paths)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    losses = [line["loss"] for line in figures(paths)]
    assert losses[1] < losses[0]  # type: ignore[operator]


def test_layers_join_from_the_last_to_the_first() -> None:
    network = build_network(2)  # twelve blocks
    config = TrainConfig(thaw_epochs=3)
    assert [n_frozen(config, network, epoch) for epoch in range(5)] == [12, 8, 4, 0, 0]
    stem = TrainConfig(frozen_stem=True)
    assert [n_frozen(stem, network, epoch) for epoch in range(2)] == [1, 1]
    assert n_frozen(TrainConfig(), network, 0) == 0


def test_a_thawing_network_moves_layer_by_layer(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    trained = dataclasses.replace(
        TINY, stages=(Stage(76, 3),), ema_decay=None, initialisation=str(tmp_path / "w.safetensors")
    )
    whole = {name: value.contiguous() for name, value in weights(finished[0], finished[1]).items()}
    save_file(whole, tmp_path / "w.safetensors")
    run = dataclasses.replace(finished[0], config=dataclasses.replace(trained, thaw_epochs=2))
    paths = folder(tmp_path, "run")
    seen = [weights(finished[0], finished[1])]
    for epoch in range(3):
        train(run, paths, epochs=1)
        seen.append(weights(run, paths))
        moved = {name for name in seen[0] if not torch.equal(seen[-1][name], seen[-2][name])}
        blocks = {int(name.split(".")[1]) // 3 for name in moved if name.startswith("body")}
        assert blocks == {0: set(), 1: {2, 3}, 2: {0, 1, 2, 3}}[epoch]
        assert "fc.weight" in moved


def test_training_stops_early_and_the_best_epoch_is_kept(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    still = dataclasses.replace(TINY, learning_rate=1e-8, ema_decay=None, patience=2)  # nothing gets better
    run = dataclasses.replace(finished[0], config=still)
    paths = RunPaths(tmp_path)
    train(run, paths)
    assert [line["epoch"] for line in figures(paths)] == [1, 2, 3]
    best = fitted(run, paths, "best")
    assert best is not None
    assert (best.epochs, best.weights) == (1, "best")
    assert fitted(run, paths, "average") is None
    assert list(fit(run, paths)) == []  # and a resume does not go on


def test_a_checkpoint_of_other_images_is_refused(finished: tuple[Run, RunPaths], tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    paths.checkpoint.write_bytes(finished[1].checkpoint.read_bytes())
    run = finished[0]
    fewer = dataclasses.replace(run.train, records=run.train.records[1:], labels=run.train.labels[1:])
    with pytest.raises(TrainingError, match="other images"):
        next(fit(dataclasses.replace(run, train=fewer), paths))


def test_images_that_come_to_the_manifest_later_do_not_keep_a_run_from_going_on(
    manifest: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    records = read_manifest(manifest, taxonomy, read_crosswalk(taxonomy)).records
    rules, paths = SplitRules(default_holdout=0.2, validation=0.2), RunPaths(tmp_path)
    before = prepare_run(TINY, records[:-10], taxonomy, rules, paths)
    assert prepare_run(TINY, records, taxonomy, rules, paths).digest == before.digest
    with pytest.raises(TrainingError, match="another set of images"):
        prepare_run(TINY, records[10:], taxonomy, rules, paths)


def test_two_processes_do_not_train_in_one_folder(finished: tuple[Run, RunPaths]) -> None:
    with (
        finished[1].locked(),
        pytest.raises(TrainingError, match="One process trains in a run folder"),
        RunPaths(finished[1].folder).locked(),
    ):
        raise AssertionError


def test_coarse_labels_train_the_sum_of_their_classes(manifest: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    records = read_manifest(manifest, taxonomy, read_crosswalk(taxonomy)).records
    root = taxonomy.at_level("melanoma-nos", 2)
    coarse = [
        dataclasses.replace(r, node=root) if r.node == "melanoma-nos" and i % 4 < 2 else r
        for i, r in enumerate(records)
    ]
    config = dataclasses.replace(TINY, loss="hierarchical", max_class_size=2)
    run = prepare_run(config, coarse, taxonomy, SplitRules(default_holdout=0.2, validation=0.2), RunPaths(tmp_path))
    assert [c.node for c in run.partition.classes] == ["melanoma-nos", "melanocytic-nevus-nos"]
    (label,) = run.targets.coarse
    assert (label.node, label.classes) == (root, (0,))
    assert (run.train.labels == 2).sum() > 5
    assert run.not_judged > 0
    assert run.validation.labels.max() < 2
    assert first_epoch(run, RunPaths(tmp_path)).accuracy is not None


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
    assert card.training.config["weights"] in ("average", "last", "best")
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
        (["--holdout", "drawn"], "SOURCE=SHARE"),
        (["--set", "batch_size=2.5"], "whole number"),
        (["--set", "batch_size=33", "--set", "accumulate=2"], "multiple of accumulate"),
        (["--set", "patience=0"], "patience lies between"),
        (["--fold", "1"], "--folds"),
    ):
        assert main([*base, *wrong]) == 2
        assert word in capsys.readouterr().err
