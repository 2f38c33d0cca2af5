"""The PDF: it says what the JSON holds, fits its pages, and is the same file for the same case."""

from __future__ import annotations

import io
import time
import unicodedata
from dataclasses import replace

import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from derm_model import words
from derm_model.errors import ReportError
from derm_model.palette import MARKS
from derm_model.report import CaseReport, Paper, paper_of
from derm_model.report.build import VALIDATION
from derm_model.report.content import make_document
from derm_model.report.pdf import MARGIN, case_pdf
from derm_model.report.pdf_parts import missing_signs
from derm_model.taxonomy import Taxonomy
from tests.report.material import FILE, TIME, card, case, picture, seen
from tests.report.numbers import told

N_CLASSES = 10


def squeezed(text: str) -> str:
    """Without white space: lines of a PDF break anywhere."""
    return "".join(text.split())


def text_of(data: bytes) -> str:
    return squeezed(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages))


def expect_white_margins(data: bytes) -> None:
    """Nothing is drawn outside the text's column: an overflowing box would be."""
    document = pypdfium2.PdfDocument(data)
    for page in document:
        pixels = np.asarray(page.render(scale=1).to_pil().convert("L"))
        edge = int(MARGIN) - 3  # a bold stroke may lean out by a point
        for border in (pixels[:, :edge], pixels[:, -edge:], pixels[:20], pixels[-20:]):
            assert border.min() == 255


def different_cases(taxonomy: Taxonomy) -> dict[str, CaseReport]:
    tiny, tall, wide = picture(1, 24, 24), picture(2, 100, 600), picture(3, 600, 100)
    no_map = seen(4, N_CLASSES, with_map=False)
    return {
        "one": case(taxonomy),
        "what is it": case(taxonomy, asked=None),
        "views": case(taxonomy, n=5),
        "lesions": case(taxonomy, n=3, average=False),
        "no threshold": case(taxonomy, decided=False),
        "odd pictures": case(taxonomy, *(seen(i, N_CLASSES, pixels=p) for i, p in enumerate((tiny, tall, wide), 1))),
        "no map": case(taxonomy, no_map),
        "no pictures": case(taxonomy, replace(no_map, picture=None)),
    }


@pytest.mark.parametrize("paper", list(Paper))
def test_every_kind_of_case_fits_both_papers_and_says_what_the_json_holds(taxonomy: Taxonomy, paper: Paper) -> None:
    for name, report in different_cases(taxonomy).items():
        data = case_pdf(report, paper)
        text = text_of(data)
        missing = [part for part in told(report) if squeezed(part) not in text]
        assert not missing, f"{name}: {missing[:5]}"
        expect_white_margins(data)
        box = PdfReader(io.BytesIO(data)).pages[0].mediabox
        assert (float(box.width), float(box.height)) == pytest.approx([side * 72 / 25.4 for side in paper.size_mm])


def test_the_notice_and_the_page_number_stand_on_every_page(taxonomy: Taxonomy) -> None:
    pages = PdfReader(io.BytesIO(case_pdf(case(taxonomy, n=3, average=False)))).pages
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert words.NOTICE in text
        assert f"Page {number} of {len(pages)}" in text
        assert "2026-11-23 03:58 UTC" in text


def test_the_same_case_gives_the_same_bytes(taxonomy: Taxonomy) -> None:
    assert case_pdf(case(taxonomy)) == case_pdf(case(taxonomy))
    assert case_pdf(case(taxonomy)) != case_pdf(replace(case(taxonomy), created_at=TIME.replace(minute=59)))


def test_the_file_says_what_it_is_and_embeds_its_fonts(taxonomy: Taxonomy) -> None:
    data = case_pdf(case(taxonomy))
    reader = PdfReader(io.BytesIO(data))
    about = reader.metadata
    assert about is not None
    assert (about.title, about.author) == ("Image report: one image", "DermTree")
    assert about.creation_date == TIME
    assert reader.trailer["/Root"]["/Lang"] == "en"
    fonts = {
        f.get_object()["/BaseFont"]: f.get_object()
        for page in reader.pages
        for f in page["/Resources"]["/Font"].values()
    }
    used = {name: font for name, font in fonts.items() if "DermTreeSans" in name}
    assert len(used) == 2
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used.values())
    assert not any(word in data for word in (b"/JavaScript", b"/JS ", b"/URI", b"/Launch"))


def test_no_file_name_and_no_metadata_of_the_image_unless_asked(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    assert "Miller" not in text_of(case_pdf(report))
    assert "Miller" not in str(PdfReader(io.BytesIO(case_pdf(report))).metadata)
    assert FILE in text_of(case_pdf(report, with_names=True))


def test_drawings_are_said_to_be_drawings_and_proven_only_what_is(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    text = text_of(case_pdf(report))
    assert squeezed(words.DRAWINGS) in text
    assert not report.tasks["melanocytic"].biopsy_proven
    assert "biopsy-provenheld-out" not in text
    proven = {key: replace(task, biopsy_proven=True) for key, task in report.tasks.items()}
    assert "biopsy-provenheld-out" in text_of(case_pdf(replace(report, tasks=proven)))


def test_the_verdict_is_in_the_pages_words(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    verdict = report.tasks["melanocytic"].verdict
    assert verdict is not None
    text = text_of(case_pdf(report))
    assert squeezed(f"{verdict.mark} {verdict.heading} {verdict.suggestion}") in text


def test_without_a_threshold_there_is_no_side(taxonomy: Taxonomy) -> None:
    text = text_of(case_pdf(case(taxonomy, decided=False)))
    assert "Nothreshold" in text
    assert "operatingpoint" not in text


def test_long_names_and_notes_wrap_and_twenty_images_fit(taxonomy: Taxonomy) -> None:
    report = case(taxonomy, n=20)
    longest = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4
    known = {key: replace(facts, name=f"{facts.name} {longest}") for key, facts in report.known.items()}
    long_card = replace(card(), name="a bundle of a name " * 12, licence="No " * 200, limitations=("limit " * 80,) * 9)
    report = replace(report, known=known, card=long_card, licence=long_card.licence, bundle_id="b" * 80)
    data = case_pdf(report, note="word " * 600 + "\n\n" + "x" * 900)
    expect_white_margins(data)
    assert text_of(data).count("x" * 900) == 1


def test_one_image_of_twenty_megapixels_is_small_and_quick(taxonomy: Taxonomy) -> None:
    large = np.asarray(Image.fromarray(picture(1, 1024, 768)).resize((5200, 3900)))
    report = case(taxonomy, seen(1, N_CLASSES, pixels=large))
    case_pdf(case(taxonomy))  # fonts are read once
    began = time.perf_counter()
    data = case_pdf(report)
    assert time.perf_counter() - began < 3  # some 0.5 s; a busy machine is not our slowness
    assert len(data) < 2_000_000


def test_the_font_has_every_sign_the_app_uses() -> None:
    signs = "".join(MARKS.values()) + "↑↓±≥≤–→×·−…’“”%µ°½äöüßéèçñøåłşžőĂ ΑβΩ ЖщЯ"
    assert missing_signs(signs) == ""


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=["Cc"])))
def test_the_letters_of_european_languages_can_be_printed_however_they_are_composed(text: str) -> None:
    assert missing_signs(unicodedata.normalize("NFD", text)) == ""


def test_a_sign_the_font_has_not_is_refused_and_named(taxonomy: Taxonomy) -> None:
    with pytest.raises(ReportError, match="病"):
        case_pdf(case(taxonomy), note="皮膚病")


@pytest.mark.parametrize("text", ["<b>x</b>", "<para>", "&amp;", "a < b & c", "<img src='x'/>", "]]>"])
def test_a_note_is_shown_as_it_is(taxonomy: Taxonomy, text: str) -> None:
    assert squeezed(text) in text_of(case_pdf(case(taxonomy), note=text))


@pytest.mark.parametrize(
    ("locale", "paper"),
    [
        *(("en-US", Paper.LETTER), ("es-MX", Paper.LETTER), ("fr-CA", Paper.LETTER), ("en-GB", Paper.A4)),
        *(("de", Paper.A4), ("zh-Hans-CN", Paper.A4), (None, Paper.A4), ("us", Paper.A4)),
    ],
)
def test_the_usual_paper_follows_the_country(locale: str | None, paper: Paper) -> None:
    assert paper_of(locale) is paper


def test_a_note_keeps_its_stars(taxonomy: Taxonomy) -> None:
    assert "size**6**mm" in text_of(case_pdf(case(taxonomy), note="size **6** mm"))


def test_signs_that_cannot_be_seen_do_not_stop_the_report(taxonomy: Taxonomy) -> None:
    text = text_of(case_pdf(case(taxonomy), note="\ufeffold\u200d scar\u200e \x00\u2713\ufe0f"))
    assert "oldscar\u2713" in text


def ruled(report: CaseReport, rule: str) -> CaseReport:
    """The case decided at a threshold of this name."""
    return replace(report, tasks={key: replace(task, threshold_rule=rule) for key, task in report.tasks.items()})


def test_a_long_name_of_the_threshold_stays_on_the_page(taxonomy: Taxonomy) -> None:
    rule = " = ".join(("Sensitivity 90%", *(f"Saved: {letter * 60}" for letter in "abc")))
    data = case_pdf(ruled(case(taxonomy), rule))
    assert squeezed(rule) in text_of(data)
    page = pypdfium2.PdfDocument(data)[0].get_textpage()
    index, length = page.search("threshold 0.08 (").get_next()
    boxes = [page.get_charbox(i) for i in range(index, index + length)]  # left, bottom, right, top
    assert all(box[0] > MARGIN for box in boxes), "the number itself is cut off by the edge of the card"


def test_a_name_of_the_threshold_that_the_font_has_no_signs_for_is_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(ReportError, match="病"):
        case_pdf(ruled(case(taxonomy), "皮膚病"))


def test_views_that_disagree_on_one_question_are_not_told_of_another(taxonomy: Taxonomy) -> None:
    n = N_CLASSES
    sides = {c.id: i for i, c in enumerate(card().classes)}
    melanoma, keratosis = np.zeros(n), np.zeros(n)
    melanoma[[sides["melanoma-nos"], sides["seborrheic-keratosis"]]] = 0.5
    keratosis[[sides["melanocytic-nevus-nos"], sides["seborrheic-keratosis"]]] = 0.5
    views = [replace(seen(i, n), probs=p) for i, p in enumerate((melanoma, keratosis), 1)]
    (part,) = make_document(case(taxonomy, *views, asked=None)).parts
    told = {block.question: block.disagreement for block in part.blocks}
    assert told == {
        "Epidermal: carcinoma or seborrheic keratosis?": None,
        "Melanocytic: melanoma or nevus?": words.views_disagree(1, 2),
    }


def test_the_overview_doubts_a_question_that_may_not_fit_a_lesion(taxonomy: Taxonomy) -> None:
    report = case(taxonomy, n=3, average=False, asked="epidermal")
    overview = make_document(report).overview
    assert overview is not None
    doubted = ["May not fit." in row[-1] for row in overview.rows]
    assert doubted == [image.tasks["epidermal"].region_probability < 0.5 for image in report.images]
    assert len(set(doubted)) == 2


def test_rates_in_a_table_say_on_which_images_they_were_counted(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    assert "(ratesonheld-outimages)" in text_of(case_pdf(report))
    tasks = {key: replace(task, measured_on=VALIDATION, held_out=False) for key, task in report.tasks.items()}
    assert "(ratesonvalidationimages)" in text_of(case_pdf(replace(report, tasks=tasks)))
    assert "rateson" not in text_of(case_pdf(case(taxonomy, decided=False)))
