"""What every page promises about its layout."""

from __future__ import annotations

from playwright.sync_api import Page

NARROW_PX = 390
_FITS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
    .every(element => element.scrollWidth <= element.clientWidth)"""


def expect_no_sideways_scroll(page: Page) -> None:
    """Wait until nothing is wider than the page: tables are laid out before their style has arrived."""
    page.wait_for_function(_FITS)
