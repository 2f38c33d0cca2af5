"""Reader studies: making one, taking part, what came of it. Works alone: Streamlit may open a page without app.py."""

from __future__ import annotations

from derm_model.access import Right
from pages.ui import frame
from pages.ui.readers import address, studies

choices = frame.open_page(
    "Reader study",
    "The same images for people and network: each reader answers one question about every image.",
    Right.TAKE_STUDY,
    first=address.take,
)
studies.draw_page(choices.model)
