"""readers.readings: one answer, and the table of all."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.readers import Reading, latest, panel

IMAGES = (("a", "1"), ("a", "2"), ("b", "1"))
ANSWERS = ("biopsy", "reassure")


def test_the_table_holds_each_answer_in_its_place_and_gaps_where_there_is_none() -> None:
    found = panel(
        [
            Reading("Ann", "2", "reassure", source="a", confidence=50),
            Reading("Bob", "1", "biopsy", source="b"),
            Reading("Ann", "1", "biopsy", source="a"),
        ],
        IMAGES,
        ANSWERS,
    )
    assert found.readers == ("Ann", "Bob")
    np.testing.assert_array_equal(found.said, [[0, 1, -1], [-1, -1, 0]])
    np.testing.assert_array_equal(found.answered, [[True, True, False], [False, False, True]])
    np.testing.assert_array_equal(found.called("biopsy"), [[True, False, False], [False, False, True]])
    np.testing.assert_array_equal(found.confidence, [[np.nan, 50, np.nan], [np.nan] * 3])


def test_a_later_answer_corrects_an_earlier_one_of_the_same_pass_only() -> None:
    rows = [
        Reading("Ann", "1", "biopsy", source="a"),
        Reading("Ann", "1", "biopsy", with_ai=True, source="a"),
        Reading("Bob", "1", "biopsy", source="a"),
        Reading("Ann", "1", "reassure", source="a"),
        Reading("Ann", "1", "reassure", source="b"),
    ]
    assert [(one.reader, one.source, one.with_ai, one.answer) for one in latest(rows)] == [
        ("Ann", "a", False, "reassure"),
        ("Ann", "a", True, "biopsy"),
        ("Bob", "a", False, "biopsy"),
        ("Ann", "b", False, "reassure"),
    ]
    without, with_ai = panel(rows, IMAGES, ANSWERS), panel(rows, IMAGES, ANSWERS, with_ai=True)
    np.testing.assert_array_equal(without.said, [[1, -1, 1], [0, -1, -1]])
    assert with_ai.readers == ("Ann",)
    np.testing.assert_array_equal(with_ai.said, [[0, -1, -1]])


def test_a_score_grows_from_a_sure_no_over_a_guess_to_a_sure_yes() -> None:
    rows = [
        Reading(f"r{i}", "1", answer, source="a", confidence=sure)
        for i, (answer, sure) in enumerate(
            [("reassure", 100), ("reassure", 50), ("reassure", 0), ("biopsy", 0), ("biopsy", 50), ("biopsy", 100)]
        )
    ]
    scores = panel([*rows, Reading("r6", "1", "biopsy", source="a")], IMAGES, ANSWERS).scores("biopsy")
    np.testing.assert_allclose(scores[:6, 0], [0, 0.25, 0.5, 0.5, 0.75, 1])
    assert np.isnan(scores[6]).all()
    assert np.isnan(scores[:, 1:]).all()


def test_readings_of_other_images_are_passed_over() -> None:
    found = panel([Reading("Ann", "removed by the pre-screen", "biopsy", source="a")], IMAGES, ANSWERS)
    assert found.readers == ()
    assert found.said.shape == (0, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reader": ""},
        {"image_id": ""},
        {"answer": ""},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"confidence": 101},
        {"confidence": 0.9},
    ],
)
def test_an_impossible_reading_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs a reader|finite number|whole number"):
        Reading(**{"reader": "Ann", "image_id": "1", "answer": "biopsy", **wrong})  # type: ignore[arg-type]


def test_an_answer_that_is_not_the_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="among biopsy, reassure, got maybe"):
        panel([Reading("Ann", "1", "maybe", source="a")], IMAGES, ANSWERS)
    with pytest.raises(ValueError, match="once"):
        panel([], [("a", "1"), ("a", "1")], ANSWERS)
    three = panel([], IMAGES, ("one", "two", "three"))
    with pytest.raises(ValueError, match="two answers"):
        three.called("one")
