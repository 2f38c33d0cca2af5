"""The HTML report: the content of the PDF in one file that fetches nothing."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from derm_model import words
from derm_model.report.html import case_html
from derm_model.taxonomy import Taxonomy
from tests.report.material import FILE, case
from tests.report.numbers import told

VOID = {"meta", "img", "br", "link", "rect", "circle"}


class Reader(HTMLParser):
    """Text, pictures and ids of a page; unclosed or crossed elements are faults."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        if tag == "img":
            self.images.append(given)
        if tag in ("script", "iframe", "object", "form", "link"):
            self.faults.append(f"{tag} has no place here")
        if tag == "p" and "p" in self.open:
            self.faults.append("a paragraph in a paragraph")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} is closed out of order")

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join("".join(self.texts).split())


@pytest.mark.parametrize(
    ("n", "average", "asked"), [(1, True, "melanocytic"), (5, True, None), (3, False, "epidermal")]
)
def test_the_page_is_sound_and_says_what_the_json_holds(
    taxonomy: Taxonomy, n: int, average: bool, asked: str | None
) -> None:
    report = case(taxonomy, n=n, average=average, asked=asked)
    page = Reader(case_html(report))
    assert page.faults == []
    missing = [part for part in told(report) if "".join(part.split()) not in page.text]
    assert not missing, missing[:5]
    assert page.text.count("".join(words.NOTICE.split())) >= 2


def test_every_image_is_inside_described_and_without_metadata(taxonomy: Taxonomy) -> None:
    page = Reader(case_html(case(taxonomy, n=2)))
    assert len(page.images) == 4
    for image in page.images:
        assert image["alt"]
        kind, _, data = str(image["src"]).partition(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert not picture.getexif()
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)


def test_nothing_is_run_or_fetched(taxonomy: Taxonomy) -> None:
    page = case_html(case(taxonomy))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    assert not re.search(r"https?://|url\(|@import|<script|\son\w+=|javascript:", page)


def test_the_note_is_text_and_keeps_its_lines_and_no_file_is_named(taxonomy: Taxonomy) -> None:
    page = case_html(case(taxonomy), note="<script>alert(1)</script>\n皮膚病 second line")
    assert Reader(page).faults == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n皮膚病 second line" in page
    assert FILE not in page
    assert FILE in case_html(case(taxonomy), with_names=True)


def test_the_same_case_gives_the_same_page(taxonomy: Taxonomy) -> None:
    assert case_html(case(taxonomy)) == case_html(case(taxonomy))
