"""Numbers and sentences that page, report and command line share."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model import words
from derm_model.evaluation.curves import operating_curve
from derm_model.evaluation.subgroups import Gap, Subgroups


@pytest.mark.parametrize(
    "share,text",
    [
        (0.0, "0%"),
        (0.0004, "<1%"),
        (0.0099, "<1%"),
        (0.01, "1%"),
        (0.634, "63%"),
        (0.99, "99%"),
        (0.9951, ">99%"),
        (1.0, "100%"),
    ],
)
def test_a_probability_is_whole_per_cent_and_never_a_false_0_or_100(share: float, text: str) -> None:
    assert words.percent(share) == text


def test_an_interval_uses_an_en_dash_and_one_per_cent_sign() -> None:
    assert words.rate(0.9, (0.841, 0.939)) == "90% (84–94%)"


def test_a_score_has_two_decimals() -> None:
    assert words.number(0.734, 0.35) == "0.73"


def test_a_score_and_a_threshold_that_differ_never_read_the_same() -> None:
    assert (words.number(0.352, 0.349), words.number(0.349, 0.352)) == ("0.352", "0.349")
    assert (words.number(0.0312, 0.0314), words.number(0.0314, 0.0312)) == ("0.0312", "0.0314")


def test_a_score_never_reads_as_a_false_0_or_1() -> None:
    assert words.number(0.998) == "0.998"
    assert words.number(0.0041) == "0.004"
    assert words.number(1.0) == "1.00"
    assert words.number(0.0) == "0.00"


def test_counts_have_a_thousands_comma_and_nouns_agree() -> None:
    assert words.plural(8012, "image") == "8,012 images"
    assert words.plural(1, "image") == "1 image"
    assert words.plural(8, "class", "classes") == "8 classes"


def test_error_rates_name_n_both_intervals_and_how_many_are_missed() -> None:
    labels = [True] * 10 + [False] * 10
    scores = [0.9] * 9 + [0.1] + [0.2] * 8 + [0.95] * 2
    point = operating_curve(labels, scores).at_threshold(0.5)
    text = words.error_rates(point, disease="melanoma", biopsy_proven=False, held_out=True)
    assert text == (
        "At this threshold, on 20 held-out images (n = 10 + 10): sensitivity 90% (60–98%), specificity 80% (49–94%). "
        "About 10 of 100 images of melanoma fall below it."
    )
    assert "biopsy-proven" in words.error_rates(point, disease="melanoma", biopsy_proven=True, held_out=True)


def test_a_disease_that_is_rarely_missed_is_not_said_to_be_never_missed() -> None:
    labels = np.arange(4000) < 2000
    scores = np.where(labels, 0.9, 0.1)
    scores[:6], scores[2000:2008] = 0.1, 0.9
    text = words.error_rates(
        operating_curve(labels, scores).at_threshold(0.5), disease="melanoma", biopsy_proven=False, held_out=True
    )
    assert "sensitivity >99% (99–100%)" in text
    assert "specificity >99% (99–100%)" in text
    assert "Fewer than 1 of 100 images of melanoma fall below it." in text


def test_no_sentence_reassures_or_diagnoses() -> None:
    forbidden = ("cancer detected", "safe", "normal", "diagnosis", "believes")
    texts = [value for value in vars(words).values() if isinstance(value, str)]
    assert not [text for text in texts for word in forbidden if word in text.lower()]


def test_gaps_beyond_chance_are_named_else_the_largest_of_each_measure() -> None:
    sure = Gap("sensitivity", "dermoscopic", "clinical", 0.124, (0.031, 0.214), 1)
    area = Gap("auc", "30–49", "70 and over", 0.087, (-0.012, 0.181), 6)
    smaller = Gap("auc", "50–69", "70 and over", 0.05, (-0.05, 0.15), 6)
    assert (
        words.gaps(Subgroups((), (area, smaller, sure)))
        == "Gaps beyond chance: sensitivity 12 points (3 to 21) between dermoscopic and clinical."
    )
    assert (
        words.gaps(Subgroups((), (area, smaller)))
        == "No gap beyond chance. The largest: AUC 0.09 (−0.01 to 0.18) between 30–49 and 70 and over."
    )
    other = Gap("sensitivity", "clinical", "drawn", 0.1, (0.01, 0.2), 3)
    assert words.gaps(Subgroups((), (sure, other))).endswith("between dermoscopic and clinical; and 1 more.")
    assert "points (0 to 5)" in words.gaps(Subgroups((), (Gap("specificity", "a", "b", 0.02, (-0.004, 0.05), 1),)))
    assert " 1 point (" in words.gaps(Subgroups((), (Gap("specificity", "a", "b", 0.01, (-0.04, 0.05), 1),)))
    assert words.gaps(Subgroups((), ())) == "No two groups have enough images to be compared."
