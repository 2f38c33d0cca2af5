"""The Data page in a real browser: the whole flow on drawn images, with real jobs, and what only a browser can show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from derm_model.data.drawings import draw_lesion
from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, expect_no_sideways_scroll

JOB_TIMEOUT_MS = 180_000  # three jobs that import torch, on a busy machine
CLASSES = {"Melanoma": 6, "Melanocytic nevus": 8, "Seborrheic keratosis": 6}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with one data set, a folder per class below train and test; one drawing lies in both, re-encoded."""
    root = tmp_path_factory.mktemp("data") / "drawn"
    seed = 0
    for name, n in CLASSES.items():
        for i in range(n):
            seed += 1
            path = root / ("test" if i == 0 else "train") / name / f"drawing_{seed:02d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_lesion(seed, 320)).save(path, quality=90)
    first = next((root / "test" / "Melanoma").iterdir())
    with Image.open(first) as picture:
        picture.save(root / "train" / "Melanoma" / "again.jpg", quality=70)
    (root / "train" / "No such disease").mkdir()
    shutil.copy(first, root / "train" / "No such disease" / "odd.jpg")
    return root.parent


@pytest.fixture(scope="module")
def data_url(
    browser: Browser, tiny_bundle: Path, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server with an empty home and one folder it may import from."""
    home = tmp_path_factory.mktemp("home")
    variables = {"DERM_HOME": str(home), "DERM_DATA": str(data_folder)}
    with running_app(home / "log.txt", tiny_bundle.parent, variables) as url:
        yield url


def press_option(page: Page, name: str) -> None:
    """One option of a segmented control."""
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def choose(page: Page, label: str, text: str) -> None:
    box = page.get_by_role("combobox", name=label)
    box.fill(text)
    box.press("Enter")


def step(page: Page, name: str) -> None:
    press_option(page, name)
    expect(page.locator(".st-key-step_state")).to_contain_text(f"{name}:")


def wait_for_job(page: Page, title: str) -> None:
    """Until the newest job is this one and has finished."""
    card = page.locator(".st-key-jobs").get_by_test_id("stVerticalBlock").filter(has_text=title).first
    expect(card).to_contain_text("Finished", timeout=JOB_TIMEOUT_MS)


@pytest.mark.slow
def test_the_whole_flow_from_a_folder_to_splits_and_leaks(
    open_page: OpenPage, data_url: str, data_folder: Path
) -> None:
    page = open_page("/dataset", url=data_url, ready="Begin with a workspace")
    page.get_by_label("Name of the new workspace").fill("drawn")
    page.get_by_role("button", name="Make workspace").click()

    expect(page.locator(".st-key-step_state")).to_contain_text("no images yet")
    choose(page, "Data set", "One folder per class")
    choose(page, "Folder on the server", "/etc")
    page.get_by_role("button", name="Import One folder per class").click()
    expect(page.get_by_text("The import was not started.")).to_be_visible()
    choose(page, "Folder on the server", str(data_folder / "drawn"))
    page.get_by_role("button", name="Import One folder per class").click()
    wait_for_job(page, "Import of One folder per class")
    expect(page.locator(".st-key-step_state")).to_contain_text("21 images from 1 data set")

    step(page, "Problems")
    expect(page.get_by_text("Left out").first).to_be_visible()
    expect(page.get_by_text("No such disease").first).to_be_visible()

    step(page, "Duplicates")
    page.get_by_role("button", name="Search for duplicates").click()
    wait_for_job(page, "Search for duplicates")
    press_option(page, "Fine structure")
    press_option(page, "That join")
    expect(page.get_by_text("one group now").first).to_be_visible()
    page.locator(".st-key-pairs_tools").wait_for()
    page.keyboard.press("d")  # by keyboard: these two are different after all
    expect(page.get_by_text("Do not belong together").nth(1)).to_be_visible()
    expect(page.get_by_text("apart now").first).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("one group now").first).to_be_visible()

    step(page, "Quality")
    expect(page.locator(".st-key-step_state")).to_contain_text("all images measured")

    step(page, "Splits")
    page.get_by_role("spinbutton", name="Folds", exact=True).fill("3")
    page.get_by_role("button", name="Make the splits").click()
    wait_for_job(page, "Making of splits")
    expect(page.get_by_text("No group lies in two parts or in two folds")).to_be_visible()
    press_option(page, "Official split")
    expect(page.get_by_text("Leaking groups, largest first")).to_be_visible()
    expect(page.get_by_text("1 in test, 1 in train")).to_be_visible()

    address = page.url  # a closed tab comes back to workspace and step
    again = open_page(address.removeprefix(data_url), url=data_url, ready="Split doctor")
    expect(again.locator(".st-key-step_state")).to_contain_text("made from what is shown here")


@pytest.mark.parametrize("name", ["import", "problems", "duplicates", "quality", "splits"])
def test_no_step_scrolls_sideways_at_390_px(open_page: OpenPage, data_url: str, name: str) -> None:
    page = open_page(f"/dataset?workspace=drawn&step={name}", width=NARROW_PX, url=data_url, ready="Workspace")
    expect(page.locator(".st-key-step_state")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect_no_sideways_scroll(page)
