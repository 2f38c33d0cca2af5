"""Take the README's pictures from the running app, of drawings and not of patients: `python scripts/screenshots.py`.

Both themes and three widths go into docs/screenshots; look at every picture before a release.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image, ImageFilter
from playwright.sync_api import Browser, Page, expect, sync_playwright

from derm_model.card import bundle_roots, find_bundles
from derm_model.data.drawings import draw_lesion
from derm_model.jobs import JobStore, runs_root
from scripts.running_app import ROOT, find_chromium, launch, running_app

TIMEOUT_MS = 120_000  # the first answer waits for torch
SETTLE_MS = 1200  # charts and images finish drawing
HEIGHT_PX = 900
MAX_HEIGHT_PX = 6000
DRAWING = 2  # the one that shows most: several colours and an uneven border
COLOURS = 256  # of a picture: a third of the bytes, and the eye sees no difference at this size
DATA_HEIGHT_PX = 1700  # of a step of the Data page: the gallery goes on below, and shows nothing new
CLASSES = {"Melanoma": 14, "Melanocytic nevus": 22, "Seborrheic keratosis": 12, "Basal cell carcinoma": 12}
COPIES = 3  # drawings that also lie in another part, re-encoded or mirrored
# tiny networks: their figures mean nothing, and they are trained in seconds
TINY = ("--preset=small-data", "--initialisation=random", "--set=architecture=tiny", "--fold=0", "--device=cpu")
RUNS = {
    "small-data, tiny": ("--stages", "80:6", "96:6"),
    "small-data, tiny, more dropout": ("--set=dropout=0.6", "--stages", "80:6", "96:6"),
}
QUESTION = "Melanocytic: melanoma or nevus?"
EVALUATE = "evaluate"
COLLECTION = {"data", "train"}  # pages that show a collection
CARD_HEIGHT_PX = 2400  # the rest of a long page shows more of the same
SIZES: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1440),
    ("dark", 1440),
    ("light", 1024),
    ("light", 390),
)


def main() -> int:
    """Take all pictures; 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="folder for the pictures")
    parser.add_argument("--only", choices=tuple(PAGES), nargs="+", help="these pages alone")
    parser.add_argument("--bundles", type=Path, help="folder of model bundles, instead of the usual ones")
    parser.add_argument("--home", type=Path, help="DERM_HOME with an evaluation of the model, for the page Evaluate")
    options = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        print("No Chromium was found. Install one, or name it in DERM_CHROMIUM.", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=TIMEOUT_MS)
    pages = [name for name in options.only or PAGES if name != EVALUATE]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright, executable)
        if pages:
            drawn = _make_collection(Path(folder), options.bundles) if {*pages} & COLLECTION else {}
            with running_app(Path(folder) / "log.txt", options.bundles, {"DERM_HOME": folder} | drawn) as url:
                _take_all(browser, url, options.out, pages)
        if options.home is not None and EVALUATE in (options.only or PAGES):
            with running_app(Path(folder) / "log.txt", options.bundles, {"DERM_HOME": str(options.home)}) as url:
                _take_all(browser, url, options.out, [EVALUATE])
        browser.close()
    return 0


def _take_all(browser: Browser, url: str, out: Path, pages: Iterable[str]) -> None:
    for (theme, width), name in product(SIZES, pages):
        context = browser.new_context(viewport={"width": width, "height": HEIGHT_PX}, color_scheme=theme)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)  # a server whose first page is a deep link does not know the sections yet
        expect(page.get_by_role("button", name=f"Use drawing {DRAWING}")).to_be_visible()
        for shown, most_px in PAGES[name](page, url):
            _shoot(page, out / f"{shown}-{theme}-{width}.png", width, most_px)
        context.close()


def _make_collection(folder: Path, bundles: Path | None) -> dict[str, str]:
    """Draw a data set, curate it by the commands, and return the environment that shows it."""
    root = folder / "data" / "drawings"
    root.mkdir(parents=True)
    rows = [row for name, n in CLASSES.items() for row in _draw_class(root, name, n)]
    for number, row in enumerate([row for row in rows if row["official_split"] == "test"][:COPIES]):
        copy = {**row, "image_id": f"copy-{number}", "file": f"copy-{number}.jpg", "official_split": "train"}
        with Image.open(root / row["file"]) as picture:
            turned = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number % 2 else picture
            turned.save(root / copy["file"], quality=70)
        rows.append({**copy, "lesion_id": "", "patient_id": ""})
    rows.append({**rows[0], "image_id": "lost", "file": "lost.jpg"})
    with (root / "drawings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    variables = {"DERM_HOME": str(folder / "home"), "DERM_DATA": str(folder / "data")}
    workspace = f"--workspace={folder / 'home' / 'curation' / 'drawings'}"
    bundle = find_bundles([bundles] if bundles else bundle_roots())[0]
    commands = (
        ["import", "csv", f"--root={root}", "--source=Drawings", "--modality=dermoscopic", workspace],
        ["curate", workspace, f"--bundle={bundle}"],
        ["split", workspace, "--folds=4"],
    )
    for command in commands:
        subprocess.run([sys.executable, "-m", "derm_model", *command], cwd=ROOT, env=os.environ | variables, check=True)
    store = JobStore(runs_root(folder / "home"))
    for title, options in RUNS.items():
        job = store.new(
            ["train", workspace, "--out={job}", f"--name={title}", *TINY, *options], title, {"kind": "train"}
        )
        worker = [sys.executable, "-m", "derm_model.jobs.worker", str(job.paths.folder)]
        subprocess.run(worker, cwd=ROOT, env=os.environ | variables, check=True)
    return variables


def _draw_class(root: Path, name: str, n: int) -> list[dict[str, str]]:
    """Draw a disease `n` times, every seventh out of focus, and invent what is known of each drawing."""
    rows = []
    for number in range(n):
        seed = 100 * list(CLASSES).index(name) + number
        image_id = f"{name.lower().replace(' ', '-')}-{number:02d}"
        picture = Image.fromarray(draw_lesion(seed, 480))
        if number % 7 == 3:
            picture = picture.filter(ImageFilter.GaussianBlur(6))
        picture.save(root / f"{image_id}.jpg", quality=92)
        rows.append(
            {
                "image_id": image_id,
                "file": f"{image_id}.jpg",
                "node": name,
                "lesion_id": f"{name} {2 * number // 3}",
                "patient_id": f"{name} {number // 2}",
                "confirmed_by": "histopathology" if number % 3 else "consensus",
                "official_split": "test" if number < n // 4 else "train",
                "fitzpatrick_type": str(1 + seed % 6),
                "age": str(30 + 5 * (seed % 11)),
                "sex": "female" if seed % 2 else "male",
            }
        )
    return rows


Shots = Iterator[tuple[str, int | None]]  # name of a picture that can be taken now, and how high it is at most


def _data(page: Page, url: str) -> Shots:
    """The steps of the Data page, and what the split doctor finds."""
    for step in ("import", "problems", "duplicates", "quality", "splits"):
        page.goto(f"{url}/dataset?workspace=drawings&step={step}")
        expect(page.locator(".st-key-step_state")).to_be_visible()
        if step == "duplicates":
            page.get_by_text("That join", exact=True).click()
            expect(page.get_by_text("one group now").first).to_be_visible()
        if step == "splits":
            page.get_by_text("Official split", exact=True).click()
            expect(page.get_by_text("Leaking groups, largest first")).to_be_visible()
        yield f"data-{step}", None if step == "splits" else DATA_HEIGHT_PX


def _train(page: Page, url: str) -> Shots:
    """The Train page with two finished runs, the newer one opened, both compared."""
    page.goto(f"{url}/train")
    expect(page.locator(".st-key-train_preview table")).to_be_visible()
    page.get_by_text("Curves and log").first.click()
    expect(page.locator(".st-key-run_list .js-plotly-plot")).to_have_count(5)
    for _ in RUNS:
        page.get_by_role("combobox", name="Runs").click()
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_text("At the end:")).to_be_visible()
    yield "train", None


def _classify(page: Page, url: str) -> Shots:
    """The states of Classify: begin, answer, side by side with the tree."""
    yield "classify-begin", None
    page.get_by_role("button", name=f"Use drawing {DRAWING}").click()
    expect(page.locator(".st-key-downloads button").last).to_be_visible()
    question = page.locator(".st-key-question input")
    question.fill(QUESTION)
    question.press("ArrowDown")
    question.press("Enter")
    expect(page.locator(".st-key-curve .js-plotly-plot")).to_be_visible()
    yield "classify-answer", None
    page.get_by_role("button", name="Side by side").click()
    page.get_by_text("Pick any node of the taxonomy").click()
    expect(page.locator(".st-key-tree .js-plotly-plot")).to_be_visible()
    yield "classify-tree", None


def _saliency(page: Page, url: str) -> Shots:
    """Maps by three methods, side by side."""
    page.goto(f"{url}/saliency")
    page.get_by_role("button", name=f"Use drawing {DRAWING}").click()
    expect(page.get_by_text("Can it be believed").first).to_be_visible()
    expect(page.get_by_text("At work")).to_have_count(0)
    expect(page.get_by_role("button", name="Test", exact=False).first).to_be_visible()
    yield "saliency", CARD_HEIGHT_PX


def _threshold(page: Page, url: str) -> Shots:
    """The desk at a threshold, in a clinic where one lesion of fifty is a melanoma."""
    page.goto(f"{url}/threshold?question=melanocytic&threshold=0.4&prevalence=0.02")
    expect(page.get_by_text("The address of this page").first).to_be_visible()
    yield "threshold", None


def _model(page: Page, url: str) -> Shots:
    """The card of the model."""
    page.goto(f"{url}/model")
    expect(page.get_by_text("Intended use").first).to_be_visible()
    yield "model", CARD_HEIGHT_PX


def _evaluate(page: Page, url: str) -> Shots:
    """The sections without pictures: images of people are nothing for a README."""
    for section in ("questions", "calibration"):
        page.goto(f"{url}/evaluate?section={section}")
        expect(page.locator(f".st-key-section_{section} .js-plotly-plot").first).to_be_visible()
        yield f"evaluate-{section}", CARD_HEIGHT_PX


PAGES: dict[str, Callable[[Page, str], Shots]] = {
    "classify": _classify,
    "threshold": _threshold,
    "saliency": _saliency,
    "data": _data,
    "train": _train,
    EVALUATE: _evaluate,
    "model": _model,
}


def _shoot(page: Page, path: Path, width: int, most_px: int | None = None) -> None:
    """The whole page or its upper part: Streamlit scrolls inside, so the window is made as high as the content."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(SETTLE_MS)
    height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": width, "height": min(most_px or MAX_HEIGHT_PX, max(HEIGHT_PX, height))})
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop = 0")
    page.wait_for_timeout(SETTLE_MS // 4)
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    page.set_viewport_size({"width": width, "height": HEIGHT_PX})
    print(path)


if __name__ == "__main__":
    sys.exit(main())
