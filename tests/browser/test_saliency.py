"""The saliency lab in a real browser: what is drawn, zoomed, read and painted there without Python."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, expect_no_sideways_scroll, wait_until_still
from tests.browser.test_classify import ask, drawing, upload

TWO = "/saliency?methods=gradient,smoothgrad&samples=4"
# Share of a canvas's pixels that are coloured at all, and how many colours it has.
_PAINTED = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  const pixels = new Uint32Array(data.buffer)
  return [pixels.filter(p => p >>> 24).length / pixels.length, new Set(pixels).size]
}"""

_COUNT_SENT = """() => {
  window._sent = 0
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (...message) {
    window._sent++
    return send.apply(this, message)
  }
}"""


def begin(page: Page, n_maps: int = 2) -> Locator:
    page.locator(".st-key-uploader input[type=file]").set_input_files(drawing(1))
    lab = page.locator(".st-key-saliency_maps")
    expect(lab.locator("canvas.map")).to_have_count(n_maps)
    expect(page.locator(".st-key-saliency_settings")).to_be_visible()
    return lab


def transforms(lab: Locator) -> set[str]:
    return set(lab.locator(".layer").evaluate_all("layers => layers.map(layer => layer.style.transform)"))


def point(frame: Locator, x: float, y: float) -> tuple[float, float]:
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_two_methods_are_drawn_zoomed_in_step_and_read_at_one_place(open_page: OpenPage) -> None:
    page = open_page(TWO)
    lab = begin(page)
    expect(lab.locator("figcaption").nth(1)).to_contain_text("the paper's map")
    for canvas in lab.locator("canvas.map").all():
        share, n_colours = canvas.evaluate(_PAINTED)
        assert share > 0.02 and n_colours > 20

    panels = lab.locator(".panels")
    panels.focus()
    panels.press("+")
    assert len(transforms(lab)) == 1 and "scale(1.25)" in transforms(lab).pop()
    panels.press("ArrowRight")
    panels.press("0")
    assert transforms(lab) == {"translate(0%, 0%) scale(1)"}

    page.mouse.move(*point(lab.locator(".frame").nth(1), 0.5, 0.5))
    readings = lab.locator(".reading")
    for number in (1, 2):
        expect(readings.nth(number)).to_have_text(re.compile(r"^[\d.e-]+ · (top|among|zero)"))
    page.mouse.move(2, 2)
    expect(readings.nth(1)).to_have_text("")
    panels.press("Shift+ArrowRight")  # the same without a pointer
    expect(readings.nth(2)).not_to_have_text("")


def test_contours_clipping_and_the_plain_view_need_no_python(open_page: OpenPage) -> None:
    page = open_page(TWO)
    lab = begin(page)
    expect(page.get_by_role("button", name=re.compile("^Test, "))).to_have_count(4)  # the page is at rest
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.evaluate(_COUNT_SENT)
    before = lab.locator("canvas.map").first.evaluate(_PAINTED)
    lab.get_by_role("button", name="10%", exact=True).click()
    expect(lab.locator("path.contour")).to_have_count(2)
    assert all(len(path or "") > 100 for path in (p.get_attribute("d") for p in lab.locator("path.contour").all()))
    lab.get_by_label("Percentile at which the maps are clipped").fill("90")
    assert lab.locator("canvas.map").first.evaluate(_PAINTED)[0] > before[0]
    lab.get_by_role("button", name="White to black").click()
    assert lab.locator("canvas.map").first.evaluate(_PAINTED)[0] == 1
    expect(lab.get_by_role("status").last).to_contain_text("Each map has its own colour scale")
    lab.get_by_role("button", name="One for all").click()
    expect(lab.get_by_role("status").last).to_contain_text("One colour scale for all maps")
    with page.expect_download() as waiting:
        lab.get_by_role("button", name="Save this view").click()
    with Image.open(Path(waiting.value.path())) as picture:
        assert picture.format == "PNG" and picture.width > 3 * 480
        assert np.asarray(picture.convert("L")).std() > 10
    assert page.evaluate("window._sent") == 0


def test_an_outline_is_drawn_by_pointer_or_by_numbers_and_gives_the_share_inside(open_page: OpenPage) -> None:
    page = open_page(TWO)
    lab = begin(page)
    lab.get_by_role("button", name="Polygon").click()
    frame = lab.locator(".frame").first
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75), (0.25, 0.25)):
        page.mouse.click(*point(frame, x, y))
    expect(lab.locator(".note").first).to_have_text("The outline covers 25% of the image.")
    expect(lab.get_by_text("of the map lies inside the outline")).to_have_count(2)
    expect(lab.locator("path.outline")).to_have_count(3)
    lab.get_by_role("button", name="Clear").click()
    expect(lab.get_by_text("of the map lies inside")).to_have_count(0)
    lab.get_by_text("Ellipse by numbers").click()
    lab.get_by_role("button", name="Set the ellipse").click()
    expect(lab.locator(".note").first).to_have_text("The outline covers 20% of the image.")  # pi / 4 of a quarter


def test_a_mask_is_uploaded_and_one_of_another_shape_is_refused(open_page: OpenPage) -> None:
    page = open_page(TWO)
    lab = begin(page)
    page.get_by_role("button", name="Upload a mask of the lesion").click()
    door = page.locator("[class*=st-key-saliency_mask] input[type=file]")
    door.set_input_files({"name": "mask.png", "mimeType": "image/png", "buffer": mask(80, 40)})
    expect(page.get_by_text("has the shape of its image")).to_be_visible()
    door.set_input_files({"name": "mask.png", "mimeType": "image/png", "buffer": mask(80, 80)})
    expect(lab.locator(".note").first).to_have_text("The outline covers 25% of the image.")
    expect(lab.get_by_role("button", name="Polygon")).to_be_disabled()


def mask(width: int, height: int) -> bytes:
    """A PNG whose middle quarter is white."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[height // 4 : height - height // 4, width // 4 : width - width // 4] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.slow
def test_a_map_is_tested_and_the_image_is_asked(open_page: OpenPage) -> None:
    page = open_page(TWO)
    begin(page)
    page.get_by_role("button", name=re.compile("^Test")).first.click()
    expect(page.locator(".st-key-belief_randomisation .js-plotly-plot")).to_be_visible()
    expect(page.locator(".st-key-belief_stages img").first).to_be_visible()

    wait_until_still(page)
    page.get_by_text("Ask the image", exact=True).click()
    region = page.locator(".st-key-saliency_region")
    region.get_by_text("Ellipse by numbers").click()
    wait_until_still(page)
    region.get_by_role("button", name="Set the ellipse").click()
    expect(region.get_by_alt_text("The image, partly painted over")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Change")).to_be_visible()
    page.get_by_role("button", name="Turn it").click()
    expect(page.locator(".st-key-saliency_rotation .js-plotly-plot")).to_be_visible()
    expect(page.locator(".st-key-saliency_strip img")).to_have_count(12)
    expect(page).to_have_url(re.compile("section=ask"))


def test_the_image_and_its_question_come_along_from_classify(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    ask(page)
    page.get_by_role("link", name="Open in the saliency lab").click()
    expect(page.locator(".st-key-saliency_kind input")).to_have_value("A question's score")
    expect(page.locator(".st-key-saliency_maps img.photo").first).to_have_attribute("alt", re.compile("clinic.jpg"))


def test_on_a_phone_the_maps_stand_below_each_other(open_page: OpenPage) -> None:
    page = open_page(TWO, width=NARROW_PX, dark=True)
    lab = begin(page)
    lefts = lab.locator(".frame").evaluate_all("frames => frames.map(frame => frame.getBoundingClientRect().x)")
    assert len(lefts) == 3 and len(set(lefts)) == 1
    for name in ("Ask the image", "Many images", "Can it be believed"):
        page.get_by_text(name, exact=True).last.click()
        expect(page.locator("[class*=st-key-saliency_section_]")).to_be_visible()
        expect_no_sideways_scroll(page)
