"""What every page promises about its layout, when it has come to rest, and what it hands out then."""

from __future__ import annotations

import contextlib
from pathlib import Path

from playwright.sync_api import Download, Page, TimeoutError

NARROW_PX = 390
_FITS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
    .every(element => element.scrollWidth <= element.clientWidth)"""
# Streamlit's icon of a running script comes late; this is set at once
_RESTS = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'"
PATIENCE_MS = 5000


def expect_no_sideways_scroll(page: Page) -> None:
    """Wait until nothing is wider than the page: tables are laid out before their style has arrived."""
    page.wait_for_function(_FITS)


def wait_for_script(page: Page) -> None:
    """Wait until no script runs, or for a while: a page may have none, and a server may be dead on purpose."""
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(_RESTS, timeout=PATIENCE_MS)


def wait_until_still(page: Page) -> None:
    """Wait until nothing runs and nothing has begun in the meantime."""
    for _ in range(2):  # a fragment may have begun between
        wait_for_script(page)
        page.wait_for_timeout(400)


def download(page: Page, name: str) -> Download:
    """What a button hands out."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return waiting.value


def downloaded(page: Page, name: str) -> bytes:
    """The same, as bytes."""
    return Path(download(page, name).path()).read_bytes()
