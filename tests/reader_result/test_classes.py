"""A study of a question with several answers."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.assessment.level_figures import PAPERS_ORDER
from derm_model.reader_result import study_result, text
from derm_model.reader_result.classes import row_order
from derm_model.reader_result.matrices import matrices
from tests.reader_result.material import KERATOSIS, MELANOMA, NEVUS, material, network, question

NODES = [MELANOMA] * 2 + [NEVUS] * 4 + [KERATOSIS] * 2
CHOICES = question("nine-way").choice_ids


def sure(*answers: str) -> list[list[float]]:
    """Probabilities of a network that is sure of these answers."""
    return [[float(choice == answer) for choice in CHOICES] for answer in answers]


TRUTH = ["melanoma"] * 2 + ["benign-melanocytic"] * 4 + ["benign-epidermal"] * 2


def says(answers: list[str]) -> object:
    return lambda i, right, with_ai: answers[i]


def test_rows_stand_in_the_papers_order_whatever_the_order_of_buttons() -> None:
    assert row_order(CHOICES) == PAPERS_ORDER
    assert row_order(("malignant", "benign", "non-neoplastic")) == ("malignant", "benign", "non-neoplastic")


def test_accuracy_is_the_mean_of_the_classes_and_then_of_the_readers() -> None:
    one = ["melanoma", "benign-melanocytic", *TRUTH[2:]]  # half of the melanomas
    two = [*TRUTH[:2], *["melanoma"] * 2, *TRUTH[4:]]  # half of the nevi
    study = material(NODES, {"one": says(one), "two": says(two), "all": says(TRUTH)}, asked="nine-way")  # type: ignore[dict-item]
    found = study_result(study, network(sure(*one))).classes
    assert found is not None and found.complete is not None and found.network is not None
    assert [round(reader.accuracy.value, 6) for reader in found.complete.readers] == [0.833333, 0.833333, 1.0]
    assert found.complete.mean == pytest.approx((1 + 5 / 6 + 5 / 6) / 3)
    assert found.complete.sd == pytest.approx(float(np.std([1, 5 / 6, 5 / 6], ddof=1)))
    assert found.network.accuracy.value == pytest.approx(5 / 6)
    assert found.n_of_class == (0, 0, 0, 2, 0, 0, 0, 4, 2)


def test_confusion_of_readers_and_network_is_counted_in_the_same_rows() -> None:
    one = ["melanoma", "benign-melanocytic", *TRUTH[2:]]
    study = material(NODES, {"one": says(one), "all": says(TRUTH)}, asked="nine-way")  # type: ignore[dict-item]
    found = matrices(study_result(study, network(sure(*one))))
    place = PAPERS_ORDER.index
    assert found.readers is not None and found.network is not None
    assert found.readers.counts[place("melanoma"), place("benign-melanocytic")] == 1
    assert found.readers.counts[place("melanoma"), place("melanoma")] == 3
    assert np.array_equal(found.network.counts, found.of_reader["one"].counts)
    assert found.readers.classes == found.network.classes == PAPERS_ORDER


def test_the_network_is_compared_by_images_answered_rightly() -> None:
    good, bad = TRUTH, ["inflammatory"] * 4 + TRUTH[4:]
    study = material(NODES, {"a": says(bad), "b": says([*bad[:-1], "melanoma"])}, asked="nine-way")  # type: ignore[dict-item]
    result = study_result(study, network(sure(*good)))
    assert result.classes is not None and result.classes.network is not None
    comparison = result.classes.network.comparison
    assert comparison is not None
    assert comparison.comparison.first.tolist() == [1.0, 1.0]
    assert comparison.comparison.second.tolist() == [4 / 8, 3 / 8]
    assert text.comparison_row(comparison, text.SHARE_RIGHT_NAME)[0] == "Images answered rightly"
    assert result.agreement["a"].same.value == pytest.approx(4 / 8)


def test_help_counts_answers_that_became_the_networks_mistake() -> None:
    network_says = ["benign-melanocytic", *TRUTH[1:]]  # wrong about the first

    def follows(i: int, right: str, with_ai: bool) -> str:
        return network_says[i] if with_ai else (right if i else "melanoma")

    study = material(NODES, {"a": follows, "b": follows}, asked="nine-way", second_pass=True)
    shown = network(sure(*network_says))
    result = study_result(study, shown, shown)
    assert result.classes is not None and result.classes.help is not None
    assert [(code, one.n_misled, one.n_right_to_wrong) for code, one in result.classes.help.changes] == [
        ("a", 1, 1),
        ("b", 1, 1),
    ]
    comparison = result.classes.help.comparison
    assert comparison is not None
    assert comparison.comparison.difference.value == pytest.approx(-1 / 8)
