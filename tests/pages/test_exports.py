"""What the Classify page hands out: each file when its button is pressed, at the threshold of that moment."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from derm_model import words
from pages.ui import state
from tests.pages.conftest import OpenPage, png, texts, upload

Files = dict[str, Callable[[], bytes | str]]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Files:
    """What each download button would give: AppTest does not press them."""
    found: Files = {}

    def take(label: str, data: Callable[[], bytes | str], *_: object, **__: object) -> bool:
        found[label] = data
        return False

    monkeypatch.setattr("streamlit.download_button", take)
    return found


def ask(page: AppTest) -> AppTest:
    page.selectbox(key=state.QUESTION).set_value("melanocytic").run()
    assert not page.exception
    return page


def pdf_text(data: bytes | str) -> str:
    assert isinstance(data, bytes)
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


def test_every_file_is_made_with_the_notice_and_without_the_name(open_classify: OpenPage, files: Files) -> None:
    page = ask(upload(open_classify(), ("Mrs-Miller.png", png(1)), ("Mrs-Miller-2.png", png(2))))
    labels = ["Report (PDF)", "Report (HTML)", "Case (JSON)", "Table (CSV)", "Case (FHIR)", "Map (PNG)"]
    assert list(files) == labels
    html, fhir = files["Report (HTML)"](), files["Case (FHIR)"]()
    assert isinstance(html, str)
    assert isinstance(fhir, str)
    for told in (pdf_text(files["Report (PDF)"]()), html, fhir):
        assert words.NOTICE in told
        assert "Miller" not in told
    assert html.count("<img") == 4  # the map of the image that is not in the viewer was computed
    assert json.loads(str(files["Case (JSON)"]()))["asked"] == "melanocytic"
    assert not page.exception


def test_a_report_has_the_threshold_of_the_moment_it_is_made(open_classify: OpenPage, files: Files) -> None:
    page = ask(upload(open_classify(), ("a.png", png(1))))
    make = files["Report (PDF)"]
    bundle_id = json.loads(str(files["Case (JSON)"]()))["bundle"]
    before = pdf_text(make())
    page.session_state["dermtree_thresholds"][bundle_id, "melanocytic"] = 0.987  # as the hand on the threshold does
    assert "(set by hand)" not in before
    assert "threshold 0.99 (set by hand)" in pdf_text(make())


def test_the_note_stands_in_both_reports_and_goes_with_the_case(open_classify: OpenPage, files: Files) -> None:
    page = upload(open_classify(), ("a.png", png(1)))
    page.text_area(key=state.REPORT_NOTE).set_value("Excised, 6 × 4 mm").run()
    assert "Excised, 6 × 4 mm" in pdf_text(files["Report (PDF)"]())
    assert "Excised, 6 × 4 mm" in str(files["Report (HTML)"]())
    assert "Excised" not in f"{files['Case (JSON)']()}{files['Table (CSV)']()}{files['Case (FHIR)']()}"
    page.button(key="new_case").click().run()
    page = upload(page, ("b.png", png(2)))
    assert page.text_area(key=state.REPORT_NOTE).value == ""


def test_signs_the_pdf_cannot_print_are_named_before_it_is_made(open_classify: OpenPage, files: Files) -> None:
    page = upload(open_classify(), ("a.png", png(1)))
    page.text_area(key=state.REPORT_NOTE).set_value("皮膚病").run()
    assert "no sign for 皮膚病" in texts(page)
    assert "皮膚病" in str(files["Report (HTML)"]())
