"""The tree of diseases to look at, and to cut into training classes. Works alone, without app.py."""

from __future__ import annotations

from derm_model.access import Right
from pages.ui import frame
from pages.ui.dataset.current import draw_messages
from pages.ui.taxonomy import sections

choices = frame.open_page(
    "Taxonomy",
    "Look at the tree of diseases, cut it into training classes, and follow how their probabilities are summed.",
    Right.CLASSIFY,
)
draw_messages()
sections.draw(choices.model)
