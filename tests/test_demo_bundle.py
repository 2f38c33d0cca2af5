"""The bundle that ships with the project fits the taxonomy that ships with it, and its card is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.card import CARD_FILE, read_card
from derm_model.data.images import decode_file
from derm_model.net.bundle import load_bundle
from derm_model.net.engine import Engine
from derm_model.net.saliency import Target
from derm_model.taxonomy import Aggregator, Resolution, Taxonomy, read_tasks, restrict

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "assets" / "bundles" / "demo"


def test_it_answers_a_drawing_with_probabilities_and_a_map(taxonomy: Taxonomy) -> None:
    bundle = load_bundle(DEMO, taxonomy)
    engine = Engine(bundle)
    drawing = sorted((ROOT / "assets" / "examples").glob("*.jpg"))[0]
    prediction = engine.predict([decode_file(drawing).pixels], explain=Target.predicted())[0]
    assert prediction.class_probs.sum() == pytest.approx(1)
    assert prediction.features.shape == (2048,)
    assert prediction.ood_percentile is not None
    assert prediction.saliency is not None
    assert prediction.saliency.values.shape == (bundle.preprocessing.size_px,) * 2


def test_it_keeps_the_diagnoses_of_its_data_apart(taxonomy: Taxonomy) -> None:
    classes = read_card(DEMO).classes
    aggregator = Aggregator(taxonomy, classes)
    apart = [
        *("actinic-keratosis", "basal-cell-carcinoma", "squamous-cell-carcinoma-in-situ"),
        *("invasive-squamous-cell-carcinoma", "seborrheic-keratoses", "melanoma", "benign-melanocytic"),
        *("benign-fibrous-tumors", "benign-vascular-tumors"),
    ]
    assert all(aggregator.resolution(node) is Resolution.RESOLVED for node in apart)
    assert len({aggregator.class_indices(node) for node in apart}) == len(apart)


def test_its_card_holds_curves_presets_and_aucs_of_both_questions(taxonomy: Taxonomy) -> None:
    card = read_card(DEMO)
    for task_id, task in read_tasks().items():
        assert restrict(task, taxonomy, card.classes) is not None
        known = card.tasks[task_id]
        assert [preset.name for preset in known.presets] == ["Sensitivity 90%", "Sensitivity 95%", "Youden"]
        assert all(preset.held_out is not None for preset in known.presets)
        assert {metric.data_set for metric in known.auc} >= {"HAM10000"}
        assert all(metric.low is not None and metric.n_pos and metric.n_neg for metric in known.auc)


def test_its_card_says_how_subgroups_of_the_held_out_images_fared() -> None:
    for task in read_card(DEMO).tasks.values():
        found = task.subgroups
        assert found is not None and task.holdout is not None
        assert (found.preset, found.threshold) == (task.presets[0].name, task.presets[0].threshold)
        assert {"Data set", "Age", "Sex", "Site", "Confirmed by"} <= set(found.attributes)
        for groups in found.attributes.values():  # each attribute tells of the images of the curve, and of all of them
            assert sum(row.n_pos for row in groups.rows) == task.holdout.n_pos
            assert sum(row.n_neg for row in groups.rows) == task.holdout.n_neg
        of_set = {row.value: row.auc for row in found.attributes["Data set"].rows}
        for metric in task.auc:
            known = of_set.get(metric.data_set)
            assert known is None or known.value == pytest.approx(metric.value, abs=0.002)  # weights in half precision


def test_its_card_says_where_everything_comes_from_and_names_no_path() -> None:
    card = read_card(DEMO)
    assert {source.name for source in card.data} == {"HAM10000", "ISIC 2017", "PAD-UFES-20"}
    assert all(source.licence != "not stated" and source.reference != "not stated" for source in card.data)
    assert "non-commercial" in card.licence
    assert "nsfwjs" in card.network.origin
    assert card.limitations
    assert "not a medical device" in card.intended_use
    text = (DEMO / CARD_FILE).read_text(encoding="utf-8")
    assert not any(start in text for start in ('"/', "/home/", "/root/", "/tmp/"))
