"""Take the README's pictures from the running app, of drawings and not of patients: `python scripts/screenshots.py`.

Both themes and three widths go into docs/screenshots; look at every picture before a release.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts.running_app import ROOT, find_chromium, launch, running_app

TIMEOUT_MS = 120_000  # the first answer waits for torch
SETTLE_MS = 1200  # charts and images finish drawing
HEIGHT_PX = 900
MAX_HEIGHT_PX = 6000
DRAWING = 2  # the one that shows most: several colours and an uneven border
QUESTION = "Melanocytic: melanoma or nevus?"


def main() -> int:
    """Take all pictures; 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="folder for the pictures")
    parser.add_argument("--bundles", type=Path, help="folder of model bundles, instead of the usual ones")
    options = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        print("No Chromium was found. Install one, or name it in DERM_CHROMIUM.", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=TIMEOUT_MS)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder) / "log.txt", options.bundles) as url,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, executable)
        _classify(browser, url, options.out, "light", 1440)
        _classify(browser, url, options.out, "dark", 1440)
        _classify(browser, url, options.out, "light", 1024)
        _classify(browser, url, options.out, "light", 390)
        browser.close()
    return 0


def _classify(browser: Browser, url: str, out: Path, theme: Literal["light", "dark"], width: int) -> None:
    """The states of Classify: begin, answer, side by side with the tree."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHT_PX}, color_scheme=theme)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_role("button", name=f"Use drawing {DRAWING}")).to_be_visible()
    _shoot(page, out / f"classify-begin-{theme}-{width}.png", width)
    page.get_by_role("button", name=f"Use drawing {DRAWING}").click()
    expect(page.locator(".st-key-downloads button").last).to_be_visible()
    question = page.locator(".st-key-question input")
    question.fill(QUESTION)
    question.press("ArrowDown")
    question.press("Enter")
    expect(page.locator(".st-key-curve .js-plotly-plot")).to_be_visible()
    _shoot(page, out / f"classify-answer-{theme}-{width}.png", width)
    page.get_by_role("button", name="Side by side").click()
    page.get_by_text("Pick any node of the taxonomy").click()
    expect(page.locator(".st-key-tree .js-plotly-plot")).to_be_visible()
    _shoot(page, out / f"classify-tree-{theme}-{width}.png", width)
    context.close()


def _shoot(page: Page, path: Path, width: int) -> None:
    """The whole page: Streamlit scrolls inside, so the window is made as high as the content."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(SETTLE_MS)
    height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": width, "height": min(MAX_HEIGHT_PX, max(HEIGHT_PX, height))})
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": HEIGHT_PX})
    print(path)


if __name__ == "__main__":
    sys.exit(main())
