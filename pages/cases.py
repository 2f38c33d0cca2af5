"""Saved lesions: find one, see it over time, record what it turned out to be, count how the tool fares. Works alone."""

from __future__ import annotations

from derm_model.access import Right
from pages.ui import frame
from pages.ui.cases import address, sections
from pages.ui.dataset.current import draw_messages

choices = frame.open_page(
    "Cases",
    "Find a saved lesion, compare its images over time, and record what it turned out to be.",
    Right.CASES,
    first=address.take,
)
draw_messages()
sections.draw_sections(choices.model)
