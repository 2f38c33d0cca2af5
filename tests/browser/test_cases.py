"""From Classify to a saved case and out of the world again, in a real browser; the body map by keyboard."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from derm_model.records.image_store import ImageStore
from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, download, expect_no_sideways_scroll, wait_until_still
from tests.support import noise_image

TARGET_PX = 24
PATIENT = "P-0173"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def url(home: Path, tmp_path: Path, tiny_bundle: Path, browser: Browser) -> Iterator[str]:
    with running_app(tmp_path / "log.txt", tiny_bundle.parent, {"DERM_HOME": str(home)}) as address:
        yield address


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise_image(seed, 480, 480)).save(buffer, "PNG")
    return buffer.getvalue()


def read(page: Page, seed: int) -> None:
    page.locator("input[type=file]").first.set_input_files(
        {"name": "clinic.png", "mimeType": "image/png", "buffer": picture(seed)}
    )
    expect(page.get_by_text("Take it with you")).to_be_visible()
    wait_until_still(page)


def open_form(page: Page) -> None:
    if not page.get_by_role("textbox", name="Patient key").is_visible():  # else it is open from the case before
        page.get_by_text("Save to a case").click()
    expect(page.get_by_role("textbox", name="Patient key")).to_be_visible()
    wait_until_still(page)


def choose_by_keyboard(page: Page) -> None:
    """From the scalp down to forehead and nose, then to the eyelid at the right of the picture: the patient's left."""
    head = page.get_by_role("radiogroup", name="Head")
    places = head.get_by_role("radio")
    expect(places.first).to_be_visible()
    for number in range(places.count()):
        box = places.nth(number).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= TARGET_PX
    places.first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")


def save(page: Page, lesion: str = "A") -> None:
    page.get_by_role("textbox", name="Patient key").fill(PATIENT)
    page.get_by_role("textbox", name="Name of the lesion").fill(lesion)
    page.get_by_role("textbox", name="Name of the lesion").press("Tab")
    wait_until_still(page)
    choose_by_keyboard(page)
    expect(page.get_by_text("Chosen: eyelid, left.")).to_be_visible()
    wait_until_still(page)
    page.get_by_role("button", name="Save 1 image").click()
    expect(page.get_by_text(f"Saved to lesion {lesion} of {PATIENT}.")).to_be_visible()


def test_a_case_is_saved_by_keyboard_found_told_its_outcome_and_deleted_with_its_files(
    open_page: OpenPage, url: str, home: Path
) -> None:
    page = open_page(url=url)
    read(page, 1)
    open_form(page)
    save(page)
    store = ImageStore(home / "images")
    (sha256,) = store.all()
    page.get_by_role("link", name="Open the case").click()
    expect(page.get_by_role("heading", name=f"{PATIENT} · A")).to_be_visible()
    expect(page.get_by_text("eyelid, left · 1 visit")).to_be_visible()
    assert re.search(r"/cases\?case=[0-9a-f]{32}$", page.url)
    wait_until_still(page)

    page.get_by_role("button", name="All cases").click()
    page.get_by_role("button", name=f"{PATIENT} · A").click()
    expect(page).to_have_url(re.compile("case="))
    page.go_back()
    expect(page.get_by_text("1 case, the most recently active first")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name=f"{PATIENT} · A")).to_be_visible()
    wait_until_still(page)

    page.get_by_text("Record the outcome").click()
    page.get_by_role("searchbox", name="Diagnosis").or_(page.get_by_role("textbox", name="Diagnosis")).fill(
        "melanoma in situ"
    )
    expect(page.get_by_role("radiogroup", name="Which of them")).to_be_visible()
    wait_until_still(page)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator(".stMarkdown").get_by_text("Melanoma in situ · ").first).to_be_visible()
    assert download(page, "Case (ZIP)").suggested_filename == "dermtree-case.zip"

    page.get_by_role("button", name="Delete this case").click()
    expect(page.get_by_role("button", name="Keep it")).to_be_visible()
    assert store.path(sha256).is_file()
    page.get_by_role("button", name="Delete", exact=True).last.click()
    expect(page.get_by_text("No case is saved")).to_be_visible()
    assert not store.path(sha256).exists()
    assert list(store.all()) == []
    # nothing of it is left in the database's files either
    assert all(PATIENT.encode() not in path.read_bytes() for path in home.glob("records.db*"))


def test_two_visits_lie_side_by_side_with_one_zoom(open_page: OpenPage, url: str) -> None:
    page = open_page(url=url)
    read(page, 1)
    open_form(page)
    save(page)
    page.get_by_role("button", name="New case").click()
    expect(page.get_by_text("How to begin")).to_be_visible()
    wait_until_still(page)
    read(page, 2)
    open_form(page)
    page.get_by_role("textbox", name="Patient key").fill(PATIENT)
    page.get_by_text("A · eyelid, left · 1 visit").click()
    wait_until_still(page)
    page.get_by_role("button", name="Save 1 image").click()
    page.get_by_role("link", name="Open the case").click()
    images = page.locator(".st-key-case_images img.photo")
    expect(images).to_have_count(2)
    wait_until_still(page)
    page.get_by_role("button", name="Zoom in").click()
    zoomed = [layer.get_attribute("style") for layer in page.locator(".st-key-case_images .layer").all()]
    assert len(zoomed) == 2
    assert zoomed[0] == zoomed[1]
    assert "scale(1.25)" in (zoomed[0] or "")

    page.get_by_role("button", name="Open in Classify").first.click()
    expect(page.get_by_text("Case of 1 image")).to_be_visible()


def test_form_list_and_case_fit_a_phone_in_the_dark(open_page: OpenPage, url: str) -> None:
    page = open_page(url=url, width=NARROW_PX, dark=True)
    read(page, 1)
    open_form(page)
    expect(page.get_by_role("radiogroup", name="Front")).to_be_visible()
    expect_no_sideways_scroll(page)
    save(page)
    page.get_by_role("link", name="Open the case").click()
    expect(page.get_by_role("heading", name=f"{PATIENT} · A")).to_be_visible()
    expect(page.get_by_text("Take it away, or delete it")).to_be_visible()
    expect_no_sideways_scroll(page)
    page.get_by_role("button", name="All cases").click()
    expect(page.get_by_text("1 case, the most recently active first")).to_be_visible()
    expect_no_sideways_scroll(page)


def test_the_audit_page_verifies_and_fits_a_phone(open_page: OpenPage, url: str) -> None:
    page = open_page("/audit", url=url, width=NARROW_PX, ready="Does the log hold?")
    wait_until_still(page)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("This is the head")).to_be_visible()
    expect_no_sideways_scroll(page)
