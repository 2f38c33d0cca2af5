"""The model card as Markdown: everything on it, nothing that could be mistaken for markup, nothing of the machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from derm_model import words
from derm_model.__main__ import main
from derm_model.card import BundleCard, Metric, SubgroupCard, read_card
from derm_model.card_text import images, markdown, sections, summary, value
from derm_model.evaluation.subgroups import TOO_FEW, Subgroup, Subgroups
from derm_model.markup import escaped
from derm_model.recipe.config import PRESETS, TrainConfig
from derm_model.taxonomy import Taxonomy

DEMO = Path(__file__).parents[1] / "assets" / "bundles" / "demo"
METRIC = Metric(name="AUC", data_set="HAM10000", value=0.894, low=0.83, high=0.925, n=154, n_pos=1067, n_neg=87)


@pytest.fixture(scope="module")
def demo() -> BundleCard:
    return read_card(DEMO)


def part(card: BundleCard, key: str, **options: Any) -> str:
    return next(section.text for section in sections(card, **options) if section.key == key)


def with_recipe(card: BundleCard, config: Mapping[str, Any]) -> BundleCard:
    return replace(card, training=replace(card.training, config=config))


def test_the_card_of_the_shipped_model_says_everything_it_knows(demo: BundleCard, taxonomy: Taxonomy) -> None:
    text = markdown(demo, taxonomy=taxonomy, sizes={"weights.safetensors": 44_282_396})
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == [section.title for section in sections(demo)]
    assert len(titles) == 10
    for known in (
        words.NOTICE,
        escaped(demo.licence),
        *(escaped(source.reference) for source in demo.data),
        *(source.licence for source in demo.data),
        *(escaped(limit) for limit in demo.limitations),
        *(escaped(c.name) for c in demo.classes),
        demo.weights_sha256,
        demo.taxonomy_digest,
        f"Temperature {demo.temperature:.2f}",
        "44.3 MB",
    ):
        assert known in text
    for metric in demo.metrics:
        assert f"| {metric.data_set} | {value(metric)} |" in text
    for task in demo.tasks.values():
        for preset in task.presets:
            assert f"| **{preset.name}**, threshold {preset.threshold:.3f} |   |   |\n| validation (" in text
            assert preset.held_out is not None
            assert f"| held out ({preset.held_out.n_pos} + {words.count(preset.held_out.n_neg)}) |" in text


def test_subgroups_are_tables_with_n_and_too_few_to_say_and_the_gaps_in_words(demo: BundleCard) -> None:
    text = part(demo, "subgroups")
    task = demo.tasks["melanocytic"]
    assert task.subgroups is not None
    assert f"**Melanocytic,** at the threshold of {task.presets[0].name} ({task.presets[0].threshold:.3f})" in text
    for task in demo.tasks.values():
        assert task.subgroups is not None
        for attribute, found in task.subgroups.attributes.items():
            assert f"| {attribute} (n) | AUC | Sensitivity | Specificity |" in text
            assert escaped(words.gaps(found)) in text
    assert "| PAD-UFES-20 (7 + 8) | too few to say | too few to say | too few to say |" in text.replace("\u00a0", " ")
    assert "Too few to say: arm (2 + 1), chest (4 + 14)," in text.replace("\u00a0", " ")  # of many sites
    assert TOO_FEW in text
    older = {name: replace(known, subgroups=None) for name, known in demo.tasks.items()}
    assert part(replace(demo, tasks=older), "subgroups").startswith("This card holds no figures of subgroups")


def test_values_of_subgroups_are_never_markup(demo: BundleCard) -> None:
    odd = Subgroups((Subgroup("a | **b**\n# c", 1, 2, None, None, None),), ())
    known = replace(
        demo.tasks["epidermal"], subgroups=SubgroupCard(preset="<b>", threshold=0.5, attributes={"*x*": odd})
    )
    text = part(replace(demo, tasks={"epidermal": known}), "subgroups")
    assert "| a \\| \\*\\*b\\*\\* # c (1" in text
    assert "\\<b\\>" in text and "| \\*x\\* (n) |" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_heading(demo: BundleCard) -> None:
    odd = replace(
        demo, name="a | b", limitations=("one | two\nthree",), data=(replace(demo.data[0], licence="x|y\nz"),)
    )
    for block in markdown(odd).split("\n\n"):
        if block.startswith("|"):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_text_of_a_card_is_never_markup(demo: BundleCard) -> None:
    evil = "![x](http://a.example/b.png) <img src=x> **bold** `code`\n# heading"
    text = markdown(replace(demo, name=evil, intended_use=evil, split_rule=evil, limitations=(evil,)))
    assert "![x](" not in text
    assert not re.search(r"(?<!\\)<img", text)
    assert "\n# heading" not in text


def test_a_recipe_is_told_by_how_it_leaves_the_nearest_preset(demo: BundleCard) -> None:
    changed = replace(PRESETS["small-data"], dropout=0.2, initialisation="/home/somebody/secret/bundle", workers=7)
    text = part(with_recipe(demo, changed.to_json()), "training")
    assert "the preset small-data with 1 change." in text
    assert re.search(r"\| [^|]+ \| 0.2 \| 0.3 \|", text)
    assert "secret" not in text  # the origin of the weights stands on the card; folders of a machine do not
    assert "the preset paper, unchanged" in part(with_recipe(demo, TrainConfig().to_json()), "training")


@pytest.mark.parametrize(
    "config", [{"optimizer": "unheard of"}, {"stages": "many"}, {"dropout": "a bit"}, {"mean": [1, 2, "x"]}]
)
def test_a_recipe_this_version_cannot_read_stands_as_it_was_written(demo: BundleCard, config: dict[str, Any]) -> None:
    text = part(with_recipe(demo, config), "training")
    assert "as it was written" in text
    assert next(iter(config)) in text.replace("\\", "")


def test_options_of_older_versions_are_kept(demo: BundleCard) -> None:
    assert "| weights | average |" in part(with_recipe(demo, {"weights": "average"}), "training")


def test_figures_have_intervals_and_n(demo: BundleCard) -> None:
    assert value(METRIC) == "0.89 (0.83–0.93)"
    assert value(replace(METRIC, name="balanced accuracy over 7 classes", value=0.62)) == "62% (83–92%)"
    assert value(replace(METRIC, low=None, high=None)) == "0.89"
    assert value(replace(METRIC, name="expected calibration error", value=0.0479, low=None)) == "0.048"
    assert images(METRIC) == "1,067 + 87"
    assert images(replace(METRIC, n_pos=None, n_neg=None, n=1200)) == "1,200"


def test_a_figure_stands_once_on_the_card(demo: BundleCard) -> None:
    assert part(demo, "figures").count("| all held-out images |") == len(demo.tasks)


def test_what_was_not_measured_is_said(demo: BundleCard) -> None:
    bare = replace(demo, metrics=(), tasks={}, data=())
    assert "nothing is known of images this model never saw" in part(bare, "figures")
    assert "was not measured" in part(bare, "calibration")
    assert part(bare, "points") == words.NO_POINT
    assert "judged on no held-out image" in summary(bare)
    unjudged = replace(demo, tasks={id_: replace(t, presets=()) for id_, t in demo.tasks.items()})
    assert "| Operating point, images (n) |" in part(unjudged, "points")


def test_nodes_have_names_where_the_taxonomy_is_known_and_ids_elsewhere(demo: BundleCard, taxonomy: Taxonomy) -> None:
    assert "benign-epidermal;" in part(demo, "partition")
    assert "Benign epidermal tumors" in part(demo, "partition", taxonomy=taxonomy)


def test_a_partition_says_what_it_lost(demo: BundleCard) -> None:
    first, *others = demo.partition.split_nodes
    cut = replace(demo.partition, split_nodes=(replace(first, n_images=1234), *others))
    text = part(replace(demo, partition=cut), "partition")
    assert "malignant (1,234)" in text
    assert "1,234 images (the numbers in brackets) are in no class" in text


def test_the_command_prints_the_card(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "--bundle", str(tiny_bundle)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Model card: tiny\n")
    assert "weights.safetensors:** 0." in printed
    assert "Melanoma" in printed


def test_the_command_refuses_a_folder_without_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "--bundle", str(tmp_path)]) == 2
    assert "A model bundle is a folder with" in capsys.readouterr().err
