"""What goes into a bundle's card, worked out by hand on a few images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from derm_model.card import DataSource
from derm_model.data.data_sets import known_data_sets
from derm_model.data.manifest import Record
from derm_model.errors import TrainingError
from derm_model.net.release import CardNotes, _accuracy, _aucs, _Measured, licence_of
from derm_model.taxonomy import Taxonomy, partition, read_tasks, restrict

COUNTS = {
    "actinic-keratosis": 100,
    "basal-cell-carcinoma-nos": 100,
    "melanoma-nos": 100,
    "pigmented-benign-keratosis": 100,
    "seborrheic-keratosis": 100,
    "melanocytic-nevus-nos": 100,
}


def source(name: str, licence: str) -> DataSource:
    return DataSource(
        name=name, n_train=1, n_validation=1, n_test=1, licence=licence, modality="dermoscopy", reference="x"
    )


def measured(taxonomy: Taxonomy, answers: list[tuple[str, str]], data_set: str) -> tuple[_Measured, tuple]:
    """Images with (true node, node the network is sure of)."""
    classes = partition(taxonomy, COUNTS, 50).classes
    position = {c.node: i for i, c in enumerate(classes)}
    probs = np.full((len(answers), len(classes)), 0.01)
    for row, (_, said) in enumerate(answers):
        probs[row, position[said]] = 1 - 0.01 * (len(classes) - 1)
    records = tuple(Record(str(i), Path("x"), truth, None, data_set) for i, (truth, _) in enumerate(answers))
    return _Measured(records, np.array([position[truth] for truth, _ in answers]), probs), classes


def test_any_keratosis_class_counts_as_ham10000s_pooled_label(taxonomy: Taxonomy) -> None:
    part, classes = measured(
        taxonomy,
        [
            ("pigmented-benign-keratosis", "seborrheic-keratosis"),  # both are bkl: right
            ("melanoma-nos", "melanoma-nos"),
            ("melanoma-nos", "melanocytic-nevus-nos"),  # wrong
        ],
        "HAM10000",
    )
    metric = _accuracy(part, "HAM10000", taxonomy, classes)[0]
    assert metric.value == pytest.approx((1 + 0.5) / 2)
    assert metric.n == 3
    assert metric.name == "balanced accuracy over 2 classes"


def test_an_unknown_data_set_is_measured_on_the_training_classes(taxonomy: Taxonomy) -> None:
    part, classes = measured(taxonomy, [("pigmented-benign-keratosis", "seborrheic-keratosis")], "mine")
    assert _accuracy(part, "mine", taxonomy, classes)[0].value == 0


def test_auc_is_given_per_data_set_and_only_where_both_sides_have_images(taxonomy: Taxonomy) -> None:
    answers = [("melanoma-nos", "melanoma-nos"), ("melanocytic-nevus-nos", "melanocytic-nevus-nos")]
    part, classes = measured(taxonomy, [*answers, ("actinic-keratosis", "melanoma-nos")], "mine")
    sides = {name: restrict(task, taxonomy, classes) for name, task in read_tasks().items()}
    assert sides["melanocytic"] is not None
    assert sides["epidermal"] is not None
    (metric,) = _aucs(part, sides["melanocytic"])
    assert (metric.data_set, metric.value, metric.n_pos, metric.n_neg) == ("mine", 1.0, 1, 1)
    assert _aucs(part, sides["epidermal"]) == []


def test_every_node_a_known_data_set_names_is_in_the_tree(taxonomy: Taxonomy) -> None:
    for data_set in known_data_sets().values():
        for label, nodes in data_set.labels.items():
            assert all(node in taxonomy.index for node in nodes), (data_set.name, label)


def test_one_non_commercial_data_set_makes_the_bundle_non_commercial() -> None:
    assert "non-commercial" in licence_of([source("a", "CC0-1.0"), source("b", "CC BY-NC 4.0")])
    assert "non-commercial" in licence_of([source("a", "CC-BY-NC-SA-3.0")])
    assert "non-commercial" not in licence_of([source("a", "CC0-1.0")])


def test_card_notes_with_another_key_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps({"author": "me"}))
    with pytest.raises(TrainingError, match="origin, licence, limitations"):
        CardNotes.read(path)
    assert CardNotes.read(None) == CardNotes()
