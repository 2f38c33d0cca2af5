"""readers.ai_help: what the network's help changed."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.readers import Panel
from derm_model.evaluation.readers.ai_help import Changes, added_up, changes_of_classes, effect_of_help


def panel_of(rows: dict[str, str], answers: str = "yn") -> Panel:
    """A letter is an answer, `.` is none."""
    said = np.array([[answers.find(letter) for letter in row] for row in rows.values()])
    images = tuple(("", str(i)) for i in range(said.shape[1]))
    return Panel(tuple(rows), images, tuple(answers), said, np.full(said.shape, np.nan))


LABELS = [True] * 4 + [False] * 4
NETWORK = [True, True, False, True, False, True, False, True]
# reader a, image by image: 0 corrected, 1 stays right, 2 misled, 3 stays wrong, 4 becomes wrong against the network,
# 5 right in spite of it, 6 has no second answer, 7 misled
WITHOUT = panel_of({"a": "nyynnnyn", "only": "yyyyyyyy"})
WITH_AI = panel_of({"other": "yyyyyyyy", "a": "yynnyn.y"})


def test_changes_are_counted_by_who_was_right_before_and_what_was_shown() -> None:
    (one,) = effect_of_help(WITHOUT, WITH_AI, LABELS, NETWORK, "y")
    assert one.reader == "a"
    assert one.changes == Changes(
        n=7,
        n_wrong_to_right=1,
        n_right_to_wrong=3,
        n_network_wrong_reader_right=3,
        n_misled=2,
        n_network_right_reader_wrong=2,
        n_corrected=1,
    )
    assert one.changes.misled == pytest.approx(2 / 3)
    assert one.changes.corrected == 0.5


def test_sensitivity_and_specificity_are_paired_with_the_help_first() -> None:
    (one,) = effect_of_help(WITHOUT, WITH_AI, LABELS, NETWORK, "y")
    assert one.sensitivity is not None
    assert one.specificity is not None
    assert (one.sensitivity.first.value, one.sensitivity.second.value) == (0.5, 0.5)
    assert (one.sensitivity.n_first_only, one.sensitivity.n_second_only) == (1, 1)
    assert (one.specificity.first.value, one.specificity.second.value) == (pytest.approx(1 / 3), 1.0)
    assert one.specificity.difference == pytest.approx(-2 / 3)
    assert one.specificity.n == 3


def test_several_answers_change_the_same_way() -> None:
    without, with_ai = panel_of({"a": "xxyz"}, "xyz"), panel_of({"a": "xyyx"}, "xyz")
    ((name, found),) = changes_of_classes(without, with_ai, [0, 0, 0, 0], [1, 1, 2, 0])
    # right and stays right against the network; misled; wrong and keeps the mistake; corrected
    assert (name, found) == ("a", Changes(4, 1, 1, 2, 1, 1, 1))


def test_a_mistake_that_is_not_the_networks_is_not_its_doing() -> None:
    without, with_ai = panel_of({"a": "x"}, "xyz"), panel_of({"a": "z"}, "xyz")
    ((_, found),) = changes_of_classes(without, with_ai, [0], [1])
    assert (found.n_right_to_wrong, found.n_network_wrong_reader_right, found.n_misled) == (1, 1, 0)


def test_readers_are_added_up_and_no_occasion_has_no_share() -> None:
    one = Changes(4, 1, 1, 2, 1, 1, 1)
    assert added_up([one, one, one]) == Changes(12, 3, 3, 6, 3, 3, 3)
    assert added_up([]) is None
    none = Changes(5, 0, 0, 0, 0, 0, 0)
    assert (none.misled, none.corrected) == (None, None)


def test_passes_must_be_over_the_same_images() -> None:
    with pytest.raises(ValueError, match="same images"):
        effect_of_help(WITHOUT, panel_of({"a": "yy"}), LABELS, NETWORK, "y")
    with pytest.raises(ValueError, match="one label"):
        effect_of_help(WITHOUT, WITH_AI, LABELS[:3], NETWORK, "y")
    with pytest.raises(ValueError, match="shown answer"):
        changes_of_classes(WITHOUT, WITH_AI, [0], [0])
