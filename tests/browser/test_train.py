"""The Train page in a real browser: from the form to a finished model, with a real training of drawn images."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, expect_no_sideways_scroll
from tests.browser.test_dataset import press_option
from tests.net.drawn import write_drawn_manifest

TRAINING_TIMEOUT_MS = 240_000  # a process that imports torch, and a tiny network, on a busy machine
READY = "New training"


@pytest.fixture(scope="module")
def train_url(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an empty home and eighty drawn images; models are the shipped one and those it trains."""
    home, data = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("data")
    write_drawn_manifest(data / "drawn")
    with running_app(home / "log.txt", None, {"DERM_HOME": str(home), "DERM_DATA": str(data)}) as url:
        yield url


def pick(page: Page, label: str, text: str) -> None:
    """An option of a selection."""
    box = page.get_by_role("combobox", name=label)
    box.fill(text)
    box.press("Enter")


def number(page: Page, label: str, value: int) -> None:
    box = page.get_by_role("spinbutton", name=label, exact=True).first
    box.fill(str(value))
    box.press("Enter")


@pytest.mark.slow
def test_from_the_form_to_a_model_that_can_be_chosen(open_page: OpenPage, train_url: str) -> None:
    page = open_page("/train", url=train_url, ready=READY)
    press_option(page, "Small data")
    expect(page.locator(".st-key-train_stages_box input")).to_have_count(6)
    for rows in (2, 1):
        page.get_by_role("button", name="Remove").first.click()
        expect(page.locator(".st-key-train_stages_box input")).to_have_count(2 * rows)
    number(page, "Crop, px", 80)
    number(page, "Epochs", 3)
    pick(page, "First weights", "Random")
    page.get_by_text("Network and machine", exact=True).click()
    press_option(page, "Tiny, for trials")
    expect(page.get_by_text("Time: not known for this machine")).to_be_visible(timeout=TRAINING_TIMEOUT_MS)
    page.get_by_label("Name", exact=True).fill("drawn and tiny")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator(".st-key-train_preview")).to_contain_text("2 training classes from 60 training images")

    # a combination that makes no sense is said and keeps the button from starting
    page.get_by_text("Loss and rare classes", exact=True).click()
    balance = page.get_by_role("spinbutton", name="Class-balanced loss, beta")
    balance.fill("0.9")
    balance.press("Enter")
    expect(page.locator(".st-key-train_reasons")).to_contain_text("both make up for rare classes")
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    balance.fill("0")
    balance.press("Enter")
    expect(page.locator(".st-key-train_reasons")).to_have_count(0)
    page.get_by_role("button", name="Start training").click()

    card = page.locator(".st-key-run_list").get_by_test_id("stVerticalBlock").filter(has_text="drawn and tiny").first
    expect(card).to_contain_text("Finished", timeout=TRAINING_TIMEOUT_MS)
    expect(card).to_contain_text("3 epochs")
    expect(card).to_contain_text("Held-out images")  # its evaluation has opened by itself
    expect(page.get_by_text("1 option changed")).to_have_count(0)
    card.get_by_role("button", name="Use this model").click()
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model")).to_have_value("drawn and tiny")
    expect(page.get_by_label("Name", exact=True)).to_have_value("drawn and tiny")  # the form was left as it was


@pytest.mark.slow
def test_the_list_watches_without_taking_the_hand_from_the_form(open_page: OpenPage, train_url: str) -> None:
    page = open_page("/train", url=train_url, ready=READY)
    card = page.locator(".st-key-run_list").get_by_test_id("stVerticalBlock").filter(has_text="drawn and tiny").first
    card.get_by_role("button", name="More").first.click()
    page.get_by_text("Clone with changes", exact=True).click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("drawn and tiny")
    number(page, "Epochs", 40)
    page.get_by_role("button", name="Start training").click()
    running = page.locator(".st-key-run_list").get_by_test_id("stVerticalBlock").filter(has_text="Running").first
    expect(running.get_by_role("button", name="Stop")).to_be_visible(timeout=TRAINING_TIMEOUT_MS)
    box = page.get_by_label("Name", exact=True)
    box.click()
    box.fill("half a na")  # not sent yet
    scrolled = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    page.wait_for_timeout(3500)  # three looks at the work
    expect(box).to_be_focused()
    expect(box).to_have_value("half a na")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == scrolled
    stop = running.get_by_role("button", name="Stop")
    stop.focus()
    page.keyboard.press("Enter")
    cancelled = page.locator(".st-key-run_list").get_by_test_id("stVerticalBlock").filter(has_text="Cancelled").first
    expect(cancelled).to_be_visible(timeout=TRAINING_TIMEOUT_MS)
    cancelled.get_by_role("button", name="More").first.click()
    page.get_by_text("Delete", exact=True).last.click()
    expect(page.get_by_role("dialog")).to_contain_text("This cannot be undone")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".st-key-run_list").get_by_text("Cancelled")).to_have_count(0)


def test_the_page_does_not_scroll_sideways_at_390_px(open_page: OpenPage, train_url: str) -> None:
    page = open_page("/train", width=NARROW_PX, url=train_url, ready=READY)
    expect(page.locator(".st-key-train_preview table")).to_be_visible(timeout=TRAINING_TIMEOUT_MS)
    for title in ("Optimiser and learning rate", "Augmentation"):
        page.get_by_text(title, exact=True).click()
    expect(page.get_by_role("spinbutton", name="Hue")).to_be_visible()
    expect_no_sideways_scroll(page)
