"""The Classify page in a real browser: what only a browser can show."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from derm_model import words
from derm_model.data.drawings import draw_lesion
from derm_model.palette import DARK, LIGHT
from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, downloaded, expect_no_sideways_scroll, wait_until_still


def drawing(seed: int, name: str = "clinic.jpg") -> FilePayload:
    """A drawn lesion as an uploaded JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(draw_lesion(seed, 480)).save(buffer, "JPEG", quality=92)
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def upload(page: Page, *files: FilePayload) -> None:
    page.locator(".st-key-uploader input[type=file]").set_input_files(files)
    expect(page.locator(".st-key-rows button").first).to_be_visible()
    expect(page.locator(".st-key-downloads button").last).to_be_visible()  # the end of the page


def ask(page: Page, question: str = "Melanocytic: melanoma or nevus?") -> None:
    box = page.locator(".st-key-question input")
    box.fill(question)
    box.press("ArrowDown")  # opens the list also where scrolling to the box has just closed it
    expect(page.get_by_role("option", name=question)).to_be_visible()
    box.press("Enter")
    expect(page.locator(".st-key-verdict h5").first).to_be_visible()


def set_threshold(page: Page, value: str) -> None:
    box = page.get_by_label("Threshold as a number")
    box.fill(value)
    box.press("Enter")


def test_upload_answer_threshold_download(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_text(words.BADGE, exact=True)).to_be_visible()
    upload(page, drawing(1))
    ask(page)
    verdict = page.locator(".st-key-verdict")
    set_threshold(page, "0")
    expect(verdict.get_by_text("Consider biopsy or referral.")).to_be_visible()
    set_threshold(page, "1")
    expect(verdict.get_by_text("This does not exclude malignancy.")).to_be_visible()
    expect(verdict.get_by_role("img", name="threshold 1.00")).to_be_visible()
    page.get_by_role("button", name="Data files").click()
    report = json.loads(downloaded(page, "Case (JSON)"))
    task = report["tasks"]["melanocytic"]
    assert report["notice"] == words.NOTICE
    assert (task["threshold"], task["above"], task["threshold_rule"]) == (1.0, False, "set by hand")
    assert sum(report["class_probs"].values()) == pytest.approx(1)
    assert words.NOTICE in downloaded(page, "Table (CSV)").decode("utf-8-sig")
    page.keyboard.press("Escape")
    with Image.open(io.BytesIO(downloaded(page, "Map (PNG)"))) as picture:
        assert picture.text["Description"].startswith(words.NOTICE)


def test_the_threshold_follows_the_keyboard_and_a_preset(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    ask(page)
    page.get_by_role("radio", name="Youden").or_(page.get_by_role("button", name="Youden")).first.click()
    box, slider = page.get_by_label("Threshold as a number"), page.get_by_label("Threshold on the score")
    expect(page.locator(".st-key-verdict").get_by_text("Youden")).to_be_visible()
    set_threshold(page, "0.300")
    expect(page.get_by_role("img", name="threshold 0.30")).to_be_visible()
    slider.focus()
    for _ in range(50):
        slider.press("ArrowRight")
    expect(box).to_have_value("0.350")
    expect(page.get_by_role("img", name="threshold 0.35")).to_be_visible()


def test_a_deep_link_on_a_fresh_server_shows_the_page(
    open_page: OpenPage, tiny_bundle: Path, tmp_path: Path, browser: Browser
) -> None:
    with running_app(tmp_path / "log.txt", tiny_bundle.parent) as url:
        page = open_page("/classify", url=url)
        expect(page.get_by_text(words.BADGE, exact=True)).to_be_visible()
        expect(page.locator(".st-key-uploader").get_by_text("Upload", exact=True)).to_be_visible()


def test_an_unreadable_file_is_named_and_the_other_image_kept(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1), {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are notes"})
    expect(page.get_by_text("notes.jpg could not be read.")).to_be_visible()
    expect(page.get_by_text("The other images were kept.")).to_be_visible()
    expect(page.get_by_text("Case of 1 image")).to_be_visible()


def test_an_image_can_be_pasted(open_page: OpenPage) -> None:
    page = open_page()
    page.wait_for_function("() => Boolean(window._dermtreePaste)")
    wait_until_still(page)
    page.evaluate(
        """data => {
          const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0))
          const transfer = new DataTransfer()
          transfer.items.add(new File([bytes], 'pasted.jpg', { type: 'image/jpeg' }))
          document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }))
        }""",
        base64.b64encode(drawing(2)["buffer"]).decode(),
    )
    expect(page.get_by_text("Case of 1 image")).to_be_visible()


def test_a_row_is_picked_by_keyboard_and_the_map_explains_it(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    row = page.locator(".st-key-rows button").first
    row.focus()
    row.press("Enter")
    expect(page.locator(".st-key-picked")).to_be_visible()
    expect(page.locator(".st-key-explain input")).to_have_value(re.compile("^Picked: "))
    expect(page.locator(".st-key-rows button[aria-pressed=true]")).to_have_count(1)


def test_the_viewer_zooms_by_keyboard_and_keeps_its_view_over_a_rerun(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    panes, photo = page.locator(".panes"), page.locator("[data-pane=map] img.photo")
    panes.focus()
    panes.press("+")
    assert "scale(1.25)" in str(photo.get_attribute("style"))
    panes.press("0")
    assert "scale(1)" in str(photo.get_attribute("style"))
    page.get_by_role("button", name="Side by side").click()
    ask(page)
    expect(page.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "true")
    assert "Drawing" not in str(photo.get_attribute("alt"))
    assert "clinic.jpg" in str(photo.get_attribute("alt"))


def test_a_click_on_the_tree_picks_a_node(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    page.get_by_text("Pick any node of the taxonomy").click()
    tree = page.locator(".st-key-tree .js-plotly-plot")
    expect(tree).to_be_visible()
    tree.locator("g.slice").nth(1).click()
    expect(page.locator(".st-key-picked")).to_be_visible()


def test_typing_finds_a_diagnosis_despite_errors(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    page.get_by_text("Pick any node of the taxonomy").click()
    page.locator(".st-key-search input").press_sequentially("bassal cel carcinoma")
    hit = page.get_by_role("button", name="Basal cell carcinoma").first
    hit.click()
    expect(page.locator(".st-key-picked")).to_contain_text("Basal cell carcinoma")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_scrolls_sideways_at_390_px(open_page: OpenPage, dark: bool) -> None:
    page = open_page(width=NARROW_PX, dark=dark)
    expect_no_sideways_scroll(page)
    upload(page, drawing(1), drawing(2, "close-up of the same lesion with a long name.jpg"))
    ask(page)
    page.get_by_text("Pick any node of the taxonomy").click()
    expect(page.locator(".st-key-tree .js-plotly-plot")).to_be_visible()
    expect_no_sideways_scroll(page)


def test_charts_and_notes_follow_a_switch_of_the_theme(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    ask(page)
    line = page.locator(".st-key-curve .scatterlayer path.js-line").nth(1)
    caption = page.get_by_test_id("stCaptionContainer").locator("p").first

    def rgb(colour: str) -> str:
        return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"

    expect(line).to_have_css("stroke", rgb(LIGHT.accent))
    expect(caption).to_have_css("color", rgb(LIGHT.muted))
    page.emulate_media(color_scheme="dark")
    expect(line).to_have_css("stroke", rgb(DARK.accent))
    expect(caption).to_have_css("color", rgb(DARK.muted))


def test_another_session_sees_nothing_of_this_one(open_page: OpenPage) -> None:
    first = open_page()
    upload(first, drawing(1, "first.jpg"))
    second = open_page()
    expect(second.get_by_text("Case of")).to_have_count(0)
    upload(second, drawing(2, "second.jpg"))
    expect(second.get_by_text("first.jpg")).to_have_count(0)
    assert "first.jpg" in str(first.locator("[data-pane=map] img.photo").get_attribute("alt"))
