"""A file of readings is looked through as a whole before anything is imported."""

from __future__ import annotations

import pytest

from derm_model.errors import EvaluationError
from derm_model.reader_result.incoming import look_through
from tests.reader_result.material import MELANOMA, NEVUS, material

STUDY = material([MELANOMA] * 2 + [NEVUS] * 2, {"R-1": lambda i, right, with_ai: right if i < 2 else None})
HEAD = "reader,image_id,answer,with_ai,seconds\n"


def test_every_wrong_row_is_named_at_once_in_the_order_of_the_file() -> None:
    rows = [
        "R-2,image-000,benign,no,3",
        "R-2,image-009,benign,no,3",
        "R-2,image-001,purple,no,3",
        "2026-01-31,image-001,benign,no,3",
        "R-2,image-001,benign,yes,3",
        "R-1,image-000,benign,no,3",
        "R-2,image-002,benign,no,soon",
    ]
    found = look_through((HEAD + "\n".join(rows)).encode(), STUDY)
    assert [problem.split(":")[0] for problem in found.problems] == [f"Row {n}" for n in range(3, 9)]
    said = " ".join(found.problems)
    for part in ("image-009", "purple", "looks like a date", "no second pass", "has answered image image-000 already"):
        assert part in said


def test_more_problems_than_a_message_holds_are_all_there() -> None:
    rows = [f"R-2,unknown-{i},benign,no,1" for i in range(50)]
    assert len(look_through((HEAD + "\n".join(rows)).encode(), STUDY).problems) == 50


def test_a_good_file_says_who_answered_how_much() -> None:
    rows = [
        "R-1,image-002,benign,no,3",
        "R-9,image-000,benign,no,3",
        "R-9,image-001,malignant,no,",
        "R-9,image-001,benign,no,2",
    ]
    found = look_through((HEAD + "\n".join(rows)).encode(), STUDY)
    assert found.problems == ()
    assert [(r.code, r.n, r.n_with_ai, r.is_new) for r in found.readers] == [("R-1", 1, 0, False), ("R-9", 2, 0, True)]
    assert found.n_corrections == 1
    assert {r.image_id: r.answer for r in found.readings if r.reader == "R-9"}["image-001"] == "benign"


@pytest.mark.parametrize(
    ("content", "said"), [(b"a,b\n1,2", "no column"), (HEAD.encode(), "no row"), (b"\xff\xfe", "UTF-8")]
)
def test_what_is_no_table_of_readings_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        look_through(content, STUDY)
