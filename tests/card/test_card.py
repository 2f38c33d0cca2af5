"""The card of a bundle: readable, complete, strict."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from derm_model.card import (
    CARD_FILE,
    BundleCard,
    SubgroupCard,
    TaskCard,
    bundle_roots,
    default_bundle,
    find_bundles,
    read_card,
    write_card,
)
from derm_model.errors import BundleError, UnsupportedFormat
from derm_model.evaluation.curves import operating_curve
from derm_model.evaluation.subgroups import subgroups
from derm_model.typed_json import encode
from tests.support import task_card


@pytest.fixture
def card(tiny_bundle: Path) -> BundleCard:
    return read_card(tiny_bundle)


def rewrite(folder: Path, card: BundleCard, **change: Any) -> Path:
    """Write the card's JSON with some fields changed, or left out where the value is Ellipsis."""
    content = encode(card) | change
    (folder / CARD_FILE).write_text(json.dumps({k: v for k, v in content.items() if v is not ...}), encoding="utf-8")
    return folder


def test_importing_the_card_needs_no_torch() -> None:
    code = "import sys, derm_model.card; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_written_card_is_read_back_as_the_same(card: BundleCard, tmp_path: Path) -> None:
    write_card(card, tmp_path)
    again = read_card(tmp_path)
    assert encode(again) == encode(card)
    assert again.classes == card.classes
    assert again.taxonomy_digest == card.taxonomy_digest


def test_the_card_is_readable_json_with_numbers_on_one_line(card: BundleCard, tmp_path: Path) -> None:
    awkward = replace(card, split_rule='by lesion [ham], "quoted",\n  second line [ 1,\n 2 ]')
    write_card(awkward, tmp_path)
    text = (tmp_path / CARD_FILE).read_text(encoding="utf-8")
    assert read_card(tmp_path).split_rule == awkward.split_rule
    assert any(line.strip().startswith('"thresholds": [ 0.') for line in text.splitlines())


def test_a_folder_without_a_card_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="could not be read"):
        read_card(tmp_path / "nowhere")


def test_a_card_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="not valid JSON"):
        read_card(tmp_path)


def test_a_card_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="not valid JSON"):
        read_card(tmp_path)


@pytest.mark.parametrize("version", [2, 0, None, "1", True, ...])
def test_an_unknown_format_version_is_refused(card: BundleCard, tmp_path: Path, version: object) -> None:
    with pytest.raises(UnsupportedFormat, match="reads bundle format 1"):
        read_card(rewrite(tmp_path, card, format_version=version))


def test_a_card_that_is_no_object_has_no_known_format(tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_text("[1]", encoding="utf-8")
    with pytest.raises(UnsupportedFormat):
        read_card(tmp_path)


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("licence", ..., "licence: field is missing"),
        ("weights_sha256", ..., "weights_sha256: field is missing"),
        ("temperature", "hot", "temperature: float is expected"),
        ("temperature", 0, "temperature must be above 0"),
        ("network", {"architecture": "inception_v3"}, "network.count_include_pad: field is missing"),
        ("partition", {}, "partition: "),
        ("tasks", {"epidermal": {}}, "tasks.epidermal.validation: field is missing"),
        ("metrics", [{"name": "x"}], r"metrics\[0\].data_set: field is missing"),
        ("colour", "red", "colour: unknown field"),
    ],
)
def test_a_missing_or_odd_field_is_named(
    card: BundleCard, tmp_path: Path, field: str, value: object, message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        read_card(rewrite(tmp_path, card, **{field: value}))


def with_groups(card: BundleCard) -> BundleCard:
    labels, sexes = [i % 3 == 0 for i in range(120)], ["female", "male", None, "male"] * 30
    found = subgroups(labels, [i / 120 for i in range(120)], 0.4, sexes)
    measured = SubgroupCard(preset="Sensitivity 90%", threshold=0.4, attributes={"Sex": found})
    return replace(card, tasks={"epidermal": replace(card.tasks["epidermal"], subgroups=measured)})


def test_subgroups_are_read_back_as_they_were_with_what_is_too_few_to_say(card: BundleCard, tmp_path: Path) -> None:
    told = with_groups(card)
    write_card(told, tmp_path)
    again = read_card(tmp_path).tasks["epidermal"].subgroups
    assert again == told.tasks["epidermal"].subgroups
    assert again is not None
    assert [row.auc is None for row in again.attributes["Sex"].rows] == [True, False, True]
    assert again.attributes["Sex"].gaps


def test_a_card_of_an_older_version_has_no_subgroups(card: BundleCard, tmp_path: Path) -> None:
    tasks = encode(with_groups(card).tasks)
    del tasks["epidermal"]["subgroups"]
    assert read_card(rewrite(tmp_path, card, tasks=tasks)).tasks["epidermal"].subgroups is None


@pytest.mark.parametrize(
    "place, value, message",
    [
        (("rows", 0, "n_pos"), "many", r"subgroups.attributes.Sex.rows\[0\].n_pos: int is expected"),
        (("rows", 0, "specificity", "low"), None, r"rows\[0\].specificity.low: float is expected"),
        (("gaps", 0, "measure"), "accuracy", r"gaps\[0\].measure: one of auc, sensitivity, specificity is expected"),
        (("gaps", 0, "interval"), [0.1], r"gaps\[0\].interval: 2 entries are expected"),
    ],
)
def test_odd_subgroups_are_named(
    card: BundleCard, tmp_path: Path, place: tuple[str | int, ...], value: object, message: str
) -> None:
    tasks = encode(with_groups(card).tasks)
    inner = tasks["epidermal"]["subgroups"]["attributes"]["Sex"]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(BundleError, match=message):
        read_card(rewrite(tmp_path, card, tasks=tasks))


def test_a_curve_that_breaks_its_own_rules_is_named(card: BundleCard, tmp_path: Path) -> None:
    tasks = encode(card.tasks)
    tasks["epidermal"]["validation"]["thresholds"].reverse()
    with pytest.raises(BundleError, match=r"tasks.epidermal.validation: .*ascending"):
        read_card(rewrite(tmp_path, card, tasks=tasks))


def test_an_undefined_figure_cannot_be_written(card: BundleCard, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be written"):
        write_card(replace(card, temperature=float("nan")), tmp_path)
    assert not list(tmp_path.iterdir())


def test_presets_are_chosen_on_validation_and_rated_on_held_out_images() -> None:
    task = task_card(3)
    assert [preset.name for preset in task.presets] == ["Sensitivity 90%", "Sensitivity 95%", "Youden"]
    for preset in task.presets:
        assert task.holdout is not None
        assert preset.held_out is not None
        assert preset.threshold == preset.chosen.threshold == preset.held_out.threshold
        assert preset.chosen == task.validation.at_threshold(preset.threshold, rule=preset.chosen.rule)
        assert preset.held_out == task.holdout.at_threshold(preset.threshold, rule=preset.held_out.rule)
    assert task.presets[0].chosen.sensitivity >= 0.90
    assert task.presets[1].chosen.sensitivity >= 0.95


def test_presets_stay_exact_on_the_stored_curves(tmp_path: Path, card: BundleCard) -> None:
    labels = [i % 2 == 0 for i in range(3000)]
    scores = [((i * 7919) % 3000 + 900 * (i % 2 == 0)) / 4000 for i in range(3000)]
    curve = operating_curve(labels, scores)
    task = TaskCard.from_curves(curve, curve, biopsy_proven=True)
    write_card(replace(card, tasks={"epidermal": task}), tmp_path)
    stored = read_card(tmp_path).tasks["epidermal"]
    assert stored.holdout is not None
    assert len(stored.holdout.thresholds) < 3000
    for preset in stored.presets:
        assert preset.held_out is not None
        at = stored.holdout.at_threshold(preset.threshold)
        assert (at.sensitivity, at.specificity) == (preset.held_out.sensitivity, preset.held_out.specificity)


def test_without_held_out_images_presets_have_no_held_out_rates() -> None:
    assert all(preset.held_out is None for preset in task_card(3, holdout=False).presets)


def test_a_sensitivity_only_reached_by_calling_every_image_is_no_preset() -> None:
    task = TaskCard.from_curves(operating_curve([1, 0, 1, 0], [0.1, 0.5, 0.9, 0.2]), None, biopsy_proven=False)
    assert [preset.name for preset in task.presets] == ["Youden"]


def test_bundles_are_listed_in_name_order_and_broken_ones_do_not_disturb(
    tmp_path: Path, card: BundleCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    root = tmp_path / "bundles"
    for name in ("b", "a", ".a.tmp", "empty", "broken"):
        (root / name).mkdir(parents=True)
    (root / "file").write_text("x")
    for name in ("a", "b", ".a.tmp"):
        write_card(card, root / name)
    (root / "broken" / CARD_FILE).write_text("{")
    assert bundle_roots()[1] == root
    assert find_bundles([tmp_path / "nowhere", root / "file", root]) == [root / "a", root / "b", root / "broken"]
    assert default_bundle() in find_bundles()


def test_without_any_bundle_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derm_model.card.bundle_roots", lambda: (tmp_path,))
    with pytest.raises(BundleError, match="derm_model train"):
        default_bundle()
