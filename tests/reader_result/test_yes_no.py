"""A study of a question with two answers, against worked examples and the modules it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.evaluation.metrics import auc, wilson
from derm_model.evaluation.readers.against_curve import specificity_at
from derm_model.evaluation.readers.mrmc import compare_with_network
from derm_model.reader_result import study_result, text
from derm_model.reader_result.matrices import matrices
from derm_model.reader_result.yes_no import reader_range
from tests.reader_result.material import MELANOMA, NEVUS, Say, made, material, network


def wrong_at(*positions: int) -> Say:
    """A reader who is right but at these positions."""
    other = {"malignant": "benign", "benign": "malignant"}
    return lambda i, right, with_ai: other[right] if i in positions else right


def four_and_six(**readers: Say) -> object:
    return material([MELANOMA] * 4 + [NEVUS] * 6, readers)


# scores of four melanomas and six nevi: at 0.5 the network finds three and spares four
SCORES = (0.9, 0.8, 0.6, 0.2, 0.7, 0.55, 0.4, 0.3, 0.15, 0.1)


def test_points_mean_and_spread_are_those_of_the_counts() -> None:
    found = study_result(four_and_six(a=wrong_at(0, 4, 5), b=wrong_at(9)), network(SCORES)).yes_no  # type: ignore[arg-type]
    assert found is not None and found.mean is not None
    assert [(p.reader, p.sensitivity, p.specificity) for p in found.points] == [
        ("a", wilson(3, 4), wilson(4, 6)),
        ("b", wilson(4, 4), wilson(5, 6)),
    ]
    assert found.mean.sensitivity == pytest.approx(0.875)
    assert found.mean.specificity == pytest.approx(0.75)
    assert found.mean.sensitivity_sd == pytest.approx(0.25 / np.sqrt(2))
    assert found.mean.specificity_sd == pytest.approx(1 / 6 / np.sqrt(2))


def test_readers_lie_below_or_above_the_curve_of_the_same_images() -> None:
    # below: finds two of four and spares five of six, where the curve spares all six while it finds two
    result = study_result(four_and_six(low=wrong_at(2, 3, 4), high=wrong_at()), network(SCORES))  # type: ignore[arg-type]
    assert result.yes_no is not None and result.yes_no.network is not None
    curve = result.yes_no.network.curve
    assert specificity_at(curve, 0.5) == 1.0
    assert {one.point.reader: one.position for one in result.against} == {"high": "above", "low": "below"}
    assert text.headline(result) is not None
    assert "1 of 2 readers" in str(text.headline(result))


def test_the_network_decides_at_the_threshold_that_was_chosen_by_name() -> None:
    study = four_and_six(a=wrong_at(0))
    by_default = study_result(study, network(SCORES)).yes_no  # type: ignore[arg-type]
    half = study_result(study, network(SCORES), threshold="More likely than not").yes_no  # type: ignore[arg-type]
    assert by_default is not None and by_default.network is not None
    assert half is not None and half.network is not None
    assert by_default.network.point.counts.__dict__ == {"found": 3, "missed": 1, "false_alarms": 4, "spared": 2}
    assert half.network.point.counts.__dict__ == {"found": 3, "missed": 1, "false_alarms": 2, "spared": 4}
    assert by_default.network.area == auc([True] * 4 + [False] * 6, SCORES)


def test_images_without_an_answer_of_the_network_are_left_out_of_what_is_compared() -> None:
    scores = [float("nan"), *SCORES[1:]]
    result = study_result(four_and_six(a=wrong_at(), b=wrong_at(5)), network(scores))  # type: ignore[arg-type]
    assert result.yes_no is not None and result.yes_no.network is not None
    assert (result.yes_no.n_pos, result.yes_no.network.curve.n_pos) == (4, 3)
    assert [one.point.n for one in result.against] == [9, 9]
    assert any("did not answer 1 image" in note for note in result.notes())


def test_a_reader_who_stopped_early_is_named_and_counts_neither_for_the_mean_nor_below_the_curve() -> None:
    def stops(i: int, right: str, with_ai: bool) -> str | None:
        return None if i in (8, 9) else right

    result = study_result(four_and_six(a=wrong_at(0), early=stops), network(SCORES))  # type: ignore[arg-type]
    assert [reader.code for reader in result.incomplete] == ["early"]
    assert result.yes_no is not None and result.yes_no.mean is not None
    assert result.yes_no.mean.n_readers == 1
    assert [one.point.reader for one in result.against] == ["a"]
    assert any("early (8 of 10)" in note for note in result.notes())
    assert [point.reader for point in result.yes_no.points] == ["a", "early"]  # the table has everybody


@pytest.mark.parametrize(
    ("specificities", "expected"),
    [
        ([0.62, 0.83], (0.6, 0.85)),
        ([0.7, 0.7], (0.65, 0.7)),  # a width is needed
        ([0.0], (0.0, 0.05)),
        ([1.0, 1.0], (0.95, 1.0)),
        ([0.15, 0.35], (0.15, 0.35)),  # 0.15 * 20 is 3 only up to rounding
    ],
)
def test_the_range_of_the_partial_area_is_that_of_the_readers(
    specificities: list[float], expected: tuple[float, float]
) -> None:
    assert reader_range(specificities) == pytest.approx(expected)


def test_comparisons_with_the_network_are_those_of_the_statistics_and_name_their_figure() -> None:
    study, answers = made(20, 20, 4)
    result = study_result(study, answers)
    assert result.yes_no is not None and result.yes_no.network is not None
    found = {one.comparison.figure: one for one in result.yes_no.network.comparisons}
    assert set(found) == {"sensitivity", "specificity", "balanced_accuracy"}  # no confidence: no AUC of readers
    labels = np.array([True] * 20 + [False] * 20)
    called = study.panel().called("malignant").astype(float)
    expected = compare_with_network(labels, answers.probs[:, 0] >= 0.3, called, "specificity")
    assert expected is not None
    assert found["specificity"].comparison.difference.value == pytest.approx(expected.difference.value)
    assert found["specificity"].comparison.difference.p == pytest.approx(expected.difference.p)
    row = text.comparison_row(found["specificity"])
    assert row[0] == "Specificity"
    assert row[-1] == text.p_value(expected.difference.p)


def test_one_reader_alone_is_compared_by_no_random_readers() -> None:
    result = study_result(four_and_six(a=wrong_at(0)), network(SCORES))  # type: ignore[arg-type]
    assert result.yes_no is not None and result.yes_no.network is not None
    assert result.yes_no.network.comparisons == ()
    assert any(note.startswith("1 reader: that says little") for note in result.notes())


def test_help_is_counted_against_the_answer_that_was_shown() -> None:
    # the network, at one half: wrong about image 3 (missed) and images 4 and 5 (false alarms)
    def follows(i: int, right: str, with_ai: bool) -> str:
        if with_ai:
            return "malignant" if SCORES[i] >= 0.5 else "benign"
        return "benign" if i in (0, 3) else right

    study = material([MELANOMA] * 4 + [NEVUS] * 6, {"a": follows}, second_pass=True)
    shown = network(SCORES)
    result = study_result(study, shown, shown)
    assert result.yes_no is not None and result.yes_no.help is not None
    total = result.yes_no.help.total
    assert total is not None
    assert (total.n, total.n_wrong_to_right, total.n_right_to_wrong) == (10, 1, 2)
    assert (total.n_network_wrong_reader_right, total.n_misled) == (2, 2)
    assert (total.n_network_right_reader_wrong, total.n_corrected) == (1, 1)
    told = " ".join(text.changes(total))
    assert "1 went from wrong to right and 2 from right to wrong" in told
    assert "2 of 2 answers (100%) followed it" in told
    # the threshold of the comparison is another matter and changes nothing of it
    assert study_result(study, shown, shown, threshold="More likely than not").yes_no.help.total == total  # type: ignore[union-attr]


def test_matrices_have_the_same_order_and_the_mean_of_complete_readers_shares() -> None:
    result = study_result(four_and_six(a=wrong_at(0, 4, 5), b=wrong_at(9)), network(SCORES))  # type: ignore[arg-type]
    found = matrices(result)
    assert found.names == ("Malignant", "Benign")
    assert found.of_reader["a"].counts.tolist() == [[3, 1], [2, 4]]
    assert found.readers is not None and found.network is not None
    mean = (found.of_reader["a"].shares + found.of_reader["b"].shares) / 2
    assert np.allclose(found.readers.shares, mean)
    assert found.network.counts.tolist() == [[3, 1], [4, 2]]


def test_a_group_is_looked_at_alone() -> None:
    nodes = [MELANOMA] * 4 + [NEVUS] * 6
    study = material(
        nodes, {"a": wrong_at(0), "b": wrong_at(1, 2), "c": wrong_at()}, experience={"a": "student", "b": "student"}
    )
    assert study.groups == ("not stated", "student")
    result = study_result(study, network(SCORES), group="student")
    assert [reader.code for reader in result.readers] == ["a", "b"]
    assert result.yes_no is not None and result.yes_no.mean is not None
    assert result.yes_no.mean.sensitivity == pytest.approx((0.75 + 0.5) / 2)


def test_a_study_without_the_network_still_has_points_and_agreement() -> None:
    result = study_result(four_and_six(a=wrong_at(0), b=wrong_at(0)))  # type: ignore[arg-type]
    assert result.yes_no is not None and result.yes_no.network is None
    assert result.against == () and text.headline(result) is None
    assert result.kappa is not None
    assert result.kappa.value == 1.0
