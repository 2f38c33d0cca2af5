"""confusion: which class is taken for which."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as reference_matrix
from sklearn.metrics import top_k_accuracy_score

from derm_model.evaluation.confusion import ConfusionMatrix, confusion_matrix, most_confused, top_k
from derm_model.evaluation.metrics import class_table, mean_class_accuracy, wilson

NAMES = ("nevus", "melanoma", "carcinoma", "lentigo")
answers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(answers)
def test_counts_and_shares_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    found = confusion_matrix(truth, predicted, NAMES)
    np.testing.assert_array_equal(found.counts, reference_matrix(truth, predicted, labels=range(4)))
    seen = found.n_of_class > 0
    shares = reference_matrix(truth, predicted, labels=range(4), normalize="true")
    np.testing.assert_allclose(found.shares[seen], shares[seen])
    assert np.isnan(found.shares[~seen]).all()
    rows = class_table(truth, predicted, 4)
    assert found.counts.diagonal().tolist() == [row.n_correct for row in rows]
    assert np.nanmean(found.shares.diagonal()) == pytest.approx(mean_class_accuracy(truth, predicted, 4))


def test_a_class_without_images_is_undefined_not_zero() -> None:
    found = confusion_matrix([0, 0, 1], [0, 1, 1], NAMES[:3])
    assert found.shares[:2].tolist() == [[0.5, 0.5, 0], [0, 1, 0]]
    document = json.loads(json.dumps(found.to_json()))
    assert document["shares"][2] == [None, None, None]
    assert document["counts"] == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert document["classes"] == list(NAMES[:3])


def test_probabilities_are_answered_with_the_first_of_the_largest() -> None:
    probs = [[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]]
    found = confusion_matrix([1, 2], probs, NAMES[:3])
    assert found.counts.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_no_image_is_an_empty_matrix() -> None:
    found = confusion_matrix([], [], NAMES)
    assert found.counts.sum() == 0
    assert np.isnan(found.shares).all()
    assert most_confused([], [], 4) == ()
    assert top_k([], np.empty((0, 4)), 1) is None


def test_the_most_confused_pairs_have_the_most_images_and_a_direction() -> None:
    truth = [0] * 10 + [1] * 4 + [2] * 1
    predicted = [1, 1, 1, 2, *[0] * 6, 0, 0, 1, 1, 0]
    found = most_confused(truth, predicted, 3)
    assert [(p.truth, p.answer, p.n, p.n_of_class, p.positions) for p in found] == [
        (0, 1, 3, 10, (0, 1, 2)),
        (1, 0, 2, 4, (10, 11)),
        (0, 2, 1, 10, (3,)),
        (2, 0, 1, 1, (14,)),
    ]
    assert [p.share for p in found] == [0.3, 0.5, 0.1, 1.0]
    assert most_confused(truth, predicted, 3, limit=1) == found[:1]
    assert most_confused(truth, predicted, 3, limit=None) == found


def test_the_surest_mistakes_come_first() -> None:
    probs = [[0.4, 0.6], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2]]
    (pair,) = most_confused([0, 0, 0, 0], probs, 2)
    assert pair.positions == (1, 2, 0)


@given(answers)
def test_all_pairs_together_are_all_mistakes(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    found = most_confused(truth, predicted, 4, limit=None)
    positions = sorted(position for pair in found for position in pair.positions)
    assert positions == [i for i, (t, p) in enumerate(pairs) if t != p]
    assert all(len(pair.positions) == pair.n for pair in found)
    assert [pair.n for pair in found] == sorted((pair.n for pair in found), reverse=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 4))
def test_top_k_is_that_of_scikit_learn(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    probs, truth = rng.dirichlet(np.ones(5), n), rng.integers(0, 5, n)
    found = top_k(truth, probs, k)
    assert found is not None
    assert found.images.value == pytest.approx(top_k_accuracy_score(truth, probs, k=k, labels=range(5)))
    single = [top_k(truth[truth == c], probs[truth == c], k) for c in set(truth.tolist())]
    assert found.mean_of_classes == pytest.approx(np.mean([s.images.value for s in single if s is not None]))


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=20), st.data())
def test_top_1_is_the_accuracy_of_the_answers_also_with_ties(rows: list[list[int]], data: st.DataObject) -> None:
    truth = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    found = top_k(truth, rows, 1)
    answer = np.array(rows).argmax(axis=1)
    assert found is not None
    assert found.images == wilson(int((answer == truth).sum()), len(truth))
    every = top_k(truth, rows, 3)
    assert every is not None
    assert (every.images.value, every.mean_of_classes) == (1, 1)


@pytest.mark.parametrize(
    "truth,predicted",
    [
        ([0, 1], [0]),
        ([4], [0]),
        ([0], [-1]),
        ([0.0], [0.0]),
        ([0], [[0.5, 0.5]]),
        ([0], [[0.5, np.nan, 0.1, 0.1]]),
        ([[0]], [[0.1, 0.2, 0.3, 0.4]]),
    ],
)
def test_what_does_not_fit_the_classes_is_refused(truth: object, predicted: object) -> None:
    with pytest.raises(ValueError, match=r"class"):
        confusion_matrix(truth, predicted, NAMES)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [0, 3])
def test_a_k_beyond_the_classes_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="classes"):
        top_k([0], [[0.5, 0.5]], k)


def test_counts_that_do_not_fit_the_names_are_refused() -> None:
    with pytest.raises(ValueError, match="3 classes need 3 x 3 counts"):
        ConfusionMatrix(NAMES[:3], np.zeros((2, 2), dtype=np.int64))
