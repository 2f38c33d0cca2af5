"""Reports from the Classify page in a real browser: made on the server, handed to the browser, readable there."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from derm_model import words
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, downloaded, expect_no_sideways_scroll
from tests.browser.test_classify import ask, drawing, upload

NOTE = "Größe 6 × 4 mm, excised; histology pending."


def write_note(page: Page) -> None:
    page.get_by_role("button", name="Paper and note").click()
    box = page.get_by_role("textbox", name="Note for PDF and HTML")
    box.fill(NOTE)  # and nothing that hands it over: the next press does


def text_of(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


def test_the_reports_hold_the_answer_the_note_and_no_file_name(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1, "Mrs-Miller.jpg"), drawing(2, "Mrs-Miller-2.jpg"))
    ask(page)
    write_note(page)
    pdf, html = text_of(downloaded(page, "Report (PDF)")), downloaded(page, "Report (HTML)").decode()
    for report in (pdf, html):
        assert NOTE in report
        assert words.NOTICE in report
        assert "Melanocytic: melanoma or nevus?" in report
        assert "Miller" not in report
    assert html.count("<img") == 4  # both views have their map, also the one that was not in the viewer
    page.get_by_role("button", name="Data files").click()
    bundle = json.loads(downloaded(page, "Case (FHIR)"))
    assert bundle["resourceType"] == "Bundle"
    assert NOTE not in json.dumps(bundle)


@pytest.mark.parametrize(("locale", "width_pt"), [("en-US", 612), ("de-DE", 595)])
def test_the_paper_is_the_usual_one_where_the_browser_is_from(
    browser: Browser, app_url: str, locale: str, width_pt: int
) -> None:
    context = browser.new_context(locale=locale, accept_downloads=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(app_url)
    upload(page, drawing(1))
    data = downloaded(page, "Report (PDF)")
    context.close()
    assert int(PdfReader(io.BytesIO(data)).pages[0].mediabox.width) == width_pt


def test_a_new_case_forgets_the_note(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, drawing(1))
    write_note(page)
    page.get_by_role("button", name="New case").click()
    expect(page.get_by_text("How to begin").first).to_be_visible()
    upload(page, drawing(1))
    page.get_by_role("button", name="Paper and note").click()
    expect(page.get_by_role("textbox", name="Note for PDF and HTML")).to_have_value("")


def test_the_buttons_fit_a_phone(open_page: OpenPage) -> None:
    page = open_page(width=NARROW_PX)
    upload(page, drawing(1))
    expect_no_sideways_scroll(page)
    page.get_by_role("button", name="Data files").click()
    expect(page.get_by_role("button", name="Case (FHIR)")).to_be_visible()
    expect_no_sideways_scroll(page)


def test_the_html_report_shows_in_a_browser_without_asking_for_anything(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    upload(page, drawing(1))
    path = tmp_path / "report.html"
    path.write_bytes(downloaded(page, "Report (HTML)"))
    asked: list[str] = []
    said: list[str] = []
    shown = page.context.browser.new_page(viewport={"width": NARROW_PX, "height": 800})  # type: ignore[union-attr]
    shown.on("request", lambda request: asked.append(request.url[:30]))
    shown.on("console", lambda message: said.append(message.text))  # a breach of its own policy is said here
    shown.goto(path.as_uri())
    assert {address[:5] for address in asked} <= {"file:", "data:"}
    assert said == []
    images = shown.locator("img")
    assert images.evaluate_all("all => all.every(i => i.naturalWidth > 0 && i.alt)")
    assert shown.evaluate("document.documentElement.scrollWidth") <= NARROW_PX
    shown.close()
