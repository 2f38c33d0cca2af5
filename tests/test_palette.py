"""Colours: readable, told apart without colour, and the same in config.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from derm_model.palette import DARK, LIGHT, MARKS, Palette, Role, contrast, readable_on

CONFIG = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
THEMES = [LIGHT, DARK]
both = pytest.mark.parametrize("palette", THEMES, ids=lambda palette: palette.name)


@both
def test_text_has_a_contrast_of_at_least_4_5_on_page_and_panel(palette: Palette) -> None:
    for text in (palette.ink, palette.muted, palette.accent):
        assert contrast(text, palette.page) >= 4.5
        assert contrast(text, palette.panel) >= 4.5
    assert contrast(palette.on_accent, palette.accent) >= 4.5


@both
def test_marks_and_bars_have_a_contrast_of_at_least_3_on_page_and_panel(palette: Palette) -> None:
    for role, colour in palette.roles.items():
        if role is not Role.ALL:  # the box above the roots carries no class
            assert min(contrast(colour, palette.page), contrast(colour, palette.panel)) >= 3


@both
def test_a_label_on_any_class_colour_is_readable(palette: Palette) -> None:
    for colour in palette.roles.values():
        assert contrast(readable_on(colour), colour) >= 4.5


def test_every_role_has_a_mark_of_its_own() -> None:
    assert set(MARKS) == set(Role)
    assert len(set(MARKS.values())) == len(Role)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@both
def test_the_theme_of_the_page_has_the_colours_of_the_palette(palette: Palette) -> None:
    theme = CONFIG["theme"][palette.name]
    assert theme["primaryColor"] == palette.accent
    assert theme["backgroundColor"] == palette.page
    assert theme["secondaryBackgroundColor"] == palette.panel
    assert theme["textColor"] == palette.ink
    assert theme["borderColor"] == palette.border
    assert theme["redColor"] == palette.roles[Role.MALIGNANT]
    assert theme["blueColor"] == palette.roles[Role.BENIGN]
    assert theme["orangeColor"] == palette.roles[Role.NON_NEOPLASTIC]
    assert theme["grayColor"] == palette.roles[Role.UNRESOLVED]


def test_the_server_listens_on_this_machine_only_and_reports_to_nobody() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert "font" not in CONFIG["theme"]  # a named font would be fetched
