"""What every page promises about its layout, and when it has come to rest."""

from __future__ import annotations

from playwright.sync_api import Page, expect

NARROW_PX = 390
_FITS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
    .every(element => element.scrollWidth <= element.clientWidth)"""


def expect_no_sideways_scroll(page: Page) -> None:
    """Wait until nothing is wider than the page: tables are laid out before their style has arrived."""
    page.wait_for_function(_FITS)


def wait_until_still(page: Page) -> None:
    """Wait until nothing runs: what is pressed while a run replaces elements can be lost, and no hand is that quick."""
    for _ in range(2):  # a fragment may have begun between
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        page.wait_for_timeout(400)
