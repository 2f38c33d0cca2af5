"""What a run would be, before it starts; and how long it takes, by what was measured."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from derm_model.__main__ import main
from derm_model.data.manifest import Record, read_manifest
from derm_model.data.splits import SplitRules
from derm_model.errors import ManifestError, TrainingError
from derm_model.net import effort
from derm_model.net.effort import Clock, epoch_effort, estimate, keep_speed, read_speeds, training_effort
from derm_model.net.preview import preview
from derm_model.net.run import Run, plan_run
from derm_model.net.training import EpochResult, StepResult
from derm_model.recipe.config import PRESETS, Stage, TrainConfig
from derm_model.taxonomy import Taxonomy, read_crosswalk
from tests.net.drawn import write_drawn_manifest

RULES = SplitRules(default_holdout=0.2, validation=0.2)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def records(n_of: dict[str, int]) -> tuple[Record, ...]:
    """Records without files: a preview reads none."""
    return tuple(
        Record(f"{node}-{i}", Path("nowhere.png"), node, node, "drawn", lesion_id=f"{node}-{i}")
        for node, n in n_of.items()
        for i in range(n)
    )


def test_a_preview_counts_classes_per_part_and_reads_no_picture(taxonomy: Taxonomy) -> None:
    seen = preview(
        dataclasses.replace(PRESETS["small-data"], max_class_size=50),
        records({"melanoma-nos": 100, "melanocytic-nevus-nos": 300, "psoriasis": 20}),
        taxonomy,
        RULES,
    )
    assert len(seen.classes) == 3
    assert sum(c.n_train + c.n_validation + c.n_test for c in seen.classes) == 420
    assert all(c.n_train > c.n_validation > 0 and c.n_test > 0 for c in seen.classes)
    assert seen.faithful_lost == 80 + 240  # two diseases reach the limit, without their test images
    assert seen.faithful_classes == 1
    assert seen.by_ids_only
    assert any("hard to learn" in note for note in seen.notes)
    assert any("a disease is not split" in note for note in seen.notes)
    assert seen.n_steps == len(seen.run.train) // 32 * 8


def test_images_of_a_split_node_are_named_as_residual_classes(taxonomy: Taxonomy) -> None:
    root = taxonomy.at_level("melanoma-nos", 2)
    config = dataclasses.replace(PRESETS["small-data"], max_class_size=60)
    counted = records({root: 70, "melanoma-nos": 100, "melanocytic-nevus-nos": 100})
    seen = preview(config, counted, taxonomy, RULES)
    assert [c.residual for c in seen.classes].count(True) == seen.n_residual == 1
    assert any("labelled at a node that is split" in note for note in seen.notes)
    coarse = preview(dataclasses.replace(config, loss="hierarchical"), counted, taxonomy, RULES)
    assert coarse.n_residual == 0
    assert any("train their sum" in note for note in coarse.notes)


@pytest.mark.parametrize("targets, n", [("three", 2), ("nine", 2)])
def test_outputs_may_be_a_level_of_the_tree(targets: str, n: int, taxonomy: Taxonomy) -> None:
    config = dataclasses.replace(PRESETS["small-data"], targets=targets)
    seen = preview(config, records({"melanoma-nos": 50, "melanocytic-nevus-nos": 50}), taxonomy, RULES)
    assert len(seen.classes) == n
    assert {taxonomy.level(c.node) for c in seen.classes} == {1 if targets == "three" else 2}
    assert seen.faithful_lost is None


def test_no_images_and_nonsense_are_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(ManifestError):
        preview(TrainConfig(), (), taxonomy, RULES)
    with pytest.raises(TrainingError, match="mixup"):
        preview(TrainConfig(mixup=0.2, loss="hierarchical"), records({"psoriasis": 9}), taxonomy, RULES)


def test_the_command_prints_the_preview_and_writes_nothing(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_drawn_manifest(tmp_path / "drawn", 10)
    assert main(["train", "--manifest", str(manifest), "--preset", "small-data", "--preview", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "16 images to train on, 0 for validation, 4 held out; 2 classes, 8 steps" in out
    assert "Time: about" in out
    assert "a rough guess" in out
    assert "Memory: about" in out
    assert not home.exists()


def test_a_wide_stage_costs_its_area() -> None:
    config = TrainConfig(stages=(Stage(100, 1), Stage(200, 1)))
    assert training_effort(config, 10, 1) == pytest.approx(4 * training_effort(config, 10, 0))
    assert epoch_effort(config, 10, 5, 0, None) > training_effort(config, 10, 0)


def test_a_measured_speed_takes_the_place_of_the_guess() -> None:
    guessed = estimate(TrainConfig(), 1000, 100, 100, "cpu")
    assert not guessed.measured
    assert guessed.seconds is not None
    import torch

    keep_speed("inception_v3", torch.device("cpu"), 1000.0, 1)
    measured = estimate(TrainConfig(), 1000, 100, 100, "cpu")
    assert measured.measured
    assert measured.seconds is not None
    assert measured.seconds < guessed.seconds
    keep_speed("inception_v3", torch.device("cpu"), 500.0, 1)
    assert list(read_speeds().values()) == [750.0]


def test_a_damaged_file_of_speeds_is_as_none(home: Path) -> None:
    home.mkdir()
    for text in ("", "[1]", '{"a": "b"}', "{"):
        (home / effort.SPEED_FILE).write_text(text)
        assert read_speeds() == {}


def test_larger_crops_batches_and_averages_need_more_memory() -> None:
    def memory(**change: object) -> float:
        return estimate(dataclasses.replace(TrainConfig(), **change), 1000, 0, 0, "cpu").memory_bytes  # type: ignore[arg-type]

    usual = memory()
    assert memory(batch_size=64) > usual > memory(accumulate=2)
    assert memory(stages=(Stage(150, 1),)) < usual < memory(ema_decay=0.99)
    assert memory(frozen_stem=True) < usual


def test_the_clock_tells_steps_and_the_time_left(
    tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(write_drawn_manifest(tmp_path / "drawn", 10), taxonomy, read_crosswalk(taxonomy))
    config = TrainConfig(stages=(Stage(100, 1), Stage(200, 1)), architecture="tiny", max_class_size=5, batch_size=4)
    split = preview(config, manifest.records, taxonomy, RULES).run.split
    run: Run = plan_run(config, manifest.records, taxonomy, split)
    now = [100.0]
    monkeypatch.setattr("derm_model.net.effort.time.monotonic", lambda: now[0])
    clock = Clock(run, "cpu")
    now[0] += 10
    half = clock.progress(StepResult(1, 2, 2, 4, 1.0))
    assert (half.done, half.total, half.unit) == (2, 8, "steps")
    assert half.stage == "Training, epoch 1 of 2"
    assert half.remaining_s is not None
    assert half.remaining_s > 10 * (0.5 + 4) / 0.5 * 0.8  # the second epoch is four times as much work
    values = dict.fromkeys([f.name for f in dataclasses.fields(EpochResult)], 1.0)
    result = EpochResult(**values | {"epoch": 1, "n_epochs": 2, "size_px": 100, "per_class": (), "memory_bytes": 1})  # type: ignore[arg-type]
    assert clock.progress(result).done == 4
    assert len(json.loads((tmp_path / "home" / effort.SPEED_FILE).read_text())) == 1
