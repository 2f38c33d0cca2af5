"""Cells of a CSV file as spreadsheets take them: what they would run as a formula is made text."""

from __future__ import annotations

# a cell that begins so is run as a formula, by some spreadsheets also in full width
COMMANDS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """Text a spreadsheet will not run: a file may be called ``=HYPERLINK(...)``."""
    return f"'{text}" if text.startswith(COMMANDS) else text
