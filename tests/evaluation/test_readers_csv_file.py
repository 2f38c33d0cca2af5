"""readers.csv_file: readings from and to CSV."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.errors import EvaluationError
from derm_model.evaluation.readers import Reading
from derm_model.evaluation.readers.csv_file import COLUMNS, anonymous, readings_from_csv, readings_to_csv

IMAGES = (("isic", "1"), ("isic", "2"), ("ddi", "2"), ("ddi", "=3+4"))
ANSWERS = ("biopsy", "reassure")
KEY = b"sixteen bytes or more"
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8).filter(
    lambda text: text == text.strip()
)
readings = st.builds(
    lambda reader, image, answer, with_ai, seconds, confidence: Reading(
        reader, image[1], answer, with_ai, seconds, confidence, image[0]
    ),
    names,
    st.sampled_from(IMAGES),
    st.sampled_from(ANSWERS),
    st.booleans(),
    st.none() | st.integers(0, 9999).map(lambda n: n / 10),
    st.none() | st.integers(0, 100),
)


@given(st.lists(readings, min_size=1, max_size=8))
def test_what_is_written_is_read_back(given_readings: list[Reading]) -> None:
    found = readings_from_csv(readings_to_csv(given_readings).encode(), IMAGES, ANSWERS)
    assert found.readings == tuple(given_readings)
    assert found.n_corrections == len(given_readings) - len({one.about for one in given_readings})


def test_a_spreadsheet_runs_nothing_of_an_export() -> None:
    text = readings_to_csv([Reading("=cmd()", "=3+4", "biopsy", source="ddi")])
    assert text.splitlines()[1].split(",")[:2] == ["'=cmd()", "'=3+4"]


def test_columns_may_come_in_any_order_and_with_semicolons() -> None:
    text = "Answer;image_id;comment;reader;with_ai;seconds\r\nBiopsy;1;;Ann;YES;2.5\r\n;;;;;\r\nreassure;1;x;Ann;;\r\n"
    found = readings_from_csv(text, IMAGES, ANSWERS)
    assert found.readings == (
        Reading("Ann", "1", "biopsy", True, 2.5, None, "isic"),
        Reading("Ann", "1", "reassure", False, None, None, "isic"),
    )


def test_a_later_row_is_a_correction_and_both_are_kept() -> None:
    text = "reader,image_id,answer\nAnn,1,biopsy\nBob,1,biopsy\nAnn,1,reassure\n"
    found = readings_from_csv(text, IMAGES, ANSWERS)
    assert [one.answer for one in found.readings] == ["biopsy", "biopsy", "reassure"]
    assert found.n_corrections == 1


@pytest.mark.parametrize(
    "row,problem",
    [
        ("Ann,9,,biopsy,,,", "the study has no image 9"),
        ("Ann,1,ddi,biopsy,,,", "the study has no image 1 of ddi"),
        ("Ann,2,,biopsy,,,", "several data sets have an image 2"),
        ("Ann,1,isic,maybe,,,", "unknown answer 'maybe', the question's are biopsy, reassure"),
        (",1,isic,biopsy,,,", "reader is empty"),
        ("Ann,,isic,biopsy,,,", "image_id is empty"),
        ("Ann,1,isic,,,,", "answer is empty"),
        ("Ann,1,isic,biopsy,perhaps,,", "with_ai is yes or no, not 'perhaps'"),
        ("Ann,1,isic,biopsy,no,soon,", "seconds is no number"),
        ("Ann,1,isic,biopsy,no,-1,", "seconds is no finite number from 0: -1"),
        ("Ann,1,isic,biopsy,no,nan,", "seconds is no finite number from 0: nan"),
        ("Ann,1,isic,biopsy,no,inf,", "seconds is no finite number from 0: inf"),
        ("Ann,1,isic,biopsy,no,1,101", "confidence is a whole number from 0 (a guess) to 100 (certain), not '101'"),
        ("Ann,1,isic,biopsy,no,1,0.9", "confidence is a whole number"),
        ('Ann,1,isic,biopsy,no,1,"0,9"', "confidence is a whole number"),
        ("Ann,1,isic,biopsy,no,4,5,80", "it has more cells than the head, 1 too many"),  # 4.5 s, and a confidence
        ("Ann,1,isic,biopsy,no,4,5,", "it has more cells than the head"),
    ],
)
def test_a_wrong_row_is_named_by_its_number_and_nothing_is_imported(row: str, problem: str) -> None:
    text = f"{','.join(COLUMNS)}\nAnn,1,isic,biopsy,no,3,50\n{row}\n"
    with pytest.raises(EvaluationError, match=rf"Nothing was imported\. Row 3: {re.escape(problem)}"):
        readings_from_csv(text, IMAGES, ANSWERS)


def test_many_wrong_rows_are_counted() -> None:
    text = "reader,image_id,answer\n" + "Ann,9,biopsy\n" * 12
    with pytest.raises(EvaluationError, match=r"Row 2: .*Row 6: .*And 7 more\."):
        readings_from_csv(text, IMAGES, ANSWERS)


@pytest.mark.parametrize(
    "content,problem",
    [
        (b"", "no column reader, image_id, answer"),
        (b"reader,answer\nAnn,biopsy\n", "no column image_id"),
        (b"reader,reader,image_id,answer\n", "a column twice"),
        (b"reader,image_id,answer\n", "no row"),
        ("reader,image_id,answer\nJörg,1,biopsy\n".encode("latin-1"), "no CSV in UTF-8"),
        (b'reader,image_id,answer\n"Ann"x,1,biopsy\n', "no CSV in UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_readings_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(EvaluationError, match=problem):
        readings_from_csv(content, IMAGES, ANSWERS)


def test_an_anonymous_export_tells_neither_names_nor_order_and_keeps_corrections_behind() -> None:
    rows = [
        Reading(name, image, "biopsy", source="isic") for image in ("2", "1") for name in ("Zoe", "Ann", "Mia", "Bob")
    ]
    rows.append(Reading("Ann", "1", "reassure", source="isic"))
    found = anonymous(rows, KEY)
    assert [one.reader for one in found] == sorted(one.reader for one in found)
    assert {one.reader for one in found} == {f"reader-{k}" for k in (1, 2, 3, 4)}
    ann = ann_of(found)
    assert [(one.image_id, one.answer) for one in ann] == [("1", "biopsy"), ("1", "reassure"), ("2", "biopsy")]
    assert ann_of(anonymous(sorted(rows, key=lambda one: one.reader), KEY)) == ann
    assert len({ann_of(anonymous(rows, bytes([k]) * 16))[0].reader for k in range(20)}) > 1
    with pytest.raises(ValueError, match="16 bytes"):
        anonymous(rows, b"short")


def ann_of(found: tuple[Reading, ...]) -> list[Reading]:
    """The readings of the one reader who has three."""
    return [one for one in found if sum(other.reader == one.reader for other in found) == 3]
