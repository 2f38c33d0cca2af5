"""readers.classes: readers of a question with several answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from derm_model.evaluation.readers import Panel
from derm_model.evaluation.readers.classes import class_result

CLASSES = ("melanoma", "nevus", "keratosis")


def panel_of(said: np.ndarray) -> Panel:
    images = tuple(("", str(i)) for i in range(said.shape[1]))
    return Panel(tuple(f"r{j}" for j in range(len(said))), images, CLASSES, said, np.full(said.shape, np.nan))


def test_each_reader_has_the_mean_of_class_accuracies_and_a_matrix() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [10, 30, 20])
    said = np.where(rng.random((4, 60)) < 0.6, truth, rng.integers(0, 3, (4, 60)))
    found = class_result(panel_of(said), truth)
    assert found is not None
    for one, answers in zip(found.readers, said, strict=True):
        assert one.accuracy.value == pytest.approx(balanced_accuracy_score(truth, answers))
        assert one.accuracy.low < one.accuracy.value < one.accuracy.high
        np.testing.assert_array_equal(one.confusion.counts, confusion_matrix(truth, answers))
    accuracies = [one.accuracy.value for one in found.readers]
    assert (found.mean, found.sd) == (pytest.approx(np.mean(accuracies)), pytest.approx(np.std(accuracies, ddof=1)))
    mean_of_shares = np.mean([one.confusion.shares for one in found.readers], axis=0)
    np.testing.assert_allclose(found.confusion.shares, mean_of_shares)


def test_a_reader_is_judged_on_own_images_and_one_alone_has_no_spread() -> None:
    found = class_result(panel_of(np.array([[0, 1, -1, -1]])), [0, 0, 1, 2])
    assert found is not None
    assert (found.mean, found.sd) == (0.5, None)
    np.testing.assert_array_equal(found.confusion.counts, [[1, 1, 0], [0, 0, 0], [0, 0, 0]])


def test_without_answers_there_is_no_result_and_classes_must_fit() -> None:
    assert class_result(panel_of(np.zeros((0, 2), dtype=np.int64)), [0, 1]) is None
    with pytest.raises(ValueError, match="one class per image"):
        class_result(panel_of(np.array([[0, 1]])), [0])
    with pytest.raises(ValueError, match="from 0 to 2"):
        class_result(panel_of(np.array([[0, 1]])), [0, 3])
