"""No cell that a file or a person filled is run by the spreadsheet that opens a table."""

from __future__ import annotations

import pytest

from derm_model import spreadsheet
from derm_model.evaluation.readers.csv_file import guarded
from derm_model.report import csv_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_a_cell_that_would_be_run_becomes_text_in_every_table(start: str) -> None:
    text = f"{start}HYPERLINK(A1)"
    assert spreadsheet.cell(text) == csv_cell(text) == guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "melanoma", "1.5", "a=b", " =A1"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert spreadsheet.cell(text) == csv_cell(text) == guarded(text) == text


def test_a_number_stays_a_number() -> None:
    assert csv_cell(-1.5) == -1.5
