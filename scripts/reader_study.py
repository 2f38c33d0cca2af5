"""Take a whole reader study in a real browser, by three scripted readers: from making it to its result.

`python scripts/reader_study.py MANIFEST --picture docs/screenshots/reader-study-light-1440.png > result.json`

The readers are a program and no people. They press keys; which image is on the screen they know from the records, and
whether they answer it rightly from a seed and from the sensitivity and specificity that are declared below. In the
second part they read what the screen says of the network, and follow it where it says otherwise as often as declared.
So the study tests the app; what it finds about readers is what was put in. The picture holds figures and numbers only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from derm_model.card import bundle_roots, find_bundles
from derm_model.data.manifest import read_manifest, write_manifest
from derm_model.reader_questions import StudyQuestion, study_question
from derm_model.reader_result.material import SCRIPT_PREFIX
from derm_model.records.engine import reading, records_engine
from derm_model.records.participants import find_participant, order_of
from derm_model.records.results import frozen_images
from derm_model.records.studies import list_studies
from derm_model.taxonomy import Taxonomy, read_crosswalk, read_taxonomy
from scripts.running_app import find_chromium, launch, running_app

QUESTION = "biopsy-melanocytic"  # the one the form begins with, and the paper's
TIMEOUT_MS = 120_000  # the first answer of the network waits for torch
WIDTH_PX, HEIGHT_PX = 1440, 900
SETTLE_MS = 1500
PICTURE_PX = 1660  # of the page in the picture: figure, numbers and the readers one by one
COLOURS = 256  # as in scripts/screenshots.py


@dataclass(frozen=True)
class ScriptedReader:
    """How a script behaves: rates without help, and how often it follows the network where that says otherwise."""

    code: str
    sensitivity: float
    specificity: float
    follows: float


READERS = (
    ScriptedReader(f"{SCRIPT_PREFIX}1", sensitivity=0.90, specificity=0.55, follows=0.5),
    ScriptedReader(f"{SCRIPT_PREFIX}2", sensitivity=0.78, specificity=0.72, follows=0.5),
    ScriptedReader(f"{SCRIPT_PREFIX}3", sensitivity=0.62, specificity=0.88, follows=0.5),
)


def main() -> int:
    """Take the study; 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, help="labelled images; only its test part, where it has one")
    parser.add_argument("--images", type=int, nargs=2, default=(40, 40), metavar="N", help="with and without disease")
    parser.add_argument("--seed", type=int, default=1, help="of the sample, the orders and the scripts")
    parser.add_argument("--bundles", type=Path, help="folder of model bundles, instead of the usual ones")
    parser.add_argument("--picture", type=Path, help="where the picture of the result goes")
    options = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        print("No Chromium was found. Install one, or name it in DERM_CHROMIUM.", file=sys.stderr)
        return 1
    expect.set_options(timeout=TIMEOUT_MS)
    taxonomy, bundles = read_taxonomy(), options.bundles or find_bundles(bundle_roots())[0].parent
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        home = Path(name)
        os.environ["DERM_HOME"], os.environ["DERM_DATA"] = str(home), str(home / "data")
        os.environ.pop("DERM_DATABASE_URL", None)  # never into anybody's records
        _offer(options.manifest, home / "data", taxonomy)
        browser = launch(playwright, executable)
        with running_app(home / "log.txt", bundles) as url:
            page = _open(browser, url)
            _make(page, options.images, options.seed)
            for number, reader in enumerate(READERS):
                _take(_open(browser, url), url, reader, taxonomy, options.seed + number)
            print(_result(page, url, options.picture))
        browser.close()
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _offer(manifest: Path, folder: Path, taxonomy: Taxonomy) -> None:
    """Put the images where the form offers them; training images have no place in a study."""
    records = read_manifest(manifest, taxonomy, read_crosswalk(taxonomy)).records
    test = [record for record in records if record.official_split == "test"]
    folder.mkdir(parents=True)
    write_manifest(folder / "manifest.csv", test or records)


def _open(browser: Browser, url: str) -> Page:
    """The page in a session of its own, as on another device."""
    context = browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, color_scheme="light")
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(url)  # a server whose first page is a deep link does not know the sections yet
    page.get_by_role("link", name="Reader study").click()
    expect(page.get_by_role("heading", name="Reader study")).to_be_visible()
    return page


def _make(page: Page, images: Sequence[int], seed: int) -> None:
    """Fill in the form for a new study with a second part."""
    question = study_question(QUESTION, read_taxonomy())
    page.get_by_role("textbox", name="Name").fill("Three scripted readers")
    page.get_by_role("textbox", name="Name").press("Tab")
    wanted = {choice.words: n for choice, n in zip(question.choices, images, strict=True)}
    for label, number in {**wanted, "Seed": seed}.items():
        box = page.get_by_role("spinbutton", name=label)
        box.fill(str(number))
        box.press("Tab")
    page.get_by_text("Second part with the network's answer").click()
    page.get_by_role("button", name="Make the study").click()
    expect(page.get_by_text("Made. Give readers the link.")).to_be_visible()
    _say("The study is made.")


def _take(page: Page, url: str, reader: ScriptedReader, taxonomy: Taxonomy, seed: int) -> None:
    """Join and answer every image of both parts by keyboard."""
    with reading(records_engine()) as session:
        (study,) = list_studies(session)
        truth = [image.node for image in frozen_images(session, study.study_id)]
    question = study_question(study.question, taxonomy)
    page.goto(f"{url}/readers?study={study.study_id}")
    page.get_by_role("textbox", name="Your code").fill(reader.code)
    page.get_by_role("textbox", name="Your code").press("Tab")
    page.get_by_role("combobox", name="Your experience").click()
    page.get_by_role("option", name="Other").click()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("button", name="Begin", exact=True).click()
    rng = np.random.default_rng(seed)
    own: dict[int, int] = {}
    for with_ai in (False, True):
        with reading(records_engine()) as session:
            person = find_participant(session, study.study_id, reader.code)
            assert person is not None  # it has just joined
            order = order_of(session, person.participant_id, with_ai=with_ai)
        for number, position in enumerate(order, start=1):
            part = "Part 2 of 2" if with_ai else "Part 1 of 2"
            expect(page.locator(".part")).to_contain_text(part)
            expect(page.locator(".label")).to_have_text(f"Image {number} of {len(order)}")
            expect(page.locator(".answers button").first).to_be_enabled()
            if with_ai:
                own[position] = _second(page, reader, question, own[position], rng)
            else:
                own[position] = _first(reader, question, question.truth(taxonomy, truth[position]), rng)
            page.wait_for_timeout(int(rng.gamma(4, 30)))  # a human hand takes a second or more; this only varies
            page.keyboard.press(str(own[position] + 1))
        _say(f"{reader.code} has answered {len(order)} images {'with' if with_ai else 'without'} the network.")
    expect(page.get_by_text(f"All {len(truth)} images are answered")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Your sensitivity").first).to_be_visible()
    page.context.close()


def _first(reader: ScriptedReader, question: StudyQuestion, right: str | None, rng: np.random.Generator) -> int:
    """Number of the answer without help: right as often as declared."""
    place = question.choice_ids.index(str(right))
    rate = reader.sensitivity if place == 0 else reader.specificity
    return place if rng.random() < rate else 1 - place


def _second(page: Page, reader: ScriptedReader, question: StudyQuestion, own: int, rng: np.random.Generator) -> int:
    """Number of the answer with help: the own one, or the network's where it is followed."""
    said = page.locator(".sentence").inner_text().removeprefix("The network: ")
    first = next(i for i, choice in enumerate(question.choices) if said.startswith(choice.words))
    return first if first != own and rng.random() < reader.follows else own


def _result(page: Page, url: str, picture: Path | None) -> str:
    """Close the study, ask the network, and return the result as JSON from the page's own download."""
    with reading(records_engine()) as session:
        (study,) = list_studies(session)
    page.goto(f"{url}/readers?study={study.study_id}")
    page.get_by_text("Readers", exact=True).first.click()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("Closed.").first).to_be_visible()
    page.get_by_text("Results", exact=True).first.click()
    page.get_by_role("button", name="Ask the network").click()
    expect(page.locator(".st-key-result_curve .js-plotly-plot")).to_be_visible()
    expect(page.get_by_text("went from wrong to right")).to_be_visible()
    if picture is not None:
        _shoot(page, picture)
    with page.expect_download() as download:
        page.get_by_role("button", name="Result (JSON)").click()
    return Path(download.value.path()).read_text(encoding="ascii")


def _shoot(page: Page, path: Path) -> None:
    """The upper part of the result: Streamlit scrolls inside, so the window is made as high as the content."""
    page.wait_for_timeout(SETTLE_MS)
    height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": WIDTH_PX, "height": height})
    page.wait_for_timeout(SETTLE_MS)
    assert page.locator("[data-testid=stMain] [data-testid=stImage]").count() == 0, "a picture of a data set is shown"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": WIDTH_PX, "height": min(height, PICTURE_PX)})
    with Image.open(path) as shot:
        shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    _say(f"{path}")


if __name__ == "__main__":
    sys.exit(main())
